// One state of the sale, shown large: icon, word, shape, colour, and one next action.

const LOOKS = {
  ready: { icon: "tap", other: ["Cancel", "Esc", "cancel"] },
  reading: { icon: "reading" },
  authorising: { icon: "hand" },
  approved: { icon: "check", main: ["Next sale", "Enter", "dismiss"] },
  declined: { icon: "cross", main: ["Try again", "Enter", "again"], other: ["Cancel sale", "Esc", "cancel"] },
  pin: { icon: "key", main: ["OK", "Enter", "pin"], other: ["Cancel sale", "Esc", "cancel"] },
  checking: { icon: "hourglass" },
  cancelled: { icon: "dash", main: ["Back to the amount", "Enter", "dismiss"] },
  blocked: { icon: "alert" },
};

const $ = (id) => document.getElementById(id);

export class Stage {
  #icons;
  #act;
  #actions = {};

  /** `act(name)` is called with cancel, again or dismiss. */
  constructor(icons, act) {
    this.#icons = icons;
    this.#act = act;
    for (const place of ["main", "other"]) {
      $(`stage-${place}`).addEventListener("click", () => this.#do(place));
    }
  }

  /** Show a view: `{state, says, do, more, amount, fiat, leaves_in_ms}`. */
  show(view) {
    const look = LOOKS[view.state];
    $("stage").dataset.state = view.state;
    $("stage-icon").setAttribute("href", `${this.#icons}#${look.icon}`);
    $("stage-says").textContent = view.says;
    $("stage-do").textContent = view.do;
    $("stage-more").textContent = view.more ?? "";
    $("stage-fiat").textContent = view.fiat ?? "";
    this.#amount(view.amount);
    this.#button("main", look.main);
    this.#button("other", look.other);
    this.#timer(view.leaves_in_ms);
    $("stage").hidden = false;
  }

  hide() {
    $("stage").hidden = true;
    this.#actions = {};
  }

  /** Enter is the main action; Esc is the other one, or the only one. */
  key(name) {
    if (name === "Enter") return this.#do("main");
    return this.#do(this.#actions.other ? "other" : "main");
  }

  /** Never on the other action: an Enter that nobody meant must not cancel a sale. */
  focus() {
    const place = $("stage-main").hidden ? $("stage") : $("stage-main");
    place.focus({ preventScroll: true });
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
    key.textContent = action[1];
    button.replaceChildren(action[0], key);
  }

  #amount(text) {
    const place = $("stage-amount");
    place.hidden = !text;
    if (!text) return;
    const unit = document.createElement("span");
    unit.className = "unit";
    unit.textContent = "sats";
    place.classList.toggle("long", text.length > 7);
    place.replaceChildren(text, " ", unit);
  }

  #timer(ms) {
    const old = $("stage-timer");
    const bar = old.cloneNode(); // a new node starts its animation anew
    bar.hidden = !ms || $("stage").dataset.state !== "approved";
    bar.style.animationDuration = `${ms ?? 0}ms`;
    old.replaceWith(bar);
  }
}
