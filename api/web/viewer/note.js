// Keys and signed notes (C2SP signed-note), checkpoints and cosignatures.

import { ed25519 } from "@noble/curves/ed25519.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, concat, decimal, hash, hex, text, utf8 } from "./bytes.js";

const NOTE_BYTES_MAX = 65535;
const SIGNATURES_MAX = 16;
export const ED25519 = 1;
export const COSIGNATURE = 4;

export const isName = (name) =>
  name !== "" && utf8(name).length <= 255 && !/[\p{White_Space}\p{Cc}+]/u.test(name);

// A point of prime order in its one spelling: anything else could verify here and not elsewhere.
function soundPoint(bytes) {
  try {
    const point = ed25519.Point.fromBytes(bytes);
    return !point.isSmallOrder() && point.isTorsionFree();
  } catch {
    return false;
  }
}

const known = new Map();

// `<name>+<8 hex digits>+<base64(type || key)>`, or null. Read keys are kept: each is looked at many times.
export function vkey(written) {
  if (!known.has(written)) known.set(written, readVkey(written));
  return known.get(written);
}

function readVkey(written) {
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(written) ?? [];
  const typed = base64(encoded ?? "!");
  if (typed?.length !== 33 || !isName(name)) return null;
  const [kind, key] = [typed[0], typed.subarray(1)];
  if (hex(keyId(name, typed)) !== id || (kind !== ED25519 && kind !== COSIGNATURE)) return null;
  return soundPoint(key) ? { written, name, kind, key, id } : null;
}

export const keyId = (name, typed) => sha256(concat(utf8(`${name}\n`), typed)).subarray(0, 4);

// Strict verification, as the ledger's own: no part of a signature has another spelling.
export function verifies(key, message, signature) {
  if (signature.length !== 64 || !soundPoint(signature.subarray(0, 32))) return false;
  try {
    return ed25519.verify(signature, message, key.key, { zip215: false });
  } catch {
    return false;
  }
}

// Text and signature lines of a note in its one spelling, or null.
export function note(bytes, bytesMax = NOTE_BYTES_MAX) {
  const whole = bytes.length <= bytesMax ? text(bytes) : null;
  if (whole === null || /[\x00-\x09\x0b-\x1f\x7f]/.test(whole)) return null;
  const end = whole.lastIndexOf("\n\n");
  if (end < 0 || !whole.endsWith("\n")) return null;
  const rest = whole.slice(end + 2);
  if (rest === "") return null;
  const signatures = [];
  for (const line of rest.slice(0, -1).split("\n")) {
    const parsed = signatureLine(line);
    const twice = parsed && signatures.some((other) => other.name === parsed.name && other.id === parsed.id);
    if (!parsed || twice || signatures.length === SIGNATURES_MAX) return null;
    signatures.push(parsed);
  }
  return { text: whole.slice(0, end + 1), signatures };
}

function signatureLine(line) {
  const [, name, encoded] = /^\u2014 ([^ ]*) (.*)$/s.exec(line) ?? [];
  const bytes = base64(encoded ?? "!");
  if (!bytes || bytes.length < 5 || !isName(name)) return null;
  return { name, id: hex(bytes.subarray(0, 4)), signature: bytes.subarray(4) };
}

export const isBy = (line, key) => line.name === key.name && line.id === key.id;

// The keys of `keys` that signed; null where one of their signatures fails, or none is there.
export function signers(note, keys) {
  const found = [];
  for (const line of note.signatures) {
    const key = keys.find((key) => isBy(line, key));
    if (!key) continue;
    if (!verifies(key, utf8(note.text), line.signature)) return null;
    found.push(key);
  }
  return found.length ? found : null;
}

// Origin, size and root of a checkpoint with its note, or null.
export function checkpoint(bytes) {
  const parsed = note(bytes);
  const [origin, size, root, rest] = parsed?.text.split("\n") ?? [];
  if (rest === undefined || origin === "" || decimal(size) === null || !hash(root)) return null;
  return { origin, size: decimal(size), root: hash(root), note: parsed };
}

// The second at which a witness cosigned; null where the line is not its good cosignature.
export function cosigned(written, line, witness) {
  if (witness.kind !== COSIGNATURE || !isBy(line, witness) || line.signature.length !== 72) return null;
  const seconds = new DataView(line.signature.slice().buffer).getBigUint64(0);
  if (seconds > 0x7fffffffffffffffn) return null;
  const message = utf8(`cosignature/v1\ntime ${seconds}\n${written}`);
  return verifies(witness, message, line.signature.subarray(8)) ? Number(seconds) : null;
}
