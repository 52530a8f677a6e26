// The tree (RFC 6962), and receipts (C2SP tlog-proof).

import { sha256 } from "@noble/hashes/sha2.js";
import { base64, concat, decimal, hash, text, utf8 } from "./bytes.js";
import { checkpoint } from "./note.js";

const RECEIPT_BYTES_MAX = 160 * 1024;
const HASHES_MAX = 64;

export const leafHash = (leaf) => sha256(concat(Uint8Array.of(0), leaf));
const nodeHash = (left, right) => sha256(concat(Uint8Array.of(1), left, right));

// The root that an inclusion proof leads to (RFC 9162, 2.1.3.2), or null. Positions go beyond 32 bits, so there are no
// bit operations.
export function rootOfInclusion(leaf, index, size, proof) {
  if (index >= size) return null;
  let [node, last, at] = [index, size - 1, leaf];
  const half = (number) => Math.floor(number / 2);
  for (const sibling of proof) {
    if (last === 0) return null;
    if (node % 2 === 1 || node === last) {
      at = nodeHash(sibling, at);
      while (node % 2 === 0 && node !== 0) [node, last] = [half(node), half(last)];
    } else {
      at = nodeHash(at, sibling);
    }
    [node, last] = [half(node), half(last)];
  }
  return last === 0 ? at : null;
}

// A receipt in its one spelling, or null.
export function receipt(bytes) {
  const whole = bytes.length <= RECEIPT_BYTES_MAX ? text(bytes) : null;
  const end = whole?.indexOf("\n\n") ?? -1;
  if (end < 0) return null;
  const [first, extra, index, ...hashes] = whole.slice(0, end).split("\n");
  const entry = extra?.startsWith("extra ") ? base64(extra.slice(6)) : null;
  const position = index?.startsWith("index ") ? decimal(index.slice(6)) : null;
  const proof = hashes.map(hash);
  const note = utf8(whole.slice(end + 2));
  const good = first === "c2sp.org/tlog-proof@v1" && entry && position !== null && checkpoint(note);
  return good && proof.length <= HASHES_MAX && !proof.includes(null) ? { entry, position, proof, checkpoint: note } : null;
}
