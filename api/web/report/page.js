// Parts of the page are copies of templates that came with it; texts are set as texts, and nothing is read as markup.

import encodeQR from "qr";
import { Fault } from "./fault.js";
import { groups, text, words } from "./secret.js";

// Which words of the secret are asked for before the receipt is left.
const ASKED = [1, 6, 10];

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

// The link past the header leads to what is shown now and is no step in the history, where it would look like Back.
export function skips() {
  document.querySelector("a.skip").addEventListener("click", (event) => {
    event.preventDefault();
    const main = document.querySelector("main");
    main.tabIndex = -1;
    show(main);
  });
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

// The twelve words in their four groups.
export function paintWords(where, secret, language) {
  const shown = groups(words(secret, language)).map((group) => {
    const span = document.createElement("span");
    span.append(...group.map((word) => Object.assign(document.createElement("b"), { textContent: word })));
    return span;
  });
  where.querySelector(".words-of-secret").replaceChildren(...shown);
}

// The same with their picture.
export function paintSecret(where, secret, language) {
  paintWords(where, secret, language);
  where.querySelector(".qr").append(pictureOf(text(words(secret, language), language)));
}

// Whether the three words that were asked for are those of the secret.
export function areKept(form, secret, language) {
  const typed = [...form.elements.typed].map((input) => input.value.normalize("NFKC").trim().toLowerCase());
  return ASKED.every((nth, at) => typed[at] === words(secret, language)[nth]);
}

export const quiet = () => document.getElementById("not-sent")?.remove();

// Says what is wrong, before a part of the page. What no word is for may be left to the server, by whoever presses for it.
export function alarm(error, where, byServer) {
  const code = error instanceof Fault ? error.code : "broken";
  const says = Object.entries(error.fills ?? {}).reduce((says, [name, value]) => says.replace(`{${name}}`, value), error.says ?? wordsOf(code));
  quiet();
  const part = fill("t-alarm", { says });
  part.id = "not-sent";
  const instead = part.querySelector("button");
  instead.hidden = code !== "broken";
  instead.addEventListener("click", byServer);
  where.before(part);
  show(part);
}

// The words copied, or as a picture. A browser that does neither says so; they stand on the page in any case.
export function keeping(page, secret, language) {
  const shown = text(words(secret, language), language);
  const did = page.querySelector("[data-slot=did]");
  const may = (name, what) =>
    page.querySelector(`[data-do=${name}]`).addEventListener("click", async () => {
      did.textContent = "";
      did.textContent = wordsOf((await what().catch(() => false)) ? `did_${name}` : "not_kept");
    });
  may("copy", async () => {
    await navigator.clipboard.writeText(shown);
    return true;
  });
  may("picture", async () => {
    const between = language === "zh" ? "" : " ";
    const picture = await fileOf(shown, groups(words(secret, language)).map((group) => group.join(between)));
    if (picture) save("adit.png", picture);
    return picture !== null;
  });
}

// Offers a file.
export function save(name, content) {
  const address = URL.createObjectURL(content);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
