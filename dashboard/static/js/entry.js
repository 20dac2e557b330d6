// The screen where a sale is keyed in: unit, lines, note, and the tip of one's own amount.
import { Amount } from "./amount.js";
import { SATS, Unit, otherWorth } from "./money.js";
import { say } from "./texts.js";

const KEEP = "taptill.amount";
const KEEP_NOTE = "taptill.note";
const UNIT = "taptill.unit"; // kept on this device
const HINT_MS = 4000;

const $ = (id) => document.getElementById(id);

export class Entry {
  #sats = new Unit(SATS, 0, say("sats"));
  #rate = null;
  #own = null; // the tip while it is typed, else nothing
  #hinting;
  #hinted;
  #amount;

  /** `hinted()` is called when something was refused, for a sound. */
  constructor({ hinted }) {
    this.#hinted = hinted;
    this.#amount = Amount.load(sessionStorage, KEEP, this.#sats);
    $("note").value = sessionStorage.getItem(KEEP_NOTE) ?? "";
    $("units").addEventListener("click", ({ target }) => this.#wish(target.closest("[data-unit]")?.dataset.unit));
    $("lines").addEventListener("click", ({ target }) => this.#remove(target.closest("[data-line]")));
    $("note-open").addEventListener("click", () => this.editNote());
    $("note").addEventListener("keydown", (event) => this.#noteKey(event));
    $("note").addEventListener("blur", () => this.#closeNote());
    this.#drawNote();
  }

  get open() {
    return !$("entry").hidden;
  }

  get unit() {
    return this.#amount.unit;
  }

  get total() {
    return this.#amount.total;
  }

  /** What is to be charged, without the tip. */
  get bill() {
    return { unit: this.unit.name, lines: this.#amount.all, note: $("note").value };
  }

  /** The tip that is being typed. */
  get tip() {
    return this.#own?.total ?? 0;
  }

  show(visible) {
    $("entry").hidden = !visible;
  }

  focus() {
    $("amount").focus({ preventScroll: true });
  }

  /** Type a tip in place of the amount; `null` goes back to the amount. */
  askTip(asked) {
    if (Boolean(this.#own) === asked) return;
    this.#own = asked ? new Amount(this.unit) : null;
    this.draw();
  }

  /** Take the host's rate; without one there is only one unit to count in. */
  setRate(rate) {
    this.#rate = rate;
    this.#follow();
  }

  /** Everything of the last sale goes. */
  clear() {
    this.#amount.clear();
    $("note").value = "";
    this.draw();
    this.#drawNote();
  }

  /** What is left over from a cancelled sale: the next digit begins anew. */
  keep() {
    this.#amount.kept = true;
    this.draw();
  }

  press(key) {
    const refused = this.#own && key === "+" ? "no_lines_in_tip" : (this.#own ?? this.#amount).press(key);
    this.hint(refused && say(refused), { strong: Boolean(refused) });
    this.draw();
    if (key === "+") $("lines").scrollTop = $("lines").scrollHeight;
  }

  /** Count in the other unit, while nothing is typed. */
  switchUnit() {
    if (this.#rate && !this.#own) this.#wish(this.unit.name === SATS ? "currency" : SATS);
  }

  hint(text, { strong = false } = {}) {
    clearTimeout(this.#hinting);
    $("hint").textContent = text;
    $("hint").classList.toggle("strong", strong);
    if (!text) return;
    if (strong) this.#hinted();
    this.#hinting = setTimeout(() => this.hint(""), HINT_MS);
  }

  // Units --------------------------------------------------------------------------------------

  #wish(unit) {
    if (!unit) return;
    if (this.total && (unit === SATS) !== (this.unit.name === SATS)) return this.hint(say("clear_first"), { strong: true });
    localStorage.setItem(UNIT, unit);
    this.#follow();
    this.focus();
  }

  #follow() {
    const currency = this.#rate && new Unit(this.#rate.currency, this.#rate.decimals, this.#rate.currency);
    const unit = currency && localStorage.getItem(UNIT) !== SATS ? currency : this.#sats;
    const counts = this.unit.name;
    const fits = counts === unit.name || (this.total && (counts === SATS || counts === currency?.name));
    if (!fits) this.#amount = Amount.load(sessionStorage, KEEP, unit);
    this.draw();
  }

  // The note -----------------------------------------------------------------------------------

  editNote() {
    $("note").hidden = false;
    $("note-open").setAttribute("aria-expanded", "true");
    $("note").focus();
  }

  #noteKey(event) {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (event.key === "Escape") $("note").value = sessionStorage.getItem(KEEP_NOTE) ?? "";
    this.focus();
  }

  #closeNote() {
    $("note").hidden = true;
    $("note-open").setAttribute("aria-expanded", "false");
    this.#drawNote();
  }

  #drawNote() {
    const text = $("note").value.trim();
    sessionStorage.setItem(KEEP_NOTE, text);
    $("note-shown").textContent = text || say("note_add");
    $("note-open").classList.toggle("filled", Boolean(text));
  }

  // What stands there --------------------------------------------------------------------------

  draw() {
    const shown = this.#own ?? this.#amount;
    const { unit, total } = shown;
    const digits = unit.digits(total);
    $("entry").dataset.asks = this.#own ? "tip" : "amount";
    $("amount-text").textContent = digits;
    $("amount-unit").textContent = unit.word;
    $("amount").setAttribute("aria-label", say(this.#own ? "tip_in" : "amount_in", { unit: unit.word }));
    $("amount").classList.toggle("long", digits.length > 7);
    $("amount").classList.toggle("longest", digits.length > 8);
    $("amount").classList.toggle("zero", !total);
    $("charge").disabled = !this.total;
    $("asks").textContent = this.#own ? say("tip_for", { amount: unit.text(this.total) }) : "";
    const words = { amount: unit.text(this.total), tip: unit.text(this.tip) };
    const key = this.#own ? "charge_with_tip" : this.total ? "charge_amount" : "charge";
    $("charge-text").textContent = say(key, words);
    document.querySelector('[data-key="000"]').hidden = Boolean(unit.decimals);
    document.querySelector('[data-key="."]').hidden = !unit.decimals;
    this.#drawUnits();
    this.#drawLines();
    this.#drawWorth(total, unit);
    this.#amount.save(sessionStorage, KEEP);
  }

  #drawUnits() {
    $("units").hidden = !this.#rate || Boolean(this.#own);
    for (const key of $("units").children) {
      const isSats = key.dataset.unit === SATS;
      key.setAttribute("aria-pressed", String(isSats === (this.unit.name === SATS)));
      if (!isSats) key.textContent = this.#rate?.currency ?? "";
    }
  }

  #drawLines() {
    const icon = document.querySelector("[data-key=back] svg");
    $("lines").replaceChildren(
      ...this.#amount.lines.map((line, index) => {
        const words = { number: index + 1, amount: this.unit.text(line) };
        const item = document.createElement("li");
        const text = document.createElement("span");
        text.textContent = this.unit.digits(line);
        const remove = document.createElement("button");
        remove.type = "button";
        remove.className = "line-remove";
        remove.dataset.line = index;
        remove.setAttribute("aria-label", say("remove_line", words));
        const cross = icon.cloneNode(true);
        cross.firstElementChild.setAttribute("href", cross.firstElementChild.getAttribute("href").replace(/#.*/, "#cross"));
        remove.append(cross);
        item.append(text, remove);
        return item;
      }),
    );
    $("lines").hidden = !this.#amount.lines.length || Boolean(this.#own);
  }

  #remove(button) {
    if (!button) return;
    this.#amount.remove(Number(button.dataset.line));
    this.draw();
    this.hint(say("line_removed"));
    this.focus();
  }

  #drawWorth(total, unit) {
    const rate = this.#rate;
    const worth = rate ? otherWorth(total, unit, this.#sats, rate) : "";
    $("fiat").textContent = rate ? say(rate.old ? "about_old" : "about", { worth, when: rate.since }) : "";
    $("fiat").title = rate ? say("rate", rate) : "";
    $("fiat").classList.toggle("old", Boolean(rate?.old));
  }
}
