// The report, sealed in the browser: the form, the look at it, and the receipt.

import MATTERS from "adit:matters";
import { utf8 } from "../viewer/bytes.js";
import { Fault } from "./fault.js";
import { checkFiles, chosen, endProgress, forgetFiles, HIDDEN, ready, sealedFile, size, tellProgress, tidyName } from "./files.js";
import { alarm, areKept, each, fill, keeping, paintSecret, paintWords, quiet, save, show, skips, wordsOf } from "./page.js";
import { fingerprint, intake, seal } from "./seal.js";
import { caseNumber, id, Keys, random } from "./secret.js";
import { logKeys, record, upload } from "./send.js";
import { begin } from "./work.js";

const LOOK = "#look";

const language = document.documentElement.lang.slice(0, 2);
const form = document.querySelector("form.questions");
const heading = document.querySelector("main > h1");

// What is known of this report as long as the page is open; nothing of it is stored.
const known = { secret: null, draft: null, log: null, request: null, signer: null, underway: false, busy: false, sent: false };
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
    files: chosen(form).filter((file) => !leftOut.has(file)),
  };
}

function check(draft) {
  if (draft.words === "") throw new Fault("words_missing");
  for (const field of ["words", "enterprise", "place", "not_to", "contact"]) {
    if (HIDDEN.test(draft[field])) throw new Fault(`hidden_${field}`);
  }
  checkFiles(draft.files);
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

async function whomToSealTo(excluded) {
  known.log = await logKeys();
  const recipients = intake(known.log, excluded);
  if (recipients.length === 0) throw new Fault(intake(known.log, []).length ? "nobody_left" : "no_intake");
  return recipients;
}

// Everything typed stays; only whoever presses for it sends anything unsealed.
const complain = (error, where) => alarm(error, where, () => form.submit());

async function lookOver() {
  if (known.busy || known.sent) return;
  known.busy = true;
  quiet();
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
  paintWords(fresh, known.secret, language);
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

const matterOf = (kinds) =>
  ["concealed_accident", "major_hazard", "illegal_act"].find((matter) => kinds.some((kind) => MATTERS[kind] === matter)) ?? "major_hazard";

// Seals and uploads everything; what is to be signed and entered.
async function seals(progress) {
  const { draft } = known;
  const recipients = await whomToSealTo(draft.excluded);
  const stream = `report/${id(random())}`;
  const keys = new Keys(known.secret, known.log.origin);
  const signer = keys.of(stream);
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
    matter: matterOf(kinds), channel: "web", key: signer.vkey, claim_key: keys.claim, recipient: keys.recipient, insider: draft.insider,
    testimony: { blob: sealed.blob, size: sealed.bytes.size, recipients: readers },
  };
  if (files.length) data.files = files.map(({ blob }) => blob);
  // In the order and once each, as the ledger writes them.
  if (draft.excluded.length) data.excluded = [...new Set(draft.excluded)].sort();
  Object.assign(known, { signer, notes, request: { id: keys.command, stream, type: "report.report", data } });
}

async function send() {
  if (known.busy || known.sent) return;
  known.busy = true;
  quiet();
  const button = look.querySelector("[data-do=send]");
  button.disabled = true;
  try {
    if (!known.request) await seals((...far) => tellProgress(look, ...far));
    const answer = await record(known.request, () => [known.signer], () => (known.underway = true));
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
    endProgress(look);
  }
}

function receipt({ entries, positions }) {
  const lines = entries[0].entry.split("\n");
  const stream = known.request.stream;
  const next = lines.find((line) => line.startsWith("clock accept "))?.split(" ")[2];
  const page = fill("t-receipt", {
    number: caseNumber(idBytes(stream)),
    position: String(positions[0]),
    on: lines[2],
    next: next ?? "",
  });
  for (const part of page.querySelectorAll("[data-part=next]")) part.hidden = !next;
  paintSecret(page, known.secret, language);
  each(page, "files", known.notes, ({ name, size: bytes, sha256 }) => `${name} · ${size(bytes)}\nSHA-256 ${sha256}`);
  page.querySelector("[data-part=no_files]").hidden = known.notes.length > 0;
  const proof = new Blob([entries[0].receipt], { type: "text/plain" });
  page.querySelector("[data-do=save]").addEventListener("click", () => save(`${positions[0]}.tlog-proof`, proof));
  keeping(page, known.secret, language);
  const asks = page.querySelector("form");
  asks.addEventListener("submit", (event) => {
    event.preventDefault();
    const right = areKept(asks, known.secret, language);
    page.querySelector("[data-part=kept]").hidden = !right;
    page.querySelector("[data-part=not_kept]").hidden = right;
    show(page.querySelector(`[data-part=${right ? "kept" : "not_kept"}]`));
  });
  // What was typed leaves the page.
  form.reset();
  form.remove();
  look.replaceWith(page);
  known.draft = null;
  forgetFiles();
  heading.remove();
  show(page);
  addEventListener("pagehide", () => leave(page), { once: true });
}

// Nothing of the receipt is left for whoever opens this page from what the browser remembers; it is the empty form then.
function leave(page) {
  Object.assign(known, { secret: null, log: null, request: null, signer: null, notes: null });
  page.remove();
  look = null;
  addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
}

// The 128 bits of an id.
function idBytes(stream) {
  const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";
  let value = 0n;
  for (const digit of stream.split("/")[1]) value = (value << 5n) | BigInt(ALPHABET.indexOf(digit));
  return Uint8Array.from({ length: 16 }, (_, at) => Number((value >> BigInt(8 * (15 - at))) & 255n));
}

export function start() {
  const where = document.getElementById("where-sealed");
  where.textContent = where.dataset.here;
  for (const part of document.querySelectorAll("[data-part=resumes]")) part.hidden = false;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    lookOver();
  });
  form.addEventListener("input", begin);
  skips();
  // Back leads from the look at it to the form, and forward to the look again.
  addEventListener("popstate", () => {
    if (known.sent || known.underway || look === null) return;
    if (location.hash === LOOK) lookOver();
    else if (!look.hidden) turn(look, form);
  });
}
