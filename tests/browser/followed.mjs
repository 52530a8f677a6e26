// What became of a report, in a browser with scripts: the twelve words stay there, from the first letter to the voucher.
//
// Plan: {part: "follow" | "codes" | "broken", url, origin, locale, width, words, contact, file, secret, number, code, pictures, name}.

import { readFile } from "node:fs/promises";
import { page as fresh } from "./base.mjs";
import { behindProxy, button, leaks, listed, opened, state, words } from "./wire.mjs";

const LABELS = {
  "zh-CN": { kept: "我抄好了", save: "保存回执文件", open: "打开", message: "发送", disputed: "没有改好", claim: "领取奖金", show: "再看一次十二个字", stolen: "可能被人看到", rotate: "换新的十二个字", rotates: "换", lock: "锁定", invite: "邀请一位同事", back: "回到我的举报", withdraw: "收回", join: "我要联名", joins: "我抄好了，联名", exchange: "换成我自己的十二个字", exchanged: "我抄好了，换", server: "由服务器办" },
  "en-US": { kept: "I have them", save: "Save the receipt file", open: "Open", message: "Send", disputed: "No, not mended", claim: "Claim the reward", show: "Show the twelve words again", stolen: "Has somebody seen", rotate: "Change the twelve words", rotates: "Change", lock: "Lock it for good", invite: "Invite a colleague", back: "Back to my report", withdraw: "Withdraw", join: "Join the report", joins: "I wrote them down. Join", exchange: "Get my own twelve words", exchanged: "I have them. Change", server: "Let the server do it" },
};

// What a page says, as it is read.
const reads = (page) => page.evaluate(() => document.querySelector("main").innerText.replace(/\s+/g, " "));

// The same page as the server makes it, for a browser without scripts.
async function withoutScripts(browser, plan, secret, say) {
  const page = await fresh(browser, { offline: false, locale: plan.locale, viewport: { width: plan.width, height: 800 }, javaScriptEnabled: false, bypassCSP: true });
  await page.goto(`${plan.url}/my?lang=${plan.locale.slice(0, 2)}`);
  await page.fill("#secret", secret);
  await page.getByRole("button", { name: say.open, exact: true }).click();
  await page.waitForSelector(".bar");
  const text = await reads(page);
  await page.context().close();
  return text;
}

// What a browser keeps of a page.
const keeps = (page) =>
  page.evaluate(async () => [localStorage.length, sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length, JSON.stringify(history.state)]);

async function unlock(page, secret, say) {
  await page.fill("#secret", secret);
  await page.getByRole("button", { name: say.open, exact: true }).click();
}

const alarmed = async (page) => {
  await page.waitForSelector("#not-sent:visible", { timeout: 60_000 });
  return page.textContent("#not-sent");
};

// Waits until something was done, and says what hindered it.
async function done(page) {
  await page.waitForSelector("section.good:visible, #not-sent:visible");
  const alarm = page.locator("#not-sent:visible");
  if (await alarm.count()) throw new Error(`${await alarm.textContent()} ${page.complaints}`);
}

// Somebody leaves while the report is being opened: what comes afterwards is neither shown nor complained of.
async function leftMeanwhile(page, plan, say) {
  const leave = async (route) => {
    await page.evaluate(() => dispatchEvent(new Event("pagehide")));
    await route.continue();
  };
  await page.route("**/my/here", leave, { times: 1 });
  const answer = page.waitForResponse("**/my/here");
  await unlock(page, plan.secret, say);
  await (await answer).finished();
  return [await page.inputValue("#secret"), await page.locator(".bar").count(), await page.locator("#not-sent").count()];
}

// From the twelve words to the voucher, and on to other words.
async function follow(context, plan, say, net) {
  const seen = [];
  const page = await opened(context, plan, net.port, "127.0.0.1", "/my");
  const where = await page.textContent("#where-opened");
  await state(page, plan, "key", seen);
  await unlock(page, plan.secret.split(" ").slice(1).join(" "), say);
  const short = await alarmed(page);
  const shut = await leftMeanwhile(page, plan, say);
  await unlock(page, await otherwise(plan.secret), say);
  await page.waitForSelector(".bar");
  await state(page, plan, "follow", seen);
  const says = await page.locator("p.sealed:visible").allTextContents();
  const same = [await reads(page), await withoutScripts(context.browser(), plan, plan.secret, say)];
  // The words themselves in a letter are not sent, and what was typed stays.
  await page.fill("#message", `… ${plan.secret} …`);
  await page.getByRole("button", { name: say.message, exact: true }).click();
  const alarm = await alarmed(page);
  // Nor does the link past the header take it away, however often it is used.
  for (const _ of [0, 1]) {
    await page.locator("a.skip").focus();
    await page.keyboard.press("Enter");
  }
  const refused = [alarm, await page.inputValue("#message")];
  // The answer is lost, again and again; pressed once more it is one letter.
  await page.fill("#message", plan.words);
  await page.setInputFiles("#evidence", plan.file);
  net.lose.push("POST /api/v1/append");
  await page.getByRole("button", { name: say.message, exact: true }).dblclick();
  await page.waitForSelector("#not-sent:visible", { timeout: 60_000 });
  await state(page, plan, "lost", seen);
  net.lose.length = 0;
  await page.getByRole("button", { name: say.message, exact: true }).click();
  await done(page);
  await page.fill("#dispute_words", plan.contact);
  await button(page, say.disputed).click();
  await page.waitForSelector(".letter:nth-of-type(4), #not-sent");
  await done(page);
  await button(page, say.claim).click();
  await page.waitForSelector(".voucher:visible");
  await state(page, plan, "claimed", seen);
  const voucher = await page.textContent(".voucher");
  const letters = await page.locator(".letter .words").allTextContents();
  const files = await page.locator(".files li").allTextContents();
  await page.getByText(say.stolen).click();
  await button(page, say.rotate).click();
  await page.waitForSelector(".qr svg");
  await state(page, plan, "rotate", seen);
  const secret = await words(page);
  await page.getByRole("button", { name: say.rotates, exact: true }).dblclick({ noWaitAfter: true });
  await done(page);
  await button(page, say.show).click();
  await page.waitForSelector("#typed2");
  await state(page, plan, "words", seen);
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, say.save).click()]);
  const receipt = await readFile(await download.path(), "utf8");
  for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, secret[nth - 1]);
  await button(page, say.kept).click();
  await done(page);
  const rotated = [await reads(page), await withoutScripts(context.browser(), plan, secret.join(" "), say)];
  // Back leads to where the words are asked for, and nothing of them is left.
  await page.goBack();
  await page.waitForSelector("#secret:visible");
  const left = [await page.inputValue("#secret"), ...(await keeps(page))];
  await unlock(page, plan.secret, say);
  const old = await alarmed(page);
  await unlock(page, secret.join(" "), say);
  await page.waitForSelector(".bar");
  await page.getByText(say.stolen).click();
  await button(page, say.lock).click();
  await done(page);
  await state(page, plan, "locked", seen);
  await unlock(page, secret.join(" "), say);
  return {
    seen, where, short, shut, says, same, refused, voucher, letters, files, secret, receipt, rotated, left, old, locked: await alarmed(page), lost: net.lost,
    complaints: page.complaints, foreign: page.asked.filter((url) => !url.startsWith(`http://127.0.0.1:${net.port}/`) && !url.startsWith("blob:")),
  };
}

// Codes brought and given out: a pickup code of a clerk, an invitation, and joining by it.
async function codes(context, plan, say, net) {
  const seen = [];
  const page = await opened(context, plan, net.port, "127.0.0.1", "/my");
  const bring = async (page, form, number, code, first, then) => {
    await page.fill(`#${form}_number`, number);
    await page.fill(`#${form}_code`, code);
    await button(page, first).click();
    await page.waitForSelector(".qr svg");
    await state(page, plan, `${form}-words`, seen);
    const shown = await words(page);
    await page.getByRole("button", { name: then, exact: true }).dblclick({ noWaitAfter: true });
    await page.waitForSelector("#typed2");
    await state(page, plan, `${form}-receipt`, seen);
    for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, shown[nth - 1]);
    await button(page, say.kept).click();
    await done(page);
    return shown;
  };
  await page.fill("#pickup_number", plan.number);
  await page.fill("#pickup_code", plan.code.replace(/.$/, (last) => (Number(last) + 1) % 10));
  await button(page, say.exchange).click();
  const wrong = [await alarmed(page), await page.inputValue("#pickup_number")];
  const secret = await bring(page, "pickup", plan.number, plan.code, say.exchange, say.exchanged);
  const told = await page.locator(".letter .words").allTextContents();
  const handed = [];
  for (const turn of [0, 1]) {
    await button(page, say.invite).dblclick({ noWaitAfter: true });
    await button(page, say.back).waitFor();
    if (turn === 0) await state(page, plan, "invitation", seen);
    handed.push(await page.locator("dd.number").allTextContents());
    await button(page, say.back).click();
    await page.waitForSelector(".bar");
  }
  await page.getByRole("button", { name: say.withdraw, exact: true }).first().click();
  await done(page);
  await state(page, plan, "withdrawn", seen);
  const open = await page.getByRole("button", { name: say.withdraw, exact: true }).count();
  const other = await opened(context, plan, net.port, "127.0.0.1", "/my");
  const joined = [];
  for (const [number, code] of handed) {
    await other.fill("#join_number", number);
    await other.fill("#join_code", code);
    await button(other, say.join).click();
    await other.waitForSelector("#not-sent:visible, .qr svg");
    if (await other.locator("#not-sent:visible").count()) continue;
    await other.goBack();
    joined.push(...await bring(other, "join", number, code, say.join, say.joins));
    break;
  }
  const letters = await other.locator(".letter .words").allTextContents();
  return { seen, wrong, secret, joined, told, open, letters, handed, complaints: [...page.complaints, ...other.complaints], foreign: [] };
}

// A browser in which something fails: nothing is sent, and the server opens the report only for whoever presses for it.
async function broken(context, plan, say, net) {
  await context.addInitScript(() => Object.defineProperty(XMLHttpRequest.prototype, "responseType", { set: () => { throw new Error("not here"); } }));
  const page = await opened(context, plan, net.port, "127.0.0.1", "/my");
  await unlock(page, plan.secret, say);
  const alarm = await alarmed(page);
  const before = leaks(net.sent, [plan.secret, plan.secret.replaceAll(" ", "+")]);
  await button(page, say.server).click();
  await page.waitForSelector(".bar");
  const says = await page.locator("p.sealed:visible").allTextContents();
  net.sent.length = 0;
  return { alarm, before, says, secret: [] };
}

// The same words as somebody may type them: in capitals, or in traditional characters with other blanks between.
async function otherwise(secret) {
  if (/^[a-z]/.test(secret)) return secret.toUpperCase().replaceAll(" ", "-");
  const [simplified, traditional] = [await listed("simplified-chinese"), await listed("traditional-chinese")];
  const old = (word) => traditional[simplified.indexOf(word)];
  // A few traditional characters are simplified ones of other words.
  return secret.split(" ").map((word) => (simplified.includes(old(word)) ? word : old(word))).join("、\u3000");
}

await behindProxy({ follow, codes, broken }, LABELS);
