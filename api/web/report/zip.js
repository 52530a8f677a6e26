// Zips as office documents are: read by their directory, with a ceiling on what is unpacked, and written anew. Whatever can't be read throws.

import { concat, text, utf8 } from "../viewer/bytes.js";

// Most parts, and most bytes of all of them unpacked.
const PARTS_MAX = 2000;
const UNPACKED_BYTES_MAX = 64 * 1024 * 1024;
// 1980-01-01, the first day that the format knows.
const DATE = 0x21;

const strange = () => {
  throw new Error("no zip");
};

const view = (bytes) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const CRC = Uint32Array.from({ length: 256 }, (_, byte) => {
  for (let bit = 0; bit < 8; bit++) byte = byte & 1 ? (byte >>> 1) ^ 0xedb88320 : byte >>> 1;
  return byte;
});

function crc32(bytes) {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = CRC[(crc ^ byte) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

// What comes out of a stream, at most so many bytes.
export async function through(bytes, stream, most) {
  const parts = [];
  const reader = new Blob([bytes]).stream().pipeThrough(stream).getReader();
  for (let next = await reader.read(); !next.done; next = await reader.read()) {
    most -= next.value.length;
    if (most < 0) {
      await reader.cancel();
      strange();
    }
    parts.push(next.value);
  }
  return concat(...parts);
}

// The parts of a zip, by name and in order.
export async function unpacked(bytes) {
  const data = view(bytes);
  let end = bytes.length - 22;
  while (end >= 0 && data.getUint32(end, true) !== 0x06054b50) end -= 1;
  if (end < 0) strange();
  const [many, from] = [data.getUint16(end + 10, true), data.getUint32(end + 16, true)];
  if (many > PARTS_MAX) strange();
  const parts = [];
  const seen = new Set();
  let [at, left] = [from, UNPACKED_BYTES_MAX];
  for (let nth = 0; nth < many; nth++) {
    if (data.getUint32(at, true) !== 0x02014b50) strange();
    const [flags, method, packed] = [data.getUint16(at + 8, true), data.getUint16(at + 10, true), data.getUint32(at + 20, true)];
    const [named, extra, comment] = [28, 30, 32].map((place) => data.getUint16(at + place, true));
    const name = text(bytes.subarray(at + 46, at + 46 + named)) ?? strange();
    const local = data.getUint32(at + 42, true);
    at += 46 + named + extra + comment;
    if (name.endsWith("/")) continue;
    const sound = !name.startsWith("/") && !name.includes("\\") && !name.split("/").includes("..");
    if (!sound || flags & 1 || seen.has(name.toLowerCase()) || data.getUint32(local, true) !== 0x04034b50) strange();
    seen.add(name.toLowerCase());
    const start = local + 30 + data.getUint16(local + 26, true) + data.getUint16(local + 28, true);
    if (start + packed > bytes.length || ![0, 8].includes(method)) strange();
    const content = bytes.subarray(start, start + packed);
    const whole = method === 8 ? await through(content, new DecompressionStream("deflate-raw"), left) : content;
    left -= whole.length;
    if (left < 0) strange();
    parts.push([name, whole]);
  }
  return parts;
}

// A zip of these parts in their order, made on no day that anybody remembers.
export async function packed(parts) {
  const [files, directory] = [[], []];
  let at = 0;
  for (const [path, content] of parts) {
    // The first part of an OpenDocument file says what it is to whoever reads its first bytes.
    const stored = path === "mimetype";
    const data = stored ? content : await through(content, new CompressionStream("deflate-raw"), Infinity);
    const name = utf8(path);
    const head = view(new Uint8Array(26));
    // Version 2.0, names in UTF-8.
    for (const [place, value] of [[0, 20], [2, 0x800], [4, stored ? 0 : 8], [8, DATE], [22, name.length]]) head.setUint16(place, value, true);
    for (const [place, value] of [[10, crc32(content)], [14, data.length], [18, content.length]]) head.setUint32(place, value, true);
    const common = new Uint8Array(head.buffer);
    files.push(Uint8Array.of(0x50, 0x4b, 3, 4), common, name, data);
    const place = view(new Uint8Array(14));
    place.setUint32(10, at, true);
    directory.push(Uint8Array.of(0x50, 0x4b, 1, 2, 20, 0), common, new Uint8Array(place.buffer), name);
    at += 30 + name.length + data.length;
  }
  const listed = concat(...directory);
  const end = view(new Uint8Array(18));
  for (const place of [4, 6]) end.setUint16(place, parts.length, true);
  end.setUint32(8, listed.length, true);
  end.setUint32(12, at, true);
  return concat(...files, listed, Uint8Array.of(0x50, 0x4b, 5, 6), new Uint8Array(end.buffer));
}
