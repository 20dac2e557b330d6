// The holder's tip: percentages of the amount, an amount of one's own, or none.
import { part } from "./money.js";
import { say } from "./texts.js";

const box = document.getElementById("tips");

export class Tips {
  #choices = [];

  /** `choose(tip)` is called with whole units, or with `own` to type one. */
  constructor(choose) {
    box.addEventListener("click", ({ target }) => {
      const button = target.closest("[data-choice]");
      if (button) choose(this.#choices[button.dataset.choice]);
    });
    this.choose = choose;
  }

  /** Offer what the store offers for this amount. */
  show({ percents, own }, total, unit) {
    const tips = percents.map((percent) => part(total, percent));
    this.#choices = own ? [...tips, "own"] : tips;
    const texts = percents.map((percent, n) => [say("tip_percent", { percent }), unit.text(tips[n])]);
    if (own) texts.push([say("tip_own"), ""]);
    box.replaceChildren(...texts.map(([title, amount], n) => this.#button(title, amount, n)));
    box.hidden = false;
  }

  hide() {
    box.hidden = true;
    this.#choices = [];
  }

  /** Take a digit: the first choice is 1, no tip is 0; false when it is none of them. */
  typed(key) {
    if (box.hidden || !/^\d$/.test(key) || Number(key) > this.#choices.length) return false;
    this.choose(key === "0" ? 0 : this.#choices[Number(key) - 1]);
    return true;
  }

  #button(title, amount, n) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "tip";
    button.dataset.choice = n;
    button.setAttribute("aria-keyshortcuts", String(n + 1));
    for (const [name, text] of [["strong", title], ["span", amount], ["kbd", String(n + 1)]]) {
      if (!text) continue;
      const part = document.createElement(name);
      part.textContent = text;
      button.append(part, " ");
    }
    return button;
  }
}
