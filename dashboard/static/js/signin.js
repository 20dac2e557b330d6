// The PIN pad of the sign-in page: large keys for fingers, the field itself for a keyboard. The
// field keeps the focus, so that Enter is always OK.
const field = document.getElementById("pin");
const keys = document.getElementById("pin-keys");
const others = document.getElementById("others");

field.inputMode = "none"; // our own keys are on the screen: no second keyboard over them
keys.hidden = false;

function press(key) {
  if (key === "clear") field.value = "";
  else if (key === "back") field.value = field.value.slice(0, -1);
  else if (field.value.length < field.maxLength) field.value += key;
  field.focus({ preventScroll: true });
}

keys.addEventListener("click", (event) => {
  const key = event.target.closest("[data-pin]")?.dataset.pin;
  if (key) press(key);
});
keys.addEventListener("pointerdown", (event) => event.preventDefault());

field.addEventListener("input", () => {
  field.value = field.value.replace(/\D/g, "");
});

// A PIN is sent once: what is typed while the answer is on its way belongs to the next page.
let sent = false;
field.form.addEventListener("submit", (event) => {
  if (sent) event.preventDefault();
  sent = true;
});
addEventListener("pageshow", () => {
  sent = false;
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") others.click();
  // Digits count wherever the focus is, as on the till.
  else if (/^\d$/.test(event.key) && event.target !== field && !event.ctrlKey && !event.metaKey && !event.altKey) press(event.key);
});
