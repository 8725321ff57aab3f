/**
 * The promises of `sgcws.js`: when it connects again, what it keeps, what it tells.
 *
 * Run: `node --test tests/browser/client.test.mjs`.
 * No browser, no server, no waiting: clock, randomness and sockets are handed in.
 */
import assert from "node:assert/strict";
import { test } from "node:test";

import { Client, backoff, websocketURL } from "../../src/sgcws/pages/sgcws.mjs";

/** A clock that moves when told. */
class FakeClock {
  #now = 0;
  #calls = new Map();
  #last = 0;

  now = () => this.#now;

  setTimeout = (call, delay) => {
    this.#calls.set(++this.#last, { call, due: this.#now + delay });
    return this.#last;
  };

  clearTimeout = (timer) => this.#calls.delete(timer);

  get pending() {
    return this.#calls.size;
  }

  advance(amount) {
    const until = this.#now + amount;
    for (;;) {
      const due = [...this.#calls].filter(([, { due }]) => due <= until).sort(([, a], [, b]) => a.due - b.due)[0];
      if (due === undefined) break;
      this.#calls.delete(due[0]);
      this.#now = due[1].due;
      due[1].call();
    }
    this.#now = until;
  }
}

/** What the tests need of a WebSocket, with the server's side in their hands. */
function fakeSockets() {
  const made = [];
  class FakeWebSocket {
    readyState = 0;
    protocol = "";
    bufferedAmount = 0;
    sent = [];
    closedWith = null;

    constructor(url, protocols) {
      if (protocols.includes("not valid")) throw new SyntaxError("sub-protocol");
      Object.assign(this, { url, protocols });
      made.push(this);
    }

    send(data) {
      this.sent.push(data);
    }

    close(code, reason) {
      if (code === 1001) throw new RangeError("code");
      this.readyState = 2;
      this.closedWith = [code, reason];
    }

    accept(protocol = "") {
      Object.assign(this, { readyState: 1, protocol });
      this.onopen?.({});
    }

    end(code = 1006, reason = "", wasClean = false) {
      this.readyState = 3;
      this.onclose?.({ code, reason, wasClean });
    }
  }
  return { made, FakeWebSocket };
}

/** A client with everything handed in; `random` 0 makes each wait the shortest one. */
function build(options = {}) {
  const clock = new FakeClock();
  const { made, FakeWebSocket } = fakeSockets();
  const wakers = new EventTarget();
  const told = [];
  const given = { clock, wakers, WebSocket: FakeWebSocket, random: () => 0, ...options };
  const client = new Client("ws://example.test/chat", given);
  for (const type of ["state", "open", "message", "close"]) {
    client.on(type, (detail) => told.push(type === "state" ? detail.state : type));
  }
  return { client, clock, made, told, wakers };
}

test("the wait doubles from one to two shortest waits up to the longest, and is spread over all of it", () => {
  const options = { minDelay: 500, maxDelay: 30_000 };
  const least = [0, 1, 5, 6, 50, 5000].map((failures) => backoff(failures, { ...options, random: () => 0 }));
  const most = [0, 1, 5, 6, 50, 5000].map((failures) => backoff(failures, { ...options, random: () => 1 }));
  assert.deepEqual(least, [500, 500, 500, 500, 500, 500]);
  assert.deepEqual(most, [1000, 2000, 30_000, 30_000, 30_000, 30_000]);
});

test("a path becomes a WebSocket address of the page's host, with TLS where the page has it", () => {
  assert.equal(websocketURL("/chat", "http://example.test:8080/chat.html#top"), "ws://example.test:8080/chat");
  assert.equal(websocketURL("/chat?a=1", "https://example.test/"), "wss://example.test/chat?a=1");
  assert.equal(websocketURL("wss://other.test/x#part"), "wss://other.test/x");
  assert.throws(() => websocketURL("ftp://example.test/"), TypeError);
  assert.throws(() => websocketURL("/chat", undefined), TypeError);
});

test("a wrong option is refused by its name", () => {
  assert.throws(() => build({ minDelai: 5 }), /minDelai/);
  assert.throws(() => build({ maxDelay: -1 }), /maxDelay/);
  assert.throws(() => build({ connectTimeout: NaN }), /connectTimeout/);
  assert.throws(() => build({ minDelay: 10, maxDelay: 5 }), RangeError);
  assert.throws(() => build({ WebSocket: undefined }), /WebSocket/);
});

test("it connects once, tells so, and hands on messages", () => {
  const { client, made, told } = build({ protocols: ["a", "b"] });
  const messages = [];
  client.on("message", (data) => messages.push(data));
  client.connect();
  client.connect();
  made[0].accept("b");
  client.connect();
  made[0].onmessage({ data: "hello" });
  assert.equal(made.length, 1);
  assert.deepEqual(made[0].protocols, ["a", "b"]);
  assert.equal(made[0].binaryType, "arraybuffer");
  assert.equal(client.protocol, "b");
  assert.deepEqual(messages, ["hello"]);
  assert.deepEqual(told, ["connecting", "open", "open", "message"]);
});

test("a lost connection comes back after the wait, and says it is not the first", () => {
  const { client, clock, made, told } = build();
  const opened = [];
  client.on("open", ({ reconnected }) => opened.push(reconnected));
  client.connect();
  made[0].accept();
  made[0].end();
  clock.advance(499);
  assert.equal(made.length, 1);
  clock.advance(1);
  made[1].accept();
  assert.deepEqual(opened, [false, true]);
  assert.deepEqual(told, ["connecting", "open", "open", "waiting", "close", "connecting", "open", "open"]);
});

test("the waits grow while attempts fail, and start small again after a connection that lasted", () => {
  const { client, clock, made } = build({ random: () => 1, maxDelay: 3000, steadyAfter: 5000 });
  const waits = [];
  client.on("state", ({ delay }) => delay !== null && waits.push(delay));
  client.connect();
  for (let round = 0; round < 3; round += 1) {
    made.at(-1).end();
    clock.advance(waits.at(-1));
  }
  made.at(-1).accept();
  clock.advance(5000);
  made.at(-1).end();
  assert.deepEqual(waits, [1000, 2000, 3000, 1000]);
});

test("a server that drops each connection at once is not asked faster and faster", () => {
  const { client, clock, made } = build({ random: () => 1 });
  const waits = [];
  client.on("state", ({ delay }) => delay !== null && waits.push(delay));
  client.connect();
  for (let round = 0; round < 3; round += 1) {
    made.at(-1).accept();
    made.at(-1).end(1013);
    clock.advance(waits.at(-1));
  }
  assert.deepEqual(waits, [1000, 2000, 4000]);
});

test("an attempt that takes too long is given up and made again", () => {
  const { client, clock, made } = build({ connectTimeout: 10_000 });
  const ended = [];
  client.on("close", (close) => ended.push(close));
  client.connect();
  clock.advance(10_000);
  assert.deepEqual(made[0].closedWith, [undefined, undefined]);
  assert.equal(client.state, "waiting");
  assert.equal(ended[0].opened, false);
  assert.equal(ended[0].retrying, true);
  clock.advance(500);
  made[1].accept();
  made[0].end();
  assert.equal(client.state, "open", "what the first socket says later is not heard");
  clock.advance(60_000);
  assert.equal(client.state, "open", "the time-out ended with the attempt");
});

test("the network coming back, a page shown again and connect() bring the attempt forward", () => {
  const shown = (visibilityState) => Object.assign(new Event("visibilitychange"), { visibilityState });
  for (const wake of [
    ({ wakers }) => wakers.dispatchEvent(new Event("online")),
    ({ wakers }) => wakers.dispatchEvent(shown("visible")),
    ({ client }) => client.connect(),
  ]) {
    const all = build();
    all.client.connect();
    all.made[0].end();
    wake(all);
    assert.equal(all.made.length, 2);
    all.clock.advance(5000);
    assert.equal(all.made.length, 2, "the attempt that was due does not come as well");
  }
});

const pageEvent = (type, persisted) => Object.assign(new Event(type), { persisted });

test("a page that is kept for Back lets go of its connection, and connects again at once when it is shown", () => {
  for (const prepare of [() => {}, (socket) => socket.accept(), (socket) => socket.end()]) {
    const { client, clock, made, told, wakers } = build({ queueMessages: 1 });
    const closes = [];
    client.on("close", (close) => closes.push(close));
    client.connect();
    prepare(made[0]);
    const ended = made[0].readyState === 3;
    wakers.dispatchEvent(pageEvent("pagehide", true));
    assert.deepEqual(made[0].closedWith, ended ? null : [1000, ""]);
    assert.equal(client.state, "waiting");
    assert.equal(closes.length, 1);
    assert.equal(closes[0].retrying, true);
    assert.equal(clock.pending, 0, "nothing connects while the page is away");
    assert.equal(client.send("kept"), true);
    const before = told.length;
    made[0].onclose?.({ code: 1000 });
    assert.equal(told.length, before);
    wakers.dispatchEvent(pageEvent("pageshow", true));
    made[1].accept();
    assert.equal(client.state, "open");
    assert.deepEqual(made[1].sent, ["kept"]);
    clock.advance(60_000);
    assert.equal(made.length, 2);
  }
});

test("a connection that leaving the page has closed is no end that retry is asked about, nor a failure", () => {
  const asked = [];
  const failures = [];
  const { client, made, wakers } = build({ retry: (ended) => asked.push(ended) === 0 });
  client.on("state", (change) => failures.push(change.failures));
  client.connect();
  made[0].accept();
  wakers.dispatchEvent(pageEvent("pagehide", true));
  wakers.dispatchEvent(pageEvent("pageshow", true));
  assert.equal(client.state, "connecting");
  assert.deepEqual(asked, []);
  assert.deepEqual(failures, [0, 0, 0, 0]);
});

test("a page that is given up is left to the browser, which says so to the server", () => {
  const { client, made, wakers } = build();
  client.connect();
  made[0].accept();
  wakers.dispatchEvent(pageEvent("pagehide", false));
  assert.equal(made[0].closedWith, null);
  assert.equal(client.state, "open");
});

test("a client at rest stays so when its page is left and shown again", () => {
  const { client, made, told, wakers } = build();
  client.connect();
  client.close();
  const before = told.length;
  wakers.dispatchEvent(pageEvent("pagehide", true));
  wakers.dispatchEvent(pageEvent("pageshow", true));
  assert.deepEqual([client.state, made.length, told.length], ["closed", 1, before]);
});

test("going offline neither stops nor hastens it, since a server on this machine still answers", () => {
  const { client, clock, made, wakers } = build();
  client.connect();
  made[0].end();
  wakers.dispatchEvent(new Event("offline"));
  assert.equal(made.length, 1);
  clock.advance(500);
  assert.equal(made.length, 2);
});

test("an event that wakes does nothing to a client that is open, connecting or closed", () => {
  const { client, made, wakers } = build();
  const online = () => wakers.dispatchEvent(new Event("online"));
  online();
  client.connect();
  online();
  made[0].accept();
  online();
  client.close();
  online();
  assert.equal(made.length, 1);
});

test("close() is at once and for good: no timer, no attempt, nothing told of what comes later", () => {
  for (const prepare of [() => {}, (socket) => socket.accept(), (socket) => socket.end()]) {
    const { client, clock, made, told } = build();
    client.connect();
    const { onmessage } = made[0];
    prepare(made[0]);
    client.close(3000, "done");
    client.close();
    const before = told.length;
    made[0].onmessage?.({ data: "late" });
    made[0].onclose?.({ code: 3000 });
    assert.ok(onmessage);
    assert.equal(client.state, "closed");
    assert.equal(clock.pending, 0);
    assert.equal(told.length, before);
    assert.deepEqual(told.slice(-2), ["closed", "close"]);
    clock.advance(60_000);
    assert.equal(made.length, 1);
  }
});

test("a code that may not be sent is refused, and the connection stays", () => {
  const { client, made } = build();
  client.connect();
  made[0].accept();
  assert.throws(() => client.close(1001), RangeError);
  assert.equal(client.state, "open");
});

test("it may connect again after close()", () => {
  const { client, made } = build();
  client.connect();
  client.close();
  client.connect();
  made[1].accept();
  assert.equal(client.state, "open");
});

test("the application may say which ends are final", () => {
  const { client, clock, made } = build({ retry: ({ code }) => code !== 4401 });
  const retrying = [];
  client.on("close", (close) => retrying.push(close.retrying));
  client.connect();
  made[0].accept();
  made[0].end(1012);
  clock.advance(500);
  made[1].accept();
  made[1].end(4401);
  assert.equal(client.state, "closed");
  assert.equal(clock.pending, 0);
  assert.deepEqual(retrying, [true, false]);
});

test("without a queue nothing is kept, and send() says so", () => {
  const { client, made } = build();
  assert.equal(client.send("one"), false);
  client.connect();
  assert.equal(client.send("two"), false);
  made[0].accept();
  assert.equal(client.send("three"), true);
  made[0].readyState = 2;
  assert.equal(client.send("four"), false, "a socket that is closing would lose it in silence");
  assert.deepEqual(made[0].sent, ["three"]);
});

test("a queue keeps the oldest up to its number and its size, and sends them in order behind the greeting", () => {
  const { client, made } = build({ queueMessages: 3, queueBytes: 10 });
  client.on("open", () => client.send("greeting"));
  client.connect();
  const taken = ["1234", "ä", "12345", "5", "6"].map((text) => client.send(text));
  assert.deepEqual(taken, [true, true, false, true, false]);
  assert.equal(client.bufferedAmount, 7);
  made[0].accept();
  assert.deepEqual(made[0].sent, ["greeting", "1234", "ä", "5"]);
  assert.equal(client.bufferedAmount, 0);
});

test("a queued buffer is sent as it was when it was given", () => {
  const { client, made } = build({ queueMessages: 1 });
  const bytes = new Uint8Array([0, 1, 2, 3]);
  client.connect();
  client.send(bytes.subarray(1, 3));
  bytes.fill(9);
  made[0].accept();
  assert.deepEqual([...new Uint8Array(made[0].sent[0])], [1, 2]);
});

test("close() drops what is queued", () => {
  const { client, made } = build({ queueMessages: 5 });
  client.connect();
  client.send("old");
  client.close();
  client.connect();
  made[1].accept();
  assert.deepEqual(made[1].sent, []);
});

test("only what a WebSocket sends is taken, whatever the state", () => {
  const { client } = build({ queueMessages: 5 });
  for (const data of [undefined, null, 7, {}, ["a"]]) assert.throws(() => client.send(data), TypeError);
});

test("a listener that fails is reported and harms neither the others nor the client", (context) => {
  const reported = context.mock.method(console, "error", () => {});
  const { client, clock, made, told } = build();
  client.on("message", () => {
    throw new Error("listener");
  });
  const later = [];
  client.on("message", (data) => later.push(data));
  client.connect();
  made[0].accept();
  made[0].onmessage({ data: "x" });
  assert.deepEqual(later, ["x"]);
  assert.equal(told.at(-1), "message");
  assert.equal(client.state, "open");
  assert.equal(clock.pending, 0);
  assert.equal(reported.mock.callCount(), 1);
});

test("a listener can be taken off, and an event that does not exist is refused", () => {
  const { client, made } = build();
  const heard = [];
  const off = client.on("open", () => heard.push("open"));
  off();
  client.connect();
  made[0].accept();
  assert.deepEqual(heard, []);
  assert.throws(() => client.on("opne", () => {}), /opne/);
});

test("a client closed by its own listener stays closed and sends nothing more", () => {
  const { client, clock, made } = build({ queueMessages: 5 });
  client.on("open", () => client.close());
  client.connect();
  client.send("queued");
  made[0].accept();
  assert.equal(client.state, "closed");
  assert.deepEqual(made[0].sent, []);
  assert.equal(clock.pending, 0);
});

test("a first attempt that cannot even be made throws, and leaves nothing behind", () => {
  const { client, clock } = build({ protocols: ["not valid"] });
  assert.throws(() => client.connect(), SyntaxError);
  assert.equal(client.state, "closed");
  assert.equal(clock.pending, 0);
});
