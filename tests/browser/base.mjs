// What every test in a browser begins with: a fresh Chromium, a plan to carry out, and what came of it as JSON.
//
// A test in Rust writes the plan and reads the answer (tests/tests/browser/base.rs): `node <script>.mjs PLAN.json`.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { join } from "node:path";

const modules = new URL("../../target/browser/", import.meta.url);
const { chromium } = createRequire(modules)("playwright-core");

// Nothing but what the test asks for: no updates, no background requests.
const FLAGS = [
  "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync",
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

// Whether nothing is wider than the window.
export const fits = (page) => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
