// A page that is meant for paper: its button opens the browser's own dialog.
for (const button of document.querySelectorAll("[data-print]")) {
  button.addEventListener("click", () => window.print());
}
