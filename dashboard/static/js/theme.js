// Light, dark or as the system says: set before the first paint, so nothing flashes.
// A classic script on purpose; modules run too late for that.
(() => {
  "use strict";
  const KEY = "taptill.theme";
  const NEXT = { auto: "light", light: "dark", dark: "auto" };
  const ICON = { auto: "auto", light: "sun", dark: "moon" };
  const system = matchMedia("(prefers-color-scheme: dark)");

  const wanted = () => (localStorage.getItem(KEY) in NEXT ? localStorage.getItem(KEY) : "auto");

  function apply() {
    const dark = wanted() === "dark" || (wanted() === "auto" && system.matches);
    document.documentElement.dataset.bsTheme = dark ? "dark" : "light";
    const button = document.getElementById("theme");
    if (!button) return;
    const words = button.dataset[wanted()];
    button.setAttribute("aria-label", words);
    button.title = words;
    const use = button.querySelector("use");
    use.setAttribute("href", use.getAttribute("href").replace(/#.*/, `#${ICON[wanted()]}`));
  }

  apply();
  system.addEventListener("change", apply);
  document.addEventListener("DOMContentLoaded", () => {
    apply();
    document.getElementById("theme")?.addEventListener("click", () => {
      localStorage.setItem(KEY, NEXT[wanted()]);
      apply();
    });
  });
})();
