// The amount being typed: whole sats, digits shift in from the right, `+` starts the next item.

export const MAX_DIGITS = 9;
const MAX_TOTAL = 999_999_999;
const GROUP = "\u00a0";

/** Digits grouped by thousands with a space that never breaks. */
export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, GROUP);

export class Amount {
  items = [];
  current = "";
  kept = false; // left over from a cancelled sale: the next digit begins anew

  get total() {
    return this.items.reduce((sum, item) => sum + item, 0) + Number(this.current || 0);
  }

  /** Take one key; answers a hint for the person when the key could not be used. */
  press(key) {
    const digits = /^\d+$/.test(key);
    if (digits && this.kept) this.clear();
    this.kept = false;
    if (digits) return this.#digits(key);
    if (key === "." || key === ",") return "Sats have no decimals";
    if (key === "+") return this.#next();
    if (key === "back") return this.#back();
    if (key === "C") this.current = "";
    if (key === "CC") this.clear();
    return "";
  }

  clear() {
    this.items = [];
    this.current = "";
    this.kept = false;
  }

  #digits(digits) {
    const next = (this.current + digits).replace(/^0+/, "");
    const rest = this.total - Number(this.current || 0);
    if (next.length > MAX_DIGITS || rest + Number(next) > MAX_TOTAL) return "That is the largest amount";
    this.current = next;
    return "";
  }

  #next() {
    if (!this.current) return this.items.length ? "Enter the next item" : "Enter an amount first";
    this.items.push(Number(this.current));
    this.current = "";
    return "";
  }

  /** Delete a digit; where there is none, take the last item back to change it. */
  #back() {
    if (this.current) this.current = this.current.slice(0, -1);
    else if (this.items.length) this.current = String(this.items.pop());
    return "";
  }

  /** `1 200 + 300 + …` once there is more than one item. */
  get sum() {
    if (!this.items.length) return "";
    return [...this.items.map(grouped), this.current ? grouped(this.current) : "…"].join(" + ");
  }

  save(storage, key) {
    storage.setItem(key, JSON.stringify({ items: this.items, current: this.current, kept: this.kept }));
  }

  static load(storage, key) {
    const amount = new Amount();
    try {
      const { items, current, kept } = JSON.parse(storage.getItem(key) ?? "{}");
      if (Array.isArray(items) && items.every((item) => Number.isSafeInteger(item) && item > 0)) amount.items = items;
      if (/^\d{0,9}$/.test(current ?? "")) amount.current = current ?? "";
      amount.kept = kept === true;
      if (amount.total > MAX_TOTAL) amount.clear();
    } catch {
      amount.clear();
    }
    return amount;
  }
}
