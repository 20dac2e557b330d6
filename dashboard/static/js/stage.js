// One state of the sale, shown large: icon, word, shape, colour, and one next action.
import { say } from "./texts.js";

// Each action: the name of its text, its key, and what it does.
const NEXT = ["next_sale", "enter", "dismiss"];
const QR = ["show_qr", "Q", "qr"];
const GIVE_UP = ["cancel_sale", "esc", "cancel"];
const LOOKS = {
  tip: { icon: "heart", main: ["no_tip", "enter", "no-tip"], other: ["to_amount", "esc", "to-amount"] },
  ready: { icon: "tap", extra: QR, other: ["cancel", "esc", "cancel"] },
  qr: { icon: "qr", extra: ["hide_qr", "Q", "hide-qr"], other: GIVE_UP },
  reading: { icon: "reading" },
  authorising: { icon: "hand" },
  approved: { icon: "check", main: NEXT },
  declined: { icon: "cross", extra: QR, other: GIVE_UP },
  pin: { icon: "key", main: ["ok", "enter", "pin"], other: GIVE_UP },
  checking: { icon: "hourglass" },
  cancelled: { icon: "dash", main: ["to_amount", "enter", "dismiss"] },
  blocked: { icon: "alert" },
};
// What a refusal's keys are, by what helps: never the same card where that one cannot pay.
const CHANGE = "change_amount";
const HELPS = {
  again: { main: ["try_again", "enter", "again"] },
  "other-card": { main: ["other_card", "enter", "again"] },
  less: { main: ["other_card", "enter", "again"], other: [CHANGE, "esc", "amount"] },
  amount: { main: [CHANGE, "enter", "amount"] },
  card: { main: ["use_card", "enter", "again"] },
};
const KEYS = { Enter: "main", Escape: "other", q: "extra", Q: "extra" };
const PLACES = ["main", "extra", "other"];

const $ = (id) => document.getElementById(id);

export class Stage {
  #act;
  #actions = {};

  /** `act(name)` is called with the third word of an action. */
  constructor(act) {
    this.#act = act;
    for (const place of PLACES) $(`stage-${place}`).addEventListener("click", () => this.#do(place));
    addEventListener("resize", () => this.#reach());
  }

  /** Show a view: `{state, help, says, do, more, amount, unit, also, tip, note, leaves_in_ms, qr, down}`. */
  show(view) {
    const look = { ...LOOKS[view.state], ...(view.state === "declined" && HELPS[view.help ?? "again"]) };
    $("stage").dataset.state = view.state;
    $("stage").toggleAttribute("data-down", Boolean(view.down));
    const icon = $("stage-icon");
    icon.setAttribute("href", icon.getAttribute("href").replace(/#.*/, `#${view.down ? "alert" : look.icon}`));
    $("stage-says").textContent = view.says;
    $("stage-do").textContent = view.do;
    $("stage-more").textContent = view.more ?? "";
    $("stage-fiat").textContent = view.also ?? "";
    $("stage-tip").textContent = view.tip ? say("tip_within", view) : "";
    $("stage-note").textContent = view.note ?? "";
    this.#amount(view.amount, view.unit);
    for (const place of PLACES) this.#button(place, look[place]);
    this.#timer(view.leaves_in_ms ?? view.qr?.left_ms);
    $("stage").hidden = false;
    this.#reach();
  }

  hide() {
    $("stage").hidden = true;
    this.#actions = {};
  }

  /** Take a key; false when it means nothing here. Esc is the only action where there is one. */
  key(name) {
    const place = KEYS[name];
    if (!place) return false;
    this.#do(name === "Escape" && !this.#actions.other ? "main" : place);
    return true;
  }

  /** Never on the other actions: an Enter that nobody meant must not cancel a sale. */
  focus() {
    const place = $("stage-main").hidden ? $("stage") : $("stage-main");
    place.focus({ preventScroll: true });
  }

  /** Words about what just happened, until the next state. */
  tell(text) {
    $("stage-more").textContent = text;
  }

  /** Words that do not fit are scrolled, by the keyboard too. */
  #reach() {
    const body = $("stage-body");
    if (body.scrollHeight > body.clientHeight) body.tabIndex = 0;
    else body.removeAttribute("tabindex");
  }

  #do(place) {
    if (this.#actions[place]) this.#act(this.#actions[place]);
  }

  #button(place, action) {
    const button = $(`stage-${place}`);
    button.hidden = !action;
    button.disabled = false;
    this.#actions[place] = action?.[2];
    if (!action) return;
    const key = document.createElement("kbd");
    key.textContent = action[1] === "Q" ? "Q" : say(action[1]);
    button.replaceChildren(say(action[0]), key);
  }

  #amount(text, word) {
    const place = $("stage-amount");
    place.hidden = !text;
    if (!text) return;
    const unit = document.createElement("span");
    unit.className = "unit";
    unit.textContent = word;
    place.classList.toggle("long", text.length > 7);
    place.replaceChildren(text, " ", unit);
  }

  #timer(ms) {
    const old = $("stage-timer");
    const bar = old.cloneNode(); // a new node starts its animation anew
    bar.hidden = !ms || !["approved", "qr"].includes($("stage").dataset.state);
    bar.style.animationDuration = `${ms ?? 0}ms`;
    old.replaceWith(bar);
  }
}
