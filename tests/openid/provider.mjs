// An OpenID provider of other people's making (`oidc-provider`), certified against the specification, for tests in Rust.
//
// It takes a free port of this machine and prints {"issuer"}; then it reads one line, the client as it registers it
// ({client_id, client_secret, redirect_uri}), and prints {"ready": true}. Whoever types a name on its page is that person. It ends
// when its input does.

import { webcrypto } from "node:crypto";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

// Node.js 18 has it in a module alone.
globalThis.crypto ??= webcrypto;
const modules = new URL("../../target/openid/", import.meta.url);
const load = (name) => import(pathToFileURL(createRequire(modules).resolve(name)));
const { default: Provider } = await load("oidc-provider");
const { exportJWK, generateKeyPair } = await load("jose");

const say = (said) => process.stdout.write(`${JSON.stringify(said)}\n`);
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

// The page on which somebody says who they are: one field, in the language of nobody.
function form(uid) {
  return `<!doctype html><html lang="en"><title>Provider</title><meta name="viewport" content="width=device-width">
<form method="post" action="/interaction/${uid}"><label>Login <input name="login" required></label>
<button name="press" value="go">Continue</button></form>
<form method="post" action="/interaction/${uid}"><button name="press" value="cancel">Turn back</button></form>`;
}

async function body(request) {
  const parts = [];
  for await (const part of request) parts.push(part);
  return new URLSearchParams(Buffer.concat(parts).toString());
}

async function interact(provider, request, response) {
  const details = await provider.interactionDetails(request, response);
  if (request.method === "GET") {
    response.setHeader("content-type", "text/html; charset=utf-8");
    response.end(form(details.uid));
    return;
  }
  const typed = await body(request);
  const result = typed.get("press") === "cancel"
    ? { error: "access_denied", error_description: "turned back" }
    : { login: { accountId: typed.get("login") } };
  await provider.interactionFinished(request, response, result, { mergeWithLastSubmission: false });
}

const server = createServer();
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
const issuer = `http://127.0.0.1:${server.address().port}`;
say({ issuer });

const { client_id, client_secret, redirect_uri } = JSON.parse((await lines.next()).value);
const { privateKey } = await generateKeyPair("RS256", { extractable: true });
const provider = new Provider(issuer, {
  clients: [{ client_id, client_secret, redirect_uris: [redirect_uri], grant_types: ["authorization_code"], response_types: ["code"] }],
  cookies: { keys: ["of tests"] },
  features: { devInteractions: { enabled: false } },
  findAccount: (context, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
  interactions: { url: (context, interaction) => `/interaction/${interaction.uid}` },
  jwks: { keys: [{ ...(await exportJWK(privateKey)), alg: "RS256", use: "sig", kid: "tests" }] },
  // Nobody is asked whether this server may know who they are.
  async loadExistingGrant({ oidc }) {
    const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
    grant.addOIDCScope("openid");
    await grant.save();
    return grant;
  },
  pkce: { required: () => true },
  scopes: ["openid"],
});
const answer = provider.callback();
server.on("request", (request, response) => {
  if (!request.url.startsWith("/interaction/")) answer(request, response);
  else interact(provider, request, response).catch((error) => response.writeHead(400).end(String(error)));
});
say({ ready: true });

// Its end is the end of whoever started it.
await lines.next();
process.exit(0);
