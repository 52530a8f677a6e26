// The container: every byte follows from names and contents, so the zip is made again from what was read and compared.

import { text } from "./bytes.js";
import { Fault } from "./fault.js";
import { isPath } from "./manifest.js";

const FILES_MAX = 65534;
const BYTES_MAX = 0xfffffffe;
const LOCAL_BYTES = 30;
const CENTRAL_BYTES = 46;
const [LOCAL, CENTRAL, END] = [0x04034b50, 0x02014b50, 0x06054b50];

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(content) {
  let crc = 0xffffffff;
  for (let i = 0; i < content.length; i++) crc = CRC[(crc ^ content[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

// Writes little-endian numbers of the given widths.
function numbers(view, at, ...pairs) {
  for (const [width, value] of pairs) {
    if (width === 2) view.setUint16(at, value, true);
    else view.setUint32(at, value, true);
    at += width;
  }
}

// Version of a stored file, no flags, stored, 1980-01-01, checksum, both sizes, length of the name, no extra field.
const shared = (file) => [
  [2, 10], [2, 0], [2, 0], [2, 0], [2, 0x21],
  [4, crc32(file.content)], [4, file.content.length], [4, file.content.length], [2, file.raw.length], [2, 0],
];

function build(files) {
  const own = files.reduce((sum, file) => sum + LOCAL_BYTES + file.raw.length + file.content.length, 0);
  const directory = files.reduce((sum, file) => sum + CENTRAL_BYTES + file.raw.length, 0);
  const bytes = new Uint8Array(own + directory + 22);
  const view = new DataView(bytes.buffer);
  const parts = [];
  let [at, record] = [0, own];
  for (const file of files) {
    const fields = shared(file);
    parts.push({ from: at, file: file.name, part: "bundle.in_header" });
    numbers(view, at, [4, LOCAL], ...fields);
    bytes.set(file.raw, at + LOCAL_BYTES);
    parts.push({ from: at + LOCAL_BYTES + file.raw.length, file: file.name, part: "bundle.in_content" });
    bytes.set(file.content, at + LOCAL_BYTES + file.raw.length);
    numbers(view, record, [4, CENTRAL], [2, 10], ...fields, [4, 0], [2, 0], [4, 0], [4, at]);
    bytes.set(file.raw, record + CENTRAL_BYTES);
    file.record = record;
    record += CENTRAL_BYTES + file.raw.length;
    at += LOCAL_BYTES + file.raw.length + file.content.length;
  }
  for (const file of files) parts.push({ from: file.record, file: file.name, part: "bundle.in_directory" });
  parts.push({ from: record, file: "", part: "bundle.in_end" });
  numbers(view, record, [4, END], [4, 0], [2, files.length], [2, files.length], [4, directory], [4, own], [2, 0]);
  return { bytes, parts };
}

const isDirectory = (view, at) => at + 4 <= view.byteLength && [CENTRAL, END].includes(view.getUint32(at, true));

// The file whose header begins at `at`, as far as the container tells, or null.
function fileAt(bytes, view, at) {
  if (at + LOCAL_BYTES > bytes.length || isDirectory(view, at)) return null;
  const start = at + LOCAL_BYTES + view.getUint16(at + 26, true);
  const raw = bytes.subarray(at + LOCAL_BYTES, start);
  const name = start <= bytes.length ? text(raw) : null;
  if (name === null || !isPath(name)) return null;
  // A size that goes beyond the end is found by the checksum, under the name of its file.
  const end = Math.min(start + view.getUint32(at + 22, true), bytes.length);
  return { name, raw, content: bytes.subarray(start, end), end };
}

// The files in their order, or the first byte that stands otherwise than it must.
export function read(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const files = [];
  let at = 0;
  for (let file; (file = fileAt(bytes, view, at)) !== null; at = file.end) files.push(file);
  if (files.length > FILES_MAX || bytes.length > BYTES_MAX) throw new Fault("too_large", "");
  const { bytes: again, parts } = build(files);
  const shorter = Math.min(again.length, bytes.length);
  let same = 0;
  while (same < shorter && again[same] === bytes[same]) same++;
  if (same === again.length && same === bytes.length) return files;
  // What stands where the next header should be has no name to tell.
  if (same >= at && at + LOCAL_BYTES <= bytes.length && !isDirectory(view, at)) {
    throw new Fault("container", "", { offset: String(at), part: "bundle.in_gap" });
  }
  const place = parts.findLast((part) => part.from <= same) ?? { file: "", part: "bundle.in_end" };
  const inChecksum = place.part === "bundle.in_header" && same - place.from >= 14 && same - place.from < 18;
  const part = inChecksum ? "bundle.in_content" : place.part;
  throw new Fault("container", place.file, { offset: String(same), part });
}
