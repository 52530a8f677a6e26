// The page: choose a bundle, see the result, read what happened. Text is only ever set as text.

import LABELS from "adit:labels";
import FAULTS from "adit:words";
import { sha256 } from "@noble/hashes/sha2.js";
import { hex, text, toBase64, utf8 } from "./bytes.js";
import { Fault } from "./fault.js";
import { spread, visible } from "./json.js";
import { ED25519, vkey } from "./note.js";
import { verify } from "./verify.js";
import { WORDS } from "./words.js";

const state = { lang: navigator.language.toLowerCase().startsWith("zh") ? "zh" : "en", view: { kind: "start" }, key: "" };

const fill = (written, details = {}) => written.replace(/\{([a-z]+)\}/g, (whole, name) => details[name] ?? whole);
// Details that are codes stand there in their words, which mention other details.
const told = (written, details) => fill(fill(written, details), details);
const say = (name, details) => fill(WORDS[state.lang][name], details);
const label = (name) => LABELS[name]?.[state.lang] ?? name;

// An element with its attributes, listeners (`on…`) and children.
function h(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== undefined) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const term = (name, ...content) => [h("dt", {}, name), h("dd", {}, ...content)];
const code = (written) => h("code", {}, visible(written));

function render() {
  document.documentElement.lang = WORDS[state.lang].lang;
  document.title = say("title");
  const switcher = { type: "button", class: "plain", lang: state.lang === "zh" ? "en" : "zh-CN", onclick: switchLanguage };
  const header = h("header", {}, h("p", { class: "brand" }, h("strong", {}, "明硐"), " Adit"), h("button", switcher, say("other")));
  const views = { start: [], busy: busy(), failed: failed(), good: good() };
  document.body.replaceChildren(header, h("main", {}, h("h1", {}, say("title")), views[state.view.kind], chooser()));
}

function switchLanguage() {
  state.lang = state.lang === "zh" ? "en" : "zh";
  render();
  document.querySelector("header button").focus();
}

function show(view) {
  state.view = view;
  render();
  document.querySelector("[role=status], [role=alert]")?.focus();
}

function chooser() {
  const take = (files) => files.length && open(files[0]);
  const input = h("input", { type: "file", id: "bundle", accept: ".zip,application/zip", onchange: ({ target }) => take(target.files) });
  const key = h("input", { type: "text", id: "key", autocomplete: "off", spellcheck: "false", "aria-describedby": "hint", oninput: ({ target }) => (state.key = target.value) });
  key.value = state.key;
  const over = (event) => event.preventDefault();
  const drop = (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  };
  const fresh = state.view.kind === "start";
  return h(
    "section",
    { class: "choose", ondragover: over, ondrop: drop },
    fresh ? h("p", {}, say("lead")) : null,
    h("label", { for: "bundle", class: "button" }, fresh ? say("choose") : say("again")),
    input,
    h("p", { class: "soft" }, say("drop")),
    h("details", { open: state.key !== "" }, h("summary", {}, say("key")), h("label", { for: "key", class: "hidden" }, say("key")), key, h("p", { id: "hint", class: "soft" }, say("keyHint"))),
  );
}

async function open(file) {
  const trusted = state.key.trim() === "" ? [] : [vkey(state.key.trim())];
  if (trusted.some((key) => key?.kind !== ED25519)) return show({ kind: "failed", message: "keyBad" });
  show({ kind: "busy", progress: say("busy") });
  await painted();
  try {
    const bytes = new Uint8Array(await file.arrayBuffer());
    const found = await verify(bytes, trusted, progress);
    show({ kind: "good", found, trusted: trusted.length > 0 });
  } catch (error) {
    if (!(error instanceof Fault)) console.error(error);
    show(error instanceof Fault ? { kind: "failed", fault: error } : { kind: "failed", message: "unread" });
  }
}

const painted = () => new Promise((done) => setTimeout(done));

async function progress(done, total) {
  const place = document.querySelector("#progress");
  if (place) place.textContent = say("busyOf", { done, total });
  await painted();
}

function busy() {
  if (state.view.kind !== "busy") return null;
  return h("section", { role: "status", tabindex: "-1", class: "busy" }, h("p", { id: "progress", class: "result" }, state.view.progress));
}

function failed() {
  const { kind, fault, message } = state.view;
  if (kind !== "failed") return null;
  if (!fault) return h("section", { role: "alert", tabindex: "-1", class: "bad" }, h("h2", { class: "result" }, say(message)));
  const { file, offset, line, part, stream } = fault.details;
  const said = FAULTS[state.lang][fault.code];
  const words = FAULTS[state.lang];
  const place = [
    h("p", {}, file ? [say("placeFile"), " ", code(file)] : say("placeZip")),
    stream ? h("p", {}, say("placeStream"), " ", code(stream)) : null,
    part ? h("p", {}, say("placePart"), " ", visible(fill(words[part].says, fault.details))) : null,
    offset ? h("p", {}, say("placeOffset", { offset })) : null,
    line ? h("p", {}, say("placeLine", { line })) : null,
  ];
  const details = { file, offset, line, stream, part: words[part]?.says };
  return h(
    "section",
    { role: "alert", tabindex: "-1", class: "bad", "data-fault": JSON.stringify({ code: fault.code, ...fault.details }) },
    h("h2", { class: "result" }, h("span", { "aria-hidden": "true" }, "✕ "), say("bad")),
    h("p", {}, say("badSays")),
    h("p", { class: "says" }, visible(told(said.says, details))),
    h("dl", {}, term(say("place"), place), term(say("todo"), told(said.instead, details)), term(say("code"), code(fault.code))),
  );
}

function good() {
  const { kind, found, trusted } = state.view;
  if (kind !== "good") return null;
  const { manifest, entries } = found;
  const asked = manifest.streams.filter((part) => part.asked);
  const support = manifest.streams.filter((part) => !part.asked);
  return [
    h("section", { role: "status", tabindex: "-1", class: "good" }, h("h2", { class: "result" }, h("span", { "aria-hidden": "true" }, "✓ "), say("good")), h("p", {}, say("goodSays")), trusted ? null : h("p", { class: "says" }, say("proviso")), h("p", { class: "limit" }, say("limit"))),
    facts(found, trusted),
    h("h2", { class: "part" }, say("streams")),
    asked.map((part) => timeline(part, entries, manifest.origin, true)),
    h("h2", { class: "part" }, say("support")),
    h("p", { class: "soft" }, say("supportSays")),
    support.map((part) => timeline(part, entries, manifest.origin, false)),
  ];
}

// 64 hexadecimal digits in groups that people can compare.
const grouped = (digits) => digits.match(/.{8}/g).join(" ");

function facts({ manifest, log, point, standing, entries, rules, absent }, trusted) {
  const key = log[0].written;
  const counts = {
    entries: entries.length,
    signatures: entries.reduce((sum, entry) => sum + entry.signers.length, 0),
    bodies: entries.filter((entry) => entry.bodyBytes).length,
    packs: rules.packs.size,
  };
  return h(
    "section",
    { class: "facts" },
    h(
      "dl",
      {},
      term(say("log"), h("p", {}, h("strong", {}, manifest.origin)), h("p", {}, trusted ? say("trusted") : say("ownWord")), h("p", {}, code(key)), h("p", { class: "soft" }, say("fingerprint")), h("p", {}, code(grouped(hex(sha256(utf8(key))))))),
      term(say("made"), manifest.day),
      term(say("checkpoint"), say("checkpointSays", { size: manifest.size }), h("p", {}, code(toBase64(point.root)))),
      term(say("witnesses"), witnesses(standing)),
      term(say("counted"), say("countedSays", counts), absent.length ? h("p", {}, say("absent", { versions: absent.join(", ") })) : null),
    ),
  );
}

function witnesses(standing) {
  if (!standing) return say("noPolicy");
  const moment = (at) => new Date(at * 1000).toISOString().replace(".000", "");
  const one = ({ name, at }) => h("li", {}, visible(at === undefined ? say("notWitnessed", { name }) : say("witnessed", { name, at: moment(at) })));
  return [h("p", {}, standing.met ? say("quorumMet") : say("quorumMissed")), h("ul", {}, standing.witnesses.map(one))];
}

function timeline({ stream, entries: count }, entries, origin, open) {
  const own = entries.filter((entry) => entry.stream === stream);
  const [kind, id] = stream.split("/");
  const name = [h("strong", {}, label(kind)), " ", code(id), " ", h("span", { class: "soft" }, say("entries", { n: count }))];
  const list = h("ol", { class: "line" }, own.map((entry) => h("li", {}, step(entry, origin))));
  return open ? h("section", { class: "stream" }, h("h3", {}, name), list) : h("details", { class: "stream" }, h("summary", {}, name), list);
}

function step(entry, origin) {
  const body = entry.bodyBytes && text(entry.bodyBytes);
  const lines = entry.lines.map((line) => line.text).join("\n");
  return h(
    "article",
    {},
    h("h4", {}, label(entry.kind)),
    h("p", { class: "soft" }, `${entry.day} · ${say("position")} ${entry.position} · ${say("revision")} ${entry.revision} · `, code(entry.kind)),
    h("p", {}, say("signedBy"), state.lang === "zh" ? "：" : ": ", signed(entry.signers, origin)),
    body ? h("details", {}, h("summary", {}, say("body")), h("pre", {}, spread(body))) : h("p", { class: "soft" }, say("noBody")),
    lines ? h("details", {}, h("summary", {}, say("publicLines")), h("pre", {}, visible(lines))) : null,
    h(
      "details",
      {},
      h("summary", {}, say("proof")),
      h("p", {}, say("proofSays", { n: entry.proof.length })),
      h("p", { class: "soft" }, say("leaf")),
      h("p", {}, code(hex(entry.leaf))),
      h("p", { class: "soft" }, say("entryText")),
      h("pre", {}, visible(text(entry.bytes))),
    ),
  );
}

function signed(signers, origin) {
  const who = (name) => {
    if (name === origin) return say("byLog");
    if (name.includes("/officer/")) return say("byOneTime");
    if (!name.startsWith(`${origin}/actor/`)) return say("byReporter");
    return say("byActor", { id: `${name.slice(`${origin}/actor/`.length).slice(0, 6)}…` });
  };
  const one = ({ key, roles }) => {
    const held = roles.map((role) => WORDS[state.lang].roles[role] ?? role).join(state.lang === "zh" ? "、" : ", ");
    return h("span", { class: "signer", title: key.written }, who(key.name), held ? h("b", {}, held) : null);
  };
  return signers.map(one);
}

render();
