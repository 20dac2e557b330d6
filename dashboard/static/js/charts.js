// The two charts. Their data are the tables beside them; a click follows the link of its row.
import { say } from "./texts.js";

const token = (name) => getComputedStyle(document.documentElement).getPropertyValue(`--tt-${name}`).trim();
const rows = (id) => [...document.querySelectorAll(`#${id} tbody tr`)];
const sats = new Intl.NumberFormat("en", { maximumFractionDigits: 0 });
const short = new Intl.NumberFormat(document.documentElement.lang, { notation: "compact", maximumFractionDigits: 1 });
const spaced = (number) => sats.format(number).replaceAll(",", "\u00a0");
const payouts = (count) => say(count === 1 ? "one_payout" : "payouts", { count: spaced(count) });

function colours() {
  const { Chart } = globalThis;
  Chart.defaults.color = token("quiet");
  Chart.defaults.borderColor = token("line");
  Chart.defaults.font.family = token("font");
  Chart.defaults.animation = false;
  Chart.defaults.maintainAspectRatio = false;
}

const follow = (table) => (_, [hit]) => hit && rows(table)[hit.index].querySelector("a").click();

const amounts = { callbacks: { label: ({ dataset, raw }) => `${dataset.label}: ${spaced(raw)} sats` } };

const any = (data, key) => data.some((one) => Number(one[key]));

function trend() {
  const data = rows("trend-table").map((row) => row.dataset);
  const bars = (label, key, colour) => ({
    label, data: data.map((one) => Number(one[key])), backgroundColor: colour, borderRadius: 3, maxBarThickness: 44,
  });
  return {
    type: "bar",
    data: {
      labels: data.map((one) => one.label),
      datasets: [
        bars(say("completed"), "completed", token("blue")),
        ...(any(data, "imported") ? [bars(say("imported"), "imported", token("grey"))] : []),
        bars(say("pending"), "pending", token("amber")),
      ],
    },
    options: {
      interaction: { mode: "index", intersect: false },
      onClick: follow("trend-table"),
      plugins: {
        legend: { display: any(data, "pending") || any(data, "imported"), position: "top", align: "end", labels: { boxWidth: 12 } },
        tooltip: { callbacks: { ...amounts.callbacks, footer: ([{ dataIndex }]) => payouts(Number(data[dataIndex].payouts)) } },
      },
      scales: {
        x: { stacked: true, grid: { display: false }, ticks: { maxRotation: 0, autoSkipPadding: 14 } },
        y: { stacked: true, beginAtZero: true, border: { display: false }, ticks: { maxTicksLimit: 5, precision: 0, callback: (value) => short.format(value) } },
      },
    },
  };
}

function top() {
  const data = rows("top-table").map((row) => row.dataset);
  return {
    type: "bar",
    data: {
      labels: data.map(({ label }) => (label.length > 18 ? `${label.slice(0, 17)}…` : label)),
      datasets: [{ label: say("completed"), data: data.map((one) => Number(one.completed)), backgroundColor: token("blue"), borderRadius: 3, maxBarThickness: 22 }],
    },
    options: {
      indexAxis: "y",
      interaction: { mode: "index", axis: "y", intersect: false },
      onClick: follow("top-table"),
      plugins: { legend: { display: false }, tooltip: amounts },
      scales: {
        x: { beginAtZero: true, border: { display: false }, ticks: { maxTicksLimit: 4, precision: 0, callback: (value) => short.format(value) } },
        y: { grid: { display: false } },
      },
    },
  };
}

const KINDS = { trend, top };
const drawn = {};

/** Draw both charts from their tables; again after every change of the tables or the colours. */
export function draw() {
  colours();
  for (const [id, make] of Object.entries(KINDS)) {
    const canvas = document.getElementById(id);
    canvas.parentElement.hidden = !rows(`${id}-table`).some(({ dataset }) => dataset.completed > 0 || dataset.payouts > 0);
    drawn[id]?.destroy();
    drawn[id] = new globalThis.Chart(canvas, make());
  }
}

/** The charts take the tables' place; those stay one click away. */
export function begin() {
  for (const twin of document.querySelectorAll(".twin")) twin.open = false;
  draw();
  new MutationObserver(draw).observe(document.documentElement, { attributeFilter: ["data-bs-theme"] });
}
