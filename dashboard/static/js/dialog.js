// A payout's details in a dialog, under the address of its own page: reloading shows that page,
// going back closes the dialog. Without this script the link leads to the page.
import { fetchPage } from "./page.js";
import { say } from "./texts.js";

const dialog = document.getElementById("detail");
let back = ""; // the list's address while the dialog is open
let link;

function closeButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool detail-close";
  button.setAttribute("aria-label", say("close"));
  button.append(icon("cross"));
  button.addEventListener("click", () => dialog.close());
  return button;
}

function icon(name) {
  const sheet = document.querySelector("use").getAttribute("href").replace(/#.*/, "");
  const svg = document.querySelector("svg.icon").cloneNode(true);
  svg.firstElementChild.setAttribute("href", `${sheet}#${name}`);
  return svg;
}

async function open(address) {
  const page = await fetchPage(address).catch(() => null);
  const content = page?.getElementById("payout");
  if (!content) return location.assign(address);
  dialog.replaceChildren(closeButton(), content);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
}

document.addEventListener("click", (event) => {
  const clicked = event.target.closest("[data-detail]");
  if (!clicked || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  link = clicked.closest("[data-payout]")?.dataset.payout;
  back = location.href;
  history.pushState({ detail: true }, "", clicked.href);
  open(clicked.href);
});

// Closed by its button, Esc or a click beside it: the address of the list comes back.
dialog.addEventListener("close", () => {
  if (history.state?.detail) history.back();
  document.querySelector(`[data-payout="${CSS.escape(link ?? "")}"] [data-detail]`)?.focus({ preventScroll: true });
});
dialog.addEventListener("click", (event) => {
  if (event.target === dialog) dialog.close();
});
addEventListener("popstate", (event) => {
  if (event.state?.detail) return open(location.href);
  if (dialog.open) dialog.close();
});

/** The address of the list, also while a dialog lies over it. */
export const listAddress = () => (history.state?.detail && back ? back : location.href);
