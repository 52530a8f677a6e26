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

const rowsOf = (text) => encodeQR(text, "raw", { border: 4 });

// A text as a QR code that a telephone reads.
export function pictureOf(text) {
  const rows = rowsOf(text);
  const dark = rows.flatMap((row, y) => row.flatMap((on, x) => (on ? [`M${x},${y}h1v1h-1z`] : [])));
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", `0 0 ${rows.length} ${rows.length}`);
  const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
  path.setAttribute("d", dark.join(""));
  svg.append(path);
  return svg;
}

// The same code with lines of text below it as a PNG file. It is drawn here: nothing is loaded for it, and nothing is sent. `null` where
// a browser lets no page read what was drawn, and would hand over noise.
export function fileOf(text, lines) {
  const rows = rowsOf(text);
  const dot = 12;
  const width = rows.length * dot;
  const line = 56;
  const height = width + line * lines.length + dot;
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const pen = canvas.getContext("2d");
  if (!pen) return Promise.resolve(null);
  pen.fillStyle = "#fff";
  pen.fillRect(0, 0, width, height);
  pen.fillStyle = "#000";
  rows.forEach((row, y) => row.forEach((on, x) => on && pen.fillRect(x * dot, y * dot, dot, dot)));
  pen.font = "bold 36px sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  lines.forEach((words, nth) => pen.fillText(words, width / 2, width + line * (nth + 0.5), width - 2 * dot));
  const { data } = pen.getImageData(0, 0, width, width);
  const dark = (x, y) => data[4 * ((y * dot + dot / 2) * width + x * dot + dot / 2)] < 128;
  if (!rows.every((row, y) => row.every((on, x) => on === dark(x, y)))) return Promise.resolve(null);
  return new Promise((done) => canvas.toBlob(done, "image/png"));
}
