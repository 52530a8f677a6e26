// Work that takes requests ahead where many come at once: a number for which the hash of the server's stamp begins with so many zero bits. It is looked
// for while somebody types, a moment at a time. What isn't found yet is not waited for: nothing is refused for want of it.

import { blake3 } from "@noble/hashes/blake3.js";
import { utf8 } from "../viewer/bytes.js";

// How long it is looked for at once, and the pause after that, in milliseconds: typing stays smooth.
const [MOMENT, PAUSE] = [8, 24];

let found = null;
let left = 0;
let looking = false;

export const zeroBits = (hash) => {
  const zeros = hash.findIndex((byte) => byte !== 0);
  return zeros < 0 ? hash.length * 8 : zeros * 8 + Math.clz32(hash[zeros]) - 24;
};

async function look() {
  const options = { credentials: "omit", cache: "no-store", redirect: "error", referrerPolicy: "no-referrer" };
  const { stamp, bits, requests, hours } = await (await fetch("/api/v1/work", options)).json();
  const old = performance.now() + hours * 3_600_000;
  let number = 0;
  for (;;) {
    for (const begun = performance.now(); performance.now() - begun < MOMENT; number++) {
      const text = `${stamp}.${number}`;
      if (zeroBits(blake3(utf8(text))) >= bits) return { text, requests, old };
    }
    await new Promise((resume) => setTimeout(resume, PAUSE));
  }
}

// Begins, unless work is there or under way.
export async function begin() {
  if (looking || left > 0) return;
  looking = true;
  try {
    found = await look();
    left = found.requests;
  } catch {
    // No network: the next press begins anew.
  } finally {
    looking = false;
  }
}

// What a request shows. Where it is used up, the next is looked for.
export function shown() {
  if (found && performance.now() > found.old) left = 0;
  if (left === 0) {
    begin();
    return {};
  }
  left -= 1;
  return { "adit-work": found.text };
}
