// The amount being typed: a whole number of the unit's smallest parts. Digits shift in from the
// right, a point begins the decimals where there are any, `+` starts the next line.

const MAX_DIGITS = 9;
const MAX_TOTAL = 999_999_999;

export class Amount {
  lines = [];
  kept = false; // left over from a cancelled sale: the next digit begins anew
  #current = 0;
  #point = null; // how many decimals are typed after the point

  constructor(unit) {
    this.unit = unit;
  }

  get current() {
    return this.#current;
  }

  get total() {
    return this.lines.reduce((sum, line) => sum + line, 0) + this.#current;
  }

  /** The lines that are charged, the one being typed among them. */
  get all() {
    return this.#current ? [...this.lines, this.#current] : this.lines;
  }

  /** Take one key; answers the name of a text when the key could not be used. */
  press(key) {
    const digits = /^\d+$/.test(key);
    const point = key === "." || key === ",";
    if ((digits || point) && this.kept) this.clear();
    this.kept = false;
    if (digits) return this.#point === null ? this.#shift(key) : this.#decimals(key);
    if (point) return this.#begin();
    if (key === "+") return this.#next();
    if (key === "back") this.#back();
    if (key === "C") this.#set(0);
    if (key === "CC") this.clear();
    return "";
  }

  clear() {
    this.lines = [];
    this.kept = false;
    this.#set(0);
  }

  remove(index) {
    this.lines.splice(index, 1);
    this.kept = false;
  }

  #set(value) {
    this.#current = value;
    this.#point = null;
  }

  #fits(value) {
    const rest = this.total - this.#current;
    return String(value).length <= MAX_DIGITS && rest + value <= MAX_TOTAL;
  }

  #shift(digits) {
    const next = Number(`${this.#current}${digits}`);
    if (!this.#fits(next)) return "largest";
    this.#current = next;
    return "";
  }

  #begin() {
    const { decimals } = this.unit;
    if (!decimals) return "no_decimals";
    if (this.#point !== null) return "";
    const whole = this.#current * 10 ** decimals;
    if (!this.#fits(whole)) return "largest";
    this.#current = whole;
    this.#point = 0;
    return "";
  }

  #decimals(digits) {
    for (const digit of digits) {
      if (this.#point >= this.unit.decimals) return "no_more_decimals";
      this.#point += 1;
      const next = this.#current + Number(digit) * 10 ** (this.unit.decimals - this.#point);
      if (!this.#fits(next)) return "largest";
      this.#current = next;
    }
    return "";
  }

  #next() {
    if (!this.#current) return this.lines.length ? "enter_next" : "enter_first";
    this.lines.push(this.#current);
    this.#set(0);
    return "";
  }

  /** Delete a digit; where there is none, take the last line back to change it. */
  #back() {
    const place = 10 ** this.unit.decimals;
    if (this.#point) {
      const step = place / 10 ** (this.#point - 1);
      this.#current -= this.#current % step;
      this.#point -= 1;
    } else if (this.#point === 0) this.#set(this.#current / place);
    else if (this.#current) this.#set(Math.floor(this.#current / 10));
    else if (this.lines.length) this.#set(this.lines.pop());
  }

  save(storage, key) {
    const { lines, kept, unit } = this;
    storage.setItem(key, JSON.stringify({ lines, current: this.#current, kept, unit: unit.name }));
  }

  /** What was typed before the page was loaded; nothing where it was in another unit. */
  static load(storage, key, unit) {
    const amount = new Amount(unit);
    const whole = (number) => Number.isSafeInteger(number) && number >= 0;
    try {
      const { lines, current, kept, unit: name } = JSON.parse(storage.getItem(key) ?? "{}");
      if (name !== unit.name || !whole(current) || !lines.every((line) => whole(line) && line)) return amount;
      Object.assign(amount, { lines, kept: kept === true });
      amount.#current = current;
      if (amount.total > MAX_TOTAL) amount.clear();
    } catch {
      amount.clear();
    }
    return amount;
  }
}
