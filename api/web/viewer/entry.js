// Entries (`adit.v1`): the text that was signed, in its one spelling.

import { blake3 } from "@noble/hashes/blake3.js";
import { decimal, hash, isDay, isStream, utf8 } from "./bytes.js";
import { note, vkey } from "./note.js";

const LINES_MAX = 64;
export const ROLES = [
  "clerk", "inspector", "handler", "approver", "finance", "investigator", "auditor", "enterprise", "leader", "admin", "escrow",
];

const isClock = (name) => /^[a-z_]{1,32}$/.test(name);
const isAge = (text) => /^age1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{58}$/.test(text);

// Kinds of further lines in their order, each with what reads it.
const LINES = {
  key: ([key, more]) => more === undefined && vkey(key) && { key: vkey(key) },
  recipient: ([key, age, more]) => more === undefined && vkey(key) && isAge(age) && { key: vkey(key) },
  grant: ([role, key, more]) => more === undefined && ROLES.includes(role) && vkey(key) && { role, key: vkey(key) },
  revoke: ([role, key, more]) => more === undefined && ROLES.includes(role) && vkey(key) && { role, key: vkey(key) },
  end: ([key, last, more]) =>
    more === undefined && vkey(key) && decimal(last) !== null && { key: vkey(key), last: decimal(last) },
  clock: ([name, day, more]) => more === undefined && isClock(name) && isDay(day) && { name, day },
  extend: ([name, day, more]) => more === undefined && isClock(name) && isDay(day) && { name, day },
  stop: ([name, more]) => more === undefined && isClock(name) && { name },
};
const ORDER = Object.keys(LINES);

function furtherLines(lines) {
  const parsed = [];
  for (const [index, line] of lines.entries()) {
    const [word, ...rest] = line.split(" ");
    const read = Object.hasOwn(LINES, word) && rest[0] !== undefined && LINES[word](rest.map((part) => part ?? ""));
    const before = parsed.at(-1);
    const ordered = !before || ORDER.indexOf(before.word) <= ORDER.indexOf(word);
    if (!read || !ordered || lines.indexOf(line) !== index || parsed.length === LINES_MAX) return null;
    parsed.push({ word, text: line, ...read });
  }
  return parsed;
}

function head(line) {
  const [stream, revision, kind, more] = line.split(" ");
  const event = kind?.startsWith(`${stream.split("/")[0]}.`) ? kind.slice(stream.split("/")[0].length + 1) : "";
  if (more !== undefined || !isStream(stream) || decimal(revision) === null || !/^[a-z_]{1,64}$/.test(event)) return null;
  return { stream, revision: decimal(revision), kind };
}

// Nothing was seen, or a checkpoint with its size, root and note.
function isSeen(line) {
  const [size, root, seen, more] = line.split(" ");
  if (more !== undefined || decimal(size) === null || !hash(root)) return false;
  const nothing = size === "0" && root === "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=";
  return seen === "-" ? nothing : Boolean(hash(seen)) && size !== "0";
}

// An entry with its signatures, or null.
export function entry(bytes) {
  const parsed = note(bytes);
  if (!parsed || parsed.signatures.some((line) => line.signature.length !== 64)) return null;
  const lines = parsed.text.slice(0, -1).split("\n");
  const prefixes = ["adit.v1 ", "", "", "seen ", "prev ", "body "];
  if (lines.length < 6 || prefixes.some((prefix, at) => !lines[at].startsWith(prefix))) return null;
  const [origin, place, day, seen, prev, body] = prefixes.map((prefix, at) => lines[at].slice(prefix.length));
  const where = head(place);
  const further = furtherLines(lines.slice(6));
  if (!where || !further || !isDay(day) || !isSeen(seen) || !hash(body)) return null;
  if ((prev === "-") !== (where.revision === 0) || (prev !== "-" && !hash(prev))) return null;
  const text = utf8(parsed.text);
  const own = { ...where, origin, day, prev: prev === "-" ? null : hash(prev), body: hash(body), lines: further };
  return { ...own, text, textHash: blake3(text), signatures: parsed.signatures, bytes };
}
