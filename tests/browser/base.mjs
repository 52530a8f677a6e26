// What every test in a browser begins with: a fresh Chromium, a plan to carry out, and what came of it as JSON.
//
// A test in Rust writes the plan and reads the answer (tests/tests/browser/base.rs): `node <script>.mjs PLAN.json`.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const modules = new URL("../../target/browser/", import.meta.url);
const installed = createRequire(modules);
const { chromium } = installed("playwright-core");

// Nothing but what the test asks for: no updates, no background requests.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
  // A name whose pages browsers do not trust with keys, as they do those of the machine itself.
  "--host-resolver-rules=MAP plain.example 127.0.0.1",
];

// Runs `test(browser, plan)` and prints what it gives back.
export async function main(test) {
  const plan = JSON.parse(await readFile(process.argv[2], "utf8"));
  const executablePath = process.env.ADIT_CHROMIUM ?? "/usr/bin/chromium";
  const browser = await chromium.launch({ executablePath, headless: true, args: FLAGS });
  try {
    process.stdout.write(JSON.stringify(await test(browser, plan)));
  } finally {
    await browser.close();
  }
}

// A page of its own, offline, which remembers what it asked the network for and what it complained of.
export async function page(browser, options) {
  const context = await browser.newContext({ offline: true, ...options });
  const page = await context.newPage();
  page.asked = [];
  page.complaints = [];
  page.on("request", (request) => page.asked.push(request.url()));
  page.on("console", (message) => message.type() === "error" && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  return page;
}

// A picture of the whole page, where the plan asks for pictures.
export async function picture(page, plan, name) {
  if (plan.pictures) await page.screenshot({ path: join(plan.pictures, `${name}.png`), fullPage: true });
}

// What axe finds wrong with the accessibility of a page (WCAG 2.2 A and AA). It looks at a copy of the page that may run
// scripts, because the pages themselves need none.
export async function axe(page) {
  const context = await page.context().browser().newContext({ bypassCSP: true, viewport: page.viewportSize(), locale: "en-US" });
  const copy = await context.newPage();
  const here = new URL(page.url());
  // What the page's own script made of it stays; the script does not run once more.
  const html = (await page.content()).replace(/<script[^>]*><\/script>/g, "");
  // The copy gets the page as it stands, whatever was sent to get it; everything else comes from where it came from.
  await copy.route(here.href, (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
  await copy.goto(here.href);
  await copy.addScriptTag({ path: installed.resolve("axe-core/axe.min.js") });
  const found = await copy.evaluate(() =>
    globalThis.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] }),
  );
  await context.close();
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.target.join(" ")).join(", ")}`);
}

// Whether nothing is wider than the window.
export async function fits(page) {
  // Its text may be there before its style is.
  await page.waitForLoadState("load");
  return page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
}
