// Parts of the page are copies of templates that came with it; texts are set as texts, and nothing is read as markup.

import encodeQR from "qr";

const template = (id) => document.getElementById(id).content;

// Words of the page by their code.
export const wordsOf = (code) => template("t-words").querySelector(`[data-code="${code}"]`)?.textContent ?? code;

// A copy of a template with its slots filled.
export function fill(id, texts) {
  const copy = document.importNode(template(id), true).firstElementChild;
  for (const [name, text] of Object.entries(texts)) copy.querySelector(`[data-slot=${name}]`).textContent = text;
  return copy;
}

// A list with a line for each of `items`.
export function each(where, name, items, line) {
  const lines = items.map((item) => Object.assign(document.createElement("li"), { textContent: line(item) }));
  where.querySelector(`[data-list=${name}]`).replaceChildren(...lines);
}

// Shows a part and leads to it, for eyes and for a screen reader.
export function show(part) {
  part.hidden = false;
  const heading = part.querySelector("[tabindex]") ?? part;
  heading.focus({ preventScroll: true });
  part.scrollIntoView();
}

// A text as a QR code that a telephone reads.
export function pictureOf(text) {
  const rows = encodeQR(text, "raw", { border: 4 });
  const dark = rows.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x},${y}h1v1h-1z`] : [])));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", dark.join(""));
  svg.append(path);
  return svg;
}
