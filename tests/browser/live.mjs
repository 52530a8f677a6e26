// Two people on one hazard: one looks at its page, and then fills in a form, while the other writes by the API.
//
// Plan: {url, account, password, page, form, fill, writes: [{id, type, data, stream, token}, …], appears, width, pictures, name}.

import { axe, fits, main, page as fresh, picture } from "./base.mjs";

async function write(plan, { token, ...command }) {
  const answer = await fetch(`${plan.url}/api/v1/commands`, {
    method: "POST",
    headers: { "content-type": "application/json", authorization: `Bearer ${token}` },
    body: JSON.stringify(command),
  });
  if (answer.status !== 200) throw new Error(`${answer.status}: ${await answer.text()}`);
}

await main(async (browser, plan) => {
  const page = await fresh(browser, { offline: false, locale: "zh-CN", viewport: { width: plan.width, height: 800 } });
  await page.goto(`${plan.url}/desk`);
  await page.getByLabel("账号").fill(plan.account);
  await page.getByLabel("口令").fill(plan.password);
  await page.getByRole("button", { name: "登录" }).click();
  await page.waitForURL(/\/desk$/);

  await page.goto(plan.url + plan.page);
  await page.waitForFunction(() => performance.getEntriesByType("resource").some(({ name }) => name.includes("/web/desk-")));
  const seen = await page.getByText(plan.appears).count();
  await write(plan, plan.writes[0]);
  await page.getByText(plan.appears).first().waitFor();

  await page.goto(plan.url + plan.form);
  for (const [name, value] of Object.entries(plan.fill)) await page.locator(`[name="${name}"]`).fill(value);
  await write(plan, plan.writes[1]);
  await page.locator("#live").waitFor();
  await picture(page, plan, `${plan.name}-told`);
  const kept = await page.evaluate((names) => names.map((name) => document.querySelector(`[name="${name}"]`).value), Object.keys(plan.fill));
  return { seen, kept, complaints: page.complaints.filter((text) => !text.startsWith("Failed to load")), foreign: page.asked.filter((url) => !url.startsWith(plan.url)), faults: await axe(page), fits: await fits(page) };
});
