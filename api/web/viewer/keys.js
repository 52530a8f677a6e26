// Who signed the entries: keys that entries before introduced, with the roles that they were granted.

import KINDS from "adit:kinds";
import { decimal, isStream, text, utf8 } from "./bytes.js";
import { isBy, note, signers as noteSigners, verifies, vkey } from "./note.js";

const everywhere = (entry) => /^(actor|ledger)\//.test(entry.stream);
const unlinkable = (entry) => /^(report|reward|access|concern)\//.test(entry.stream);

class Ring {
  constructor(states = new Map()) {
    this.states = states;
  }

  copy() {
    return new Ring(new Map(this.states));
  }

  introduce(key) {
    if (!this.states.has(key.written)) this.states.set(key.written, { key, last: Infinity, roles: new Set() });
  }

  // Takes over the lines of an entry. States are replaced, not changed: copies share them.
  apply(entry) {
    for (const line of entry.lines) {
      const state = line.key && this.states.get(line.key.written);
      if (line.word === "key") this.introduce(line.key);
      if (!state) continue;
      const roles = new Set(state.roles);
      if (line.word === "grant") roles.add(line.role);
      if (line.word === "revoke") roles.delete(line.role);
      const last = line.word === "end" ? Math.min(state.last, line.last) : state.last;
      this.states.set(line.key.written, { ...state, roles, last });
    }
  }

  resolve(line) {
    for (const state of this.states.values()) if (isBy(line, state.key)) return state;
    return null;
  }
}

export class Keys {
  constructor(origin) {
    this.origin = origin;
    this.all = new Ring();
    this.local = new Map();
  }

  // Checks the signatures of the next entry, and takes over what it says of keys. Throws a code.
  next(position, entry, body) {
    const found = this.signers(position, entry);
    if (!maySign(entry, found, this.origin)) throw "wrong_signers";
    if (unlinkable(entry) && body && !this.officers(position, entry, body, found)) throw "officer";
    if (everywhere(entry)) this.all.apply(entry);
    return found;
  }

  ringOf(entry) {
    if (unlinkable(entry)) {
      if (!this.local.has(entry.stream)) this.local.set(entry.stream, new Ring());
      this.local.get(entry.stream).apply(entry);
      return this.local.get(entry.stream);
    }
    const own = this.all.copy();
    if (everywhere(entry)) entry.lines.filter((line) => line.word === "key").forEach((line) => own.introduce(line.key));
    return own;
  }

  signers(position, entry) {
    const own = this.ringOf(entry);
    return entry.signatures.map((line) => {
      // The log countersigns in every stream.
      const ring = line.name === this.origin && !entry.stream.startsWith("ledger/") ? this.all : own;
      const state = ring.resolve(line);
      if (!state) throw "unknown_signer";
      if (position > state.last) throw "ended_signer";
      if (!verifies(state.key, entry.text, line.signature)) throw "signature";
      return { key: state.key, roles: [...state.roles] };
    });
  }

  // Behind every one-time key of an officer stands the officer's own statement in the body; no two of one person. Behind that
  // of a filler stands the log's, and nowhere else.
  officers(position, entry, body, found) {
    const { notes, filler } = statements(body);
    const known = [...this.all.states.values()].map((state) => state.key);
    const persons = new Set();
    for (const { key, roles } of found.filter(({ key }) => key.name.includes("/officer/"))) {
      const officer = notes.map((one) => this.statement(one, key, entry, known)).find(Boolean);
      const state = officer && this.all.states.get(officer.written);
      const entitled = state && roles.every((role) => state.roles.has(role)) && position <= state.last;
      const byLog = entitled && state.key.name === this.origin;
      if (!entitled || byLog !== filler || persons.has(state.key.name)) return false;
      persons.add(state.key.name);
    }
    return true;
  }

  // Who signed that this one-time key is theirs, or null.
  statement(written, oneTime, entry, known) {
    const parsed = typeof written === "string" ? note(utf8(written)) : null;
    const lines = parsed?.text.slice(0, -1).split("\n") ?? [];
    const [stream, revision, more] = lines[2]?.split(" ") ?? [];
    const good =
      lines.length === 3 && lines[0] === `adit.v1 officer ${this.origin}` && vkey(lines[1])?.written === oneTime.written &&
      isStream(stream) && stream === entry.stream && decimal(revision) !== null && more === undefined;
    return good ? (noteSigners(parsed, known)?.[0] ?? null) : null;
  }
}

function statements(body) {
  try {
    const { officers, event } = JSON.parse(text(body) ?? "");
    return { notes: officers ?? [], filler: event?.type === "access.filler" };
  } catch {
    return { notes: [], filler: false };
  }
}

// Whether these hands may sign an entry of this kind, and it carries the public clocks that it must.
function maySign(entry, found, origin) {
  const rule = Object.hasOwn(KINDS, entry.kind) ? KINDS[entry.kind] : null;
  if (!rule) return false;
  const is = ({ key, roles }, hand) => {
    if (hand === "log") return key.name === origin;
    if (hand === "officer") return key.name !== origin && roles.length === 0 && key.name.includes("/officer/");
    if (hand !== "reporter") return roles.includes(hand);
    return key.name !== origin && roles.length === 0 && !/\/(actor|officer)\//.test(key.name);
  };
  const enough = (hands) =>
    hands.every((hand) => {
      const names = new Set(found.filter((signer) => is(signer, hand)).map(({ key }) => key.name));
      return names.size >= hands.filter((other) => other === hand).length;
    });
  const has = (word, name) => entry.lines.some((line) => line.word === word && line.name === name);
  return (
    rule.signers.some(enough) &&
    rule.clocks.every((name) => has("clock", name)) &&
    rule.stops.every((name) => has("stop", name))
  );
}
