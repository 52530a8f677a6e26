// Keeps a page of the workbench up with the ledger. The page is whole without this: whoever has no scripts presses reload.
//
// What was typed is never touched. A page that only shows things is fetched again and its content put in place; where somebody
// types, a line says what happened, and they decide.

const own = document.currentScript.dataset;
const main = document.getElementById("main");
const isForm = own.live === "form";

// The newest entry that this page knows of.
let size = Number(own.size);
let typed = false;
let source = null;
let busy = false;
let again = false;

main.addEventListener("input", () => (typed = true));

// A line above everything, once; it has the words and, where it helps, a button.
function say(template) {
  if (document.getElementById("live")) return;
  const line = document.getElementById(template).content.firstElementChild.cloneNode(true);
  line.id = "live";
  line.querySelector("button")?.addEventListener("click", () => location.reload());
  main.prepend(line);
}

// XMLHttpRequest parses a page without running or marking up anything, which `require-trusted-types-for` demands.
function fetchPage() {
  return new Promise((done, failed) => {
    const request = new XMLHttpRequest();
    request.open("GET", location.href);
    // Looking does not keep a session alive: who left the desk is signed out in time.
    request.setRequestHeader("x-adit-live", "1");
    request.responseType = "document";
    request.onload = () => done(request);
    request.onerror = failed;
    request.send();
  });
}

const isTyping = () => main.contains(document.activeElement) && /^(input|textarea|select)$/i.test(document.activeElement.tagName);

function opened(root) {
  return [...root.querySelectorAll("details")].map((details) => details.open);
}

async function refresh() {
  if (busy) {
    again = true;
    return;
  }
  busy = true;
  try {
    const answer = await fetchPage();
    const page = answer.response;
    const fresh = page?.getElementById("main");
    if (new URL(answer.responseURL).pathname !== location.pathname) {
      over();
    } else if (answer.status === 200 && fresh) {
      if (typed || isTyping()) {
        say("t-changed");
        return;
      }
      const were = opened(main);
      [...fresh.querySelectorAll("details")].forEach((details, at) => (details.open = were[at] ?? details.open));
      fresh.querySelectorAll(".banner.good").forEach((banner) => banner.remove());
      main.replaceChildren(...fresh.childNodes);
      const nav = page.querySelector("nav.nav");
      if (nav) document.querySelector("nav.nav")?.replaceChildren(...nav.childNodes);
    }
  } catch {
    // A connection that is gone comes back; the next event tries again.
  } finally {
    busy = false;
    if (again) {
      again = false;
      refresh();
    }
  }
}

function over() {
  close();
  say("t-over");
}

function changed(event) {
  const { size: now, streams } = JSON.parse(event.data);
  size = now;
  if (!isForm) refresh();
  else if (streams.includes(own.stream)) say("t-changed");
}

function close() {
  source?.close();
  source = null;
}

// Browsers keep few connections to one server: only the page that is looked at has one.
function follow() {
  if (document.visibilityState !== "visible" || source) return;
  source = new EventSource(`/desk/live?after=${size}`);
  source.addEventListener("changed", changed);
  source.addEventListener("over", over);
}

document.addEventListener("visibilitychange", () => (document.visibilityState === "visible" ? follow() : close()));
window.addEventListener("pagehide", close);
follow();
