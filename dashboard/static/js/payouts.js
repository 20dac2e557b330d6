// A list of payouts that keeps itself fresh: it asks for its own page again after every event and
// takes what is new, without a jump of scroll or focus. Older payouts are added below on scroll.
// Without this script the page still reads well: "Load more" and the details are links.
import { get } from "./api.js";
import { listAddress } from "./dialog.js";
import { lostDots, showDots } from "./dots.js";
import { listen } from "./live.js";
import { fetchPage } from "./page.js";
import { say } from "./texts.js";

const $ = (id) => document.getElementById(id);
const page = $("page");
const AT_ONCE_MS = 250; // events come in bursts: one look for all of them
const BY_ITSELF = 10; // so many pages come by scrolling; after that a person asks for more

let paused = false;
let waiting = false; // something happened that is not on the screen yet
let asking;
let updated = Date.now();
let state = "";
const afters = [];

/** Call a function after the page took something new. */
export const afterRefresh = (fn) => afters.push(fn);

// Taking what is new -----------------------------------------------------------------------------

async function refresh() {
  const fresh = await fetchPage(listAddress());
  for (const part of document.querySelectorAll("[data-swap]")) {
    const other = fresh.getElementById(part.id);
    if (other && other.innerHTML !== part.innerHTML) part.replaceChildren(...other.childNodes);
  }
  $("count").textContent = fresh.getElementById("count").textContent;
  if ($("list").dataset.newest === "yes") merge($("rows"), fresh.getElementById("rows"), fresh);
  waiting = false;
  updated = Date.now();
  afters.forEach((fn) => fn());
  age();
}

/** Put fresh rows into the list: new ones in, changed ones over, those that left out. */
function merge(rows, fresh, other) {
  if (!rows || !fresh) return $("list").replaceChildren(...other.getElementById("list").childNodes);
  const names = new Set([...fresh.children].map((row) => row.dataset.payout));
  const last = fresh.lastElementChild.dataset.payout;
  for (const row of [...rows.children]) {
    if (row.dataset.payout === last) break;
    if (!names.has(row.dataset.payout)) row.remove();
  }
  let at = rows.firstElementChild;
  for (const row of [...fresh.children]) {
    const old = rows.querySelector(`[data-payout="${CSS.escape(row.dataset.payout)}"]`);
    if (!old) {
      row.classList.add("fresh");
      rows.insertBefore(row, at);
    } else {
      at = old.nextElementSibling;
      if (old.textContent !== row.textContent) replace(old, row);
    }
  }
}

function replace(old, row) {
  const focused = old.contains(document.activeElement);
  row.classList.add("fresh");
  old.replaceWith(row);
  if (focused) row.querySelector("[data-detail]").focus({ preventScroll: true });
}

function soon() {
  waiting = true;
  if (paused || asking) return age(); // one look is on its way: it will see this too
  asking = setTimeout(() => {
    asking = undefined;
    refresh().catch(() => live(false));
  }, AT_ONCE_MS);
}

// More -------------------------------------------------------------------------------------------

let pages = 0;
let loading = false;
let asked = false; // a person pressed the button: the focus goes on to what comes

async function loadMore(byHand) {
  const link = $("more");
  asked ||= byHand;
  if (!link || loading) return;
  loading = true;
  const next = await fetchPage(link.href).catch(() => null);
  loading = false;
  if (!next) return;
  pages += 1;
  const added = [...(next.getElementById("rows")?.children ?? [])];
  $("rows").append(...added);
  const follow = next.getElementById("more");
  if (follow) link.href = follow.getAttribute("href");
  else link.parentElement.remove();
  if (asked) added[0]?.querySelector("[data-detail]")?.focus({ preventScroll: true });
  else watchEnd();
  asked = false;
}

const end = new IntersectionObserver(([seen]) => {
  if (seen.isIntersecting && pages < BY_ITSELF) loadMore(false);
}, { rootMargin: "200px" });

function watchEnd() {
  end.disconnect();
  if ($("more")) end.observe($("more"));
}

document.addEventListener("click", (event) => {
  if (!event.target.closest("#more")) return;
  event.preventDefault();
  loadMore(true);
});
// Only a person who scrolls wants more: a short first page is not filled by itself.
addEventListener("scroll", watchEnd, { once: true, passive: true });

// Live -------------------------------------------------------------------------------------------

function live(yes) {
  const now = say(paused ? "paused" : yes ? "live" : "not_live");
  if (now === state) return;
  state = now;
  $("live-note").hidden = false;
  $("live-note").textContent = now;
}

function age() {
  const seconds = Math.max(0, Math.round((Date.now() - updated) / 1000));
  const ago = seconds < 90 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  $("live-age").textContent = say(paused && waiting ? "new_since" : "updated", { ago });
}

$("pause").hidden = false;
$("pause").addEventListener("click", () => {
  paused = !paused;
  $("pause").setAttribute("aria-pressed", String(paused));
  const use = $("pause").querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, paused ? "#play" : "#pause"));
  $("pause").lastElementChild.textContent = say(paused ? "go_on" : "pause");
  live(true);
  if (!paused && waiting) soon();
  age();
});
$("refresh").addEventListener("click", (event) => {
  event.preventDefault();
  refresh().catch(() => live(false));
});
age();
setInterval(age, 1000);

// A changed filter is a changed address; nothing is kept in this script.
$("filters").addEventListener("change", (event) => event.currentTarget.requestSubmit());
$("filters").addEventListener("submit", ({ currentTarget: form }) => {
  for (const field of form.elements) field.disabled = field.name && !field.value;
});
addEventListener("pageshow", () => {
  for (const field of $("filters").elements) field.disabled = false;
});
if (matchMedia("(max-width: 700px)").matches && !$("chips")) document.querySelector(".filters").open = false;

listen({
  url: page.dataset.liveUrl,
  topics: "payouts",
  after: page.dataset.after,
  on: { payout: soon, dots: (dots) => (showDots(dots), live(true)) },
  poll: async () => {
    showDots((await get($("dots").dataset.url)).dots);
    if (!paused) await refresh();
  },
  lost: () => (showDots(lostDots()), live(false)),
});
