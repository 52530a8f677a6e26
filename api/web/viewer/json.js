// A body as it was signed, with line breaks: tokens are kept letter for letter, because reading and writing JSON again
// could change a number or hide a field that stands there twice.

// Characters that change how others look, or are not seen: shown as what they are.
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

export const visible = (text) =>
  text.replace(HIDDEN, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`);

export function spread(json) {
  const tokens = json.match(/"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+|"/gs) ?? [];
  let [out, depth] = ["", 0];
  const line = () => `\n${"  ".repeat(depth)}`;
  tokens.forEach((token, at) => {
    const opens = { "{": "}", "[": "]" }[token];
    const closes = { "}": "{", "]": "[" }[token];
    if (opens) {
      depth++;
      out += tokens[at + 1] === opens ? token : token + line();
    } else if (closes) {
      depth = Math.max(0, depth - 1);
      out += tokens[at - 1] === closes ? token : line() + token;
    } else if (token === ",") {
      out += token + line();
    } else {
      out += token === ":" ? ": " : token;
    }
  });
  return visible(out);
}
