// The reporter's secret, made here, and what follows from it: the same words, labels and spellings as core/src/secret.rs.

import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bech32 } from "@scure/base";
import { wordlist as english } from "@scure/bip39/wordlists/english.js";
import { wordlist as chinese } from "@scure/bip39/wordlists/simplified-chinese.js";
import { concat, hex, toBase64, utf8 } from "../viewer/bytes.js";
import { ED25519, keyId } from "../viewer/note.js";

const ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz";

export const random = () => crypto.getRandomValues(new Uint8Array(16));

const number = (bytes) => BigInt(`0x${hex(bytes)}`);

// 128 bits as 26 digits; the first carries three of them.
export function id(bytes) {
  let value = number(bytes);
  let text = "";
  for (let digit = 0; digit < 26; digit++) {
    text = ALPHABET[Number(value & 31n)] + text;
    value >>= 5n;
  }
  return text;
}

// Twelve words of eleven bits: the secret, then four bits of checksum (BIP-39).
export function words(secret, language) {
  let bits = (number(secret) << 4n) | BigInt(sha256(secret)[0] >> 4);
  const list = language === "zh" ? chinese : english;
  const found = [];
  for (let nth = 0; nth < 12; nth++) {
    found.unshift(list[Number(bits & 0x7ffn)]);
    bits >>= 11n;
  }
  return found;
}

export const groups = (words) => [0, 3, 6, 9].map((from) => words.slice(from, from + 3));

// The words as they are shown: four groups of three.
export function text(words, language) {
  const [within, between] = language === "zh" ? ["", " "] : [" ", " - "];
  return groups(words).map((group) => group.join(within)).join(between);
}

// Everything that signs, claims and reads for a report.
export class Keys {
  constructor(secret, origin, stream) {
    const derive = (label) => hkdf(sha256, secret, utf8(`adit.v1 ${origin}`), utf8(label), 32);
    this.seed = derive("sign");
    this.name = `${origin}/${stream}`;
    const typed = concat(Uint8Array.of(ED25519), ed25519.getPublicKey(this.seed));
    this.id = keyId(this.name, typed);
    this.vkey = `${this.name}+${hex(this.id)}+${toBase64(typed)}`;
    this.claim = hex(ed25519.getPublicKey(derive("claim")));
    this.recipient = bech32.encodeFromBytes("age", x25519.getPublicKey(derive("read")));
    this.command = id(derive("id").subarray(0, 16));
  }

  // The text as a note signed by the report's key (C2SP signed-note).
  sign(text) {
    const signature = concat(this.id, ed25519.sign(utf8(text), this.seed));
    return `${text}\n\u2014 ${this.name} ${toBase64(signature)}\n`;
  }
}

// The short public number of a report: eleven digits of its id and a check digit (ISO 7064, MOD 11,10).
export function caseNumber(id) {
  const body = String(number(id.subarray(0, 8)) % 100_000_000_000n).padStart(11, "0");
  let sum = 10;
  for (const digit of body) {
    sum = (sum + Number(digit)) % 10;
    sum = ((sum === 0 ? 10 : sum) * 2) % 11;
  }
  return `${body}${(11 - sum) % 10}`.replace(/(.{4})(.{4})(.{4})/, "$1 $2 $3");
}
