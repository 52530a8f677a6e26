// The reporter's way in a browser, without scripts: from the home page to the receipt, and from the twelve words to the voucher.
//
// Plan: {part: "report" | "follow" | "invite" | "pickup" | "join" | "inside" | "collect", number, code, url, locale, width, words, file, secret, pictures, name}.

import { axe, fits, main, page as fresh, picture } from "./base.mjs";

const LABELS = {
  "zh-CN": { report: "我要举报", next: "下一题", look: "看一遍再提交", send: "提交举报", kept: "我抄好了", follow: "查进度", open: "打开", claim: "领取奖金", exchange: "换成我自己的十二个字", change: "我抄好了，换", invite: "邀请一位同事", back: "回到我的举报", again: "看这个邀请码", invited: "同事给了我邀请码", join: "我要联名", joins: "我抄好了，联名", inside: "我想先告诉自己的企业", find: "找这家企业", give: "交给企业", collect: "我要领，给我凭证号", change_it: "改一改" },
  "en-US": { report: "I want to report", next: "Next", look: "Look it over", send: "Send the report", kept: "I have them", follow: "Follow up", open: "Open", claim: "Claim the reward", exchange: "Get my own twelve words", change: "I have them. Change", invite: "Invite a colleague", back: "Back to my report", again: "Show the code", invited: "A colleague gave me", join: "Join the report", joins: "I wrote them down. Join", inside: "I would rather tell my own enterprise", find: "Find it", give: "Give it to the enterprise", collect: "I want it", change_it: "Change" },
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
// The first reporter makes a code, goes back, and looks at it again.
async function invite(page, plan, say) {
  const seen = [];
  await page.goto(`${plan.url}/my?lang=${plan.locale.slice(0, 2)}`);
  await page.fill("#secret", plan.secret);
  await button(page, say.open).click();
  await state(page, plan, "joint-before", seen);
  await button(page, say.invite).dblclick({ noWaitAfter: true });
  await button(page, say.back).waitFor();
  await state(page, plan, "invitation", seen);
  const figures = () => page.locator("dd.number").allTextContents();
  const handed = await figures();
  await page.emulateMedia({ media: "print" });
  const printed = { code: await page.getByText(handed[1]).isVisible(), forms: await page.locator("form:visible, .screen:visible").count() };
  await picture(page, plan, `${plan.name}-invitation-printed`);
  await page.emulateMedia({ media: "screen" });
  await button(page, say.back).click();
  await state(page, plan, "joint-open", seen);
  await button(page, say.again).click();
  await button(page, say.back).waitFor();
  return { seen, handed, printed, again: await figures() };
}

// A worker tells the enterprise, with what gives them away first, and types three words back.
async function inside(page, plan, say) {
  const seen = [];
  await page.goto(plan.url);
  await page.getByRole("link", { name: say.inside }).click();
  await state(page, plan, "inside", seen);
  await page.fill("#firm", plan.firm);
  await button(page, say.find).click();
  await page.fill("#words", `${plan.words} 13812345678`);
  await button(page, say.look).click();
  await state(page, plan, "inside-warned", seen);
  await button(page, say.change_it).click();
  await page.fill("#words", plan.words);
  await state(page, plan, "inside-write", seen);
  await button(page, say.look).click();
  await page.waitForSelector(".words-of-secret");
  await state(page, plan, "inside-look", seen);
  const words = await page.locator(".words-of-secret b").allTextContents();
  await button(page, say.give).dblclick({ noWaitAfter: true });
  await page.waitForSelector(".qr svg");
  await state(page, plan, "inside-receipt", seen);
  for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, words[nth - 1]);
  await button(page, say.kept).click();
  await page.waitForSelector(".good");
  await state(page, plan, "inside-kept", seen);
  return { seen, secret: words };
}

// The answer, and the voucher for the reward.
async function collect(page, plan, say) {
  const seen = [];
  await page.goto(`${plan.url}/inside/my?lang=${plan.locale.slice(0, 2)}`);
  await state(page, plan, "inside-key", seen);
  await page.fill("#secret", plan.secret);
  await button(page, say.open).click();
  await page.waitForSelector(".card");
  await state(page, plan, "inside-follow", seen);
  await button(page, say.collect).click();
  await page.waitForSelector(".voucher");
  await state(page, plan, "inside-voucher", seen);
  const letters = await page.locator(".letter .words").allTextContents();
  return { seen, letters, voucher: await page.textContent(".voucher") };
}

const PICKUP = { form: "pickup", link: "follow", first: "exchange", then: "change" };
const JOIN = { form: "join", link: "invited", first: "join", then: "joins" };

// From the home page with a code to a secret of one's own; too short a code first, and the same code once more afterwards.
async function byCode(page, plan, say, way) {
  const seen = [];
  const typed = async (code) => {
    await page.fill(`#${way.form}_number`, plan.number);
    await page.fill(`#${way.form}_code`, code);
    await button(page, say[way.first]).click();
  };
  await page.goto(plan.url);
  await page.getByRole("link", { name: say[way.link] }).click();
  await typed(plan.code.slice(0, -2));
  await page.waitForSelector(".alarm");
  await state(page, plan, `${way.form}-short`, seen);
  const kept = { number: await page.inputValue(`#${way.form}_number`), code: await page.inputValue(`#${way.form}_code`) };
  const short = await page.textContent(`#${way.form} .alarm`);
  await typed(plan.code);
  await page.waitForSelector(".words-of-secret");
  await state(page, plan, `${way.form}-words`, seen);
  const words = await page.locator(".words-of-secret b").allTextContents();
  await button(page, say[way.then]).dblclick({ noWaitAfter: true });
  await page.waitForSelector("#typed2");
  await state(page, plan, `${way.form}-receipt`, seen);
  const shown = await page.locator(".words-of-secret b").allTextContents();
  for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, words[nth - 1]);
  await button(page, say.kept).click();
  await page.waitForSelector(".good");
  await state(page, plan, `${way.form}-kept`, seen);
  const told = await page.locator(".letter .words").allTextContents();
  await page.goto(plan.url);
  await page.getByRole("link", { name: say[way.link] }).click();
  await typed(plan.code);
  await page.waitForSelector(".alarm");
  await state(page, plan, `${way.form}-used`, seen);
  const used = await page.textContent(`#${way.form} .alarm`);
  return { seen, kept, short, used, told, words, same: words.join() === shown.join() };
}

const pickup = (page, plan, say) => byCode(page, plan, say, PICKUP);
const join = (page, plan, say) => byCode(page, plan, say, JOIN);

await main(async (browser, plan) => {
  const page = await fresh(browser, {
    offline: false, locale: plan.locale, viewport: { width: plan.width, height: 800 }, javaScriptEnabled: false, bypassCSP: true,
  });
  const said = await ({ report, follow, invite, pickup, join, inside, collect })[plan.part](page, plan, LABELS[plan.locale]);
  const foreign = page.asked.filter((url) => !url.startsWith(plan.url) && !url.startsWith("chrome-error"));
  return { ...said, foreign };
});
