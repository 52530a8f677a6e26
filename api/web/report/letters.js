// Letters of a report: what those that came say, and what one that is about to go may say.

import { Fault } from "./fault.js";
import { checkFiles, HIDDEN, size } from "./files.js";
import { pictureOf } from "./page.js";
import { open } from "./seal.js";
import { parse, tells, voucherHash } from "./secret.js";

export const fileLine = ({ name, size: bytes }) => Object.assign(document.createElement("li"), { textContent: `${name} · ${size(bytes)}` });

// Puts what a letter says into its place; one that was sealed to somebody else goes.
export async function openLetter(letter, keys) {
  const told = await open(letter.dataset.sealed, keys.identity);
  delete letter.dataset.sealed;
  if (!told && letter.dataset.told === undefined) letter.remove();
  if (!told) return;
  letter.querySelector(".words").textContent = told.words;
  if (!told.files?.length) return;
  const list = Object.assign(document.createElement("ul"), { className: "files" });
  list.append(...told.files.map(fileLine));
  letter.append(list);
}

export function showVoucher(part, keys) {
  const code = keys.voucher(part.dataset.reward);
  if (voucherHash(code) !== part.dataset.voucher) return;
  part.querySelector(".voucher").textContent = code;
  part.querySelector(".qr").append(pictureOf(code));
  part.hidden = false;
  part.previousElementSibling.hidden = true;
}

// What may be sent; the twelve words never.
export function checkLetter(said, files, secret) {
  if (said === "" && files.length === 0) throw new Fault("nothing_written");
  if (HIDDEN.test(said)) throw new Fault("hidden_words");
  checkFiles(files);
  let whole = false;
  try {
    whole = parse(said) !== null;
  } catch {
    // It is no secret, as it should be.
  }
  if (whole || tells(said, secret)) throw new Fault("secret_in_message");
}
