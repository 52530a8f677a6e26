// The way into the ledger: uploads, the text to sign, and what comes back. Every request may be sent again: a sealed file has the
// name of its content, and one command id is one report.

import { blake3 } from "@noble/hashes/blake3.js";
import { toBase64, utf8 } from "../viewer/bytes.js";

// Pauses before a request is sent again, and the longest wait for one, in milliseconds.
const PAUSES = [1000, 3000];
const WAIT_MAX = 70_000;
// How often a text is asked for and signed anew when the server forgot it, or the ledger moved on.
const TURNS = 3;

// Why it was not sent. `says` has the server's own words, `code` those of the page.
export class Fault extends Error {
  constructor(code, says) {
    super(code);
    Object.assign(this, { code, says });
  }
}

async function once(path, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), WAIT_MAX);
  try {
    const common = { credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer", signal: stop.signal };
    const response = await fetch(path, { ...common, ...options });
    return { status: response.status, text: await response.text() };
  } catch {
    return { status: 0, text: "" };
  } finally {
    clearTimeout(timer);
  }
}

// The answer, once there is one: what is lost or overloaded is tried again.
export async function ask(path, options = {}) {
  for (let turn = 0; ; turn++) {
    const answer = await once(path, options);
    if (answer.status !== 0 && answer.status < 500) return answer;
    if (turn === PAUSES.length) throw answer.status === 0 ? new Fault("offline") : refused(answer);
    await new Promise((resume) => setTimeout(resume, PAUSES[turn]));
  }
}

function refused({ text }) {
  const lang = document.documentElement.lang.slice(0, 2);
  try {
    const { says, instead } = JSON.parse(text)[lang];
    return new Fault("refused", lang === "zh" ? says + instead : `${says} ${instead}`);
  } catch {
    return new Fault("strange");
  }
}

function parsed(answer) {
  if (answer.status !== 200) throw refused(answer);
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new Fault("strange");
  }
}

const post = (path, body) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });

// Uploads what was sealed. The server must have the very bytes.
export async function upload({ bytes, blob }) {
  const headers = { "content-type": "application/octet-stream" };
  const kept = parsed(await ask("/api/v1/sealed", { method: "PUT", headers, body: bytes }));
  if (kept.blob !== blob || kept.size !== bytes.size) throw new Fault("strange");
}

// Whether two values of JSON are the same, whatever the order of their fields.
function same(a, b) {
  if (typeof a !== "object" || a === null || b === null) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b ?? {}).length && names.every((name) => same(a[name], b[name]));
}

// Nothing is signed but the report itself: its stream, its key, and a body that says what was asked for and nothing else.
function isOurs({ texts, bodies }, request, keys) {
  if (texts?.length !== 1 || bodies?.length !== 1) return false;
  const lines = texts[0].split("\n");
  const origin = keys.name.slice(0, keys.name.length - request.stream.length - 1);
  const hash = toBase64(blake3(utf8(bodies[0])));
  const introduced = lines.filter((line) => line.startsWith("key "));
  const { type, data } = JSON.parse(bodies[0]).event;
  return (
    lines[0] === `adit.v1 ${origin}` &&
    lines[1] === `${request.stream} 0 report.reported` &&
    lines.includes(`body ${hash}`) &&
    introduced.length === 1 && introduced[0] === `key ${keys.vkey}` &&
    type === "report.reported" && same(data.report, request.data)
  );
}

// Enters the report, or finds that it is entered already. `underway` is told that an answer may be lost from now on.
export async function record(request, keys, underway) {
  for (let turn = 0; turn < TURNS; turn++) {
    const prepared = parsed(await post("/api/v1/prepare", { ...request, signers: [keys.vkey] }));
    if (prepared.positions) return prepared;
    if (!isOurs(prepared, request, keys)) throw new Fault("strange");
    underway();
    const answer = await post("/api/v1/append", { pending: prepared.pending, notes: [keys.sign(prepared.texts[0])] });
    if (answer.status !== 404 && answer.status !== 409) return parsed(answer);
  }
  throw new Fault("offline");
}
