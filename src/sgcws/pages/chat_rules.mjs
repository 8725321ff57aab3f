/** What the chat page decides, as functions of plain values: no element, no connection, no clock. */

export const MAX_NAME = 32; // characters, as the server counts them: code points
export const MAX_TEXT = 2000;
const HUES = 8;

export const lengthOf = (text) => [...text].length;

/**
 * Which lines of a welcome this page has not shown, and what is to be said about the time away.
 *
 * @param {{run: string | null, last: number, lines: object[]}} seen The server's run this page was part of, the id
 *     of the last line it showed, and the lines it still shows; `run` is null on the first welcome.
 * @param {{run: string, lines: object[]}} welcome Its lines are the server's last ones, the oldest first.
 * @returns {{fresh: object[], note: string, sure: boolean}} `sure` is false when a line of ours may have arrived
 *     without our seeing it: then it is not to be sent again unasked.
 */
export function catchUp(seen, welcome) {
  if (seen.run === null) return { fresh: welcome.lines, note: "", sure: true };
  if (seen.run !== welcome.run) {
    const known = new Set(seen.lines.map(fingerprint));
    const fresh = welcome.lines.filter((line) => !known.has(fingerprint(line)));
    return { fresh, note: "The server restarted", sure: false };
  }
  const fresh = welcome.lines.filter((line) => line.id > seen.last);
  const gap = fresh.length > 0 && fresh[0].id > seen.last + 1;
  return { fresh, note: gap ? "Some lines from while you were away are missing" : "", sure: !gap };
}

function fingerprint({ name, text, at }) {
  return JSON.stringify([name, text, at]);
}

/** Who is here after somebody came or left; who came stands last, as in the server's list. */
export function peopleAfter(people, { type, name }) {
  const others = people.filter((each) => each !== name);
  return type === "joined" ? [...others, name] : others;
}

/** The same colour, 0 to 7, for a name on every page. */
export function hueOf(name) {
  let sum = 0;
  for (const character of name.toLowerCase()) sum = (sum * 31 + character.codePointAt(0)) % 9973;
  return sum % HUES;
}

/** What is wrong with a name, for a person; empty if nothing is. */
export function nameProblem(name) {
  if (name === "") return "Enter a name.";
  return lengthOf(name) > MAX_NAME ? `A name has at most ${MAX_NAME} characters; this one has ${lengthOf(name)}.` : "";
}

/** What is wrong with a line, for a person; empty if nothing is. */
export function textProblem(text) {
  return lengthOf(text) > MAX_TEXT ? `A line has at most ${MAX_TEXT} characters; this one has ${lengthOf(text)}.` : "";
}

/** A text without line breaks and tabs: each becomes a space, together with the spaces around it. */
export function oneLine(text) {
  return text.replace(/[\s\x85]+/g, (spaces) => (/[\t-\r\x85\u2028\u2029]/.test(spaces) ? " " : spaces));
}

/** The message in a frame, or null if it is none of the chat's. */
export function parse(data) {
  try {
    const message = JSON.parse(data);
    return typeof message?.type === "string" ? message : null;
  } catch {
    return null;
  }
}
