// Checks a bundle, in the order and with the codes of core/src/ledger/bundle/verify.rs.

import { blake3 } from "@noble/hashes/blake3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { concat, decimal, equal, hex, text, utf8 } from "./bytes.js";
import { entry as readEntry } from "./entry.js";
import { Fault } from "./fault.js";
import { Keys } from "./keys.js";
import { parse as readManifest } from "./manifest.js";
import { ED25519, checkpoint, note, signers, vkey } from "./note.js";
import { parse as readPolicy, standing } from "./policy.js";
import { leafHash, receipt, rootOfInclusion } from "./tree.js";
import { read } from "./zip.js";

const MANIFEST_BYTES_MAX = 12 << 20;
// Entries between two pauses, in which the page shows how far it has come.
const STRIDE = 8;

// `trusted` are keys that the person knows from elsewhere; `pause(done, total)` lets the page breathe.
export async function verify(bytes, trusted, pause) {
  const inOrder = read(bytes);
  const files = new Map(inOrder.map((file) => [file.name, file.content]));
  const { manifest, log, signedBy } = manifestOf(inOrder, files);
  if (trusted.length && !signedBy.some((key) => trusted.some((other) => other.written === key.written))) {
    throw new Fault("other_key", "log.vkey");
  }
  allListed(manifest.files, inOrder.slice(1));
  const positions = names(files);
  const point = pointOf(manifest, files, log);
  const entries = await entriesOf(manifest, files, positions, pause);
  const rules = rulesOf(files);
  const named = entries.filter((entry) => entry.bodyBytes).flatMap((entry) => rulesNamed(entry.bodyBytes));
  const absent = [...new Set(named)].filter((version) => !rules.versions.has(version));
  return { manifest, log, signedBy, entries, ...point, rules, absent };
}

function content(files, path) {
  if (!files.has(path)) throw new Fault("file_missing", path);
  return files.get(path);
}

const isListed = (line, bytes) => line.bytes === bytes.length && line.hash === hex(sha256(bytes));

function manifestOf(inOrder, files) {
  if (inOrder[0]?.name !== "manifest") throw new Fault("file_missing", "manifest");
  const signed = note(inOrder[0].content, MANIFEST_BYTES_MAX);
  if (!signed) throw new Fault("manifest_signature", "manifest");
  let manifest;
  try {
    manifest = readManifest(signed.text);
  } catch (line) {
    throw new Fault("manifest_form", "manifest", { line: String(line) });
  }
  const own = content(files, "log.vkey");
  const log = logKeys(own, manifest.origin);
  const signedBy = log && signers(signed, log);
  if (signedBy?.length === signed.signatures.length) return { manifest, log, signedBy };
  // Which of the two was altered, the manifest's own line for the file tells best.
  const line = manifest.files.find((file) => file.path === "log.vkey");
  if (!line || !isListed(line, own)) throw new Fault("file_changed", "log.vkey");
  throw log ? new Fault("manifest_signature", "manifest") : new Fault("log_key", "log.vkey");
}

function logKeys(bytes, origin) {
  const written = text(bytes);
  if (!written?.endsWith("\n")) return null;
  const keys = written.slice(0, -1).split("\n").map(vkey);
  return keys.every((key) => key?.name === origin && key.kind === ED25519) ? keys : null;
}

function allListed(wanted, found) {
  for (let at = 0; at < wanted.length || at < found.length; at++) {
    const [path, name] = [wanted[at]?.path, found[at]?.name];
    if (path === undefined || name < path) throw new Fault("file_extra", name);
    if (name === undefined || name > path) throw new Fault("file_missing", path);
    if (!isListed(wanted[at], found[at].content)) throw new Fault("file_changed", path);
  }
}

const OTHERS = ["manifest", "checkpoint", "log.vkey", "policy", "index.html", "VERIFY.md"];

// Every file is one of the format. Gives back the positions of the entries, in order.
function names(files) {
  const positions = [];
  for (const path of [...files.keys()].sort()) {
    const entry = decimal(/^entries\/(.*)\.entry$/s.exec(path)?.[1]);
    if (entry !== null) {
      positions.push(entry);
      continue;
    }
    const of = decimal(/^proofs\/(.*)\.tlog-proof$/s.exec(path)?.[1] ?? /^bodies\/(.*)\.json$/s.exec(path)?.[1]);
    const known = of === null ? OTHERS.includes(path) || path.startsWith("rules/") : files.has(`entries/${of}.entry`);
    if (!known) throw new Fault("file_name", path);
  }
  for (const path of ["checkpoint", "index.html", "VERIFY.md"]) content(files, path);
  return positions.sort((a, b) => a - b);
}

// The checkpoint is the manifest's and signed by the log; who cosigned it is counted by the policy.
function pointOf(manifest, files, log) {
  const point = checkpoint(content(files, "checkpoint"));
  const signedBy = point && signers(point.note, log);
  const same =
    point?.origin === manifest.origin && point.size === manifest.size && equal(point.root, manifest.root);
  if (!signedBy || !same) throw new Fault("checkpoint", "checkpoint");
  if (!files.has("policy")) return { point, standing: null };
  let policy;
  try {
    policy = readPolicy(files.get("policy"));
  } catch (line) {
    throw new Fault("policy_form", "policy", { line: String(line) });
  }
  const stands = standing(policy, point, signedBy);
  if (!stands) throw new Fault("checkpoint", "checkpoint");
  return { point, standing: stands };
}

async function entriesOf(manifest, files, positions, pause) {
  const tails = new Map(manifest.streams.map(({ stream }) => [stream, { next: 0, text: null }]));
  const keys = new Keys(manifest.origin);
  const checked = [];
  for (const [index, position] of positions.entries()) {
    if (index % STRIDE === 0) await pause(index, positions.length);
    const path = `entries/${position}.entry`;
    const entry = proven(manifest, files, position, path);
    const tail = tails.get(entry.stream);
    if (!tail) throw new Fault("foreign_stream", path);
    const follows = tail.text === null ? entry.prev === null : entry.prev !== null && equal(tail.text, entry.prev);
    if (entry.revision !== tail.next || !follows) throw new Fault("chain", path);
    tails.set(entry.stream, { next: tail.next + 1, text: entry.textHash });
    const body = files.get(`bodies/${position}.json`);
    if (body && !equal(blake3(body), entry.body)) throw new Fault("body", `bodies/${position}.json`);
    checked.push({ ...entry, position, signers: signersOf(keys, position, entry, body, path), bodyBytes: body });
  }
  for (const { stream, entries } of manifest.streams) {
    if (tails.get(stream).next !== entries) throw new Fault("stream_short", "manifest", { stream });
  }
  return checked;
}

function signersOf(keys, position, entry, body, path) {
  try {
    return keys.next(position, entry, body);
  } catch (code) {
    throw typeof code === "string" ? new Fault(code, path) : code;
  }
}

// An entry that stands in the tree of the checkpoint at its position.
function proven(manifest, files, position, path) {
  const bytes = content(files, path);
  const entry = readEntry(bytes);
  if (!entry) throw new Fault("entry_form", path);
  if (entry.origin !== manifest.origin) throw new Fault("other_log", path);
  const proofPath = `proofs/${position}.tlog-proof`;
  const proof = receipt(content(files, proofPath));
  const own =
    proof && equal(proof.entry, bytes) && proof.position === position && equal(proof.checkpoint, files.get("checkpoint"));
  if (!own) throw new Fault("proof_form", proofPath);
  const leaf = leafHash(bytes);
  const root = rootOfInclusion(leaf, position, manifest.size, proof.proof);
  if (!root || !equal(root, manifest.root)) throw new Fault("wrong_root", proofPath);
  return { ...entry, leaf, proof: proof.proof };
}

// The versions whose packs are in the bundle: the name of a version follows from its packs, and a pack's from its text.
function rulesOf(files) {
  const own = [...files.keys()].filter((path) => path.startsWith("rules/")).sort();
  const [versions, packs] = [new Set(), new Set()];
  for (const path of own.filter((path) => path.endsWith(".version"))) {
    const version = path.slice("rules/".length, -".version".length);
    const named = packsOf(files.get(path), version);
    if (!named) throw new Fault("rules", path);
    for (const { id, hash } of named) {
      const pack = `rules/${id}.${hash.slice(0, 16)}.toml`;
      if (hex(blake3(content(files, pack))) !== hash) throw new Fault("rules", pack);
      packs.add(pack);
    }
    versions.add(version);
  }
  const stray = own.find((path) => !path.endsWith(".version") && !packs.has(path));
  if (stray) throw new Fault("file_name", stray);
  return { versions, packs };
}

function packsOf(list, version) {
  const written = text(list);
  if (!written?.endsWith("\n")) return null;
  const lines = written.slice(0, -1).split("\n").map((line) => /^([^ ]*) ([0-9a-f]{64}) (adopted|shipped)$/.exec(line));
  if (lines.includes(null)) return null;
  const hashed = lines.flatMap(([, , hash, word]) => [utf8(hash), Uint8Array.of(word === "adopted" ? 1 : 0)]);
  const right = hex(blake3(concat(...hashed)).subarray(0, 8)) === version;
  return right ? lines.map(([, id, hash]) => ({ id, hash })) : null;
}

// The versions of the rules that a body names.
function rulesNamed(body) {
  const found = [];
  try {
    JSON.parse(text(body) ?? "", (name, value) => {
      if (name === "rules" && typeof value === "string") found.push(value);
      return value;
    });
  } catch {
    // A body that is not JSON names nothing; that it is the one whose hash was signed was checked before.
  }
  return found;
}
