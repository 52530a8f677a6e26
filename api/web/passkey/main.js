// Asks the browser for a passkey: for a new one on "my account", for one of the account's at the second step of signing in. The
// answer goes into the form, and with it to the server, which checks it. Without this the page says that a passkey needs scripts.

const { create, get } = document.currentScript.dataset;
const form = document.getElementById("passkey");
const field = form.elements.namedItem("passkey");

// What browsers of the last four years know; a newer way is left out, and the browser finds the authenticator all the same.
const TRANSPORTS = ["ble", "hybrid", "internal", "nfc", "smart-card", "usb"];

function bytes(text) {
  const binary = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

function text(buffer) {
  const binary = [...new Uint8Array(buffer)].map((byte) => String.fromCharCode(byte)).join("");
  return btoa(binary).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
}

const known = (list) => list.map((one) => ({ ...one, id: bytes(one.id) }));

async function made() {
  const options = JSON.parse(create);
  options.challenge = bytes(options.challenge);
  options.user.id = bytes(options.user.id);
  options.excludeCredentials = known(options.excludeCredentials);
  const passkey = await navigator.credentials.create({ publicKey: options });
  const { response } = passkey;
  return {
    attestationObject: text(response.attestationObject),
    authenticatorAttachment: passkey.authenticatorAttachment ?? null,
    clientDataJSON: text(response.clientDataJSON),
    clientExtensionResults: {},
    transports: (response.getTransports?.() ?? []).filter((transport) => TRANSPORTS.includes(transport)),
    type: passkey.type,
  };
}

async function shown() {
  const options = JSON.parse(get);
  options.challenge = bytes(options.challenge);
  options.allowCredentials = known(options.allowCredentials);
  const passkey = await navigator.credentials.get({ publicKey: options });
  const { response } = passkey;
  return {
    authenticatorAttachment: passkey.authenticatorAttachment ?? null,
    authenticatorData: text(response.authenticatorData),
    clientDataJSON: text(response.clientDataJSON),
    clientExtensionResults: {},
    id: passkey.id,
    signature: text(response.signature),
    type: passkey.type,
    userHandle: response.userHandle?.byteLength ? text(response.userHandle) : null,
  };
}

// One line says what happened; nothing that was typed is touched.
function say(name) {
  for (const line of document.querySelectorAll("[data-passkey]")) line.hidden = line.dataset.passkey !== name;
}

form.addEventListener("submit", async (event) => {
  // What an earlier press made is sent once more, with whatever was put right meanwhile.
  if (field.value) return;
  event.preventDefault();
  if (!window.PublicKeyCredential) {
    say("none");
    return;
  }
  say("asked");
  try {
    field.value = JSON.stringify(await (create ? made() : shown()));
  } catch (error) {
    say(error.name === "InvalidStateError" ? "known" : "failed");
    return;
  }
  form.submit();
});
