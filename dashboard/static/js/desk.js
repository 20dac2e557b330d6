// A job at the card desk: the step at the reader follows every event; the lines follow every card.
import { get } from "./api.js";
import { lostDots, showDots } from "./dots.js";
import { listen } from "./live.js";
import { say } from "./texts.js";

const $ = (id) => document.getElementById(id);
const root = $("job");
const url = root.dataset;
const ICONS = {
  getting: "hourglass", waiting: "tap", card: "reading", again: "again", blocked: "alert", asked: "alert",
  "away-done": "check", "away-aside": "cross", "away-again": "again",
  "ended-done": "check", "ended-stopped": "stop",
};
const SPOKEN = new Set(["waiting", "asked", "blocked", "away-done", "away-aside", "away-again", "again", "ended-done", "ended-stopped"]);

let shown = JSON.parse(url.state);
let newest = Number(url.after);
let fetching = Promise.resolve();

function show(state) {
  const changed = state.look !== shown.look || state.says !== shown.says;
  $("step").dataset.look = state.look;
  $("step-icon").setAttribute("href", `${url.icons}#${ICONS[state.look]}`);
  $("step-says").textContent = state.says;
  $("step-do").textContent = state.do;
  bar(state.bar);
  $("counts").textContent = `${state.done}${state.total ? ` of ${state.total}` : ""} done`;
  if (changed && SPOKEN.has(state.look)) $("announce").textContent = `${state.says}. ${state.do}`;
  const buttons = state.open !== shown.open || state.asked !== shown.asked;
  if (buttons || state.taps !== shown.taps) refresh(buttons);
  shown = state;
}

function bar(now) {
  $("bar").hidden = !now;
  if (!now) return;
  $("bar").max = now.max || 1;
  $("bar").value = now.value;
}

/** The lines, as the server tells them; one request at a time. A question and a job's end have
 * other buttons. */
function refresh(buttons) {
  fetching = fetching.then(() => swap(buttons ? ["parts", "actions"] : ["parts"])).catch(() => {});
}

async function swap(places) {
  const response = await fetch(location.href, { headers: { Accept: "text/html" }, cache: "no-store" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const place of places) replace($(place), fresh.getElementById(place));
}

/** Put newer content in; focus stays on the same link, or goes to the first one of its place. */
function replace(old, fresh) {
  const focused = old.contains(document.activeElement) ? document.activeElement : null;
  old.replaceChildren(...fresh.childNodes);
  if (!focused) return;
  const links = [...old.querySelectorAll("a, button")];
  const same = links.find((link) => link.href && link.href === focused.href);
  (same ?? links[0] ?? $("main")).focus({ preventScroll: true });
}

/** Take a newer state of this job; another job's is not ours to show. */
function take(state) {
  if (state.event_id < newest || String(state.job_id) !== url.job) return;
  newest = state.event_id;
  show(state);
}

function live(yes) {
  $("live-note").hidden = yes;
  $("live-note").textContent = yes ? "" : say("not_live");
}

show(shown);
if (shown.open) {
  listen({
    url: url.liveUrl,
    topics: "desk",
    after: url.after,
    on: { desk: take, dots: (dots) => (showDots(dots), live(true), get(url.stateUrl).then(take, () => live(false))) },
    poll: () => get(url.stateUrl).then((state) => (take(state), live(true))),
    lost: () => (showDots(lostDots()), live(false)),
  });
}
