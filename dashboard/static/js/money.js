// Amounts as people read them, and what they are about worth in the other unit. Every amount is a
// whole number: satoshi, or the smallest units of the store's currency. What is charged is
// converted by the host; here it is only shown.

import { say } from "./texts.js";

const GROUP = "\u00a0";
const SATS_PER_BTC = 100_000_000;

export const SATS = "SATS";

/** Digits grouped by thousands with a space that never breaks. */
export const grouped = (number) => String(number).replace(/\B(?=(\d{3})+$)/g, GROUP);

/** A unit to count in: its name, how many decimals it has, and its word for people. */
export class Unit {
  constructor(name, decimals, word) {
    Object.assign(this, { name, decimals, word });
  }

  /** `12.50`, `2 100`. */
  digits(amount) {
    if (!this.decimals) return grouped(amount);
    const text = String(amount).padStart(this.decimals + 1, "0");
    return `${grouped(text.slice(0, -this.decimals))}${say("decimal_mark")}${text.slice(-this.decimals)}`;
  }

  /** `12.50 EUR`, `2 100 sats`. */
  text(amount) {
    return `${this.digits(amount)}${GROUP}${this.word}`;
  }
}

/** An amount in `unit` as the other one says it at this rate. */
export function otherWorth(amount, unit, sats, rate) {
  const currency = new Unit(rate.currency, rate.decimals, rate.currency);
  const perUnit = 10 ** rate.decimals;
  if (unit.name !== SATS) return sats.text(Math.round((amount / perUnit / Number(rate.rate)) * SATS_PER_BTC));
  return currency.text(Math.round(((amount * Number(rate.rate)) / SATS_PER_BTC) * perUnit));
}

/** A percentage of an amount, rounded half up to a whole unit, as the host says it. */
export const part = (amount, percent) => Math.floor((amount * percent + 50) / 100);
