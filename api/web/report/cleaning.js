// Which files lose what they tell besides, and how: as api/src/reporter/cleaning.rs does. What may stay is listed, by kind; a file that can't be taken
// apart stays as it is, and is said to be.

import { boxedPicture, film, isBoxedPicture, isFilm } from "./boxes.js";
import { office } from "./office.js";
import { pdf } from "./pdf.js";
import { HEAD_BYTES, kindOf, withoutMetadata } from "./picture.js";

// Largest file that is taken apart as a whole; it lies in memory meanwhile.
const WHOLE_BYTES_MAX = 32 * 1024 * 1024;

const bytesOf = async (blob) => new Uint8Array(await blob.arrayBuffer());

// What a file is, and its content as it will be sealed.
export async function cleaned(file, keep) {
  const head = await bytesOf(file.slice(0, HEAD_BYTES));
  const kind = kindOf(head);
  const content = keep ? null : await clean(kind, head, file).catch(() => null);
  return { kind, cleaned: content !== null, content: content ?? file };
}

async function clean(kind, head, file) {
  if (isFilm(head)) return film(file);
  if (file.size > WHOLE_BYTES_MAX) return null;
  if (kind === "application/zip") return new Blob([await office(await bytesOf(file))]);
  if (kind === "application/pdf") return new Blob([await pdf(await bytesOf(file))]);
  const bytes = isBoxedPicture(head) ? boxedPicture(await bytesOf(file)) : withoutMetadata(kind, await bytesOf(file));
  return bytes && new Blob([bytes]);
}
