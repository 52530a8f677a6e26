// Bytes and text, each in one spelling: whatever could be read in two ways is refused.

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const encoder = new TextEncoder();

export const utf8 = (text) => encoder.encode(text);

// The text of bytes, or null where they are not UTF-8.
export function text(bytes) {
  try {
    return decoder.decode(bytes);
  } catch {
    return null;
  }
}

export const hex = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export const equal = (a, b) => a.length === b.length && a.every((byte, i) => byte === b[i]);

export function concat(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function toBase64(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary);
}

// Canonical base64 with padding; null for anything else.
export function base64(written) {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(written) || written.length % 4 !== 0) return null;
  const bytes = Uint8Array.from(atob(written), (char) => char.charCodeAt(0));
  return toBase64(bytes) === written ? bytes : null;
}

// 32 bytes in base64, or null.
export function hash(written) {
  const bytes = base64(written ?? "");
  return bytes?.length === 32 ? bytes : null;
}

// A decimal without sign and leading zeros, or null.
export function decimal(written) {
  if (!/^(0|[1-9][0-9]*)$/.test(written ?? "")) return null;
  const number = Number(written);
  return Number.isSafeInteger(number) ? number : null;
}

export function isDay(written) {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(written ?? "")) return false;
  const date = new Date(`${written}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(written);
}

const KINDS = ["hazard", "report", "reward", "enterprise", "inspection", "actor", "rules", "ledger", "inquiry", "access", "concern"];

// Whether this names a stream: its kind and 128 bits in base 32.
export function isStream(written) {
  const [kind, id, more] = (written ?? "").split("/");
  return more === undefined && KINDS.includes(kind) && /^[0-7][0-9a-hjkmnp-tv-z]{25}$/.test(id ?? "");
}
