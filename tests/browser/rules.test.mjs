/**
 * What the chat page and the tester decide, on plain values.
 *
 * Run: `node --test tests/browser/rules.test.mjs`.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { catchUp, hueOf, nameProblem, oneLine, parse, peopleAfter, textProblem } from "../../src/sgcws/pages/chat_rules.mjs";
import {
  addressOf, closeProblem, cut, fromBase64, fromHex, passes, splitProtocols, summary, toHex,
} from "../../src/sgcws/pages/tester_rules.mjs";

const line = (id, text = `line ${id}`) => ({ id, name: "Ann", text, at: 1_700_000_000 + id });
const ids = ({ fresh }) => fresh.map(({ id }) => id);

test("the first welcome is shown whole", () => {
  const result = catchUp({ run: null, last: 0, lines: [] }, { run: "a", lines: [line(7), line(8)] });
  assert.deepEqual([ids(result), result.note, result.sure], [[7, 8], "", true]);
});

test("after a reconnect only the missed lines are shown, none twice", () => {
  const seen = { run: "a", last: 8, lines: [line(7), line(8)] };
  const result = catchUp(seen, { run: "a", lines: [line(7), line(8), line(9)] });
  assert.deepEqual([ids(result), result.note, result.sure], [[9], "", true]);
  assert.deepEqual(ids(catchUp(seen, { run: "a", lines: [line(8)] })), []);
});

test("more missed than the server kept is said, and own lines are then not taken for lost", () => {
  const result = catchUp({ run: "a", last: 8, lines: [] }, { run: "a", lines: [line(20), line(21)] });
  assert.deepEqual(ids(result), [20, 21]);
  assert.match(result.note, /missing/);
  assert.equal(result.sure, false);
});

test("after a restart of the server what is new is shown, though its ids begin again", () => {
  const seen = { run: "a", last: 9, lines: [line(8), line(9)] };
  const kept = { ...line(9), id: 1 };
  const result = catchUp(seen, { run: "b", lines: [kept, { ...line(40, "new"), id: 2 }] });
  assert.deepEqual(ids(result), [2]);
  assert.match(result.note, /restarted/);
  assert.equal(result.sure, false);
});

test("names and lines are measured in characters, as the server does", () => {
  assert.notEqual(nameProblem(""), "");
  assert.equal(nameProblem("😀".repeat(32)), "");
  assert.match(nameProblem("😀".repeat(33)), /33/);
  assert.equal(textProblem("😀".repeat(2000)), "");
  assert.match(textProblem("x".repeat(2001)), /2001/);
});

test("pasted lines become one, with a space for each break and tab; other spaces stay", () => {
  assert.equal(oneLine("one\r\ntwo\n\n\tthree\u2028four\tfive"), "one two three four five");
  assert.equal(oneLine("  as  it was "), "  as  it was ");
  assert.equal(oneLine("a \n b\n"), "a b ");
  assert.equal(oneLine(" ".repeat(200_000)).length, 200_000); // in linear time
});

test("who comes stands last, who leaves is gone, nobody stands there twice", () => {
  assert.deepEqual(peopleAfter(["Zoë", "Ann"], { type: "joined", name: "Bob" }), ["Zoë", "Ann", "Bob"]);
  assert.deepEqual(peopleAfter(["Ann", "Bob"], { type: "joined", name: "Bob" }), ["Ann", "Bob"]);
  assert.deepEqual(peopleAfter(["Ann", "Bob"], { type: "left", name: "Ann" }), ["Bob"]);
  assert.deepEqual(peopleAfter(["Ann"], { type: "left", name: "Bob" }), ["Ann"]);
});

test("a name has one of eight colours, whatever its case", () => {
  for (const name of ["Ann", "שירה", "😀", ""]) assert.ok(hueOf(name) >= 0 && hueOf(name) < 8);
  assert.equal(hueOf("Ann"), hueOf("aNN"));
});

test("a frame that is no chat message is nothing", () => {
  assert.deepEqual(parse('{"type":"line","id":1}'), { type: "line", id: 1 });
  for (const data of ["", "{", "null", "7", "[]", '{"type":5}', new ArrayBuffer(4)]) assert.equal(parse(data), null);
});

test("hex and base64 are read in the forms people paste", () => {
  for (const text of ["00ff10", "00 FF 10", "00:ff:10", "0x00ff10", "0x00, 0xff, 0x10"]) {
    assert.deepEqual([...fromHex(text)], [0, 255, 16]);
  }
  for (const text of ["0", "zz", "0g"]) assert.equal(fromHex(text), null);
  for (const text of ["+/8=", "-_8", " +/ 8"]) assert.deepEqual([...fromBase64(text)], [251, 255]);
  assert.equal(fromBase64("a"), null);
  assert.deepEqual([[...fromHex("")], [...fromBase64("")]], [[], []]);
});

test("what is too long for the record is cut, and says by how much", () => {
  assert.equal(toHex(new Uint8Array([0, 255, 16])), "00 ff 10");
  assert.match(toHex(new Uint8Array(600)), / … 88 more$/);
  assert.equal(cut("x".repeat(4000)).length, 4000);
  assert.match(cut("x".repeat(4001)), / … 1 more$/);
});

test("a path belongs to this host, and has TLS where the page has it", () => {
  assert.equal(addressOf("/echo?a=1", { protocol: "http:", host: "h:1" }), "ws://h:1/echo?a=1");
  assert.equal(addressOf("/echo", { protocol: "https:", host: "h" }), "wss://h/echo");
  for (const path of ["", "echo", "ws://other/", "/a#b"])
    assert.equal(addressOf(path, { protocol: "http:", host: "h" }), null);
});

test("only what a page may close with is let through", () => {
  for (const code of ["1000", "3000", "4999"]) assert.equal(closeProblem(code, ""), "");
  for (const code of ["", "1001", "2999", "5000", "3000.5", "x"]) assert.match(closeProblem(code, ""), /code/);
  assert.equal(closeProblem("1000", "ä".repeat(61)), "");
  assert.match(closeProblem("1000", "ä".repeat(62)), /124/);
});

test("an entry is shown when kind and words both fit", () => {
  const entry = { direction: "in", type: "text", content: "Hello" };
  for (const kind of ["all", "in", "text"]) assert.ok(passes(entry, kind, "ELL"));
  for (const kind of ["out", "binary", "event"]) assert.ok(!passes(entry, kind, ""));
  assert.ok(!passes(entry, "all", "x"));
});

test("sub-protocols are split, times are summed up", () => {
  assert.deepEqual(splitProtocols(" a, b c,,"), ["a", "b", "c"]);
  assert.deepEqual(splitProtocols(" "), []);
  assert.deepEqual(summary([5, 1, 3]), { median: 3, least: 1 });
});
