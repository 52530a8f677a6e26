// What tests of a browser that seals have in common: a proxy on the way keeps every byte that leaves the browser, and loses answers where a plan asks for
// it; afterwards words, keys and texts are looked for in all of it.

import { hkdfSync } from "node:crypto";
import { connect, createServer } from "node:net";
import { axe, fits, main, page as fresh, picture } from "./base.mjs";

export const packages = new URL("../../target/mini-program/node_modules/@scure/bip39/", import.meta.url);
export const listed = async (name) => (await import(new URL(`wordlists/${name}.js`, packages))).wordlist;

export const button = (page, name) => page.getByRole("button", { name });

export const words = (page) => page.locator(".words-of-secret b").allTextContents();

// Everything that the browser sends, and faults on the way: `lose` has the beginnings of requests whose answers are lost; after `cut` bytes of
// pieces of files the network is `down` for all of them.
async function proxy(target) {
  const [, host, port] = /^http:\/\/([^:]+):(\d+)/.exec(target);
  const seen = { sent: [], lose: [], lost: 0, cut: Infinity, down: false, pieces: 0 };
  const server = createServer((client) => {
    const upstream = connect(Number(port), host);
    let [losing, patching] = [false, false];
    client.on("data", (bytes) => {
      seen.sent.push(bytes);
      const head = bytes.toString("latin1", 0, 80);
      losing ||= seen.lose.some((start) => head.startsWith(start));
      if (seen.down && / \/api\/v1\/sealed/.test(head)) return [client, upstream].forEach((end) => end.destroy());
      if (/^[A-Z]+ \/.* HTTP\/1\.1\r\n/.test(head)) patching = head.startsWith("PATCH ");
      if (patching && head.startsWith("PATCH ")) seen.pieces += 1;
      if (patching && (seen.cut -= bytes.length) <= 0) {
        // Half of what came last still arrives.
        seen.down = true;
        return upstream.write(bytes.subarray(0, bytes.length / 2), () => [client, upstream].forEach((end) => end.destroy()));
      }
      upstream.write(bytes);
    });
    upstream.on("data", (bytes) => {
      if (!losing) return client.write(bytes);
      seen.lost += 1;
      client.destroy();
      upstream.destroy();
    });
    for (const [one, other] of [[client, upstream], [upstream, client]]) {
      one.on("error", () => other.destroy());
      one.on("close", () => other.destroy());
    }
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return Object.assign(seen, { port: server.address().port, close: () => server.close() });
}

// Which of the needles left the browser readable, in whatever spelling.
export function leaks(sent, needles) {
  const whole = Buffer.concat(sent);
  const texts = (needle) => [needle, encodeURIComponent(needle), needle.replaceAll(" ", "+"), JSON.stringify(needle).slice(1, -1), Buffer.from(needle).toString("base64").slice(0, -4)];
  const spelled = (needle) => (typeof needle === "string" ? texts(needle) : [needle, needle.toString("hex"), needle.toString("base64")]);
  return needles.filter((needle) => spelled(needle).some((spelling) => spelling.length > 2 && whole.includes(spelling)));
}

// Of the requests that wait for a turn where it is crowded: how many there were, and how many showed work.
function worked(sent) {
  const heads = Buffer.concat(sent).toString("latin1").match(/(PUT \/api\/v1\/sealed|POST \/api\/v1\/append) HTTP\/1\.1\r\n([^\r]+\r\n)+/g) ?? [];
  return { waited: heads.length, worked: heads.filter((head) => /\r\nadit-work: [0-9a-f.]+\r\n/i.test(head)).length };
}

export async function state(page, plan, name, seen) {
  await picture(page, plan, `${plan.name}-sealed-${name}`);
  const address = new URL(page.url());
  seen.push({ name, title: await page.title(), address: address.pathname, question: address.search, fits: await fits(page), faults: await axe(page) });
}

export async function opened(context, plan, port, host = "127.0.0.1", path = "/report") {
  const page = await context.newPage();
  page.complaints = [];
  page.asked = [];
  page.on("request", (request) => page.asked.push(request.url()));
  // What the policy forbids is told as an error, too; a picture for the tab, which there is none of, is no complaint.
  page.on("console", (message) => message.type() === "error" && !message.text().startsWith("Failed to load") && page.complaints.push(message.text()));
  page.on("pageerror", (error) => page.complaints.push(String(error)));
  await page.goto(`http://${host}:${port}${path}?lang=${plan.locale.slice(0, 2)}`);
  return page;
}

// Everything that follows from the twelve words and must stay with them.
async function keysOf(words, origin) {
  const { mnemonicToEntropy } = await import(new URL("index.js", packages));
  const wordlist = await listed(/^[a-z]/.test(words[0]) ? "english" : "simplified-chinese");
  const secret = Buffer.from(mnemonicToEntropy(words.join(" "), wordlist));
  const seeds = ["sign", "claim", "read", "voucher"].map((label) => Buffer.from(hkdfSync("sha256", secret, `adit.v1 ${origin}`, label, 32)));
  return [secret, ...seeds];
}

// Runs one of the parts behind the proxy, and says what of it left the browser readable.
export const behindProxy = (parts, labels) => main(async (browser, plan) => {
  const page = await fresh(browser, { offline: false, locale: plan.locale, viewport: { width: plan.width, height: 800 }, acceptDownloads: true });
  const net = await proxy(plan.url);
  const said = await parts[plan.part](page.context(), plan, labels[plan.locale], net);
  net.close();
  const between = plan.locale === "zh-CN" ? "" : " ";
  const all = [...said.secret, ...(said.joined ?? []), ...(plan.secret?.match(/[a-z]+|\p{L}/gu) ?? [])];
  const needles = [plan.words, plan.contact, "示例矿业", "canary-place"];
  for (let at = 0; at < all.length; at += 12) {
    const words = all.slice(at, at + 12);
    for (const from of [0, 3, 6, 9]) needles.push(words.slice(from, from + 3).join(between), words.slice(from, from + 3).join(" "));
    needles.push(...(await keysOf(words, plan.origin)));
  }
  needles.push(...(said.voucher ? [said.voucher] : []));
  return { ...said, leaks: leaks(net.sent, needles.filter((needle) => needle)), bytes: Buffer.concat(net.sent).length, ...worked(net.sent) };
});
