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

// An open menu closes when something else is touched, or by Esc.
const menus = () => document.querySelectorAll("details.menu[open]");
document.addEventListener("click", ({ target }) => {
  for (const menu of menus()) if (!menu.contains(target)) menu.open = false;
});
document.addEventListener("keydown", ({ key }) => {
  if (key !== "Escape") return;
  for (const menu of menus()) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
