// What a file is, and photographs without the place, the time and the device that they carry: what may stay is listed, as in
// api/src/reporter/picture.rs. Not a pixel is changed.

import { concat } from "../viewer/bytes.js";

export const HEAD_BYTES = 4096;

const ascii = (bytes, from, to) => String.fromCharCode(...bytes.subarray(from, to));
const starts = (bytes, ...head) => head.every((byte, at) => bytes[at] === byte);
const u16 = (bytes, at) => (bytes[at] << 8) | bytes[at + 1];
const u32 = (bytes, at) => u16(bytes, at) * 65536 + u16(bytes, at + 2);
const u32le = (bytes, at) => bytes[at] + bytes[at + 1] * 256 + bytes[at + 2] * 65536 + bytes[at + 3] * 16777216;

const BRANDS = {
  heic: "image/heif", heix: "image/heif", mif1: "image/heif", msf1: "image/heif", avif: "image/avif",
  "qt  ": "video/quicktime", "M4A ": "audio/m4a", "M4V ": "video/x-m4v",
};

// By its first bytes and never by its name.
export function kindOf(head) {
  if (starts(head, 0xff, 0xd8, 0xff)) return "image/jpeg";
  if (starts(head, 0x89, 0x50, 0x4e, 0x47)) return "image/png";
  if (starts(head, 0x47, 0x49, 0x46)) return "image/gif";
  if (starts(head, 0x25, 0x50, 0x44, 0x46)) return "application/pdf";
  if (starts(head, 0x50, 0x4b, 3, 4)) return "application/zip";
  if (starts(head, 0x4f, 0x67, 0x67, 0x53)) return "audio/ogg";
  if (starts(head, 0x1a, 0x45, 0xdf, 0xa3)) return "video/webm";
  if (starts(head, 0x49, 0x44, 0x33) || starts(head, 0xff, 0xfb)) return "audio/mpeg";
  if (ascii(head, 0, 5) === "#!AMR") return "audio/amr";
  if (ascii(head, 0, 4) === "RIFF") {
    return { WEBP: "image/webp", "WAVE": "audio/x-wav", "AVI ": "video/x-msvideo" }[ascii(head, 8, 12)] ?? "application/octet-stream";
  }
  if (ascii(head, 4, 8) === "ftyp") return BRANDS[ascii(head, 8, 12)] ?? "video/mp4";
  return "application/octet-stream";
}

// The picture without what it tells besides; null where it can't be read as its kind.
export function withoutMetadata(kind, bytes) {
  const clean = { "image/jpeg": jpeg, "image/png": png, "image/webp": webp }[kind];
  return clean ? clean(bytes) : null;
}

// JFIF, colours, and how it is coded. Which way up it is stays, in an EXIF of our own that says nothing else.
function jpeg(bytes) {
  if (!starts(bytes, 0xff, 0xd8)) return null;
  const kept = [];
  let up = 1;
  for (let at = 2; ; ) {
    if (bytes[at] !== 0xff) return null;
    const marker = bytes[at + 1];
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const end = at + 2 + u16(bytes, at + 2);
    if (!(end <= bytes.length) || end < at + 4) return null;
    const holds = (head) => ascii(bytes, at + 4, at + 4 + head.length) === head;
    if (marker === 0xe1 && holds("Exif\0\0")) up = orientation(bytes.subarray(at + 10, end));
    if (marker === 0xda) {
      const whole = scans(bytes, end);
      if (whole === null) return null;
      kept.push(bytes.subarray(at, whole));
      const head = up > 1 && up <= 8 ? [upright(up)] : [];
      return concat(bytes.subarray(0, 2), ...head, ...kept);
    }
    if (marker === 0xd9) return null;
    if (stays(bytes, at)) kept.push(bytes.subarray(at, end));
    at = end;
  }
}

// Whether a segment is needed to see the picture.
function stays(bytes, at) {
  const marker = bytes[at + 1];
  const holds = (head) => ascii(bytes, at + 4, at + 4 + head.length) === head;
  const application = marker >= 0xe0 && marker <= 0xef;
  const known = (marker === 0xe0 && holds("JFIF\0")) || (marker === 0xe2 && holds("ICC_PROFILE\0")) || (marker === 0xee && holds("Adobe"));
  return (!application && marker !== 0xfe) || known;
}

// The same where no byte may move: what goes becomes zeros.
export function jpegInPlace(bytes) {
  const strange = () => {
    throw new Error("no photograph");
  };
  if (!starts(bytes, 0xff, 0xd8)) strange();
  for (let at = 2; ; ) {
    const marker = bytes[at + 1];
    if (bytes[at] !== 0xff || marker === 0xd9) strange();
    if (marker === 0xff) {
      at += 1;
      continue;
    }
    const end = at + 2 + u16(bytes, at + 2);
    if (!(end <= bytes.length) || end < at + 4) strange();
    if (!stays(bytes, at)) bytes.fill(0, at + 4, end);
    if (marker === 0xda) {
      bytes.fill(0, scans(bytes, end) ?? strange());
      return;
    }
    at = end;
  }
}

// Where the picture ends: what stands behind it is no part of it.
function scans(bytes, from) {
  for (let at = from; at + 1 < bytes.length; ) {
    if (bytes[at] !== 0xff) at += 1;
    else if (bytes[at + 1] === 0xd9) return at + 2;
    else if (bytes[at + 1] === 0 || (bytes[at + 1] >= 0xd0 && bytes[at + 1] <= 0xd7)) at += 2;
    else if (bytes[at + 1] === 0xff) at += 1;
    else if (at + 3 < bytes.length) at += 2 + u16(bytes, at + 2);
    else return null;
  }
  return null;
}

// Which way up a photograph is (TIFF 6.0, tag 0x0112), 1 to 8.
function orientation(tiff) {
  const little = starts(tiff, 0x49, 0x49);
  const [short, long] = little ? [(at) => tiff[at] | (tiff[at + 1] << 8), (at) => u32le(tiff, at)] : [(at) => u16(tiff, at), (at) => u32(tiff, at)];
  const table = long(4);
  for (let nth = 0; nth < short(table); nth++) {
    const field = table + 2 + 12 * nth;
    if (field + 12 > tiff.length) break;
    if (short(field) === 0x0112) return short(field + 8);
  }
  return 1;
}

function upright(up) {
  const head = Uint8Array.of(0xff, 0xe1, 0, 34, 0x45, 0x78, 0x69, 0x66, 0, 0, 0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8);
  return concat(head, Uint8Array.of(0, 1, 1, 0x12, 0, 3, 0, 0, 0, 1, 0, up, 0, 0, 0, 0, 0, 0));
}

// What a picture needs to look as it does (PNG, third edition, and its animation).
const PNG_CHUNKS = [
  "IHDR", "PLTE", "IDAT", "IEND", "tRNS", "cHRM", "gAMA", "iCCP", "sBIT", "sRGB", "cICP", "bKGD", "pHYs", "hIST", "acTL", "fcTL", "fdAT",
];

function png(bytes) {
  if (ascii(bytes, 1, 8) !== "PNG\r\n\x1a\n") return null;
  const kept = [bytes.subarray(0, 8)];
  for (let at = 8; at + 12 <= bytes.length; ) {
    const [kind, end] = [ascii(bytes, at + 4, at + 8), at + 12 + u32(bytes, at)];
    if (end > bytes.length) return null;
    if (PNG_CHUNKS.includes(kind)) kept.push(bytes.subarray(at, end));
    if (kind === "IEND") return concat(...kept);
    at = end;
  }
  return null;
}

// What a picture needs (RFC 9649). The flags of the head say that EXIF and XMP are gone.
const WEBP_CHUNKS = ["VP8 ", "VP8L", "VP8X", "ALPH", "ANIM", "ANMF", "ICCP"];
const WEBP_TOLD = 0b0000_1100;

function webp(bytes) {
  if (ascii(bytes, 0, 4) !== "RIFF" || ascii(bytes, 8, 12) !== "WEBP" || u32le(bytes, 4) + 8 > bytes.length) return null;
  const kept = [];
  for (let at = 12; at + 8 <= u32le(bytes, 4) + 8; ) {
    const [kind, size] = [ascii(bytes, at, at + 4), u32le(bytes, at + 4)];
    const end = at + 8 + size + (size % 2);
    if (end > bytes.length) return null;
    const chunk = bytes.slice(at, end);
    if (kind === "VP8X") chunk[8] &= ~WEBP_TOLD;
    if (WEBP_CHUNKS.includes(kind)) kept.push(chunk);
    at = end;
  }
  const size = kept.reduce((sum, chunk) => sum + chunk.length, 4);
  const head = concat(bytes.subarray(0, 4), Uint8Array.of(size & 255, (size >> 8) & 255, (size >> 16) & 255, size >>> 24), bytes.subarray(8, 12));
  return kept.length ? concat(head, ...kept) : null;
}
