// Films, sound and pictures that are made of boxes (ISO/IEC 14496-12, QuickTime; HEIF and AVIF), without the place, the time and the device that they
// carry: what may stay is listed, as in api/src/reporter/boxes.rs, and every other box is called `free` and filled with zeros. No box
// changes its size, so that every offset still holds. Whatever can't be read throws.

const list = (text) => new Set(text.split(","));

const MOVIE_BYTES_MAX = 16 * 1024 * 1024;
const CHUNKS_MAX = 200_000;
const HANDLERS = list("vide,soun,auxv");
const FILM = list("ftyp,styp,mdat,wide,sidx,ssix");
const MOVIE = list("mvhd,trak,mvex,iods");
const TRACK = list("tkhd,edts,mdia,tapt,trgr");
const MEDIA = list("mdhd,hdlr,minf,elng");
const INFORMATION = list("vmhd,smhd,gmhd,nmhd,hdlr,dinf,stbl");
const SAMPLES = list("stsd,stts,ctts,cslg,stsc,stsz,stz2,stco,co64,stss,stsh,sdtp,padb,sbgp,sgpd,subs,saiz,saio");
const EXTENDS = list("mehd,trex,leva");
const FRAGMENT_TRACK = list("tfhd,tfdt,trun,sdtp,sbgp,sgpd,subs,saiz,saio");
const CATALOGUE = list("hdlr,pitm,iinf,iref,iprp,idat,iloc,grpl,dinf");
const ITEMS = list("hvc1,av01,vvc1,grid,iovl,iden,tmap");
const PROPERTIES = list("ispe,pasp,colr,pixi,rloc,auxC,clap,irot,imir,lsel,hvcC,lhvC,av1C,vvcC,a1op,a1lx,oinf,tols,clli,mdcv,cclv,amve,ndwt,reve");
const PICTURES = list("heic,heix,heim,heis,mif1,mif2,avif");

const strange = () => {
  throw new Error("not of its form");
};

const text = (bytes, at) => (at + 4 <= bytes.length ? String.fromCharCode(...bytes.subarray(at, at + 4)) : strange());

function number(bytes, at, size) {
  if (at + size > bytes.length || size > 8) strange();
  let value = 0;
  for (let nth = 0; nth < size; nth++) value = value * 256 + bytes[at + nth];
  return Number.isSafeInteger(value) ? value : strange();
}

const brand = (head) => (head.length >= 12 && text(head, 4) === "ftyp" ? text(head, 8) : null);
export const isFilm = (head) => brand(head) !== null && !isBoxedPicture(head);
export const isBoxedPicture = (head) => PICTURES.has(brand(head));

function blank(bytes, { start, body, end }) {
  for (let nth = 0; nth < 4; nth++) bytes[start + 4 + nth] = "free".charCodeAt(nth);
  bytes.fill(0, body, end);
}

// The boxes between two places, which they must fill.
function boxes(bytes, from, to) {
  const found = [];
  for (let start = from; start < to; ) {
    // QuickTime ends a list with four zeros.
    if (to - start === 4 && number(bytes, start, 4) === 0) break;
    const kind = text(bytes, start + 4);
    let [size, head] = [number(bytes, start, 4), 8];
    if (size === 0) size = to - start;
    if (size === 1) [size, head] = [number(bytes, start + 8, 8), 16];
    const end = start + size;
    if (size < head || end > to) strange();
    found.push({ kind, start, body: start + head, end });
    start = end;
  }
  return found;
}

// The boxes that may stay; the others are blanked.
function kept(bytes, from, to, stays) {
  const all = boxes(bytes, from, to);
  for (const one of all) if (!stays.has(one.kind)) blank(bytes, one);
  return all.filter(({ kind }) => stays.has(kind));
}

const inside = (bytes, one, stays) => kept(bytes, one.body, one.end, stays);
const find = (all, kind) => all.find((one) => one.kind === kind) ?? strange();

function timeless(bytes, { body, end }) {
  const to = body + 4 + (bytes[body] === 1 ? 16 : 8);
  if (to > end) strange();
  bytes.fill(0, body + 4, to);
}

function nameless(bytes, { body, end }) {
  bytes.fill(0, Math.min(body + 24, end), end);
  return text(bytes, body + 8);
}

function withoutPlaces(bytes, one) {
  for (const table of inside(bytes, one, list("dref"))) {
    for (const place of boxes(bytes, table.body + 8, table.end)) bytes.fill(0, Math.min(place.body + 4, place.end), place.end);
  }
}

// The contents of a film; gives back where samples lie that have to go.
function movie(bytes, from) {
  // Where nothing would be left to see or to hear it is something else, such as a series of pictures.
  const handlers = boxes(bytes, from, bytes.length).filter(({ kind }) => kind === "trak").map((one) => handlerOf(bytes, one));
  if (handlers.length > 0 && !handlers.some((handler) => HANDLERS.has(handler))) strange();
  const lost = [];
  for (const one of kept(bytes, from, bytes.length, MOVIE)) {
    if (one.kind === "mvhd") timeless(bytes, one);
    if (one.kind === "trak") for (const range of track(bytes, one)) lost.push(range);
    if (one.kind === "mvex") inside(bytes, one, EXTENDS);
  }
  return lost;
}

function handlerOf(bytes, whole) {
  const media = find(boxes(bytes, whole.body, whole.end), "mdia");
  return text(bytes, find(boxes(bytes, media.body, media.end), "hdlr").body + 8);
}

function track(bytes, whole) {
  const handler = handlerOf(bytes, whole);
  if (!HANDLERS.has(handler)) {
    const media = find(boxes(bytes, whole.body, whole.end), "mdia");
    const information = find(boxes(bytes, media.body, media.end), "minf");
    const lost = chunks(bytes, find(boxes(bytes, information.body, information.end), "stbl"));
    blank(bytes, whole);
    return lost;
  }
  for (const one of inside(bytes, whole, TRACK)) {
    if (one.kind === "tkhd") timeless(bytes, one);
    if (one.kind === "mdia") mediaOf(bytes, one, handler);
  }
  return [];
}

function mediaOf(bytes, media, handler) {
  for (const one of inside(bytes, media, MEDIA)) {
    if (one.kind === "mdhd") timeless(bytes, one);
    if (one.kind === "hdlr") nameless(bytes, one);
    if (one.kind !== "minf") continue;
    for (const part of inside(bytes, one, INFORMATION)) {
      if (part.kind === "hdlr") nameless(bytes, part);
      if (part.kind === "dinf") withoutPlaces(bytes, part);
      if (part.kind === "stbl") samples(bytes, part, handler);
    }
  }
}

function samples(bytes, table, handler) {
  for (const one of inside(bytes, table, SAMPLES)) {
    if (one.kind !== "stsd" || handler === "soun") continue;
    for (const { body, end } of boxes(bytes, one.body + 8, one.end)) {
      // The vendor of QuickTime, and the name of what compressed it.
      for (const [from, to] of [[12, 16], [42, 74]]) bytes.fill(0, Math.min(body + from, end), Math.min(body + to, end));
    }
  }
}

// Where the samples of a track lie in the file.
function chunks(bytes, table) {
  const tables = boxes(bytes, table.body, table.end);
  const wide = tables.some(({ kind }) => kind === "co64") ? 8 : 4;
  const [places, runs, sizes] = [wide === 8 ? "co64" : "stco", "stsc", "stsz"].map((kind) => find(tables, kind).body);
  const [manyRuns, manyChunks] = [number(bytes, runs + 4, 4), number(bytes, places + 4, 4)];
  const [each, many] = [number(bytes, sizes + 4, 4), number(bytes, sizes + 8, 4)];
  if (manyChunks > CHUNKS_MAX) strange();
  const found = [];
  let [run, sample] = [0, 0];
  for (let chunk = 0; chunk < manyChunks; chunk++) {
    // A run holds from the chunk that it names until the next run does.
    while (run + 1 < manyRuns && number(bytes, runs + 8 + 12 * (run + 1), 4) <= chunk + 1) run += 1;
    const last = Math.min(sample + number(bytes, runs + 12 + 12 * run, 4), many);
    const start = number(bytes, places + 8 + wide * chunk, wide);
    let length = each * (last - sample);
    if (each === 0) for (; sample < last; sample++) length += number(bytes, sizes + 12 + 4 * sample, 4);
    sample = last;
    found.push([start, start + length]);
  }
  return found;
}

function fragment(bytes, from) {
  for (const one of kept(bytes, from, bytes.length, list("mfhd,traf"))) if (one.kind === "traf") inside(bytes, one, FRAGMENT_TRACK);
}

const ZEROS = new Uint8Array(65536);
const zeros = (many) => new Blob([...Array(Math.floor(many / ZEROS.length)).fill(ZEROS), ZEROS.subarray(0, many % ZEROS.length)]);
const read = async (file, from, to) => new Uint8Array(await file.slice(from, to).arrayBuffer());

// A film without what it tells besides. Only its table of contents lies in memory.
export async function film(file) {
  const parts = [];
  const lost = [];
  const seen = new Set();
  for (let at = 0; at < file.size; ) {
    const head = await read(file, at, at + 16);
    let [size, many, kind] = [head.length >= 8 ? number(head, 0, 4) : -1, 8, head.length >= 8 ? text(head, 4) : ""];
    // Nothing but zeros is no box.
    if (size === 0) size = kind === "\0\0\0\0" ? -1 : file.size - at;
    if (size === 1) [size, many] = [head.length === 16 ? number(head, 8, 8) : -1, 16];
    if (size < many || at + size > file.size) {
      // Behind a whole film it is no part of it.
      if (!seen.has("moov") || !seen.has("mdat")) strange();
      parts.push(zeros(file.size - at));
      break;
    }
    seen.add(kind);
    if (kind === "moov" || kind === "moof") {
      if (size > MOVIE_BYTES_MAX) strange();
      const bytes = await read(file, at, at + size);
      if (kind === "moov") for (const range of movie(bytes, many)) lost.push(range);
      else fragment(bytes, many);
      parts.push(bytes);
    } else if (FILM.has(kind)) {
      parts.push([at, at + size]);
    } else {
      const fresh = head.slice(0, many);
      blank(fresh, { start: 0, body: many, end: many });
      parts.push(fresh, zeros(size - many));
    }
    at += size;
  }
  if (!seen.has("moov") || (lost.length > 0 && seen.has("moof"))) strange();
  lost.sort(([one], [other]) => one - other);
  return new Blob(parts.flatMap((part) => (Array.isArray(part) ? without(file, part, lost) : [part])));
}

// A part of the file with zeros where samples have to go.
function without(file, [from, to], lost) {
  const parts = [];
  for (const [start, end] of lost) {
    const [first, last] = [Math.max(from, Math.min(start, to)), Math.min(end, to)];
    if (last <= first) continue;
    parts.push(file.slice(from, first), zeros(last - first));
    from = last;
  }
  return [...parts, file.slice(from, to)];
}

// Where EXIF was stands one that says nothing: some readers show no picture where it can't be read.
const NO_EXIF = Uint8Array.of(0, 0, 0, 0, 0x4d, 0x4d, 0, 0x2a, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0);

// A picture without what it tells besides.
export function boxedPicture(bytes) {
  const top = kept(bytes, 0, bytes.length, list("ftyp,meta,mdat"));
  const catalogue = top.filter(({ kind }) => kind === "meta");
  if (catalogue.length !== 1) strange();
  const all = kept(bytes, catalogue[0].body + 4, catalogue[0].end, CATALOGUE);
  if (nameless(bytes, find(all, "hdlr")) !== "pict") strange();
  for (const one of all) if (one.kind === "dinf") withoutPlaces(bytes, one);
  const { seen, exif } = items(bytes, find(all, "iinf"));
  const primary = find(all, "pitm").body;
  if (!seen.has(number(bytes, primary + 4, bytes[primary] === 0 ? 2 : 4))) strange();
  for (const one of inside(bytes, find(all, "iprp"), list("ipco,ipma"))) if (one.kind === "ipco") inside(bytes, one, PROPERTIES);
  const data = all.filter(({ kind }) => kind === "idat").slice(0, 1);
  const [stay, told] = [seen, exif].map((some) => extents(bytes, find(all, "iloc"), data[0]?.body ?? 0, some));
  // Where no item that is seen lies, nothing is left.
  for (const { body, end } of [...top.filter(({ kind }) => kind === "mdat"), ...data]) {
    let from = body;
    for (const [start, last] of stay) {
      const to = Math.min(Math.max(start, from), end);
      bytes.fill(0, from, to);
      from = Math.min(Math.max(last, to), end);
    }
    bytes.fill(0, from, end);
    for (const [start, last] of told) {
      const room = start >= body && last <= end && start + NO_EXIF.length <= last;
      if (room && bytes.subarray(start, start + NO_EXIF.length).every((byte) => byte === 0)) bytes.set(NO_EXIF, start);
    }
  }
  return bytes;
}

// The numbers of the items that are seen, and of those with EXIF; names go.
function items(bytes, { body, end }) {
  const [seen, exif] = [new Set(), new Set()];
  for (const one of kept(bytes, body + (bytes[body] === 0 ? 6 : 8), end, list("infe"))) {
    const wide = { 2: 2, 3: 4 }[bytes[one.body]] ?? strange();
    const [kind, id] = [text(bytes, one.body + 6 + wide), number(bytes, one.body + 4, wide)];
    if (ITEMS.has(kind)) seen.add(id);
    else if (kind === "Exif") exif.add(id);
    bytes.fill(0, Math.min(one.body + 10 + wide, one.end), one.end);
  }
  return { seen, exif };
}

// Where some of the items lie in the file, in order.
function extents(bytes, table, data, seen) {
  const version = bytes[table.body];
  const sizes = number(bytes, table.body + 4, 2);
  const [offset, length, base, nth] = [12, 8, 4, 0].map((shift) => (sizes >> shift) & 15);
  const wide = version < 2 ? 2 : 4;
  let at = table.body + 6;
  const take = (size) => {
    at += size;
    return at <= table.end ? number(bytes, at - size, size) : strange();
  };
  const stay = [];
  for (let many = take(wide); many > 0; many--) {
    const item = take(wide);
    const method = version === 0 ? 0 : take(2) & 15;
    // Data in other files is none of ours.
    if (take(2) !== 0) strange();
    const begin = take(base);
    for (let left = take(2); left > 0; left--) {
      if (version > 0) take(nth);
      const [start, size] = [begin + take(offset), take(length)];
      // What lies in another item stays or goes with it.
      if (method > 1 || !seen.has(item)) continue;
      // No length means all that is there.
      if (size === 0) strange();
      const from = start + (method === 1 ? data : 0);
      stay.push([from, from + size]);
    }
  }
  return stay.sort(([one], [other]) => one - other);
}
