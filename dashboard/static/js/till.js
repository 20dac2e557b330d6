// The till: amount → charge → one clear answer. The server's state is the only truth; this page
// shows it, and asks for it again after every doubt.
import { get, post } from "./api.js";
import { Amount, grouped } from "./amount.js";
import { lostDots, showDots } from "./dots.js";
import { listen } from "./live.js";
import { PinPad } from "./pinpad.js";
import { fiatOf, showLate } from "./extras.js";
import { Sound } from "./sound.js";
import { Stage } from "./stage.js";

const $ = (id) => document.getElementById(id);
const root = $("till");
const url = root.dataset;
const KEEP = "taptill.amount";
const HINT_MS = 4000;

const sound = new Sound($("sound"));
const stage = new Stage(url.icons, act);
const pinpad = new PinPad((pin) => send(url.pinUrl, { sale_id: server.sale?.sale_id, pin }));
const amount = Amount.load(sessionStorage, KEEP);

let server = JSON.parse(url.state);
let left = null; // the sale whose last screen was left by the person or by its time
let shown = null; // what the screen shows, to tell a change from a repetition
let busy = false;
let leaving;
let hinting;

// What to show ---------------------------------------------------------------------------------

/** The server's state, except that a finished sale may have been left and the dots are newer. */
function view() {
  const { state, sale, dots } = server;
  if (sale && sale.sale_id !== left) return { state: sale.pin ? "pin" : state, ...sale };
  const down = dots.filter((dot) => !dot.ok);
  if (!down.length) return server.lent ? { state: "blocked", ...server.lent } : { state: "idle" };
  const names = down.map((dot) => dot.label).join(", ");
  const words = [...new Set(down.map((dot) => `${dot.label}: ${dot.words}`))];
  const same = down.length > 1 && down.every((dot) => dot.words === down[0].words);
  return {
    state: "blocked",
    says: `${names} not available`,
    do: "The till cannot charge now.",
    more: same ? down[0].words : words.join("\n"),
  };
}

function render({ silent = false } = {}) {
  const now = view();
  showLate(server.late);
  showFiat();
  const key = JSON.stringify([now.state, now.sale_id, now.code, now.says, now.more, now.do, now.since]);
  if (key === shown) return;
  shown = key;
  clearTimeout(leaving);
  if (now.state === "approved" && amount.total) {
    amount.clear();
    changed();
  }
  if (now.state === "cancelled") {
    amount.kept = true;
    changed();
  }
  const idle = now.state === "idle";
  $("entry").hidden = !idle;
  if (idle) stage.hide();
  else stage.show(now);
  if (now.state === "pin") pinpad.show(key);
  else pinpad.hide();
  if (now.leaves_in_ms != null) leaving = setTimeout(leave, now.leaves_in_ms, now.sale_id);
  if (!silent) {
    sound.play(now.state);
    const what = [now.says, now.amount && `${now.amount} sats`, now.do, now.more];
    $("announce").textContent = idle ? "Enter the amount." : spoken(...what);
  }
  if (idle) $("amount").focus({ preventScroll: true });
  else if (pinpad.open) pinpad.focus();
  else stage.focus();
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

// What people do -------------------------------------------------------------------------------

async function send(address, data) {
  if (busy) return;
  busy = true;
  root.setAttribute("aria-busy", "true");
  try {
    take(await post(address, data));
  } catch (problem) {
    await get(url.stateUrl).then(take, lost);
    // Another screen than the keypad has its own words by now.
    if (!$("entry").hidden) hint(spoken(problem.says, problem.do), { strong: true });
  } finally {
    busy = false;
    root.removeAttribute("aria-busy");
  }
}

function act(name) {
  if (name === "pin") return pinpad.enter();
  if (name === "dismiss") return leave(server.sale?.sale_id ?? null);
  const sale = { sale_id: server.sale?.sale_id };
  return send(name === "again" ? url.againUrl : url.cancelUrl, sale);
}

function charge() {
  if (amount.total) return send(url.chargeUrl, { amount_sat: amount.total });
  return hint("Enter an amount first", { strong: true });
}

function press(key) {
  const refused = amount.press(key);
  hint(refused, { strong: Boolean(refused) });
  changed();
}

function changed() {
  amount.save(sessionStorage, KEEP);
  const text = grouped(amount.total);
  $("amount-text").textContent = text;
  $("amount").classList.toggle("long", text.length > 7);
  $("amount").classList.toggle("zero", !amount.total);
  const items = document.createElement("bdi");
  items.textContent = amount.sum;
  $("items").replaceChildren(items);
  $("charge-text").textContent = amount.total ? `Charge ${text} sats` : "Charge";
  $("charge").disabled = !amount.total;
  showFiat();
}

function showFiat() {
  const { text, old, title } = fiatOf(amount.total, server.rate);
  $("fiat").textContent = text;
  $("fiat").title = title;
  $("fiat").classList.toggle("old", old);
}

function hint(text, { strong = false } = {}) {
  clearTimeout(hinting);
  $("hint").textContent = text;
  $("hint").classList.toggle("strong", strong);
  if (!text) return;
  if (strong) sound.play("hint");
  hinting = setTimeout(() => hint(""), HINT_MS);
}

// Keys and touches -----------------------------------------------------------------------------

const OVER = new Set(["approved", "cancelled"]); // the next sale may begin on their screens
const KEYS = { Backspace: "back", Delete: "C", Escape: "CC" };

function typed(event) {
  if (event.ctrlKey || event.metaKey || event.altKey) return;
  const onControl = event.target.closest?.("a, button, input, select");
  if (event.key === "Enter" && onControl && onControl !== $("charge")) return; // its own click
  if (!$("stage").hidden) {
    if (pinpad.typed(event.key)) return event.preventDefault();
    if (/^\d$/.test(event.key) && OVER.has(view().state)) {
      event.preventDefault();
      leave(server.sale.sale_id);
      if (!$("entry").hidden) press(event.key);
      return;
    }
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    if (!event.repeat) stage.key(event.key);
    return;
  }
  const key = KEYS[event.key] ?? (/^[0-9.,+]$/.test(event.key) ? event.key : null);
  if (key) {
    event.preventDefault();
    press(key);
    flash(key);
  } else if (event.key === "Enter") {
    event.preventDefault();
    if (!event.repeat) charge();
  }
}

function flash(key) {
  const button = document.querySelector(`[data-key="${CSS.escape(key)}"]`);
  button?.classList.add("pressed");
  setTimeout(() => button?.classList.remove("pressed"), 120);
}

$("keypad").addEventListener("click", (event) => {
  const key = event.target.closest("[data-key]");
  if (key) press(key.dataset.key);
});
// A touched key must not take the focus: Enter would then press it again instead of charging.
$("keypad").addEventListener("pointerdown", (event) => event.preventDefault());
$("keypad").addEventListener("mousedown", (event) => event.preventDefault());
$("late-noted").addEventListener("click", () => send(url.lateUrl, { sale_id: server.late[0]?.sale_id }));
$("charge").addEventListener("click", charge);
document.addEventListener("keydown", typed);

// Live -----------------------------------------------------------------------------------------

function lost() {
  root.dataset.live = "no";
  server = { ...server, dots: lostDots() };
  showDots(server.dots);
  render();
}

function cardSeen({ state }) {
  if (state === "idle" && !$("entry").hidden) hint("Card seen: confirm the amount first", { strong: true });
}

changed();
render({ silent: true });
listen({
  url: url.liveUrl,
  topics: "till",
  after: server.event_id,
  on: {
    till: take,
    dots: (dots) => {
      root.dataset.live = "yes"; // the first message of every stream
      take({ ...server, dots });
    },
    "card-seen": cardSeen,
  },
  poll: () => get(url.stateUrl).then(take),
  lost,
});
