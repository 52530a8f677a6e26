// The way into the ledger: uploads, large ones in pieces, the text to sign, and what comes back. Every request may be sent again: a sealed file has the
// name of its content, and one command id is one report.

import { blake3 } from "@noble/hashes/blake3.js";
import { toBase64, utf8 } from "../viewer/bytes.js";
import { Fault } from "./fault.js";
import { note } from "./secret.js";
import { readKeys } from "./seal.js";
import { shown } from "./work.js";

// Pauses before a request is sent again, and the longest wait for one, in milliseconds.
const PAUSES = [1000, 3000];
const WAIT_MAX = 70_000;
// Sealed files that are larger go up in pieces: of this size at first, then of what the network takes in some seconds.
const WHOLE_MAX = 512 * 1024;
const [PIECE_MIN, PIECE_FIRST, PIECE_MAX] = [32 * 1024, 128 * 1024, 4 * 1024 * 1024];
const [QUICK, SLOW] = [3000, 10_000];
// How long a piece is tried again, in milliseconds, while nothing arrives; and the longest pause between two tries.
const PATIENCE = 300_000;
const PAUSE_MAX = 20_000;
// How often a text is asked for and signed anew when the server forgot it, or the ledger moved on.
const TURNS = 3;

async function once(path, options) {
  const stop = new AbortController();
  const timer = setTimeout(() => stop.abort(), WAIT_MAX);
  try {
    const common = { credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer", signal: stop.signal };
    const response = await fetch(path, { ...common, ...options });
    return { status: response.status, text: await response.text(), headers: response.headers };
  } catch {
    return { status: 0, text: "", headers: new Headers() };
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

export function parsed(answer) {
  if (answer.status !== 200) throw refused(answer);
  try {
    return JSON.parse(answer.text);
  } catch {
    throw new Fault("strange");
  }
}

export const post = (path, body, headers = {}) =>
  ask(path, { method: "POST", headers: { "content-type": "application/json", ...headers }, body: JSON.stringify(body) });

// What the log says of itself: its name, and whom to seal to.
export async function logKeys() {
  const answer = await ask("/log/keys");
  const log = readKeys(answer.text);
  if (answer.status !== 200 || !log.origin) throw new Fault("strange");
  return log;
}

// Uploads what was sealed. The server must have the very bytes. `told` hears how many have arrived, and whether the network is gone.
export async function upload(sealed, told = () => {}) {
  const { bytes, blob } = sealed;
  const headers = { "content-type": "application/octet-stream", ...shown() };
  const whole = bytes.size <= WHOLE_MAX;
  const kept = parsed(whole ? await ask("/api/v1/sealed", { method: "PUT", headers, body: bytes }) : await inPieces(sealed, told));
  if (kept.blob !== blob || kept.size !== bytes.size) throw new Fault("strange");
}

// For so long, or until the network is there again.
function pause(milliseconds) {
  return new Promise((resume) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      resume();
    };
    const timer = setTimeout(done, milliseconds);
    addEventListener("online", done);
  });
}

// One request of an upload in pieces (draft-ietf-httpbis-resumable-upload): it begins, or asks how much is there, or sends what comes behind that.
// Gives back the answer, and where the server stands now; null where nobody knows.
async function step(sealed, at, size) {
  const { bytes, place } = sealed;
  const digest = { "repr-digest": `blake3=:${toBase64(sealed.hash)}:` };
  if (!place) {
    const headers = { ...digest, "upload-length": String(bytes.size), "upload-complete": "?0" };
    const answer = await once("/api/v1/sealed/uploads", { method: "POST", headers });
    sealed.place = answer.status === 201 ? answer.headers.get("location") : null;
    return { answer, stands: answer.status === 201 ? 0 : null };
  }
  if (at === null) {
    const answer = await once(place, { method: "HEAD" });
    return { answer, stands: answer.status === 204 ? Number(answer.headers.get("upload-offset")) : null };
  }
  const end = Math.min(at + size, bytes.size);
  const headers = { "content-type": "application/partial-upload", "upload-offset": String(at), "upload-complete": "?0" };
  if (end === bytes.size) Object.assign(headers, digest, shown(), { "upload-complete": "?1" });
  const answer = await once(place, { method: "PATCH", headers, body: bytes.slice(at, end) });
  const told = [204, 409].includes(answer.status) && answer.headers.get("upload-offset") !== null;
  return { answer, stands: told ? Number(answer.headers.get("upload-offset")) : null };
}

// A file in pieces, each behind what the server has. `sealed.place` names the upload, so that pressing again goes on with it.
async function inPieces(sealed, told) {
  let [at, size, faults, last, anew] = [null, PIECE_FIRST, 0, Date.now(), 0];
  for (;;) {
    const begun = Date.now();
    const { answer, stands } = await step(sealed, at, size);
    if (answer.status === 200) return answer;
    if (stands > (sealed.arrived ?? 0)) {
      const took = Date.now() - begun;
      if (took < QUICK) size = Math.min(size * 2, PIECE_MAX);
      if (took > SLOW) size = Math.max(size / 2, PIECE_MIN);
      [faults, last, sealed.arrived] = [0, Date.now(), stands];
    }
    at = stands;
    told(sealed.arrived ?? 0, false);
    if (at !== null && answer.status !== 409) continue;
    if (answer.status === 404 || answer.status === 422) {
      // Gone, or not what was sent: once more from the beginning, and not for ever. Where nothing had arrived nothing is gone.
      if ((answer.status === 422 || sealed.arrived > 0) && (anew += 1) > TURNS) throw refused(answer);
      [sealed.place, sealed.arrived] = [null, 0];
      continue;
    }
    const lost = answer.status === 0 || answer.status === 409 || (answer.status >= 500 && answer.status !== 507);
    if (!lost) throw refused(answer);
    if (Date.now() - last > PATIENCE) throw answer.status === 0 ? new Fault("offline") : refused(answer);
    if (answer.status === 409 && faults++ < TURNS) continue;
    // What arrived of the piece is asked for; a smaller one comes next.
    [at, size] = [null, Math.max(size / 2, PIECE_MIN)];
    told(sealed.arrived ?? 0, true);
    await pause(Math.min(1000 * 2 ** faults++, PAUSE_MAX) * (0.5 + Math.random() / 2));
  }
}

// Whether two values of JSON are the same, whatever the order of their fields.
function same(a, b) {
  if (typeof a !== "object" || a === null || b === null) return a === b;
  const names = Object.keys(a);
  return names.length === Object.keys(b ?? {}).length && names.every((name) => same(a[name], b[name]));
}

// As what each command is entered.
const ENTERED = {
  "report.message": "report.message_sent", "report.add_evidence": "report.evidence_added", "report.allege_retaliation": "report.retaliation_alleged",
  "report.dispute": "report.disputed", "report.satisfy": "report.satisfied", "report.lock": "report.locked", "report.rotate_key": "report.key_rotated",
  "report.withdraw_invitation": "report.invitation_withdrawn", "report.invite": "report.invited", "report.join": "report.joined",
  "report.pick_up": "report.picked_up", "reward.claim": "reward.claimed", "reward.waive": "reward.waived",
};

// Nothing is signed but what was asked for: one entry in the one stream, which introduces no key but those that sign, and a body that says
// what was asked for.
function isOurs({ texts, bodies }, { stream, type, data }, signers) {
  if (texts?.length !== 1 || bodies?.length !== 1) return false;
  const lines = texts[0].split("\n");
  const [origin] = signers[0].name.split(`/${stream}`);
  const hash = toBase64(blake3(utf8(bodies[0])));
  const introduced = lines.filter((line) => line.startsWith("key "));
  const { event } = JSON.parse(bodies[0]);
  const [of, at, kind] = lines[1].split(" ");
  if (lines[0] !== `adit.v1 ${origin}` || of !== stream || !lines.includes(`body ${hash}`)) return false;
  if (type === "report.report") {
    const first = at === "0" && kind === "report.reported" && event.type === kind;
    return first && introduced.length === 1 && introduced[0] === `key ${signers[0].vkey}` && same(event.data.report, data);
  }
  const said = type === "reward.waive" ? event.data.claim : event.data;
  const keys = signers.map(({ vkey }) => vkey);
  // An invitation has a key of its own, which the server makes of the code.
  if (type === "report.invite") keys.push(event.data.key);
  return (
    event.type === ENTERED[type] && at !== "0" &&
    introduced.every((line) => keys.includes(line.split(" ")[1])) &&
    Object.entries(data).every(([name, value]) => same(said[name], value))
  );
}

// Enters what was asked for, or finds that it is entered already. `signersOf` says who signs in a stream; `underway` is told that an answer may be
// lost from now on; `prepare` asks for the texts otherwise than by the command.
export async function record(request, signersOf, underway = () => {}, prepare) {
  for (let turn = 0; turn < TURNS; turn++) {
    const named = request.stream && signersOf(request.stream).map(({ vkey }) => vkey);
    const prepared = prepare ? await prepare() : parsed(await post("/api/v1/prepare", { ...request, signers: named }));
    if (prepared.positions) return prepared;
    const stream = request.stream ?? prepared.stream;
    const signers = signersOf(stream);
    if (!isOurs(prepared, { ...request, stream }, signers)) throw new Fault("strange");
    underway();
    const answer = await post("/api/v1/append", { pending: prepared.pending, notes: [note(prepared.texts[0], signers)] }, shown());
    if (answer.status !== 404 && answer.status !== 409) return parsed(answer);
  }
  throw new Fault("offline");
}
