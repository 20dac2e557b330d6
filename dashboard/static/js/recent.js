// Recent payments over the till, each under the address of its own page: reloading shows that page,
// going back closes the dialog. Without this script the links and forms lead to the pages.

const dialog = document.getElementById("recent-dialog");
const way = document.getElementById("recent-open");
const box = document.getElementById("unprinted");
let jobs = []; // what was not printed, the oldest first
let selling; // whether a sale was on the till when we looked last

// The dialog -----------------------------------------------------------------------------------

const ours = (address) => new URL(address, location.href).pathname.startsWith(way.pathname);

function closeButton() {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "tool detail-close";
  button.setAttribute("aria-label", dialog.dataset.close);
  const svg = way.querySelector("svg").cloneNode(true);
  const use = svg.firstElementChild;
  use.setAttribute("href", use.getAttribute("href").replace(/#.*/, "#cross"));
  button.append(svg);
  button.addEventListener("click", () => dialog.close());
  return button;
}

let looks = 0; // whoever closed the dialog meanwhile does not see it open again

/** Ask for a page and show its part; a form's answer may be another page than was asked for. */
async function show(address, options = {}) {
  const look = ++looks;
  let response;
  try {
    response = await fetch(address, { cache: "no-store", headers: { Accept: "text/html" }, ...options });
  } catch {
    return location.assign(address);
  }
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const content = page.getElementById("recent");
  if (!content) return location.assign(response.url); // signed out, or not ours to see
  if (look !== looks && !options.method) return;
  dialog.replaceChildren(closeButton(), content);
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  focusFirst();
  return response.url;
}

function focusFirst() {
  const wanted = dialog.querySelector("[role=alert], [role=status], input[type=search], .crumb");
  if (!wanted) return;
  if (wanted.matches("[role=alert], [role=status]")) wanted.tabIndex = -1;
  wanted.focus(); // a refusal stands in its form, which may be further down
}

/** How many pages the way back to the till is. */
const steps = () => history.state?.recent ?? 0;

async function go(address) {
  const shown = await show(address);
  if (shown) history.pushState({ recent: steps() + 1 }, "", shown);
}

way.addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
  event.preventDefault();
  go(way.href);
});

dialog.addEventListener("click", (event) => {
  if (event.target === dialog) return dialog.close();
  const link = event.target.closest("a");
  if (!link || link.target || event.ctrlKey || event.metaKey || event.shiftKey || !ours(link.href)) return;
  event.preventDefault();
  go(link.href);
});

dialog.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const data = new FormData(form, event.submitter);
  if (form.method === "get") return go(`${form.action.split("?")[0]}?${new URLSearchParams(data)}`);
  for (const button of form.querySelectorAll("button")) button.disabled = true; // once is enough
  const shown = await show(form.action, { method: "POST", body: new URLSearchParams(data) });
  if (shown && ours(shown) && !shown.endsWith("/refund")) history.replaceState({ recent: steps() }, "", shown);
});

dialog.addEventListener("close", () => {
  looks += 1;
  if (steps()) history.go(-steps()); // going back from the till does not open it again
  way.focus({ preventScroll: true });
});

addEventListener("popstate", () => {
  if (steps()) show(location.href);
  else if (dialog.open) dialog.close();
});

// What the till says ---------------------------------------------------------------------------

/** Whether somebody is in the middle of typing: a sale that begins elsewhere waits for them. */
const typing = () => [...dialog.querySelectorAll("form:not([role]) input")].some((one) => one.value !== one.defaultValue);

function hear(state) {
  jobs = state.unprinted ?? [];
  box.hidden = !jobs.length;
  if (jobs.length) {
    document.getElementById("unprinted-words").textContent = jobs[0].words;
    document.getElementById("unprinted-retry").hidden = !jobs[0].again;
  }
  const open = Boolean(state.sale) && !["approved", "cancelled"].includes(state.state);
  if (open && selling === false && dialog.open && !typing()) dialog.close();
  selling = open;
}

document.addEventListener("till", ({ detail }) => hear(detail));
hear(JSON.parse(document.getElementById("till").dataset.state));

const token = () => document.querySelector('meta[name="csrf-token"]').content;

for (const what of ["retry", "dismiss"]) {
  document.getElementById(`unprinted-${what}`).addEventListener("click", async ({ currentTarget: button }) => {
    button.disabled = true;
    const address = box.dataset[what].replace("JOB", jobs[0]?.job_id);
    await fetch(address, { method: "POST", redirect: "manual", headers: { "X-CSRFToken": token() } }).catch(() => {});
    button.disabled = false;
  });
}
