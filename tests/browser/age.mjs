// The npm package that seals in the browser, against files of the Rust crate, both ways. It needs no browser.
//
// Plan: {seeds: [hex…], folder, sizes: [bytes…]}: opens `rust-<size>` by each identity, and writes `npm-<size>`.

import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const installed = createRequire(new URL("../../target/browser/", import.meta.url));
const load = (name) => import(pathToFileURL(installed.resolve(name)).href);
const { Decrypter, Encrypter, identityToRecipient } = await load("age-encryption");
const { bech32 } = await load("@scure/base");

const plan = JSON.parse(await readFile(process.argv[2], "utf8"));
const identities = plan.seeds.map((seed) => bech32.encodeFromBytes("AGE-SECRET-KEY-", Buffer.from(seed, "hex")).toUpperCase());
const opened = {};
for (const size of plan.sizes) {
  const sealed = await readFile(join(plan.folder, `rust-${size}`));
  opened[size] = [];
  for (const identity of identities) {
    const decrypter = new Decrypter();
    decrypter.addIdentity(identity);
    const padded = Buffer.from(await decrypter.decrypt(new Uint8Array(sealed)));
    const content = padded.subarray(0, padded.lastIndexOf(0x80));
    opened[size].push(content.length === size && content.every((byte) => byte === 7));
  }
  const encrypter = new Encrypter();
  for (const identity of identities) encrypter.addRecipient(await identityToRecipient(identity));
  const content = Buffer.concat([Buffer.alloc(size, 7), Buffer.of(0x80)]);
  await writeFile(join(plan.folder, `npm-${size}`), await encrypter.encrypt(new Uint8Array(content)));
}
process.stdout.write(JSON.stringify({ opened }));
