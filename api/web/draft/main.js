// Drafts of an inspection: what is typed stays on the device until it is sent, and nothing leaves the page while there is no connection.
//
// Photographs stay in the page alone, and passwords nowhere. Signing out clears the drafts of a device.

const DAYS_KEPT = 7;
const form = document.querySelector("form[data-draft]");
const note = document.getElementById("draft");
const key = `adit-draft ${form.dataset.draft}`;
const id = form.elements._id.value;

// What the form says of itself is no draft: its id, the second officer, passwords, files.
const asked = [...form.elements].filter(
  ({ name, type }) => name && !name.startsWith("_") && !name.startsWith("files") && !["hidden", "password", "file"].includes(type),
);

// A device may keep nothing, or refuse to.
function kept(work) {
  try {
    return work(localStorage);
  } catch {
    return null;
  }
}

function tell(text, ...parts) {
  note.replaceChildren(text, ...parts);
  note.hidden = false;
}

function save() {
  const values = asked.map((field) => (field.type === "radio" ? field.checked : field.value));
  kept((drafts) => drafts.setItem(key, JSON.stringify({ at: Date.now(), id, values })));
}

const forget = () => kept((drafts) => drafts.removeItem(key));

// The id of the command that was written last, as the server says: its draft has become an entry.
const written = /(?:^|; )adit-written=([^;]*)/.exec(document.cookie)?.[1];

function restore() {
  const draft = kept((drafts) => JSON.parse(drafts.getItem(key)));
  if (!draft) return;
  const old = Date.now() - draft.at > DAYS_KEPT * 86_400_000;
  if (old || draft.id === written || draft.values?.length !== asked.length) return void forget();
  // A form that came back from the server says it all by itself.
  if (draft.id === id) return;
  draft.values.forEach((value, at) => {
    if (asked[at].type === "radio") asked[at].checked = value;
    else asked[at].value = value;
  });
  const again = Object.assign(document.createElement("button"), { type: "button", className: "plain", textContent: note.dataset.forget });
  again.addEventListener("click", () => {
    forget();
    form.reset();
    note.hidden = true;
  });
  tell(note.dataset.restored.replace("{when}", new Date(draft.at).toLocaleString(document.documentElement.lang)), " ", again);
}

// Whether the server can be reached: the page is left only then, with everything that was chosen in it.
async function reached() {
  const patience = new AbortController();
  const timer = setTimeout(() => patience.abort(), 8000);
  try {
    await fetch("/desk.css", { method: "HEAD", cache: "no-store", signal: patience.signal });
    return true;
  } catch {
    return false;
  } finally {
    clearTimeout(timer);
  }
}

let connected = false;
form.addEventListener("submit", async (event) => {
  if (connected) return;
  event.preventDefault();
  save();
  connected = await reached();
  if (connected) form.requestSubmit(event.submitter);
  else {
    tell(note.dataset.offline);
    note.scrollIntoView();
  }
});
addEventListener("pageshow", () => (connected = false));
form.addEventListener("input", save);
restore();
