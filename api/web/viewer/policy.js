// Whom to trust (C2SP tlog-policy), read as bytes and refused whole at its first fault.

import { sha256 } from "@noble/hashes/sha2.js";
import { base64, decimal, hex, text } from "./bytes.js";
import { COSIGNATURE, ED25519, cosigned, isBy, isName, keyId, signers, vkey } from "./note.js";

const BYTES_MAX = 1 << 20;
const NAMES_MAX = 4096;

// Each byte as a character: names are compared byte by byte, whatever script they are in.
const bytesOf = (item) => Uint8Array.from(item, (char) => char.charCodeAt(0));
const shown = (item) => new TextDecoder().decode(bytesOf(item));
const keyOf = (item, kind) => {
  const key = vkey(text(bytesOf(item ?? "")) ?? "");
  return key?.kind === kind ? key : null;
};

// SHA-256 of a well-formed ML-DSA-44 key, whose cosignatures are not checked here.
function mlDsa(item) {
  const [, name, id, encoded] = /^([^+]*)\+([^+]*)\+(.*)$/s.exec(text(bytesOf(item ?? "")) ?? "") ?? [];
  const typed = base64(encoded ?? "!");
  const good = typed?.length === 1313 && typed[0] === 6 && isName(name) && hex(keyId(name, typed)) === id;
  return good ? hex(sha256(typed.subarray(1))) : null;
}

class Reader {
  logs = [];
  witnesses = [];
  groups = [];
  names = new Map();
  members = new Set();
  witnessKeys = new Set();
  quorum = undefined;

  line(line) {
    if (/[\x00-\x08\x0a-\x1f\x7f]/.test(line)) return false;
    const [word, ...items] = line.split(/[ \t]+/).filter((item) => item !== "");
    if (word === undefined || word.startsWith("#")) return true;
    if (this.logs.length + this.names.size >= NAMES_MAX) return false;
    const read = { log: this.log, witness: this.witness, group: this.group, quorum: this.setQuorum }[word];
    return Boolean(read?.call(this, items));
  }

  log(items) {
    const key = keyOf(items[0], ED25519);
    if (items.length > 2 || !key || this.logs.some((log) => hex(log.key) === hex(key.key))) return false;
    return this.logs.push(key);
  }

  witness([name, written, url, more]) {
    if (written === undefined || more !== undefined) return false;
    const key = keyOf(written, COSIGNATURE);
    const hash = mlDsa(written) ?? (key && hex(sha256(key.key)));
    if (!hash || this.witnessKeys.has(hash) || !this.define(name, { witness: this.witnesses.length })) return false;
    this.witnessKeys.add(hash);
    return this.witnesses.push({ name: shown(name), key, url });
  }

  group([name, threshold, ...members]) {
    if (!members.length) return false;
    const needed = { any: 1, all: members.length }[threshold] ?? decimal(threshold);
    if (!needed || needed > members.length) return false;
    for (const member of members) {
      if (!this.names.has(member) || this.members.has(member)) return false;
      this.members.add(member);
    }
    const group = { name: shown(name), needed, members: members.map((member) => this.names.get(member)) };
    return this.define(name, { group: this.groups.length }) && this.groups.push(group);
  }

  setQuorum([name, more]) {
    if (name === undefined || more !== undefined || this.quorum !== undefined) return false;
    this.quorum = name === "none" ? null : this.names.get(name);
    return this.quorum !== undefined;
  }

  define(name, member) {
    if (name === "none" || this.names.has(name)) return false;
    return this.names.set(name, member);
  }
}

// Throws the number of the first line with a fault.
export function parse(file) {
  if (file.length > BYTES_MAX) throw 1;
  let written = "";
  for (const byte of file) written += String.fromCharCode(byte);
  const lines = written.split("\n");
  const rest = lines.pop();
  if (rest !== "") throw lines.length + 1;
  const reader = new Reader();
  lines.forEach((line, index) => {
    if (!reader.line(line)) throw index + 1;
  });
  if (reader.quorum === undefined) throw lines.length + 1;
  return reader;
}

// Who cosigned, and whether they are enough; null where a signature of a known key fails.
export function standing(policy, point, logKeys) {
  const logs = [...policy.logs, ...logKeys].filter((key) => key.name === point.origin);
  const of = (key) => point.note.signatures.find((line) => isBy(line, key));
  const at = policy.witnesses.map(({ key }) => {
    const line = key && of(key);
    return line ? cosigned(point.note.text, line, key) : undefined;
  });
  if (!signers(point.note, logs) || at.includes(null)) return null;
  const met = [];
  const has = (member) => (member.witness === undefined ? met[member.group] : at[member.witness] !== undefined);
  const counts = policy.groups.map((group) => {
    const number = group.members.filter(has).length;
    met.push(number >= group.needed);
    return { name: group.name, cosigned: number, needed: group.needed };
  });
  const witnesses = policy.witnesses.map(({ name }, index) => ({ name, at: at[index] }));
  return { witnesses, counts, met: policy.quorum === null || has(policy.quorum) };
}
