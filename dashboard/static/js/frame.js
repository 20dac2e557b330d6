// On every page: the dots stay true. Pages with a live stream get them from there.
import { get } from "./api.js";
import { lostDots, showDots } from "./dots.js";

const EVERY_MS = 5000;
const list = document.getElementById("dots");

async function refresh() {
  try {
    showDots((await get(list.dataset.url)).dots);
  } catch {
    showDots(lostDots());
  }
}

if (list && !document.querySelector("[data-live-url]")) setInterval(refresh, EVERY_MS);
