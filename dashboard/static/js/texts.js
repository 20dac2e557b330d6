// Texts of a page for its scripts: they stand in the page, where they are translated, as JSON blocks
// of the class `texts`. A text may hold `{names}` of values; it is never glued from pieces.

const texts = Object.assign(
  {},
  ...[...document.querySelectorAll("script.texts")].map((block) => JSON.parse(block.textContent)),
);

/** The text of this name with its values put in. */
export const say = (name, values = {}) =>
  texts[name].replace(/\{(\w+)\}/g, (whole, key) => values[key] ?? whole);
