// Days at the workbench in a browser, without scripts unless the plan says otherwise: sign in, look at pages, give commands by their forms.
//
// Plan: {url, locale, width, account, password, steps: [...], pictures, name, scripts, provider}. A step is {goto}, {click}, {fill: {field: value}},
// {check: {field: value}}, {choose: {field: label}}, {attach: {id: [path, …]}}, {enter: {id: value}}, {authenticator: true},
// {offline}, {press}, {see}, {keys: {id: key}}, {at: part of an address}, {replay: part of an address}, {forget: host} or {look: name}. A provider is another site to which pages may lead.

import { axe, fits, main, page as fresh, picture } from "./base.mjs";

const LABELS = {
  "zh-CN": { account: "账号", password: "口令", enter: "登录" },
  "en-US": { account: "Account", password: "Password", enter: "Sign in" },
};

const field = (page, name) => page.locator(`[name="${name}"]`);

const STEPS = {
  goto: (page, plan, path) => page.goto(plan.url + path),
  click: (page, plan, text) => page.getByRole("link", { name: text }).first().click(),
  press: (page, plan, text) => page.getByRole("button", { name: text }).first().click(),
  open: (page, plan, text) => page.locator("summary", { hasText: text }).first().click(),
  see: (page, plan, text) => page.getByText(text).first().waitFor(),
  async keys(page, plan, inputs) {
    for (const [id, key] of Object.entries(inputs)) await page.locator(`#${id}`).press(key);
  },
  at: (page, plan, part) => page.waitForURL((url) => url.href.includes(part)),
  // Asks once more for what was asked for last under such an address.
  replay: (page, plan, part) => page.goto(page.asked.filter((url) => url.startsWith(plan.url + part)).at(-1)),
  async fill(page, plan, fields) {
    for (const [name, value] of Object.entries(fields)) await field(page, name).fill(value);
  },
  async check(page, plan, fields) {
    for (const [name, value] of Object.entries(fields)) await page.check(`[name="${name}"][value="${value}"]`);
  },
  async enter(page, plan, inputs) {
    for (const [id, value] of Object.entries(inputs)) await page.locator(`#${id}`).fill(value);
  },
  // A passkey as a telephone or a computer keeps it, whose owner always confirms.
  async authenticator(page) {
    const devtools = await page.context().newCDPSession(page);
    await devtools.send("WebAuthn.enable");
    const options = { protocol: "ctap2", transport: "internal", hasUserVerification: true, isUserVerified: true, automaticPresenceSimulation: true };
    await devtools.send("WebAuthn.addVirtualAuthenticator", { options });
  },
  // As after the browser was closed: that site does not know it any more.
  forget: (page, plan, domain) => page.context().clearCookies({ domain }),
  offline: (page, plan, off) => page.context().setOffline(off),
  async attach(page, plan, inputs) {
    for (const [id, paths] of Object.entries(inputs)) await page.locator(`#${id}`).setInputFiles(paths);
  },
  async choose(page, plan, fields) {
    for (const [name, label] of Object.entries(fields)) await field(page, name).selectOption({ label });
  },
};

// What a page looks like, what it is wider than, what axe says of it, and how large it is.
async function look(page, plan, name, seen) {
  // Its text may be there before its style is.
  await page.waitForLoadState("load");
  await picture(page, plan, `${plan.name}-${name}`);
  const size = (await page.content()).length;
  const tall = await page.evaluate(() => document.documentElement.scrollHeight);
  seen.push({ name, tall, title: await page.title(), path: new URL(page.url()).pathname, fits: await fits(page), faults: await axe(page), size });
}

await main(async (browser, plan) => {
  const viewport = { width: plan.width, height: plan.height ?? (plan.width < 800 ? 780 : 900) };
  const page = await fresh(browser, { offline: false, javaScriptEnabled: plan.scripts ?? false, locale: plan.locale, viewport });
  const say = LABELS[plan.locale];
  const seen = [];
  if (plan.account) {
    await page.goto(`${plan.url}/desk`);
    await look(page, plan, "sign-in", seen);
    await page.getByLabel(say.account).fill(plan.account);
    await page.getByLabel(say.password).fill(plan.password);
    await page.getByRole("button", { name: say.enter }).click();
    await page.waitForURL(/\/desk$/);
  }
  for (const step of plan.steps) {
    for (const [what, how] of Object.entries(step)) {
      if (what === "look") await look(page, plan, how, seen);
      else await STEPS[what](page, plan, how).catch(async (error) => {
        const says = await page.locator("main").innerText().catch(String);
        throw new Error(`${JSON.stringify(step)} at ${page.url()}: ${error}\n${says.slice(0, 600)}`);
      });
    }
  }
  const known = [plan.url, plan.provider].filter(Boolean);
  const foreign = page.asked.filter((url) => !known.some((site) => url.startsWith(site)));
  return { seen, foreign, url: page.url(), text: await page.locator("main").innerText() };
});
