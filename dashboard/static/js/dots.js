// The four dots in the header, and their panels on the status page.

import { say } from "./texts.js";

const PARTS = ["reader", "ledger", "lightning", "clock"];

/** Dots for when nobody answers us any more. */
export const lostDots = () =>
  PARTS.map((name) => ({ name, label: say(name), ok: false, words: say("service_gone") }));

export function showDots(dots) {
  for (const { name, label, ok, words } of dots) {
    const dot = document.querySelector(`#dots [data-part="${name}"]`);
    if (dot) {
      dot.className = `dot ${ok ? "ok" : "down"}`;
      dot.title = `${label}: ${words}`;
      dot.lastElementChild.textContent = ` ${say(ok ? "ready" : "down")}`;
      dot.lastElementChild.classList.toggle("visually-hidden", ok);
      shape(dot, ok);
    }
    const panel = document.querySelector(`[data-part-panel="${name}"]`);
    if (panel) {
      panel.querySelector(".dot").className = `dot ${ok ? "ok" : "down"}`;
      panel.querySelector(".part-state").textContent = say(ok ? "ready" : "down");
      panel.querySelector(".part-words").textContent = words;
      shape(panel, ok);
    }
  }
}

function shape(element, ok) {
  const use = element.querySelector("use");
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, ok ? "#dot-ok" : "#dot-down"));
}
