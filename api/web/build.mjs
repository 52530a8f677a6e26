// Builds every page that runs in a browser: `node build.mjs CORE API INSTALLED OUT`, the folders of the two crates, the one
// in which the packages of package-lock.json are installed, and the one to write to. It is called by api/build.rs.
//
// Each page below becomes one file without any other: script and style stand in it, named by their hashes in its policy, so
// that nothing else runs there. Each script below becomes one file, which a page of the server names by its hash.

import { createHash } from "node:crypto";
import { readFile, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [core, api, installed, out] = process.argv.slice(2);
const web = join(api, "web");
const modules = join(installed, "node_modules");
const { build } = createRequire(join(modules, "/"))("esbuild");
const PAGES = [{ folder: "viewer", file: "viewer.html" }];
// Scripts that a page of the server names by hash.
const SCRIPTS = [
  { folder: "report", file: "report.js" },
  { folder: "desk", file: "desk.js" },
  { folder: "draft", file: "draft.js" },
  { folder: "passkey", file: "passkey.js" },
  { folder: "trace", file: "trace.js" },
];

const read = (...path) => readFile(join(...path), "utf8");

// The published table of kinds: who must sign, and which clocks must be there.
async function kinds() {
  const table = {};
  for (const block of (await read(core, "rules/entries.toml")).split("[[kind]]").slice(1)) {
    const list = (name) => JSON.parse(new RegExp(`^${name} = (\\[.*\\])$`, "m").exec(block)?.[1] ?? "[]");
    const [, name] = /^name = "(.*)"$/m.exec(block);
    table[name] = { signers: list("signers").map((hands) => hands.split("+")), clocks: list("clocks"), stops: list("stops") };
  }
  return table;
}

// Words of the codes that begin with one of `prefixes`, from the word files of the whole program.
async function words(...prefixes) {
  const book = {};
  for (const lang of ["zh", "en"]) {
    book[lang] = {};
    for (const block of (await read(core, "words", `${lang}.toml`)).split(/^\["/m).slice(1)) {
      const code = block.slice(0, block.indexOf('"'));
      if (!prefixes.some((prefix) => code.startsWith(prefix))) continue;
      const fields = [...block.matchAll(/^(says|instead) = (".*")$/gm)];
      book[lang][code] = Object.fromEntries(fields.map(([, name, value]) => [name, JSON.parse(value)]));
    }
  }
  return book;
}

// What kinds of streams and entries are called.
async function labels() {
  const rows = (await read(api, "words/kinds.tsv")).trimEnd().split("\n").map((row) => row.split("\t"));
  return Object.fromEntries(rows.map(([name, zh, en]) => [name, { zh, en }]));
}

// As what each plain kind of a report is entered.
async function matters() {
  const rows = (await read(api, "words/reporter/kinds.tsv")).trimEnd().split("\n").map((row) => row.split("\t"));
  return Object.fromEntries(rows);
}

// The traditional characters of the secret's list in their places, and a dot where it is the simplified one.
async function traditional() {
  const list = async (name) => (await import(pathToFileURL(join(modules, "@scure/bip39/wordlists", `${name}.js`)))).wordlist;
  const [simplified, old] = [await list("simplified-chinese"), await list("traditional-chinese")];
  return old.map((word, nth) => (word === simplified[nth] ? "." : word)).join("");
}

// What pages import from the rest of the program, by names of their own.
const GIVEN = { kinds, labels, matters, traditional, words: () => words("bundle.") };
const given = {
  name: "given",
  setup(build) {
    build.onResolve({ filter: /^adit:/ }, ({ path }) => ({ path: path.slice("adit:".length), namespace: "adit" }));
    build.onLoad({ filter: /.*/, namespace: "adit" }, async ({ path }) => ({
      contents: JSON.stringify(await GIVEN[path]()),
      loader: "json",
    }));
  },
};

async function bundled(file) {
  const options = { bundle: true, minify: true, write: false, format: "iife", charset: "utf8", legalComments: "none" };
  // Browsers of the last four years, on phones too.
  const result = await build({ ...options, entryPoints: [file], plugins: [given], nodePaths: [modules], target: ["chrome97", "firefox104", "safari15.4"] });
  return result.outputFiles[0].text.trim();
}

const hash = (text) => `sha256-${createHash("sha256").update(text).digest("base64")}`;

for (const { folder, file } of PAGES) {
  const [script, style] = [await bundled(join(web, folder, "main.js")), await bundled(join(web, folder, "style.css"))];
  if (/<\/script/i.test(script) || /<\/style/i.test(style)) throw new Error(`${folder}: a tag ends inside the page`);
  const filled = { script, style, "script-hash": hash(script), "style-hash": hash(style) };
  const page = (await read(web, folder, "page.html")).replace(/\{\{([a-z-]+)\}\}/g, (_, name) => filled[name]);
  await writeFile(join(out, file), page);
}

for (const { folder, file } of SCRIPTS) await writeFile(join(out, file), await bundled(join(web, folder, "main.js")));
