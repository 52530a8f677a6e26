// The manifest: the signed note that names every other file.

import { decimal, hash, isDay, isStream } from "./bytes.js";
import { isName } from "./note.js";

const HEAD = "adit.bundle.v1 ";

export const isPath = (path) =>
  path.length <= 128 &&
  /^[A-Za-z0-9._/-]*$/.test(path) &&
  path.split("/").every((step) => step.replaceAll(".", "") !== "");

// Throws the number of the line that is not of the form.
export function parse(text) {
  const lines = text.slice(0, -1).split("\n");
  const head = (at, prefix) => {
    if (!lines[at - 1]?.startsWith(prefix)) throw at;
    return lines[at - 1].slice(prefix.length);
  };
  const origin = head(1, HEAD);
  const day = head(2, "day ");
  if (!isDay(day)) throw 2;
  const [size, root, more] = head(3, "checkpoint ").split(" ");
  if (decimal(size) === null || !hash(root) || more !== undefined) throw 3;
  const manifest = { origin, day, size: decimal(size), root: hash(root), streams: [], files: [] };
  const named = new Set();
  lines.slice(3).forEach((line, index) => {
    if (!readLine(manifest, named, line)) throw index + 4;
  });
  if (!isName(origin)) throw 1;
  return manifest;
}

function readLine(manifest, named, line) {
  const [word, first, second, third, more] = line.split(" ");
  if (more !== undefined) return false;
  if (word === "file") {
    const bytes = decimal(second);
    const last = manifest.files.at(-1);
    const ordered = last === undefined || last.path < (third ?? "");
    if (!ordered || !/^[0-9a-f]{64}$/.test(first) || bytes === null || !isPath(third ?? "")) return false;
    manifest.files.push({ hash: first, bytes, path: third });
    return true;
  }
  const asked = word === "stream";
  const entries = decimal(second);
  const last = manifest.streams.at(-1);
  const ordered =
    last === undefined || (last.asked && !asked) || (last.asked === asked && last.stream < first);
  const known = (asked || word === "support") && third === undefined && isStream(first) && entries !== null;
  if (!known || !ordered || named.has(first) || manifest.files.length) return false;
  named.add(first);
  manifest.streams.push({ stream: first, entries, asked });
  return true;
}
