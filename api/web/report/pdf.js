// PDF without who made it, when, and with what, changed in place as in api/src/reporter/pdf.rs: every byte has to be accounted for, texts stay by the
// key under which they stand, packed objects go back into their place, and what can't be looked at or holds more than pages throws.

import { utf8 } from "../viewer/bytes.js";
import { jpegInPlace } from "./picture.js";
import { through } from "./zip.js";

const strange = () => {
  throw new Error("not understood");
};

const DEPTH_MAX = 50;
const OBJECTS_MAX = 200_000;
// Most texts, names and comments of a file, packed ones among them.
const ITEMS_MAX = 300_000;
const NAME_BYTES_MAX = 127;
const UNPACKED_BYTES_MAX = 8 * 1024 * 1024;
const UNPACKED_TIMES_MAX = 64;
const list = (text) => new Set(text.split(" "));
const STAY = list("Registry Ordering DA Lang Contents URI V DV Title Alt ActualText E D Dest Names Limits P Opt FontFamily CharSet");
const STRANGE = list("Encrypt EF EmbeddedFiles XFA JS JavaScript PieceInfo ByteRange OPI RichMedia Collection AF");

const isBlank = (byte) => byte === 0 || byte === 9 || byte === 10 || byte === 12 || byte === 13 || byte === 32;
const isDelimiter = (byte) => byte === undefined || "()<>[]{}/%".includes(String.fromCharCode(byte));
const isDigits = (word) => /^[0-9]+$/.test(word);
const numberOf = (word) => (isDigits(word) && Number.isSafeInteger(Number(word)) ? Number(word) : strange());

class Reader {
  constructor(bytes, left, at = 0) {
    Object.assign(this, { bytes, left, at, comments: [] });
  }

  count() {
    this.left.items -= 1;
    if (this.left.items < 0) strange();
  }

  ascii(from, to) {
    let text = "";
    for (let at = from; at < to; at++) text += String.fromCharCode(this.bytes[at]);
    return text;
  }

  starts(text) {
    return this.ascii(this.at, Math.min(this.at + text.length, this.bytes.length)) === text;
  }

  // The byte here as a character; empty at the end.
  peek() {
    return this.at < this.bytes.length ? String.fromCharCode(this.bytes[this.at]) : "";
  }

  skipBlanks() {
    for (; this.at < this.bytes.length; ) {
      if (this.bytes[this.at] === 37) {
        const start = this.at;
        while (this.at < this.bytes.length && this.bytes[this.at] !== 10 && this.bytes[this.at] !== 13) this.at += 1;
        this.count();
        this.comments.push([start, this.at]);
      } else if (isBlank(this.bytes[this.at])) this.at += 1;
      else return;
    }
  }

  word() {
    const start = this.at;
    while (this.at < this.bytes.length && !isBlank(this.bytes[this.at]) && !isDelimiter(this.bytes[this.at])) this.at += 1;
    return [start, this.at];
  }

  number() {
    return numberOf(this.ascii(...this.word()));
  }

  isKeyword(expected) {
    this.skipBlanks();
    return this.ascii(...this.word()) === expected;
  }

  keyword(expected) {
    if (!this.isKeyword(expected)) strange();
  }

  name() {
    if (this.peek() !== "/") strange();
    this.count();
    this.at += 1;
    const place = this.word();
    const name = this.ascii(...place).replace(/#([0-9A-Fa-f]{2})/g, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
    return name.length > NAME_BYTES_MAX ? strange() : { name, place };
  }

  // Where the inside of a text in brackets or in hexadecimal digits lies.
  text() {
    const hex = this.peek() === "<";
    this.at += 1;
    const start = this.at;
    for (let depth = 0; this.at < this.bytes.length; ) {
      const sign = this.peek();
      this.at += 1;
      if (hex && sign === ">") return [start, this.at - 1];
      if (hex && !/[0-9A-Fa-f\0\t\n\f\r ]/.test(sign)) strange();
      if (hex) continue;
      if (sign === "\\") this.at += 1;
      else if (sign === "(") depth += 1;
      else if (sign === ")" && depth-- === 0) return [start, this.at - 1];
    }
    return strange();
  }

  value(object, key, depth, isColours) {
    this.skipBlanks();
    if (depth > DEPTH_MAX) strange();
    if (this.peek() === "/") return { name: this.name().name };
    if (this.starts("<<")) return this.dictionary(object, depth);
    if (this.peek() === "[") return this.array(object, key, depth);
    if (this.peek() === "(" || this.peek() === "<") {
      const isHex = this.peek() === "<";
      const inside = this.text();
      this.count();
      object.texts.push({ isHex, stays: isColours || STAY.has(key), inside });
      return {};
    }
    const word = this.ascii(...this.word());
    if (word === "" || /[\x80-\xff]/.test(word)) strange();
    if (!isDigits(word)) return {};
    const number = numberOf(word);
    return this.isReference() ? { reference: number } : { number };
  }

  // Takes the rest of a reference, if it is one.
  isReference() {
    const [begin, comments, items] = [this.at, this.comments.length, this.left.items];
    this.skipBlanks();
    const word = this.ascii(...this.word());
    if (isDigits(word) && numberOf(word) >= 0 && this.isKeyword("R")) return true;
    this.at = begin;
    this.left.items = items;
    this.comments.length = comments;
    return false;
  }

  array(object, key, depth) {
    this.at += 1;
    const names = [];
    for (let others = false; ; ) {
      this.skipBlanks();
      if (this.peek() === "]") {
        this.at += 1;
        return others ? {} : { names };
      }
      const value = this.value(object, key, depth + 1, names[0] === "Indexed" || names[0] === "I");
      if (value.name === undefined) others = true;
      else {
        object.hasInnerNames = true;
        names.push(value.name);
      }
    }
  }

  dictionary(object, depth) {
    for (this.at += 2; ; ) {
      this.skipBlanks();
      if (this.starts(">>")) {
        this.at += 2;
        return {};
      }
      const { name, place } = this.name();
      object.hasInnerNames ||= depth > 0;
      if (STRANGE.has(name)) strange();
      this.skipBlanks();
      const from = this.at;
      const value = this.value(object, name, depth + 1, false);
      if (depth > 0) continue;
      // A key that stands twice would be read in two ways.
      if (object.entries.has(name)) strange();
      object.entries.set(name, { ...value, place, valueAt: [from, this.at] });
    }
  }

  stream(length) {
    this.at += this.starts("\r\n") ? 2 : this.starts("\n") ? 1 : 0;
    const start = this.at;
    if (length?.number !== undefined) {
      const end = start + length.number;
      if (end > this.bytes.length) strange();
      this.at = end;
      this.keyword("endstream");
      return [start, end];
    }
    for (let end = start; end + 9 <= this.bytes.length; end++) {
      if (this.bytes[end] !== 101 || this.ascii(end, end + 9) !== "endstream") continue;
      // Blanks alone may stand between: what looks like a comment in a stream is none.
      for (this.at = end + 9; isBlank(this.bytes[this.at]); ) this.at += 1;
      const closes = this.starts("endobj");
      this.at = end + 9;
      if (closes) return [start, end];
    }
    return strange();
  }

  object() {
    const object = { number: this.number(), texts: [], entries: new Map() };
    this.skipBlanks();
    this.number();
    this.keyword("obj");
    this.value(object, "", 0, false);
    this.skipBlanks();
    if (this.starts("stream")) {
      this.at += 6;
      object.stream = this.stream(object.entries.get("Length"));
    }
    this.keyword("endobj");
    return object;
  }

  // Everything in the file, in order; no byte may be left over.
  objects() {
    const found = [];
    for (let ends = 0; ; ) {
      this.skipBlanks();
      if (found.length > OBJECTS_MAX) strange();
      if (this.peek() === "") return { found, ends };
      if (isDigits(this.peek())) found.push(this.object());
      else if (this.starts("xref")) {
        this.at += 4;
        for (this.skipBlanks(); /^[0-9nf]$/.test(this.peek()); this.skipBlanks()) this.word();
      } else if (this.starts("trailer")) {
        this.at += 7;
        const object = { texts: [], entries: new Map() };
        this.skipBlanks();
        if (!this.starts("<<")) strange();
        this.dictionary(object, 0);
        found.push(object);
      } else {
        this.keyword("startxref");
        this.skipBlanks();
        this.number();
        ends += 1;
      }
    }
  }
}

const is = (object, key, name) => object.entries.get(key)?.name === name;

function filtersOf({ entries }) {
  const filter = entries.get("Filter");
  return filter === undefined ? [] : filter.names ?? [filter.name ?? strange()];
}

// Whether something is left that describes the file in a way of its own.
function tells(bytes) {
  const text = new TextDecoder("latin1").decode(bytes);
  return text.includes("xmpmeta") || text.includes("ns.adobe.com/xap");
}

const FIRST_LINE_BYTES = 8;

// How many bytes of a comment stay: of the first line and of the last one, what makes them such.
function staying(reader, from, to) {
  if (from === 0) return FIRST_LINE_BYTES;
  return reader.ascii(from, Math.min(from + 5, to)) === "%%EOF" ? 5 : 0;
}

export async function pdf(bytes) {
  const left = { bytes: UNPACKED_BYTES_MAX, objects: OBJECTS_MAX, items: ITEMS_MAX };
  const reader = new Reader(bytes, left);
  if (!/^%PDF-[0-9]\.[0-9]$/.test(reader.ascii(0, FIRST_LINE_BYTES))) strange();
  const { found, ends } = reader.objects();
  // Made for reading from its beginning a file has two ends; any other has the older versions of itself in it.
  const most = found[0]?.entries.has("Linearized") ? 2 : 1;
  if (ends === 0 || ends > most) strange();
  const names = found.filter((object) => object.number === undefined || is(object, "Type", "XRef"));
  // Who made the file is told among the objects, or else in a way that isn't looked at.
  const told = new Set(names.filter(({ entries }) => entries.has("Info")).map(({ entries }) => entries.get("Info").reference ?? strange()));
  for (const [from, to] of reader.comments) bytes.fill(32, from + staying(reader, from, to), to);
  left.objects -= found.length;
  for (const object of found) {
    if (is(object, "Type", "ObjStm")) {
      cleanDictionary(bytes, object, told.has(object.number));
      await cleanPacked(bytes, object, told, left);
    } else clean(bytes, object, told.has(object.number));
  }
  return tells(bytes) ? strange() : bytes;
}

// Objects that are packed together lose what they tell, and go back into the place that they had, where they fit.
async function cleanPacked(bytes, object, told, left) {
  const [from, to] = object.stream ?? strange();
  const length = object.entries.get("Length");
  // Where its length stands elsewhere it can't be made shorter here.
  if (length?.number !== to - from || object.entries.has("DecodeParms")) strange();
  const filters = filtersOf(object);
  const packed = filters.length > 0;
  if (packed && (filters.length > 1 || !["FlateDecode", "Fl"].includes(filters[0]))) strange();
  const most = Math.min(left.bytes, (to - from) * UNPACKED_TIMES_MAX);
  const before = packed ? await through(bytes.subarray(from, to), new DecompressionStream("deflate"), most) : bytes.slice(from, to);
  left.bytes -= before.length;
  if (left.bytes < 0) strange();
  const content = before.slice();
  cleanEach(content, object, told, left);
  if (content.every((byte, at) => byte === before[at])) return;
  const made = packed ? await through(content, new CompressionStream("deflate"), to - from) : content;
  const [at, end] = length.valueAt;
  bytes.set(utf8(String(made.length).padEnd(end - at)), at);
  bytes.fill(32, from, to);
  bytes.set(made, from);
}

// Packed objects stand one behind the other, below a list of their numbers and places.
function cleanEach(content, packed, told, left) {
  const [many, first] = ["N", "First"].map((key) => packed.entries.get(key)?.number ?? strange());
  left.objects -= many;
  if (left.objects < 0 || first > content.length) strange();
  const list = new Reader(content.subarray(0, first), left);
  const listed = [];
  for (let nth = 0; nth < many; nth++) {
    list.skipBlanks();
    const number = list.number();
    list.skipBlanks();
    listed.push([number, first + list.number()]);
  }
  list.skipBlanks();
  const reader = new Reader(content, left, first);
  const objects = listed.map(([number, place]) => {
    const end = reader.at;
    reader.skipBlanks();
    if (place < end || place > reader.at) strange();
    const object = { number, texts: [], entries: new Map() };
    reader.value(object, "", 0, false);
    return object;
  });
  reader.skipBlanks();
  if (list.peek() !== "" || reader.peek() !== "") strange();
  for (const comment of [...list.comments, ...reader.comments]) content.fill(32, ...comment);
  for (const object of objects) clean(content, object, told.has(object.number));
  if (tells(content)) strange();
}

// The texts that may not stay become blank; where who made the file is told, all texts, and names as well.
function cleanDictionary(bytes, object, isTold) {
  if (["EmbeddedFile", "Sig"].some((kind) => is(object, "Type", kind))) strange();
  if (isTold && (object.stream || object.hasInnerNames)) strange();
  for (const { isHex, stays, inside: [from, to] } of object.texts) {
    if (!isTold && stays) continue;
    for (let at = from; at < to; at++) bytes[at] = !isHex ? 32 : (at - from) % 2 === 0 ? 50 : 48;
  }
  if (!isTold) return;
  for (const [key, { name, valueAt: [from, to] }] of object.entries) {
    const stays = key === "Trapped" && ["True", "False", "Unknown"].includes(name);
    if (name !== undefined && !stays) bytes.fill(88, from + 1, to);
  }
}

function clean(bytes, object, isTold) {
  cleanDictionary(bytes, object, isTold);
  if (!object.stream) return;
  if (is(object, "Type", "Metadata") || is(object, "Subtype", "XML")) {
    bytes.fill(32, ...object.stream);
    // Blanks are packed in no way.
    for (const key of ["Filter", "DecodeParms"]) if (object.entries.has(key)) bytes.fill(88, ...object.entries.get(key).place);
    return;
  }
  const filters = filtersOf(object);
  if (filters.includes("JPXDecode")) strange();
  if (!filters.some((name) => name === "DCTDecode" || name === "DCT")) return;
  if (filters.length > 1) strange();
  jpegInPlace(bytes.subarray(...object.stream));
}
