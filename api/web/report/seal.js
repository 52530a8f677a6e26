// Sealing and opening in the browser: age files for recipients whom the log names, padded as core/src/seal.rs pads.

import { Decrypter, Encrypter } from "age-encryption";
import { blake3 } from "@noble/hashes/blake3.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { base64, hex, text, utf8 } from "../viewer/bytes.js";

const TEXT_STEP = 4096;
const FILE_STEP_MIN = 65536;
const ZEROS = new Uint8Array(65536);

// Size of `content` bytes once they are padded.
export function padded(kind, content) {
  const marked = content + 1;
  if (kind === "text") return Math.ceil(marked / TEXT_STEP) * TEXT_STEP;
  if (marked <= FILE_STEP_MIN) return FILE_STEP_MIN;
  let ladder = FILE_STEP_MIN;
  while (ladder < marked) ladder *= 2;
  return Math.ceil(marked / (ladder / 8)) * (ladder / 8);
}

// The content as it passes: counted, hashed, and padded at its end.
function padding(kind, seen) {
  return new TransformStream({
    transform(chunk, controller) {
      seen.size += chunk.length;
      seen.hasher.update(chunk);
      controller.enqueue(chunk);
    },
    flush(controller) {
      controller.enqueue(Uint8Array.of(0x80));
      let missing = padded(kind, seen.size) - seen.size - 1;
      for (; missing > ZEROS.length; missing -= ZEROS.length) controller.enqueue(ZEROS);
      controller.enqueue(ZEROS.subarray(0, missing));
    },
  });
}

// Seals a Blob; gives back the sealed one with both hashes. Only ciphertext is kept.
export async function seal(content, recipients, kind) {
  const encrypter = new Encrypter();
  for (const recipient of recipients) encrypter.addRecipient(recipient);
  const seen = { size: 0, hasher: sha256.create() };
  const sealed = await encrypter.encrypt(content.stream().pipeThrough(padding(kind, seen)));
  const hasher = blake3.create();
  const parts = [];
  const reader = sealed.getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    hasher.update(next.value);
    parts.push(next.value);
  }
  const hash = hasher.digest();
  return { bytes: new Blob(parts), hash, blob: hex(hash), size: seen.size, sha256: hex(seen.hasher.digest()) };
}

// The JSON in a sealed text that came as base64; null where this identity does not open it, or it is not whole.
export async function open(sealed, identity) {
  try {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const content = await decrypter.decrypt(base64(sealed));
    const end = content.lastIndexOf(0x80);
    return content.subarray(end + 1).some((byte) => byte !== 0) ? null : JSON.parse(text(content.subarray(0, end)));
  } catch {
    return null;
  }
}

// What the log says: its name, and whom to seal to.
export function readKeys(text) {
  const lines = text.split("\n").map((line) => line.split(" "));
  const origin = lines.find(([word]) => word === "log")?.[1]?.split("+")[0];
  const of = (role) => new Set(lines.filter(([word, name]) => word === "grant" && name === role).map(([, , key]) => key));
  const [clerks, escrow] = [of("clerk"), of("escrow")];
  const recipients = lines.filter(([word]) => word === "recipient").map(([, key, age]) => ({ key, age }));
  return { origin, recipients, clerks, escrow };
}

const actorOf = ({ key }) => key.split("+")[0].split("/actor/")[1];

// Intake officers without those who are excluded, and the escrow key; nobody where no intake officer is left.
export function intake({ recipients, clerks, escrow }, excluded) {
  const may = recipients.filter((one) => !excluded.includes(actorOf(one)));
  if (!may.some(({ key }) => clerks.has(key))) return [];
  const ages = may.filter(({ key }) => clerks.has(key) || escrow.has(key)).map(({ age }) => age);
  return [...new Set(ages)].sort();
}

// What stands on the poster: the hash over whom a report is sealed to when nobody is excluded.
export function fingerprint(recipients) {
  const hash = hex(sha256(utf8(recipients.map((age) => `${age}\n`).join(""))));
  return hash.slice(0, 32).replace(/(.{4})(?=.)/g, "$1 ");
}
