// Office documents without who wrote them, when, and on which machine: which parts may stay is listed, as in api/src/reporter/office.rs, and
// the marks in them are read as in api/src/reporter/xml.rs. Whatever is not known throws, and the file stays as it is.

import { text, utf8 } from "../viewer/bytes.js";
import { kindOf, withoutMetadata } from "./picture.js";
import { packed, unpacked } from "./zip.js";

const strange = () => {
  throw new Error("not known");
};

const ODF = 'xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0" office:version="1.3"';
const DECLARED = '<?xml version="1.0" encoding="UTF-8"?>\n';
const ODF_META = `${DECLARED}<office:document-meta ${ODF}><office:meta/></office:document-meta>`;
const ODF_SETTINGS = `${DECLARED}<office:document-settings ${ODF}><office:settings/></office:document-settings>`;

const MORE = [
  "/embeddings/", "/activex/", "/ctrlprops/", "/externallinks/", "/querytables/", "/revisions/", "/webextensions/", "/model/", "/ink/", "/tags/",
  "connections.xml", "vba",
];

// What becomes of a part: one of the ways below, or the text that takes its place.
function ofOoxml(path) {
  const name = path.toLowerCase();
  if (name === "[content_types].xml") return "list";
  if (/^(docprops|customxml)\/|\/printersettings\//.test(name)) return "gone";
  if (name.endsWith(".rels")) return "relations";
  if (!/^(word|xl|ppt)\//.test(name) || MORE.some((one) => name.includes(one))) strange();
  if (/\.(xml|vml)$/.test(name)) return "xml";
  if (/\.(jpg|jpeg|png|webp)$/.test(name)) return "picture";
  return /\.(odttf|fntdata)$/.test(name) ? "as it is" : strange();
}

function ofOdf(name) {
  const last = name.split("/").pop();
  if (name === "mimetype") return "as it is";
  if (name === "META-INF/manifest.xml") return "list";
  if (/^(manifest\.rdf|layout-cache)$|^(Thumbnails|Configurations2)\//.test(name)) return "gone";
  if (last === "content.xml" || last === "styles.xml") return "xml";
  if (last === "meta.xml") return { instead: ODF_META };
  if (last === "settings.xml") return { instead: ODF_SETTINGS };
  if (/^Pictures\/.*\.(jpg|jpeg|png|webp)$/i.test(name)) return "picture";
  return /^Fonts\/.*\.(ttf|otf)$/i.test(name) ? "as it is" : strange();
}

export async function office(bytes) {
  const parts = await unpacked(bytes);
  const odf = parts[0]?.[0] === "mimetype" && (text(parts[0][1]) ?? "").startsWith("application/vnd.oasis.opendocument.");
  if (odf === parts.some(([name]) => name === "[Content_Types].xml")) strange();
  const fates = new Map(parts.map(([name]) => [name, odf ? ofOdf(name) : ofOoxml(name)]));
  const gone = (name) => fates.get(name) === "gone";
  const lost = lostRelations(parts, gone);
  const kept = [];
  for (const [name, content] of parts) {
    const fate = fates.get(name);
    const clean = (rules) => utf8(cleanedXml(text(content) ?? strange(), rules));
    if (fate === "gone" || (fate === "relations" && gone(ownerOf(name)))) continue;
    if (fate.instead) kept.push([name, utf8(fate.instead)]);
    else if (fate === "as it is") kept.push([name, content]);
    else if (fate === "picture") kept.push([name, withoutMetadata(kindOf(content), content) ?? strange()]);
    else if (fate === "xml") kept.push([name, clean(ofText(lost.get(name) ?? new Set()))]);
    else if (fate === "relations") kept.push([name, clean(ofRelations(lost.get(ownerOf(name)) ?? new Set()))]);
    else kept.push([name, clean(ofList(gone))]);
  }
  return packed(kept);
}

// The part whose relations these are.
const ownerOf = (name) => {
  const [, folder, file] = /^(.*)_rels\/([^/]*)\.rels$/.exec(name) ?? strange();
  return folder + file;
};

function lostRelations(parts, gone) {
  const lost = new Map();
  for (const [name, content] of parts.filter(([name]) => name.endsWith(".rels"))) {
    const owner = ownerOf(name);
    const folder = owner.split("/").slice(0, -1);
    const tags = tokens(text(content) ?? strange()).filter(({ begins }) => begins && local(begins) === "Relationship");
    const ids = tags.filter(({ get }) => get("TargetMode") !== "External" && gone(at(folder, get("Target") ?? strange())));
    lost.set(owner, new Set(ids.map(({ get }) => get("Id") ?? strange())));
  }
  return lost;
}

// A target as the name of a part.
function at(folder, target) {
  const path = target.startsWith("/") ? [] : [...folder];
  for (const part of target.split("/")) {
    if (part === "..") path.pop();
    else if (part !== "" && part !== ".") path.push(part);
  }
  return path.join("/");
}

const local = (name) => name.split(":").pop();

// Elements whose text is a name, a time or initials.
const TOLD = new Set([
  "author", "dc:creator", "dc:date", "meta:creator-initials", "meta:date-string", "loext:sender-initials", "text:author-name",
  "text:author-initials", "text:initial-creator", "text:creator", "text:creation-date", "text:creation-time", "text:modification-date",
  "text:modification-time",
]);
// Elements with which a file leads elsewhere, or holds what nobody sees.
const STRANGE = new Set(["mailMerge", "docVars", "externalReference", "oleObject", "oleObj", "OLEObject", "control"]);

// Rules: whether an element goes, whether its text does, and what stands in place of an attribute; null where that goes.
function ofText(lost) {
  return {
    goes: ({ begins }) => STRANGE.has(local(begins)) && strange(),
    told: ({ begins }) => TOLD.has(begins),
    attribute(tag, key, value) {
      const [element, name] = [local(tag.begins), local(key)];
      if ((key.startsWith("r:") && lost.has(value)) || name.startsWith("rsid") || key.startsWith("officeooo:")) return null;
      if (["w:date", "w16du:dateUtc", "dT"].includes(key) || (element === "cm" && name === "dt")) return null;
      if (["author", "initials", "userId", "userName", "displayName"].includes(name)) return "-";
      if (name === "providerId") return "None";
      if (name === "created") return "2000-01-01T00:00:00";
      const drawn = ["cNvPr", "docPr"].includes(element);
      if (name === "name" && (drawn || ["cmAuthor", "author"].includes(element))) return "-";
      if (drawn && ["descr", "title"].includes(name)) return "";
      if ((element === "absPath" && name === "url") || (["imagedata", "shape"].includes(element) && ["title", "alt"].includes(name))) return "";
      if (["rsid", "rsidRoot", "docId"].includes(element) && name === "val") return value.replace(/[0-9A-Za-z]/g, "0");
      return value;
    },
  };
}

const ofRelations = (lost) => ({
  goes: ({ get }) => lost.has(get("Id")),
  told: () => false,
  attribute(tag, key, value) {
    const elsewhere = key === "Target" && tag.get("TargetMode") === "External";
    return elsewhere && !/^(https?:\/\/|mailto:|tel:|#)/.test(value) ? "about:blank" : value;
  },
});

const ofList = (gone) => ({
  goes({ begins, get }) {
    // Whatever is encrypted can't be looked at.
    if (local(begins) === "encryption-data") strange();
    const part = get("PartName") ?? get("manifest:full-path");
    return part !== undefined && gone(part.replace(/^\/+/, ""));
  },
  told: () => false,
  attribute: (tag, key, value) => value,
});

function cleanedXml(xml, rules) {
  const out = [];
  if (/^\ufeff*<\?xml/.test(xml)) out.push('<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n');
  // The element whose content is left out, until it ends.
  let [skipped, whole, depth] = [null, false, 0];
  for (const token of tokens(xml)) {
    const { begins, ends, closed } = token;
    if (skipped !== null) {
      if (begins === skipped && !closed) depth += 1;
      if (ends !== skipped) continue;
      if (depth > 0) depth -= 1;
      else {
        skipped = null;
        if (!whole) out.push(`</${ends}>`);
      }
    } else if (ends !== undefined) out.push(`</${ends}>`);
    else if (begins === undefined) out.push(token.text);
    else {
      const goes = rules.goes(token);
      if (!goes) out.push(written(token, rules));
      if (!closed && (goes || rules.told(token))) [skipped, whole] = [begins, goes];
    }
  }
  return skipped === null ? out.join("") : strange();
}

function written(tag, rules) {
  const attributes = tag.attributes.map(([key, value]) => [key, rules.attribute(tag, key, value)]).filter(([, value]) => value !== null);
  const spelled = attributes.map(([key, value]) => (value.includes('"') ? ` ${key}='${value}'` : ` ${key}="${value}"`));
  return `<${tag.begins}${spelled.join("")}${tag.closed ? "/>" : ">"}`;
}

// The text in pieces. Comments and instructions are left out; a declaration of a document's type is not understood.
function tokens(xml) {
  const PIECE = /<!--[^]*?-->|<\?[^]*?\?>|(<!\[CDATA\[[^]*?\]\]>|[^<]+)|<(?!!)((?:[^"'>]|"[^"]*"|'[^']*')*)>/y;
  const found = [];
  let rest = 0;
  xml = xml.replace(/^\ufeff+/, "");
  for (PIECE.lastIndex = 0; rest < xml.length; rest = PIECE.lastIndex) {
    const [, plain, tag] = PIECE.exec(xml) ?? strange();
    if (plain !== undefined) found.push({ text: plain });
    else if (tag !== undefined) found.push(tagOf(tag));
  }
  return found;
}

function tagOf(inside) {
  if (inside.startsWith("/")) return { ends: inside.slice(1).trim() };
  const closed = inside.endsWith("/");
  const [begins] = /^[^\s/]+/.exec(inside) ?? strange();
  const ATTRIBUTE = /\s*([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')\s*/y;
  const rest = inside.slice(begins.length, closed ? -1 : undefined).trim();
  const attributes = [];
  for (ATTRIBUTE.lastIndex = 0; ATTRIBUTE.lastIndex < rest.length; ) {
    const [, key, one, other] = ATTRIBUTE.exec(rest) ?? strange();
    attributes.push([key, one ?? other]);
  }
  return { begins, closed, attributes, get: (name) => attributes.find(([key]) => key === name)?.[1] };
}
