// The reporter's way in a browser with scripts: everything is sealed before it is sent.
//
// Plan: {part: "whole" | "lost" | "cut" | "tabs" | "plain", url, origin, locale, width, words, contact, file, excluded, pictures, name}.

import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { behindProxy, button, opened, state, words } from "./wire.mjs";

const LABELS = {
  "zh-CN": { look: "看一遍再提交", send: "提交举报", change: "修改", kept: "我抄好了", save: "保存回执文件", copy: "复制十二个字", picture: "存成图片", waiting: "正在重新连接" },
  "en-US": { look: "Look it over", send: "Send the report", change: "Change something", kept: "I have them", save: "Save the receipt file", copy: "Copy the twelve words", picture: "Save as a picture", waiting: "is tried again" },
};

async function type(page, plan) {
  await page.fill("#enterprise", "示例矿业");
  await page.goto(`${page.url().split("#")[0]}#q2`);
  await page.check("input[value=gas]");
  await page.goto(`${page.url().split("#")[0]}#q3`);
  for (const actor of plan.excluded ?? []) await page.check(`input[value="${actor}"]`);
  await page.goto(`${page.url().split("#")[0]}#q4`);
  await page.fill("#words", plan.words);
  await page.fill("#contact", plan.contact);
  await page.goto(`${page.url().split("#")[0]}#q5`);
  if (plan.file) await page.setInputFiles("#files", plan.file);
  await page.goto(`${page.url().split("#")[0]}#q6`);
}

async function sent(page, say) {
  await page.waitForSelector(".qr svg");
  const secret = await words(page);
  return { secret, number: await page.textContent("[data-slot=number]"), position: await page.textContent("[data-slot=position]") };
}

// The words copied, and as a picture: its dots, as the browser reads the file again.
async function keptOnDevice(context, page, plan, say) {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  await button(page, say.copy).click();
  await page.waitForSelector("[data-slot=did]:not(:empty)");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, say.picture).click()]);
  if (plan.pictures) await download.saveAs(join(plan.pictures, `${plan.name}-sealed-saved.png`));
  const bytes = [...await readFile(await download.path())];
  const dots = await page.evaluate(async (bytes) => {
    const picture = await createImageBitmap(new Blob([Uint8Array.from(bytes)], { type: "image/png" }));
    const { width, height } = picture;
    const pen = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
    pen.drawImage(picture, 0, 0);
    const { data } = pen.getImageData(0, 0, width, height);
    const grey = Array.from({ length: width * height }, (_, at) => (data[4 * at] < 128 ? "#" : "."));
    return { width, height, grey: grey.join("") };
  }, bytes);
  return { copied, picture: dots, file: download.suggestedFilename(), did: await page.textContent("[data-slot=did]") };
}

async function whole(context, plan, say, net) {
  const seen = [];
  const page = await opened(context, plan, net.port);
  const where = await page.textContent("#where-sealed");
  await type(page, plan);
  await state(page, plan, "q6", seen);
  // Twice at once is once.
  await button(page, say.look).dblclick();
  await page.waitForSelector("h1:visible >> text=/提交前看一遍|Look it over/");
  await state(page, plan, "look", seen);
  const shown = await words(page);
  const says = await page.locator("p.sealed:visible").allTextContents();
  const fingerprint = await page.textContent("[data-slot=fingerprint]");
  // The browser's back button leads to the form with everything in it, and forward to the same secret.
  await page.goBack();
  await page.waitForSelector("form.questions:visible");
  const kept = { words: await page.inputValue("#words"), enterprise: await page.inputValue("#enterprise"), gas: await page.isChecked("input[value=gas]"), files: await page.evaluate(() => document.querySelector("#files").files.length) };
  await page.goForward();
  await page.waitForSelector("[data-do=send]:visible");
  const again = await words(page);
  await button(page, say.send).dblclick({ noWaitAfter: true });
  const answer = await sent(page, say);
  await state(page, plan, "receipt", seen);
  const [download] = await Promise.all([page.waitForEvent("download"), button(page, say.save).click()]);
  const receipt = await readFile(await download.path(), "utf8");
  const onDevice = await keptOnDevice(context, page, plan, say);
  await state(page, plan, "receipt-kept", seen);
  for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, "x");
  await button(page, say.kept).click();
  await page.waitForSelector("[data-part=not_kept]:visible");
  for (const nth of [2, 7, 11]) await page.fill(`#typed${nth}`, answer.secret[nth - 1]);
  await button(page, say.kept).click();
  await page.waitForSelector("[data-part=kept]:visible");
  await state(page, plan, "kept", seen);
  // Back after sending shows no form that could be sent again.
  await page.goBack();
  const forms = await page.locator("form.questions").count();
  const files = await page.locator("[data-list=files] li").allTextContents();
  // And to leave the page leaves no word of it for what the browser remembers.
  const left = await page.evaluate(() => {
    dispatchEvent(new Event("pagehide"));
    return document.querySelectorAll(".words-of-secret, .qr, [data-slot=number]").length;
  });
  return {
    seen, where, says, fingerprint, kept, onDevice, forms, left, files, ...answer, receipt, name: download.suggestedFilename(),
    sameSecret: JSON.stringify([shown, again]) === JSON.stringify([answer.secret, answer.secret]),
    complaints: page.complaints, foreign: page.asked.filter((url) => !url.startsWith(`http://127.0.0.1:${net.port}/`) && !url.startsWith("blob:")),
  };
}

async function lost(context, plan, say, net) {
  const page = await opened(context, plan, net.port);
  await type(page, plan);
  await context.setOffline(true);
  await button(page, say.look).click();
  await page.waitForSelector("#not-sent:visible", { timeout: 30_000 });
  const alarm = await page.textContent("#not-sent");
  const kept = await page.inputValue("#words");
  await context.setOffline(false);
  await button(page, say.look).click();
  await page.waitForSelector("[data-do=send]:visible");
  const shown = await words(page);
  // Uploads arrive, and what enters the report does, too; only its answer is lost, again and again.
  net.lose.push("POST /api/v1/append");
  await button(page, say.send).click();
  await page.waitForSelector("#not-sent:visible", { timeout: 60_000 });
  const change = await page.locator("[data-do=change]:visible").count();
  net.lose.length = 0;
  await button(page, say.send).click();
  const answer = await sent(page, say);
  return { alarm, kept, change, lost: net.lost, ...answer, sameSecret: JSON.stringify(shown) === JSON.stringify(answer.secret) };
}

// The network is cut in the middle of a large file, stays away, and comes back.
async function cut(context, plan, say, net) {
  const seen = [];
  const page = await opened(context, plan, net.port);
  await type(page, plan);
  await button(page, say.look).click();
  await page.waitForSelector("[data-do=send]:visible");
  await state(page, plan, "tells", seen);
  const tells = await page.locator("[data-list=tells] li:visible").allTextContents();
  if (plan.leave) {
    await page.locator("[data-list=tells] button").first().click();
    await page.waitForFunction((many) => document.querySelectorAll("[data-list=tells] li").length < many, tells.length);
  }
  net.cut = plan.cut;
  await button(page, say.send).click();
  await page.waitForFunction((words) => document.querySelector("[data-slot=progress]").textContent.includes(words), say.waiting, { timeout: 60_000 });
  await state(page, plan, "waiting", seen);
  const bar = await page.evaluate(() => [document.querySelector("progress").value, document.querySelector("progress").max]);
  const arrived = await page.textContent("[data-slot=arrived]");
  Object.assign(net, { cut: Infinity, down: false });
  const answer = await sent(page, say);
  return { seen, tells, bar, arrived, pieces: net.pieces, ...answer, complaints: page.complaints.filter((said) => !said.includes("net::")), foreign: [] };
}

async function tabs(context, plan, say, net) {
  const pages = [await opened(context, plan, net.port), await opened(context, plan, net.port)];
  for (const page of pages) {
    await type(page, plan);
    await button(page, say.look).click();
    await page.waitForSelector("[data-do=send]:visible");
  }
  await Promise.all(pages.map((page) => button(page, say.send).click()));
  const answers = await Promise.all(pages.map((page) => sent(page, say)));
  return { answers, secret: answers.flatMap((answer) => answer.secret) };
}

// A context that browsers do not trust with keys: the form goes to the server, and the page says so.
async function plain(context, plan, say, net) {
  const page = await opened(context, plan, net.port, "plain.example");
  const where = await page.textContent("#where-sealed");
  await type(page, { ...plan, file: null });
  await button(page, say.look).click();
  await page.waitForSelector("input[name=secret]", { state: "attached" });
  return { where, says: await page.locator("p.sealed").allTextContents(), complaints: page.complaints, secret: [] };
}

await behindProxy({ whole, lost, cut, tabs, plain }, LABELS);
