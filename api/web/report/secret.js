// The reporter's secret, made or typed here, and what follows from it: the same words, labels and spellings as core/src/secret.rs.

import { ed25519, x25519 } from "@noble/curves/ed25519.js";
import { hkdf } from "@noble/hashes/hkdf.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { blake3 } from "@noble/hashes/blake3.js";
import { bech32 } from "@scure/base";
import { wordlist as english } from "@scure/bip39/wordlists/english.js";
import { wordlist as chinese } from "@scure/bip39/wordlists/simplified-chinese.js";
import TRADITIONAL from "adit:traditional";
import { concat, hex, toBase64, utf8 } from "../viewer/bytes.js";
import { ED25519, keyId } from "../viewer/note.js";
import { Fault } from "./fault.js";

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

const TYPED_BYTES_MAX = 1024;

// The number of a word in its list; a traditional character has the number of its simplified form.
function find(list, word) {
  const listed = list.indexOf(word);
  return listed < 0 && list === chinese ? TRADITIONAL.indexOf(word) : listed;
}

// Reads what somebody typed: full width, spaces, dashes, punctuation and case do not matter.
export function parse(typed) {
  if (utf8(typed).length > TYPED_BYTES_MAX) throw new Fault("count", null, { found: [...typed].length });
  const found = typed.normalize("NFKC").toLowerCase().match(/[a-z]+|[\p{Alphabetic}\p{N}]/gu) ?? [];
  if (found.length !== 12) throw new Fault("count", null, { found: found.length });
  const list = found.some((word) => /^[\x00-\x7f]/.test(word)) ? english : chinese;
  let bits = 0n;
  found.forEach((word, nth) => {
    const at = find(list, word);
    if (at < 0) throw new Fault("unknown_word", null, { word: nth + 1 });
    bits = (bits << 11n) | BigInt(at);
  });
  const entropy = bits >> 4n;
  const secret = Uint8Array.from({ length: 16 }, (_, at) => Number((entropy >> BigInt(8 * (15 - at))) & 255n));
  if (BigInt(sha256(secret)[0] >> 4) !== (bits & 15n)) throw new Fault("checksum");
  return secret;
}

// Whether a text holds the words of this secret, however they are written.
export function tells(typed, secret) {
  const squeezed = typed.toLowerCase().replace(/[^\p{Alphabetic}\p{N}]/gu, "");
  return ["zh", "en"].some((language) => squeezed.includes(words(secret, language).join("")));
}

// A key with the name under which it signs.
class Signer {
  constructor(name, seed) {
    const key = ed25519.getPublicKey(seed);
    const typed = concat(Uint8Array.of(ED25519), key);
    const known = keyId(name, typed);
    Object.assign(this, { name, half: hex(key), vkey: `${name}+${hex(known)}+${toBase64(typed)}` });
    this.line = (text) => `\u2014 ${name} ${toBase64(concat(known, ed25519.sign(utf8(text), seed)))}\n`;
  }
}

// The text as a note that these sign (C2SP signed-note).
export const note = (text, signers) => `${text}\n${signers.map((signer) => signer.line(text)).join("")}`;

// Everything that signs, claims and reads for a reporter.
export class Keys {
  #derive;

  constructor(secret, origin) {
    this.origin = origin;
    this.#derive = (label) => hkdf(sha256, secret, utf8(`adit.v1 ${origin}`), utf8(label), 32);
    const read = this.#derive("read");
    this.identity = bech32.encodeFromBytes("age-secret-key-", read).toUpperCase();
    this.recipient = bech32.encodeFromBytes("age", x25519.getPublicKey(read));
    this.command = id(this.#derive("id").subarray(0, 16));
    this.claim = this.claims("").half;
  }

  // Signs in a report's stream, or for a sign-in.
  of(stream) {
    return new Signer(`${this.origin}/${stream}`, this.#derive("sign"));
  }

  // Signs the claim of a reward.
  claims(reward) {
    return new Signer(`${this.origin}/${reward}`, this.#derive("claim"));
  }

  // The code that the cash desk pays for.
  voucher(reward) {
    const hash = blake3(utf8(reward), { key: this.#derive("voucher") });
    return id(hash.subarray(0, 16)).slice(1, 17).replace(/(.{4})(?=.)/g, "$1-");
  }

  // The code with which somebody joins.
  invitation(command) {
    return String(number(this.#derive(`invitation ${command}`).subarray(0, 16)) % 10n ** 16n).padStart(16, "0");
  }
}

// The hash under which the log knows a voucher.
export const voucherHash = (code) => hex(blake3(utf8(code.replaceAll("-", ""))));

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
