// The reporter's way in a browser, without scripts: from the home page to the receipt, and from the twelve words to the voucher.
//
// Plan: {part: "report" | "follow" | "pickup", number, code, url, locale, width, words, file, secret, pictures, name}.

import { axe, fits, main, page as fresh, picture } from "./base.mjs";

const LABELS = {
  "zh-CN": { report: "我要举报", next: "下一题", look: "看一遍再提交", send: "提交举报", kept: "我抄好了", follow: "查进度", open: "打开", claim: "领取奖金", exchange: "换成我自己的十二个字", change: "我抄好了，换" },
  "en-US": { report: "I want to report", next: "Next", look: "Look it over", send: "Send the report", kept: "I have them", follow: "Follow up", open: "Open", claim: "Claim the reward", exchange: "Get my own twelve words", change: "I have them. Change" },
};

// Where a page stands: its title, its address without the question, what it is wider than, what axe says of it.
async function state(page, plan, name, seen) {
  await picture(page, plan, `${plan.name}-${name}`);
  const address = new URL(page.url());
  seen.push({ name, title: await page.title(), address: address.pathname, question: address.search, fits: await fits(page), faults: await axe(page) });
}

const button = (page, name) => page.getByRole("button", { name });

async function report(page, plan, say) {
  const seen = [];
  await page.goto(plan.url);
  await state(page, plan, "home", seen);
  await page.getByRole("link", { name: say.report }).click();
  const shown = () => page.locator(".question:visible").count();
  const screens = [];
  const visible = (id) => page.locator(`#${id}`).locator("visible=true");
  await page.fill("#enterprise", "示例矿业");
  for (const question of ["q1", "q2", "q3", "q4", "q5"]) {
    screens.push({ question, shown: await shown() });
    if (question === "q2") await page.check("input[value=gas]");
    if (question === "q4") await page.fill("#words", plan.words);
    if (question === "q5") await page.setInputFiles("#files", plan.file);
    await state(page, plan, question, seen);
    await visible(question).getByRole("link", { name: say.next }).click();
  }
  // The back button of the browser goes one question back, and everything is still there.
  await page.goBack();
  await page.goBack();
  const kept = { words: await page.inputValue("#words"), enterprise: await page.inputValue("#enterprise"), gas: await page.isChecked("input[value=gas]") };
  await page.goForward();
  await page.goForward();
  await state(page, plan, "q6", seen);
  // The connection is lost while the form is sent, and comes back: the browser sends it again.
  await page.context().setOffline(true);
  await button(page, say.look).click({ noWaitAfter: true });
  await page.waitForURL(/chrome-error/).catch(() => {});
  await page.context().setOffline(false);
  await page.reload();
  await page.waitForSelector(".words-of-secret");
  await state(page, plan, "look", seen);
  const words = await page.locator(".words-of-secret b").allTextContents();
  await button(page, say.send).dblclick({ noWaitAfter: true });
  await page.waitForSelector(".qr svg");
  await state(page, plan, "receipt", seen);
  const files = await page.locator("dd li").allTextContents();
  for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, words[nth - 1]);
  await button(page, say.kept).click();
  await page.waitForSelector(".good");
  await state(page, plan, "kept", seen);
  return { seen, screens, kept, files, secret: words };
}

async function follow(page, plan, say) {
  const seen = [];
  await page.goto(plan.url);
  await page.getByRole("link", { name: say.follow }).click();
  await state(page, plan, "key", seen);
  await page.fill("#secret", plan.secret);
  await page.keyboard.press("Enter");
  await page.waitForSelector(".bar");
  await state(page, plan, "follow", seen);
  const letters = await page.locator(".letter .words").allTextContents();
  await button(page, say.claim).click();
  await page.waitForSelector(".voucher");
  await state(page, plan, "voucher", seen);
  return { seen, letters, voucher: await page.textContent(".voucher") };
}

// Number and code of a clerk: mistyped, then right, then used a second time.
async function pickup(page, plan, say) {
  const seen = [];
  const typed = async (code) => {
    await page.fill("#number", plan.number);
    await page.fill("#code", code);
    await button(page, say.exchange).click();
  };
  await page.goto(plan.url);
  await page.getByRole("link", { name: say.follow }).click();
  await typed(plan.code.slice(0, -2));
  await page.waitForSelector(".alarm");
  await state(page, plan, "pickup-short", seen);
  const kept = { number: await page.inputValue("#number"), code: await page.inputValue("#code") };
  const short = await page.textContent("#pickup .alarm");
  await typed(plan.code);
  await page.waitForSelector(".words-of-secret");
  await state(page, plan, "pickup-words", seen);
  const words = await page.locator(".words-of-secret b").allTextContents();
  await button(page, say.change).dblclick({ noWaitAfter: true });
  await page.waitForSelector("#typed2");
  await state(page, plan, "pickup-receipt", seen);
  const shown = await page.locator(".words-of-secret b").allTextContents();
  for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, words[nth - 1]);
  await button(page, say.kept).click();
  await page.waitForSelector(".good");
  await state(page, plan, "pickup-kept", seen);
  const told = await page.locator(".letter .words").allTextContents();
  await page.goto(plan.url);
  await page.getByRole("link", { name: say.follow }).click();
  await typed(plan.code);
  await page.waitForSelector(".alarm");
  await state(page, plan, "pickup-used", seen);
  const used = await page.textContent("#pickup .alarm");
  return { seen, kept, short, used, told, same: words.join() === shown.join() };
}

await main(async (browser, plan) => {
  const page = await fresh(browser, {
    offline: false, locale: plan.locale, viewport: { width: plan.width, height: 800 }, javaScriptEnabled: false, bypassCSP: true,
  });
  const said = await ({ report, follow, pickup })[plan.part](page, plan, LABELS[plan.locale]);
  const foreign = page.asked.filter((url) => !url.startsWith(plan.url) && !url.startsWith("chrome-error"));
  return { ...said, foreign };
});
