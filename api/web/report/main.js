// What seals reports and opens them in the browser. Each page is whole without this; where a browser can do all of it, no word of the secret and
// nothing that is typed leaves it unsealed. Where it can't, nothing here happens and forms go to the server as ever.

import { follow } from "./follow.js";
import { start } from "./form.js";

const able =
  isSecureContext && crypto.subtle && typeof BigInt === "function" && typeof TransformStream === "function" &&
  typeof Blob.prototype.stream === "function" && typeof CSS !== "undefined" && "content" in document.createElement("template") &&
  typeof SubmitEvent === "function" && "submitter" in SubmitEvent.prototype;
if (able && document.querySelector("form.questions")) start();
else if (able && document.getElementById("where-opened")) follow();
