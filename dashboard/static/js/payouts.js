// Payouts: new ones appear at the top by themselves, older ones are added below on demand.
// Without this script the page still reads well: "Load more" is a link.
import { showDots, lostDots } from "./dots.js";
import { get } from "./api.js";
import { listen } from "./live.js";

const table = document.querySelector("[data-live-url]");
const rows = document.getElementById("rows");
const note = document.getElementById("live-note");

const page = async (url) => {
  const response = await fetch(url, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status}`);
  return new DOMParser().parseFromString(await response.text(), "text/html");
};

/** Put a payout's row in its place: where it stands already, else on top. */
async function upsert({ payout_id: id }) {
  const fresh = (await page(table.dataset.rowUrl.replace("PAYOUT", encodeURIComponent(id)))).querySelector("tr");
  const old = rows.querySelector(`[data-payout="${CSS.escape(id)}"]`);
  if (!old && table.dataset.newest !== "yes") return;
  fresh.classList.add("fresh");
  if (old) old.replaceWith(fresh);
  else rows.prepend(fresh);
}

async function loadMore(event) {
  const link = event.target.closest("#more");
  if (!link) return;
  event.preventDefault();
  const next = await page(link.href).catch(() => location.assign(link.href));
  if (!next) return;
  const added = [...next.querySelectorAll("#rows > tr")];
  rows.append(...added);
  const follow = next.getElementById("more");
  if (follow) link.href = follow.getAttribute("href");
  else link.parentElement.remove();
  added[0]?.querySelector("a")?.focus({ preventScroll: true });
}

function live(yes) {
  note.hidden = false;
  note.textContent = yes ? "Live" : "Not live: the service cannot be reached";
}

document.addEventListener("click", loadMore);
listen({
  url: table.dataset.liveUrl,
  topics: "payouts",
  after: table.dataset.after,
  on: {
    payout: (data) => (rows ? upsert(data) : location.reload()), // the first one ends the empty page
    dots: (dots) => (showDots(dots), live(true)),
  },
  poll: () => get(document.getElementById("dots").dataset.url).then(({ dots }) => showDots(dots)),
  lost: () => (showDots(lostDots()), live(false)),
});
