// The PIN pad: the holder types on the till's screen. Digits live in this object alone: never in an
// address, in storage, or as text on the page.

import { say } from "./texts.js";

const MIN = 4;
const MAX = 12;

const $ = (id) => document.getElementById(id);

export class PinPad {
  #pin = "";
  #asked = null; // the question it answers; another one begins with an empty pad
  #submit;

  /** `submit(pin)` is called with the digits once they are entered. */
  constructor(submit) {
    this.#submit = submit;
    $("pinpad").addEventListener("click", (event) => {
      const key = event.target.closest("[data-pin]")?.dataset.pin;
      if (key) this.press(key);
    });
    // A touched key must not take the focus: Enter would press it again.
    $("pinpad").addEventListener("pointerdown", (event) => event.preventDefault());
  }

  get open() {
    return !$("pinpad").hidden;
  }

  /** Ask for a PIN; `question` tells one asking from the next. */
  show(question) {
    if (this.#asked !== question) this.#pin = "";
    this.#asked = question;
    $("pinpad").hidden = false;
    this.#draw();
  }

  hide() {
    this.#pin = "";
    this.#asked = null;
    $("pinpad").hidden = true;
    this.#draw();
  }

  /** Not on a button: Enter must mean OK, whatever was touched before. */
  focus() {
    $("pinpad").focus({ preventScroll: true });
  }

  /** Take a digit, `back` or `clear`. */
  press(key) {
    if (/^\d$/.test(key) && this.#pin.length < MAX) this.#pin += key;
    if (key === "back") this.#pin = this.#pin.slice(0, -1);
    if (key === "clear") this.#pin = "";
    this.#draw();
  }

  /** Take a key of a keyboard; false when it is none of the pad's. */
  typed(name) {
    const key = { Backspace: "back", Delete: "clear" }[name] ?? (/^\d$/.test(name) ? name : null);
    if (!this.open || !key) return false;
    this.press(key);
    return true;
  }

  enter() {
    if (this.#pin.length < MIN) return;
    const pin = this.#pin;
    this.#pin = "";
    this.#draw();
    this.#submit(pin);
  }

  #draw() {
    const dots = $("pin-dots");
    const count = this.#pin.length;
    dots.replaceChildren(
      ...Array.from({ length: Math.max(MIN, count) }, (_, n) => {
        const dot = document.createElement("i");
        dot.className = n < count ? "filled" : "";
        return dot;
      }),
    );
    $("pin-count").textContent = say("pin_count", { count, least: MIN });
    $("stage-main").toggleAttribute("disabled", this.open && count < MIN);
  }
}
