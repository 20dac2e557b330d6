// A holder at the counter: the page follows the visit, and has a pad where there is no keyboard.
// Digits are in the fields alone: never in an address, in storage, or as text on the page.

const EVERY_MS = 700;

const root = document.getElementById("holder");
const shown = () => root.querySelector("[data-version]").dataset.version;

/** What the server says now; a field that is being typed into is left alone until that changes. */
async function look() {
  const headers = { Accept: "text/html" };
  const response = await fetch(root.dataset.partUrl, { headers, cache: "no-store", redirect: "manual" });
  if (!response.ok) return;
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  const section = fresh.querySelector("[data-version]");
  if (!section || section.dataset.version === shown()) return;
  root.replaceChildren(section);
  begin();
}

function begin() {
  root.querySelector(".holder-pad")?.removeAttribute("hidden");
  root.querySelector(".holder-pin")?.focus();
}

/** The field that the pad writes into: the one that was touched last. */
function field() {
  const fields = [...root.querySelectorAll(".holder-pin")];
  return fields.includes(document.activeElement) ? document.activeElement : fields[0];
}

root.addEventListener("pointerdown", (event) => {
  if (event.target.closest("[data-pin]")) event.preventDefault(); // the field keeps the focus
});

root.addEventListener("click", (event) => {
  const key = event.target.closest("[data-pin]")?.dataset.pin;
  const into = key && field();
  if (!into) return;
  if (key === "clear") into.value = "";
  else if (key === "back") into.value = into.value.slice(0, -1);
  else if (into.value.length < into.maxLength) into.value += key;
});

async function follow() {
  await look().catch(() => {});
  setTimeout(follow, EVERY_MS);
}

begin();
setTimeout(follow, EVERY_MS);
