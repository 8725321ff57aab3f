/** What the tester decides, as functions of plain values: no element, no connection. */

const SHOWN_BYTES = 512;
const SHOWN_CHARACTERS = 4000;
const MAX_REASON = 123; // bytes of UTF-8 (RFC 6455 section 5.5)

/** The sub-protocols in a list with commas or spaces between. */
export function splitProtocols(text) {
  return text.split(/[\s,]+/).filter((name) => name !== "");
}

/** The address of a path on this page's host, or null where the text is none. */
export function addressOf(path, { protocol, host }) {
  if (!path.startsWith("/") || path.includes("#")) return null;
  return `${protocol === "https:" ? "wss" : "ws"}://${host}${path}`;
}

/** Bytes from "00 ff 10", "00:FF:10" or "0x00FF10"; null if it is no such thing. */
export function fromHex(text) {
  const digits = text.replace(/0x/gi, "").replace(/[\s:,-]/g, "");
  if (digits.length % 2 !== 0 || /[^0-9a-f]/i.test(digits)) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** Bytes from base64, or from its URL-safe form, padded or not; null if it is neither. */
export function fromBase64(text) {
  const standard = text.replace(/\s/g, "").replaceAll("-", "+").replaceAll("_", "/");
  try {
    return Uint8Array.from(atob(standard), (character) => character.charCodeAt(0));
  } catch {
    return null;
  }
}

/** "00 ff 10", cut after 512 bytes. */
export function toHex(bytes) {
  const pairs = Array.from(bytes.subarray(0, SHOWN_BYTES), (byte) => byte.toString(16).padStart(2, "0"));
  return pairs.join(" ") + (bytes.length > SHOWN_BYTES ? ` … ${bytes.length - SHOWN_BYTES} more` : "");
}

/** A text as the record shows it, cut after 4,000 characters. */
export function cut(text) {
  if (text.length <= SHOWN_CHARACTERS) return text;
  return `${text.slice(0, SHOWN_CHARACTERS)} … ${text.length - SHOWN_CHARACTERS} more`;
}

export const utf8Length = (text) => new TextEncoder().encode(text).length;

/** What is wrong with a close, for a person; empty if nothing is (RFC 6455 section 7.4; the browser's rules). */
export function closeProblem(code, reason) {
  const number = Number(code);
  const allowed = number === 1000 || (Number.isInteger(number) && number >= 3000 && number <= 4999);
  if (!allowed) return "The code must be 1000, or 3000 to 4999.";
  const length = utf8Length(reason);
  return length > MAX_REASON ? `A reason has at most ${MAX_REASON} bytes; this one has ${length}.` : "";
}

/** Whether an entry passes the two filters above the record. */
export function passes(entry, kind, words) {
  const ofKind = kind === "all" || entry.direction === kind || entry.type === kind;
  return ofKind && entry.content.toLowerCase().includes(words.toLowerCase());
}

/** "0.42 ms", "12 ms": two digits that mean something. */
export function milliseconds(value) {
  return `${value < 10 ? value.toFixed(2) : Math.round(value)} ms`;
}

/** The middle one, and the least, of a few times. */
export function summary(times) {
  const sorted = [...times].sort((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)], least: sorted[0] };
}
