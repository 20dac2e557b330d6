// The till: amount → charge → one clear answer. The server's state is the only truth; this page
// shows it, and asks for it again after every doubt.
import { get, post } from "./api.js";
import { lostDots, showDots } from "./dots.js";
import { Entry } from "./entry.js";
import { keepIcons } from "./icons.js";
import { showLate } from "./late.js";
import { listen } from "./live.js";
import { PinPad } from "./pinpad.js";
import { Code } from "./qr.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";
import { say } from "./texts.js";
import { Tips } from "./tips.js";

const $ = (id) => document.getElementById(id);
const root = $("till");
const url = root.dataset;

const sound = new Sound();
const stage = new Stage(act);
const pinpad = new PinPad((pin) => send(url.pinUrl, { sale_id: server.sale?.sale_id, pin }));
const entry = new Entry({ hinted: () => sound.play("hint") });
const tips = new Tips((tip) => (tip === "own" ? ask("own") : charge(tip)));
const code = new Code({ image: (id) => url.qrImage.replace("SALE", id), tell: announce });

let server = JSON.parse(url.state);
let left = null; // the sale whose last screen was left by the person or by its time
let shown = null; // what the screen shows, to tell a change from a repetition
let asked = null; // the tip, between "Charge" and the armed reader: "choose" or "own"
let busy = null; // what was asked of the host, until it has answered
let waits = false; // whether something stands in line behind it
let leaving;
let deaf = 0; // until when an Enter is not taken for a charge

// What to show ---------------------------------------------------------------------------------

/** The server's state, except that a finished sale may have been left and the dots are newer. */
function view() {
  const { state, sale, dots } = server;
  const down = dots.filter((dot) => !dot.ok);
  if (sale && sale.sale_id !== left) {
    return { ...sale, ...troubled(sale, state, down), state: sale.qr ? "qr" : sale.pin ? "pin" : state };
  }
  if (down.length) return blocked(down);
  if (server.barred) return { state: "blocked", ...server.barred };
  if (asked !== "choose") return { state: "idle" };
  const { unit, total } = entry;
  return { state: "tip", says: say("tip_says"), do: say("tip_do"), amount: unit.digits(total), unit: unit.word };
}

/** What a sale's screen must not go on saying while something that it needs is away. */
function troubled(sale, state, down) {
  if (!down.length || OVER.has(state)) return {};
  const { says } = blocked(down);
  if (server.lost) return { says: say("unreachable"), do: say("lost_do"), more: says, down: true };
  if (state !== "ready") return {};
  const reader = !sale.qr && down.some(({ name }) => name === "reader");
  return reader ? { says, do: say("reader_do"), more: "", down: true } : { more: says };
}

function blocked(down) {
  const parts = down.map((dot) => dot.label).join(", ");
  const words = [...new Set(down.map(({ label, words }) => say("part_words", { part: label, words })))];
  const same = down.length > 1 && down.every((dot) => dot.words === down[0].words);
  return {
    state: "blocked",
    says: say("not_available", { parts }),
    do: say("cannot_charge"),
    more: same ? down[0].words : words.join("\n"),
  };
}

function render({ silent = false } = {}) {
  showLate(server.late);
  entry.setRate(server.rate);
  if (server.sale && server.sale.sale_id !== left) asked = null;
  const now = view();
  const key = JSON.stringify([now.state, now.sale_id, now.code, now.says, now.more, now.do, now.since, asked]);
  if (key === shown) return;
  shown = key;
  clearTimeout(leaving);
  if (now.state === "approved") entry.clear();
  if (now.state === "cancelled") entry.keep();
  const idle = now.state === "idle";
  entry.show(idle);
  entry.askTip(idle && asked === "own");
  if (idle) stage.hide();
  else stage.show(now);
  parts(now, key);
  if (now.leaves_in_ms != null) leaving = setTimeout(fade, now.leaves_in_ms, now.sale_id);
  if (!silent) {
    sound.play(now.state);
    announce(idle ? say("enter_amount") : spoken(now.says, now.amount && `${now.amount} ${now.unit}`, now.do, now.more));
  }
  focus();
}

/** What a state has beside its words. */
function parts(now, key) {
  if (now.state === "pin") pinpad.show(key);
  else pinpad.hide();
  if (now.state === "qr") code.show(now.sale_id, now.qr.invoice);
  else code.hide();
  if (now.state === "tip") tips.show(server.tips, entry.total, entry.unit);
  else tips.hide();
}

function focus() {
  if (document.querySelector("dialog[open]")) return; // it gives the focus back itself
  if (entry.open) entry.focus();
  else if (pinpad.open) pinpad.focus();
  else stage.focus();
}

function announce(text) {
  $("announce").textContent = text;
}

/** The texts as sentences, each with one full stop, whether it had its own or not. */
function spoken(...texts) {
  const lines = texts.flatMap((text) => (text ? text.split("\n") : []));
  return lines.map((line) => (/[.!?…]$/.test(line) ? line : `${line}.`)).join(" ");
}

/** Take a newer state; an older one, overtaken on its way, is dropped. */
function take(state) {
  if (state.event_id < server.event_id) return;
  server = state;
  document.dispatchEvent(new CustomEvent("till", { detail: state })); // for what stands around it
  showDots(server.dots);
  render();
}

function leave(saleId) {
  left = saleId;
  render();
}

/** A finished screen goes by itself: an Enter that was meant for it must not charge again. */
function fade(saleId) {
  deaf = performance.now() + DEAF_MS;
  leave(saleId);
}

function ask(what) {
  asked = what;
  render();
}

// What people do -------------------------------------------------------------------------------

/** Ask the host for something. The same thing twice is one; another thing waits its turn, so that
 * a "Cancel" right after "Charge" is never lost. */
async function send(address, data) {
  if (busy?.address === address || waits) return;
  if (busy) {
    waits = true;
    await busy.done;
    waits = false;
  }
  let done;
  busy = { address, done: new Promise((end) => (done = end)) };
  root.setAttribute("aria-busy", "true");
  try {
    take(await post(address, data));
  } catch (problem) {
    asked = null; // what was refused is said beside the amount
    await get(url.stateUrl).then(take, lost);
    render();
    const words = spoken(problem.says, problem.do);
    if (entry.open) entry.hint(words, { strong: true });
    else if (["ready", "qr", "declined", "pin"].includes(view().state)) stage.tell(words);
  } finally {
    busy = null;
    done();
    root.removeAttribute("aria-busy");
  }
}

function act(name) {
  if (name === "pin") return pinpad.enter();
  if (name === "dismiss") return leave(server.sale?.sale_id ?? null);
  if (name === "no-tip") return charge(0);
  if (name === "to-amount") return ask(null);
  if (name === "amount") return changeAmount();
  const addresses = { again: url.againUrl, cancel: url.cancelUrl, qr: url.qrUrl, "hide-qr": url.hideQrUrl };
  return send(addresses[name], { sale_id: server.sale?.sale_id });
}

/** Give the sale up, and go straight to its amount, which nobody charges by an Enter too many. */
async function changeAmount() {
  await send(url.cancelUrl, { sale_id: server.sale?.sale_id });
  if (server.state === "cancelled") fade(server.sale.sale_id);
}

/** Charge what is keyed in, once the holder was asked for a tip. */
function charge(tip) {
  if (!entry.total) return entry.hint(say("enter_first"), { strong: true });
  if (tip === undefined && server.tips) return ask("choose");
  return send(url.chargeUrl, { ...entry.bill, tip: tip ?? 0 });
}

/** Enter and the large key: the amount, or the tip that was typed. */
const confirm = () => (asked === "own" ? charge(entry.tip) : charge());

// Keys and touches -----------------------------------------------------------------------------

const DEAF_MS = 1500;
const OVER = new Set(["approved", "cancelled"]); // the next sale may begin on their screens
const KEYS = { Backspace: "back", Delete: "C", Escape: "CC" };

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  if (document.querySelector("dialog[open]") || event.target.closest?.("input:not([readonly]), textarea, select")) return;
  if (event.key === "Escape" && document.querySelector("details.menu[open]")) return; // closes it
  const onControl = event.target.closest?.("a, button, summary");
  if (event.key === "Enter" && onControl && onControl !== $("charge")) return; // its own click
  const taken = entry.open ? typedAmount(event) : typedOnStage(event);
  if (taken) event.preventDefault();
}

function typedOnStage({ key, repeat }) {
  if (pinpad.typed(key) || tips.typed(key)) return true;
  if (/^\d$/.test(key) && OVER.has(view().state)) {
    leave(server.sale.sale_id);
    if (entry.open) entry.press(key);
    return true;
  }
  return repeat ? key === "Enter" : stage.key(key);
}

function typedAmount({ key, repeat }) {
  if (asked === "own" && key === "Escape") return ask("choose"), true;
  if (key === "*") return entry.switchUnit(), true;
  if (key === "/") return entry.editNote(), true;
  const press = KEYS[key] ?? (/^[0-9.,+]$/.test(key) ? key : null);
  if (press) {
    deaf = 0; // an amount is being typed: its Enter is meant
    entry.press(press);
    flash(press === "," ? "." : press);
  } else if (key === "Enter" && !repeat && performance.now() >= deaf) confirm();
  return Boolean(press) || key === "Enter";
}

function flash(key) {
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  button?.classList.add("pressed");
  setTimeout(() => button?.classList.remove("pressed"), 120);
}

$("keypad").addEventListener("click", (event) => {
  const key = event.target.closest("[data-key]");
  if (key) entry.press(key.dataset.key);
});
// A touched key must not take the focus: Enter would then press it again instead of charging.
for (const kind of ["pointerdown", "mousedown"]) $("keypad").addEventListener(kind, (event) => event.preventDefault());
// The second click of a double click was meant for the screen of the first.
let began;
function clicked(event) {
  if (event.detail < 2) began = shown;
  else if (began !== shown) {
    event.preventDefault();
    event.stopPropagation();
  }
}
root.addEventListener("click", clicked, { capture: true });
$("late-noted").addEventListener("click", () => send(url.lateUrl, { sale_id: server.late[0]?.sale_id }));
$("charge").addEventListener("click", confirm);
document.addEventListener("keydown", typed);

// Live -----------------------------------------------------------------------------------------

const LOOK_MS = 2000;
let looking;

function lost() {
  root.dataset.live = "no";
  server = { ...server, dots: lostDots(), lost: true };
  showDots(server.dots);
  render();
  clearTimeout(looking); // a stream that is still open may have nothing to say for long
  looking = setTimeout(() => server.lost && get(url.stateUrl).then(take, lost), LOOK_MS);
}

function cardSeen({ state }) {
  if (state === "idle" && entry.open) entry.hint(say("card_seen"), { strong: true });
  if (state !== "qr" || view().state !== "qr") return;
  stage.tell(say("card_beside_qr"));
  announce(say("card_beside_qr"));
  sound.play("hint");
}

render({ silent: true });
keepIcons().catch(() => {}); // they stay where they are
listen({
  url: url.liveUrl,
  topics: "till",
  after: server.event_id,
  on: {
    till: take,
    dots: (dots) => {
      root.dataset.live = "yes"; // the first message of every stream
      take({ ...server, dots, lost: false });
    },
    offer: (offer) => take({ ...server, ...offer }),
    "card-seen": cardSeen,
  },
  poll: () => get(url.stateUrl).then(take),
  lost,
});
// Without a worker (a browser that forbids it) the till is only without its page for no connection.
navigator.serviceWorker?.register(url.worker).catch(console.info);
