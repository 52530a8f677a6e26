// "My report" in the browser: the twelve words stay here. The server sends its own pages with what is sealed in them, to whoever signs with the
// report's key; they are opened here, and what their forms ask for is sealed and signed here.

import { utf8 } from "../viewer/bytes.js";
import { Fault } from "./fault.js";
import { chosen, endProgress, forgetFiles, ready, sealedFile, tellProgress, tidyName } from "./files.js";
import { checkLetter, fileLine, openLetter, showVoucher } from "./letters.js";
import { alarm, areKept, fill, paintSecret, quiet, save, skips, wordsOf } from "./page.js";
import { intake, open, seal } from "./seal.js";
import { id, Keys, note, parse, random, text, voucherHash, words } from "./secret.js";
import { ask, logKeys, parsed, post, record, upload } from "./send.js";
import { begin } from "./work.js";

const WAIT_MAX = 70_000;
const LETTERS = {
  message: "report.message", evidence: "report.add_evidence", retaliation: "report.allege_retaliation", disputed: "report.dispute",
};

const language = document.documentElement.lang.slice(0, 2);
// The page that asks for the words, to which everything returns.
const first = document.querySelector("main");

// What is known as long as the page is open; nothing of it is stored.
const known = { log: null, secret: null, keys: null, report: null, fresh: null, busy: false };
// What was asked for by a press whose answer may have been lost, by the id on its form.
const underway = new Map();
// How often everything was forgotten.
let times = 0;
// What waits until the browser has gone back.
let returning = null;

// Back to where the words are asked for; nothing of what was shown stays, and what is under way stops.
function forget() {
  times += 1;
  returning = null;
  Object.assign(known, { log: null, secret: null, keys: null, report: null, fresh: null, busy: false });
  underway.clear();
  forgetFiles();
  for (const form of first.querySelectorAll("form")) form.reset();
  first.querySelector(".good")?.remove();
  const shown = document.querySelector("main");
  if (shown !== first) shown.replaceWith(first);
}

// Stops whoever calls it once everything was forgotten after this.
function watch() {
  const before = times;
  return () => {
    if (times !== before) throw new Fault("forgotten");
  };
}

// What is waited for. If everything was forgotten meanwhile, nothing of it is kept or shown.
async function awaited(promise) {
  const still = watch();
  try {
    return await promise;
  } finally {
    still();
  }
}

// A fresh text of the server, signed with the report's key: whoever holds it may see the report.
async function proof(keys) {
  const { challenge } = parsed(await post("/api/v1/challenge", {}));
  const lines = String(challenge).split("\n");
  if (lines.length !== 3 || lines[0] !== `adit.v1 sign-in ${keys.origin}` || lines[2] !== "") throw new Fault("strange");
  const signer = keys.of("reporter");
  return { key: signer.half, note: note(challenge, [signer]) };
}

// A page of the server. The browser reads it as a document that runs nothing; no text is read as markup here.
function page(fields) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", "/my/here");
    request.responseType = "document";
    request.timeout = WAIT_MAX;
    request.onerror = request.ontimeout = () => reject(new Fault("offline"));
    request.onload = () => {
      const main = request.status === 200 ? request.response?.querySelector("main") : null;
      const code = request.status === 404 ? "unknown" : request.status >= 500 ? "offline" : "strange";
      main ? resolve(document.adoptNode(main)) : reject(new Fault(code));
    };
    request.send(new URLSearchParams({ lang: language, ...fields }));
  });
}

const mine = async (keys, step, done = "") => page({ step, done, ...(await proof(keys)) });

function goBack() {
  return new Promise((resume) => {
    returning = resume;
    history.back();
  });
}

// Shows another page in the place of this one. Back leads from what is under "My report" to it, and from there to where the words are asked for.
async function turn(main, at) {
  const { at: now = "", from } = history.state ?? {};
  if (now === "under" && at === "report" && from === "report") await awaited(goBack());
  else if (now === "") history.pushState({ at, from: now }, "");
  else if (at !== now && at !== "under") history.replaceState({ at }, "");
  else if (at !== now) history.pushState({ at, from: now }, "");
  const shown = document.querySelector("main");
  if (shown !== main) shown.replaceWith(main);
  const heading = main.querySelector("h1");
  heading.tabIndex = -1;
  heading.focus({ preventScroll: true });
  scrollTo(0, 0);
}

// "My report", read anew; `done` names what was done last.
async function enter(keys, done) {
  const main = await awaited(mine(keys, "", done));
  const report = main.querySelector("[data-report]")?.dataset.report;
  if (!report) throw new Fault("strange");
  await awaited(Promise.all([...main.querySelectorAll("[data-sealed]")].map((letter) => openLetter(letter, keys))));
  for (const part of main.querySelectorAll("[data-voucher]")) showVoucher(part, keys);
  Object.assign(known, { keys, report, fresh: null });
  underway.clear();
  forgetFiles();
  await turn(main, "report");
}

// The receipt once more, with the files that the report came with.
async function receipt(keys, secret) {
  const main = await awaited(mine(keys, "show"));
  const list = main.querySelector("[data-sealed]");
  const files = list ? ((await awaited(open(list.dataset.sealed, keys.identity)))?.files ?? []) : [];
  for (const file of files) {
    const line = fileLine(file);
    line.append(document.createElement("br"), Object.assign(document.createElement("code"), { textContent: `SHA-256 ${file.sha256}` }));
    list.append(line);
  }
  if (list) list.previousElementSibling.hidden = files.length > 0;
  paintSecret(main, secret, language);
  Object.assign(known, { keys, secret, fresh: null });
  await turn(main, "under");
}

async function opens(form) {
  const secret = parse(form.elements.secret.value);
  known.log = await awaited(logKeys());
  await enter(new Keys(secret, known.log.origin));
  known.secret = secret;
  form.reset();
}

// Enters a command. Pressed once more after an answer was lost it is the same one; what was changed in between is another.
async function command(form, { stream, type, typed, data, signers, prepare }) {
  const number = form.elements.id.value;
  const still = watch();
  let asked = underway.get(number);
  if (!asked || asked.typed !== typed) {
    asked = { typed, request: { id: asked ? id(random()) : number, stream, type, data: await awaited(data()) } };
  }
  const watched = (stream) => {
    still();
    return signers(stream);
  };
  try {
    await awaited(record(asked.request, watched, () => underway.set(number, asked), prepare));
  } catch (error) {
    // A refusal by a rule is an answer: nothing was entered.
    if (error.code === "refused") underway.delete(number);
    throw error;
  }
}

const own = () => [known.keys.of(known.report)];

const ofReport = (form, type, data, more = {}) =>
  command(form, { stream: known.report, type, typed: JSON.stringify(data), data: () => data, signers: own, ...more });

// What was written, sealed and uploaded with its files, to the office and to its writer.
async function sealedLetter(said, files, far) {
  known.log = await awaited(logKeys());
  const excluded = [...document.querySelectorAll("main [name=excluded]")].map(({ value }) => value);
  const office = intake(known.log, excluded);
  if (office.length === 0) throw new Fault("nobody_left");
  const sent = [];
  for (const file of files) {
    far(sent.length, files.length + 1);
    sent.push(await awaited(sealedFile(file, false, office, (...arrived) => far(sent.length, files.length + 1, arrived))));
  }
  far(sent.length, files.length + 1);
  const readers = [...office, known.keys.recipient];
  const told = utf8(JSON.stringify({ v: 1, words: said, files: sent.map(({ note }) => note) }));
  const sealed = await awaited(seal(new Blob([told]), readers, "text"));
  await awaited(upload(sealed));
  const data = { sealed: { blob: sealed.blob, size: sealed.bytes.size, recipients: readers } };
  if (sent.length) data.files = sent.map(({ blob }) => blob);
  return data;
}

async function letter(form, step, button) {
  const said = form.elements.words.value.trim();
  const files = chosen(form);
  checkLetter(said, files, known.secret);
  // What may tell place and time goes when its sender says so, and never silently.
  for (const file of form.elements.tells?.checked ? [] : files) {
    if (!(await awaited(ready(file, false))).cleaned) throw new Fault("file_tells", null, { name: tidyName(file.name) });
  }
  const told = fill("t-progress", {});
  const still = watch();
  button.before(told);
  try {
    const typed = JSON.stringify([step, said, files.map(({ name, size, lastModified }) => [name, size, lastModified])]);
    const far = (...parts) => {
      still();
      tellProgress(told, ...parts);
    };
    const data = () => sealedLetter(said, files, far);
    await command(form, { stream: known.report, type: LETTERS[step], typed, data, signers: own });
  } finally {
    endProgress(told);
    told.remove();
  }
  await enter(known.keys, step);
}

async function claim(form, step) {
  const reward = form.elements.reward.value;
  const signer = known.keys.claims(reward);
  const data = { key: signer.vkey };
  if (step === "claim") data.voucher = voucherHash(known.keys.voucher(reward));
  await command(form, { stream: reward, type: `reward.${step}`, typed: step, data: () => data, signers: () => [signer] });
  await enter(known.keys, step);
}

// New words are made and shown first; they take the place of the old ones when they were written down.
async function rotate(form) {
  if (!form.elements.new_secret) {
    const main = await awaited(page({ step: "rotate" }));
    known.fresh = random();
    paintSecret(main, known.fresh, language);
    return turn(main, "under");
  }
  const fresh = known.fresh;
  const keys = new Keys(fresh, known.keys.origin);
  const [before, after] = [known.keys.of(known.report), keys.of(known.report)];
  const data = { old: before.vkey, new: after.vkey, claim_key: keys.claim, recipient: keys.recipient };
  await ofReport(form, "report.rotate_key", data, { signers: () => [before, after] });
  await enter(keys, "rotate");
  known.secret = fresh;
}

async function lock(form) {
  await ofReport(form, "report.lock", {});
  forget();
  first.querySelector("section").before(fill("t-good", { says: wordsOf("locked") }));
  await goBack();
  scrollTo(0, 0);
}

const grouped = (digits) => digits.replace(/(.{4})(?=.)/g, "$1 ");

// The sheet that is handed over.
async function sheet(number) {
  const shown = document.querySelector("h1 .number").textContent;
  const main = await awaited(page({ step: "invitation" }));
  const [ofCase, code] = main.querySelectorAll("dd.number");
  ofCase.textContent = shown;
  code.textContent = grouped(known.keys.invitation(number));
  await turn(main, "under");
}

async function invite(form) {
  const number = form.elements.id.value;
  const code = known.keys.invitation(number);
  const prepare = async () => parsed(await post("/api/v1/invite", { id: number, code, ...(await proof(known.keys)) }));
  await ofReport(form, "report.invite", { number }, { prepare });
  await sheet(number);
}

async function withdraw(form) {
  await ofReport(form, "report.withdraw_invitation", { key: form.elements.invitation.dataset.key });
  await enter(known.keys, "withdraw");
}

// The receipt file of the entry by which this reporter came in.
async function saveProof() {
  const body = new URLSearchParams({ lang: language, step: "receipt", ...(await awaited(proof(known.keys))) });
  const answer = await awaited(ask("/my/here", { method: "POST", body }));
  const name = /filename="([0-9]+\.tlog-proof)"/.exec(answer.headers.get("content-disposition") ?? "")?.[1];
  if (answer.status !== 200 || !name) throw new Fault("strange");
  save(name, new Blob([answer.text], { type: "text/plain" }));
}

async function check(form) {
  if (!areKept(form, known.secret, language)) throw new Fault("not_the_words");
  await enter(known.keys, "check");
}

// Somebody with a case number and a one-time code: words are made and shown first, and the code is used up when they were written down.
async function byCode(form, step) {
  known.log ??= await awaited(logKeys());
  const secret = form.elements.new_secret ? known.fresh : random();
  const keys = new Keys(secret, known.log.origin);
  const [number, code] = [form.elements.number.value, form.elements.code.value];
  const asked = { id: keys.command, number, code, key: keys.of("").half, claim_key: keys.claim, recipient: keys.recipient };
  const prepare = async () => parsed(await post(`/api/v1/${step}`, asked));
  if (!form.elements.new_secret) {
    await awaited(prepare());
    const main = await awaited(page({ step }));
    known.fresh = secret;
    paintSecret(main, secret, language);
    const fields = main.querySelector("form").elements;
    [fields.number.value, fields.code.value] = [number, code];
    return turn(main, "under");
  }
  const type = step === "join" ? "report.join" : "report.pick_up";
  const data = { claim_key: keys.claim, recipient: keys.recipient };
  const still = watch();
  const signers = (stream) => {
    still();
    return [keys.of(stream)];
  };
  try {
    await awaited(record({ type, data }, signers, undefined, prepare));
  } catch (error) {
    if (error.code !== "refused") throw error;
    // Pressed again after an answer was lost: these words have the report already.
    return receipt(keys, secret).catch(() => Promise.reject(error));
  }
  await receipt(keys, secret);
}

const STEPS = {
  "": (form) => (known.keys ? enter(known.keys) : opens(form)),
  satisfied: async (form, step) => {
    await ofReport(form, "report.satisfy", {});
    await enter(known.keys, step);
  },
  claim, waive: claim, rotate, lock, invite, withdraw, check,
  invitation: (form) => sheet(form.elements.invitation.value),
  show: () => receipt(known.keys, known.secret),
  receipt: saveProof,
  pickup: byCode, join: byCode,
};

// Only whoever presses for it sends anything to be opened and sealed by the server: the form as it is, with the words.
function byServer(form, step) {
  const { secret, new_secret: fresh } = form.elements;
  const spelled = (bytes) => (bytes ? text(words(bytes, language), language) : "");
  if (secret?.type === "hidden") secret.value = spelled(known.secret);
  if (fresh) fresh.value = spelled(known.fresh);
  form.append(Object.assign(document.createElement("input"), { type: "hidden", name: "step", value: step }));
  form.submit();
}

async function act(form, button) {
  const step = button?.value ?? "";
  const before = times;
  quiet();
  known.busy = true;
  try {
    await (LETTERS[step] ? letter(form, step, button) : STEPS[step](form, step));
  } catch (error) {
    // Of what was forgotten nothing is said, and no file is kept that was sealed meanwhile.
    if (times !== before) forgetFiles();
    else alarm(error, form.closest("section") ?? form, () => byServer(form, step));
  } finally {
    if (times === before) known.busy = false;
  }
}

// "My report" anew, where Back or Forward leads to it.
async function again() {
  const before = times;
  try {
    await enter(known.keys);
  } catch {
    if (times === before) forget();
  }
}

export function follow() {
  const where = document.getElementById("where-opened");
  where.textContent = where.dataset.here;
  // They are wanted on every page.
  document.body.append(...first.querySelectorAll("template"));
  addEventListener("submit", (event) => {
    event.preventDefault();
    if (!known.busy) act(event.target, event.submitter);
  });
  addEventListener("input", begin);
  history.scrollRestoration = "manual";
  // Every other step in the history is taken for Back.
  skips();
  addEventListener("popstate", () => {
    if (returning) returning();
    else if (history.state?.at === "report" && known.keys) again();
    else forget();
    returning = null;
  });
  // Nothing is left for whoever opens this page from what the browser remembers.
  addEventListener("pagehide", forget);
}
