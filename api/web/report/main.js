// The report, sealed in the browser. The page is whole without this; where a browser can do all of it, nothing that is typed and no
// word of the secret leaves it unsealed. Where it can't, nothing here happens and the form goes to the server as ever.

import MATTERS from "adit:matters";
import { utf8 } from "../viewer/bytes.js";
import { cleaned } from "./cleaning.js";
import { each, fileOf, fill, pictureOf, show, wordsOf } from "./page.js";
import { fingerprint, intake, readKeys, seal } from "./seal.js";
import { caseNumber, groups, id, Keys, random, text, words } from "./secret.js";
import { ask, Fault, record, upload } from "./send.js";

const FILE_BYTES_MAX = 100 * 1024 * 1024;
const FILES_BYTES_MAX = 300 * 1024 * 1024;
const FILES_MAX = 20;
const NAME_CHARS_MAX = 80;
// Which words of the secret are asked for before the receipt is left.
const ASKED = [1, 6, 10];
const LOOK = "#look";

const language = document.documentElement.lang.slice(0, 2);
const form = document.querySelector("form.questions");
const heading = document.querySelector("main > h1");

// What is known of this report as long as the page is open; nothing of it is stored.
const known = { secret: null, draft: null, log: null, request: null, keys: null, underway: false, busy: false, sent: false };
// What is uploaded already, by file: to whom it was sealed, and what is said of it.
const uploaded = new Map();
// Files that were chosen and are not sent after all.
const leftOut = new WeakSet();
let look = null;

function draft() {
  const fields = new FormData(form);
  const value = (name) => String(fields.get(name) ?? "").trim();
  return {
    enterprise: value("enterprise"),
    place: value("place"),
    kinds: fields.getAll("kind").map(String),
    excluded: fields.getAll("excluded").map(String),
    not_to: value("not_to"),
    words: value("words"),
    contact: value("contact"),
    insider: value("insider") === "yes",
    keep: value("keep_metadata") === "yes",
    files: [...(form.elements.files?.files ?? [])].filter((file) => file.size > 0 && !leftOut.has(file)),
  };
}

// Control characters, and what turns the direction of writing.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff]/;

function check(draft) {
  if (draft.words === "") throw new Fault("words_missing");
  for (const field of ["words", "enterprise", "place", "not_to", "contact"]) {
    if (HIDDEN.test(draft[field])) throw new Fault(`hidden_${field}`);
  }
  if (draft.files.length > FILES_MAX) throw new Fault("too_many");
  if (draft.files.some((file) => file.size > FILE_BYTES_MAX)) throw new Fault("file_too_large");
  if (draft.files.reduce((sum, file) => sum + file.size, 0) > FILES_BYTES_MAX) throw new Fault("files_too_large");
}

// What could tell who wrote it; the same signs as the server looks for.
function givesAway(words) {
  const longest = Math.max(0, ...(words.match(/[0-9]+/g) ?? []).map((run) => run.length));
  const found = [];
  if (longest >= 15) found.push("identity_number");
  else if (longest >= 7) found.push("telephone_number");
  const lower = words.toLowerCase();
  if (["班", "我叫", "我是", "工号", "shift", "my name", "badge"].some((word) => lower.includes(word))) found.push("shift_or_name");
  return found;
}

function tidyName(name) {
  const last = name.split(/[/\\]/).pop().replace(/[\p{Cc}\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu, "");
  return [...last].slice(0, NAME_CHARS_MAX).join("").trim() === "" ? "file" : [...last].slice(0, NAME_CHARS_MAX).join("");
}

// A file as it will be sealed: what it is, and without what it tells besides, unless that is to be kept.
const ready = async (file, keep) => ({ name: tidyName(file.name), ...(await cleaned(file, keep)) });

async function whomToSealTo(excluded) {
  const answer = await ask("/log/keys");
  if (answer.status !== 200) throw new Fault("strange");
  known.log = readKeys(answer.text);
  const recipients = intake(known.log, excluded);
  if (!known.log.origin) throw new Fault("strange");
  if (recipients.length === 0) throw new Fault(intake(known.log, []).length ? "nobody_left" : "no_intake");
  return recipients;
}

// Says what is wrong above the form or the look at it; everything typed stays.
function complain(error, where) {
  const code = error instanceof Fault ? error.code : "broken";
  document.getElementById("not-sent")?.remove();
  const alarm = fill("t-alarm", { says: error.says ?? wordsOf(code) });
  alarm.id = "not-sent";
  const instead = alarm.querySelector("button");
  instead.hidden = code !== "broken";
  // Only whoever presses this sends anything unsealed.
  instead.addEventListener("click", () => form.submit());
  where.before(alarm);
  show(alarm);
}

async function lookOver() {
  if (known.busy || known.sent) return;
  known.busy = true;
  document.getElementById("not-sent")?.remove();
  try {
    const now = draft();
    check(now);
    await whomToSealTo(now.excluded);
    const files = await Promise.all(now.files.map((file) => ready(file, now.keep)));
    // What may be in the ledger already is never changed under the same secret.
    if (!known.underway) known.request = null;
    known.draft = now;
    known.secret ??= random();
    paintLook(now, files);
    if (location.hash !== LOOK) history.pushState(null, "", LOOK);
    turn(form, look);
  } catch (error) {
    complain(error, form);
  } finally {
    known.busy = false;
  }
}

// Shows one of the two; the heading of the page is that of the form.
function turn(from, to) {
  from.hidden = true;
  heading.hidden = to !== form;
  show(to);
}

const labelOf = (name, value) => form.querySelector(`input[name="${name}"][value="${CSS.escape(value)}"]`).parentElement.textContent.trim();

function paintLook(now, files) {
  const nothing = wordsOf("nothing");
  const kept = [...now.excluded.map((actor) => labelOf("excluded", actor)), now.not_to].filter((name) => name !== "");
  const fresh = fill("t-look", {
    enterprise: now.enterprise || nothing,
    place: now.place || nothing,
    kinds: now.kinds.map((kind) => labelOf("kind", kind)).join(" · ") || nothing,
    not_to: kept.join(" ") || wordsOf("nobody"),
    words: now.words,
    contact: now.contact || nothing,
    fingerprint: fingerprint(intake(known.log, [])),
  });
  const told = files.map((file) => `${file.name} · ${wordsOf(file.cleaned ? "cleaned" : "not_cleaned")}`);
  each(fresh, "files", told.length ? told : [nothing], (line) => line);
  const tells = now.keep ? [] : now.files.filter((_, nth) => !files[nth].cleaned);
  fresh.querySelector("[data-part=tells]").hidden = tells.length === 0;
  fresh.querySelector("[data-list=tells]").replaceChildren(...tells.map(tellsOf));
  const away = givesAway(now.words).map(wordsOf);
  each(fresh, "gives_away", away, (line) => line);
  fresh.querySelector("[data-part=gives_away]").hidden = away.length === 0;
  fresh.querySelector("[data-part=escrow]").hidden = known.log.escrow.size === 0;
  paintWords(fresh);
  fresh.querySelector("[data-do=send]").addEventListener("click", send);
  fresh.querySelector("[data-do=change]").addEventListener("click", () => history.back());
  look?.remove();
  look = fresh;
  form.after(look);
}

// A file that may tell place and time, and how to leave it out.
function tellsOf(file) {
  const line = document.createElement("li");
  const button = Object.assign(document.createElement("button"), { type: "button", className: "quiet", textContent: wordsOf("leave_out") });
  button.addEventListener("click", () => {
    if (known.busy || known.underway) return;
    leftOut.add(file);
    lookOver();
  });
  line.append(`${tidyName(file.name)} `, button);
  return line;
}

// The twelve words in their four groups.
function paintWords(where) {
  const shown = groups(words(known.secret, language)).map((group) => {
    const span = document.createElement("span");
    span.append(...group.map((word) => Object.assign(document.createElement("b"), { textContent: word })));
    return span;
  });
  where.querySelector(".words-of-secret").replaceChildren(...shown);
}

// What was sealed is kept until it is uploaded: whoever presses again goes on with the very same bytes.
async function sealedFile(file, keep, recipients, told) {
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

const matterOf = (kinds) =>
  ["concealed_accident", "major_hazard", "illegal_act"].find((matter) => kinds.some((kind) => MATTERS[kind] === matter)) ?? "major_hazard";

// Seals and uploads everything; what is to be signed and entered.
async function seals(progress) {
  const { draft } = known;
  const recipients = await whomToSealTo(draft.excluded);
  const stream = `report/${id(random())}`;
  const keys = new Keys(known.secret, known.log.origin, stream);
  const files = [];
  for (const file of draft.files) {
    progress(files.length, draft.files.length + 1);
    files.push(await sealedFile(file, draft.keep, recipients, (...far) => progress(files.length, draft.files.length + 1, far)));
  }
  progress(files.length, draft.files.length + 1);
  const { enterprise, place, kinds, words, not_to, contact } = draft;
  const notes = files.map(({ note }) => note);
  const testimony = { v: 1, language, enterprise, place, kinds, words, not_to, contact, files: notes };
  const readers = [...recipients, keys.recipient];
  const sealed = await seal(new Blob([utf8(JSON.stringify(testimony))]), readers, "text");
  await upload(sealed);
  const data = {
    matter: matterOf(kinds), channel: "web", key: keys.vkey, claim_key: keys.claim, recipient: keys.recipient, insider: draft.insider,
    testimony: { blob: sealed.blob, size: sealed.bytes.size, recipients: readers },
  };
  if (files.length) data.files = files.map(({ blob }) => blob);
  // In the order and once each, as the ledger writes them.
  if (draft.excluded.length) data.excluded = [...new Set(draft.excluded)].sort();
  Object.assign(known, { keys, notes, request: { id: keys.command, stream, type: "report.report", data } });
}

// How far it has come, in words and as a bar: which of the parts, and of a large one how much has arrived. A screen reader is told of the
// words when they change, and not of each piece.
function tellProgress(done, all, [arrived, whole, lost] = []) {
  const [progress, far, bar] = ["[data-slot=progress]", "[data-slot=arrived]", "progress"].map((part) => look.querySelector(part));
  const says = wordsOf(lost ? "waiting" : "sealing").replace("{done}", done + 1).replace("{all}", all);
  if (progress.textContent !== says) progress.textContent = says;
  far.parentElement.hidden = whole === undefined;
  far.textContent = wordsOf("arrived").replace("{arrived}", size(arrived ?? 0)).replace("{whole}", size(whole ?? 0));
  [bar.max, bar.value] = [whole ?? 1, arrived ?? 0];
}

async function send() {
  if (known.busy || known.sent) return;
  known.busy = true;
  document.getElementById("not-sent")?.remove();
  const button = look.querySelector("[data-do=send]");
  button.disabled = true;
  try {
    if (!known.request) await seals(tellProgress);
    const answer = await record(known.request, known.keys, () => (known.underway = true));
    known.sent = true;
    receipt(answer);
  } catch (error) {
    // A refusal by a rule is an answer: nothing was entered, and everything may be changed.
    if (error.code === "refused") Object.assign(known, { underway: false, request: null });
    look.querySelector("[data-do=change]").hidden = known.underway;
    complain(error, look);
  } finally {
    known.busy = false;
    button.disabled = false;
    look.querySelector("[data-slot=progress]").textContent = "";
    look.querySelector("[data-part=arrived]").hidden = true;
  }
}

const size = (bytes) =>
  bytes < 1024 ? `${bytes} B` : bytes < 1048576 ? `${Math.ceil(bytes / 1024)} kB` : `${Math.floor(bytes / 104857.6) / 10} MB`;

function receipt({ entries, positions }) {
  const lines = entries[0].entry.split("\n");
  const shown = text(words(known.secret, language), language);
  const stream = known.request.stream;
  const next = lines.find((line) => line.startsWith("clock accept "))?.split(" ")[2];
  const page = fill("t-receipt", {
    number: caseNumber(idBytes(stream)),
    position: String(positions[0]),
    on: lines[2],
    next: next ?? "",
  });
  for (const part of page.querySelectorAll("[data-part=next]")) part.hidden = !next;
  paintWords(page);
  page.querySelector(".qr").append(pictureOf(shown));
  each(page, "files", known.notes, ({ name, size: bytes, sha256 }) => `${name} · ${size(bytes)}\nSHA-256 ${sha256}`);
  page.querySelector("[data-part=no_files]").hidden = known.notes.length > 0;
  const proof = new Blob([entries[0].receipt], { type: "text/plain" });
  page.querySelector("[data-do=save]").addEventListener("click", () => save(`${positions[0]}.tlog-proof`, proof));
  keeping(page, shown);
  const asks = page.querySelector("form");
  asks.addEventListener("submit", (event) => {
    event.preventDefault();
    const typed = [...asks.elements.typed].map((input) => input.value.normalize("NFKC").trim().toLowerCase());
    const right = ASKED.every((nth, at) => typed[at] === words(known.secret, language)[nth]);
    page.querySelector("[data-part=kept]").hidden = !right;
    page.querySelector("[data-part=not_kept]").hidden = right;
    show(page.querySelector(`[data-part=${right ? "kept" : "not_kept"}]`));
  });
  // What was typed leaves the page.
  form.reset();
  form.remove();
  look.replaceWith(page);
  known.draft = null;
  uploaded.clear();
  heading.remove();
  show(page);
}

// The 128 bits of an id.
function idBytes(stream) {
  const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
  let value = 0n;
  for (const digit of stream.split("/")[1]) value = (value << 5n) | BigInt(ALPHABET.indexOf(digit));
  return Uint8Array.from({ length: 16 }, (_, at) => Number((value >> BigInt(8 * (15 - at))) & 255n));
}

// The words copied, or as a picture. A browser that does neither says so; they stand on the page in any case.
function keeping(page, shown) {
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
    const picture = await fileOf(shown, groups(words(known.secret, language)).map((group) => group.join(between)));
    if (picture) save("adit.png", picture);
    return picture !== null;
  });
}

// Offers a file.
function save(name, content) {
  const address = URL.createObjectURL(content);
  Object.assign(document.createElement("a"), { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}

function start() {
  const where = document.getElementById("where-sealed");
  where.textContent = where.dataset.here;
  for (const part of document.querySelectorAll("[data-part=resumes]")) part.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lookOver();
  });
  // Back leads from the look at it to the form, and forward to the look again.
  addEventListener("popstate", () => {
    if (known.sent || known.underway || look === null) return;
    if (location.hash === LOOK) lookOver();
    else if (!look.hidden) turn(look, form);
  });
}

const able =
  form && heading && isSecureContext && crypto.subtle && typeof BigInt === "function" && typeof TransformStream === "function" &&
  typeof Blob.prototype.stream === "function" && typeof CSS !== "undefined" && "content" in document.createElement("template");
if (able) start();
