// What stands beside the sale: its worth in the store's currency, and money that came too late.

const SATS_PER_BTC = 100_000_000;

/** The words for an amount at a rate, and whether that rate is old; for reading, never counted with. */
export function fiatOf(sats, rate) {
  if (!rate) return { text: "", title: "", old: false };
  const worth = (sats * Number(rate.rate)) / SATS_PER_BTC;
  const money = new Intl.NumberFormat("en-GB", { style: "currency", currency: rate.currency, currencyDisplay: "code" });
  const title = `1 BTC = ${rate.rate} ${rate.currency}, ${rate.source}, ${rate.when}`;
  return { text: `\u2248\u00a0${money.format(worth)}${rate.old ? `, rate of ${rate.when}` : ""}`, title, old: rate.old };
}

/** Say that a sale that was over has been paid, until somebody has noted it. */
export function showLate(late) {
  const box = document.getElementById("late");
  const first = late?.[0];
  box.hidden = !first;
  if (first) document.getElementById("late-words").textContent = first.words;
}
