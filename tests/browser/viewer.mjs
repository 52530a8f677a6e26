// The viewer of evidence bundles, opened as a file.
//
// Plan: {page, good, lawful, key, otherKey, altered: [path…], pictures}.

import { pathToFileURL } from "node:url";
import { fits, main, page as fresh, picture } from "./base.mjs";

const LANGUAGES = { "zh-CN": "zh", "en-US": "en" };

async function open(browser, plan, options) {
  const page = await fresh(browser, options);
  await page.goto(pathToFileURL(plan.page).href);
  return page;
}

// Chooses a bundle and waits for what the page says of it.
async function choose(page, path) {
  await page.setInputFiles("#bundle", path);
  await page.waitForSelector(".good, .bad", { timeout: 60_000 });
}

const heading = (page) => page.textContent(".result");

async function looks(browser, plan, locale, width) {
  const page = await open(browser, plan, { locale, viewport: { width, height: 800 } });
  const name = `${LANGUAGES[locale]}-${width}`;
  await picture(page, plan, `${name}-start`);
  const startFits = await fits(page);
  await choose(page, plan.good);
  await picture(page, plan, `${name}-good`);
  const said = { lang: await page.getAttribute("html", "lang"), result: await heading(page), focus: await focused(page) };
  await page.click("details.stream > summary >> nth=0");
  await page.evaluate(() => document.querySelectorAll("article").forEach((one) => one.querySelectorAll("details").forEach((part) => (part.open = true))));
  const opened = await fits(page);
  const entries = await page.locator("section.stream article").count();
  const bodies = await page.locator("section.stream article pre").allTextContents();
  const images = await page.locator("img").count();
  if (width < 400) await picture(page, plan, `${name}-opened`);
  await page.click("header button");
  said.switched = { lang: await page.getAttribute("html", "lang"), result: await heading(page) };
  const { asked, complaints } = page;
  await page.context().close();
  return { locale, width, ...said, entries, bodies, images, fits: startFits && opened, asked, complaints };
}

const focused = (page) => page.evaluate(() => document.activeElement.getAttribute("role"));

// Every altered bundle, with the fault that the page names, and its words in both languages.
async function faults(browser, plan) {
  const page = await open(browser, plan, { locale: "en-US", viewport: { width: 360, height: 800 } });
  const found = [];
  for (const [index, path] of plan.altered.entries()) {
    await page.reload();
    await choose(page, path);
    const fault = await page.evaluate(() => document.querySelector(".bad")?.dataset.fault ?? null);
    const english = await page.textContent(".good, .bad");
    await page.click("header button");
    const chinese = await page.textContent(".good, .bad");
    await page.click("header button");
    if (index === 0) await picture(page, plan, "en-360-bad");
    found.push({ fault: JSON.parse(fault), english, chinese });
  }
  await page.reload();
  await choose(page, plan.lawful);
  const lawful = await heading(page);
  return { found, lawful, asked: page.asked, complaints: page.complaints };
}

// From the keyboard alone: the language, the file, the key.
async function keyboard(browser, plan) {
  const page = await open(browser, plan, { locale: "zh-CN", viewport: { width: 1280, height: 800 } });
  const order = [];
  for (let step = 0; step < 3; step++) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement.labels?.[0]?.textContent ?? document.activeElement.textContent));
  }
  await page.keyboard.press("Enter");
  const results = [];
  for (const key of [plan.key, plan.otherKey, "nonsense"]) {
    await page.reload();
    await page.click("summary");
    await page.fill("#key", key);
    await choose(page, plan.good);
    results.push(await page.evaluate(() => document.querySelector(".bad")?.dataset.fault ?? document.querySelector(".result").textContent));
  }
  await picture(page, plan, "zh-1280-bad-key");
  return { order, results };
}

await main(async (browser, plan) => {
  const seen = [];
  for (const locale of Object.keys(LANGUAGES)) {
    for (const width of [360, 1280]) seen.push(await looks(browser, plan, locale, width));
  }
  return { seen, faults: await faults(browser, plan), keyboard: await keyboard(browser, plan) };
});
