// The virtual counter: clicks lay cards on the twin's reader, and its lamps are shown as they are.

const $ = (id) => document.getElementById(id);
const TOKEN = document.querySelector('meta[name="form-token"]').content;
const STEADY_MS = 450; // the first light blinks when idle and stays lit when ready
const places = new Map(); // card name → its <li>
const calm = matchMedia("(prefers-reduced-motion: reduce)");

let shown = "";
let version = -1;
let settling;

async function post(what, name) {
  const response = await fetch(`/${what}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Form-Token": TOKEN },
    body: JSON.stringify({ name }),
  });
  if (response.ok) show(await response.json());
  else say("This did not work", (await response.json().catch(() => ({}))).says ?? "The twin does not answer.");
}

// Lamps ----------------------------------------------------------------------------------------

function words({ row, approved, declined, driven }) {
  if (!driven) return ["Reader", "its lights are off; see the till"];
  if (approved) return ["Approved", "the card may go"];
  if (declined) return ["Declined", "see the till for the reason"];
  const lit = row.filter(Boolean).length;
  if (lit === 4) return ["Card read", "the host is deciding"];
  if (row[0] && lit === 1) return ["Ready", "lay a card on the reader"];
  if (lit) return ["Working", "hold the card still"];
  return ["Idle", "charge an amount on the till first"];
}

function lamps(reader) {
  reader.row.forEach((on, index) => {
    document.querySelector(`[data-light="${index}"]`).classList.toggle("on", on);
  });
  for (const name of ["approved", "declined", "buzzer"]) $(name).classList.toggle("on", reader[name]);
  clearTimeout(settling);
  if (document.body.classList.contains("has-display")) return; // it says so itself
  const [big, small] = words(reader);
  const wait = ["Ready", "Idle", "Working"].includes(big) ? STEADY_MS : 0;
  settling = setTimeout(() => say(big, small), wait);
}

function say(big, small) {
  if (shown === big + small) return;
  shown = big + small;
  $("panel-big").textContent = big;
  $("panel-small").textContent = small;
  $("spoken").textContent = `Reader: ${big}, ${small}`;
}

// A reader with a display: 128 x 64 points, drawn as its firmware says -------------------------

const SIGNS = { tick: "M4 17l9 9L29 6", cross: "M6 6l20 20M26 6L6 26" };

function part([what, x, y, scale]) {
  const shape = document.createElementNS("http://www.w3.org/2000/svg", scale ? "text" : "path");
  if (!scale) {
    shape.setAttribute("d", SIGNS[what] ?? "");
    shape.setAttribute("transform", `translate(${x} ${y})`);
    return shape;
  }
  shape.textContent = what;
  for (const [name, value] of Object.entries({ x, y: y + 7.8 * scale, "font-size": 10.5 * scale, textLength: 8 * scale * what.length, lengthAdjust: "spacingAndGlyphs" })) shape.setAttribute(name, value);
  return shape;
}

function draw(picture) {
  const has = Boolean(picture);
  document.body.classList.toggle("has-display", has);
  $("buttons").hidden = !has;
  if (!has) return;
  $("display").removeAttribute("hidden");
  $("display").replaceChildren(...picture.map(part));
  const texts = picture.filter(([, , , scale]) => scale).map(([text]) => text);
  say(texts[0] ?? "Dark", texts.slice(1).join(", "));
}

let pressing = Promise.resolve(); // a finger goes down before it goes up
const hold = (button) => { pressing = pressing.then(() => post("hold", button)); };
for (const button of document.querySelectorAll("[data-button]")) {
  const name = button.dataset.button;
  button.addEventListener("pointerdown", (event) => { button.setPointerCapture(event.pointerId); hold(name); });
  for (const end of ["pointerup", "pointercancel"]) button.addEventListener(end, () => hold(""));
  button.addEventListener("click", (event) => { if (!event.detail) { hold(name); hold(""); } }); // by key
}

// Cards ----------------------------------------------------------------------------------------

function place(card, index) {
  if (places.has(card.name)) return places.get(card.name);
  const item = $("card-template").content.firstElementChild.cloneNode(true);
  const button = item.querySelector(".card");
  item.querySelector(".slot").dataset.name = card.name;
  button.classList.add(`look-${index % 6}`);
  button.addEventListener("click", () => post(button.getAttribute("aria-pressed") === "true" ? "lift" : "lay", card.name));
  item.querySelector(".tap").addEventListener("click", () => post("tap", card.name));
  item.button = button;
  places.set(card.name, item);
  $("cards").append(item);
  return item;
}

function showCard(card, index) {
  const item = place(card, index);
  const { button } = item;
  button.querySelector(".card-name").textContent = card.title;
  button.querySelector(".card-uid").textContent = card.label;
  button.setAttribute("aria-pressed", String(card.laid));
  button.setAttribute("aria-label", `${card.title}: ${card.laid ? "take it away" : "lay it on the reader"}`);
  item.classList.toggle("laid", card.laid);
  item.querySelector(".card-state").textContent = card.state;
  const tap = item.querySelector(".tap");
  tap.disabled = card.laid;
  tap.setAttribute("aria-label", `Tap ${card.title}`);
  move(button, card.laid ? $("pad") : item.querySelector(".slot"));
}

/** Move a card to its new home; it is seen to travel unless motion is unwanted. */
function move(button, home) {
  if (button.parentElement === home) return;
  const from = button.getBoundingClientRect();
  const focused = document.activeElement === button;
  home.append(button);
  if (focused) button.focus({ preventScroll: true });
  if (calm.matches) return;
  const to = button.getBoundingClientRect();
  const start = `translate(${from.left + from.width / 2 - to.left - to.width / 2}px, ${from.top + from.height / 2 - to.top - to.height / 2}px) scale(${from.width / to.width})`;
  button.animate([{ transform: start }, { transform: "none" }], { duration: 220, easing: "cubic-bezier(0.2, 0.8, 0.3, 1)" });
}

function show(state) {
  if (state.version < version) return; // an answer that was overtaken on its way
  version = state.version;
  draw(state.display);
  lamps(state.reader);
  state.cards.forEach(showCard);
  const names = new Set(state.cards.map((card) => card.name));
  for (const [name, item] of places) {
    if (names.has(name)) continue;
    item.button.remove();
    item.remove();
    places.delete(name);
  }
  $("nothing").hidden = state.cards.length > 0;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || !/^[1-9]$/.test(event.key)) return;
  [...places.values()][Number(event.key) - 1]?.querySelector(".tap:enabled")?.click();
});

show(JSON.parse($("scene").dataset.state));
const live = new EventSource("/live");
live.addEventListener("scene", (event) => show(JSON.parse(event.data)));
live.addEventListener("error", () => {
  version = -1; // a twin that was started again counts from the start
  say("Not connected", "the twin does not answer");
});
addEventListener("pagehide", () => live.close());
addEventListener("pageshow", (event) => event.persisted && location.reload());
