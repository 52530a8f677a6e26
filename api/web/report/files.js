// The files that somebody chose: whether they may be sent, what each is sealed as, and how far they have come.

import { cleaned } from "./cleaning.js";
import { Fault } from "./fault.js";
import { wordsOf } from "./page.js";
import { seal } from "./seal.js";
import { upload } from "./send.js";

const FILE_BYTES_MAX = 100 * 1024 * 1024;
const FILES_BYTES_MAX = 300 * 1024 * 1024;
const FILES_MAX = 20;
const NAME_CHARS_MAX = 80;
// Control characters, and what turns the direction of writing.
export const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/;
// What is uploaded already, by file: to whom it was sealed, and what is said of it.
const uploaded = new Map();

export const forgetFiles = () => uploaded.clear();

export const chosen = (form) => [...(form.elements.files?.files ?? [])].filter((file) => file.size > 0);

export function checkFiles(files) {
  if (files.length > FILES_MAX) throw new Fault("too_many");
  if (files.some((file) => file.size > FILE_BYTES_MAX)) throw new Fault("file_too_large");
  if (files.reduce((sum, file) => sum + file.size, 0) > FILES_BYTES_MAX) throw new Fault("files_too_large");
}

export function tidyName(name) {
  const last = name.split(/[/\\]/).pop().replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
  return [...last].slice(0, NAME_CHARS_MAX).join("").trim() === "" ? "file" : [...last].slice(0, NAME_CHARS_MAX).join("");
}

// A file as it will be sealed: what it is, and without what it tells besides, unless that is to be kept.
export const ready = async (file, keep) => ({ name: tidyName(file.name), ...(await cleaned(file, keep)) });

// What was sealed is kept until it is uploaded: whoever presses again goes on with the very same bytes.
export async function sealedFile(file, keep, recipients, told) {
  const to = `${keep} ${recipients.join(" ")}`;
  let one = uploaded.get(file);
  if (one?.to !== to) {
    const { name, kind, cleaned, content } = await ready(file, keep);
    const sealed = await seal(content, recipients, "file");
    const note = { name, kind, cleaned, size: sealed.size, sha256: sealed.sha256, blob: sealed.blob };
    one = { to, note, sealed, blob: { blob: sealed.blob, size: sealed.bytes.size, recipients } };
    uploaded.set(file, one);
  }
  if (one.sealed) await upload(one.sealed, (arrived, lost) => told(arrived, one.blob.size, lost));
  one.sealed = null;
  return one;
}

// How far it has come, in words and as a bar: which of the parts, and of a large one how much has arrived. A screen reader is told of the
// words when they change, and not of each piece.
export function tellProgress(where, done, all, [arrived, whole, lost] = []) {
  const [progress, far, bar] = ["[data-slot=progress]", "[data-slot=arrived]", "progress"].map((part) => where.querySelector(part));
  const says = wordsOf(lost ? "waiting" : "sealing").replace("{done}", done + 1).replace("{all}", all);
  if (progress.textContent !== says) progress.textContent = says;
  far.parentElement.hidden = whole === undefined;
  far.textContent = wordsOf("arrived").replace("{arrived}", size(arrived ?? 0)).replace("{whole}", size(whole ?? 0));
  [bar.max, bar.value] = [whole ?? 1, arrived ?? 0];
}

export function endProgress(where) {
  where.querySelector("[data-slot=progress]").textContent = "";
  where.querySelector("[data-part=arrived]").hidden = true;
}

export const size = (bytes) =>
  bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.ceil(bytes / 1024)} kB` : `${Math.floor(bytes / 104857.6) / 10} MB`;
