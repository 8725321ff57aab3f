/**
 * The browser's client of sgcws: one WebSocket that comes back when it is lost.
 *
 * A classic script; it defines `globalThis.sgcws`. The same names for modules: `/sgcws.mjs`. Types: `/sgcws.d.ts`.
 * Times are milliseconds, sizes are bytes. Clock, randomness and the WebSocket class can be handed in, so that
 * tests run it anywhere and never wait.
 */
(() => {
  "use strict";

  /** @typedef {"closed" | "connecting" | "open" | "waiting"} State */

  const OPEN = 1; // WebSocket.OPEN; the class handed in need not carry the constant
  const ABNORMAL = 1006; // RFC 6455 section 7.4.1: ended without a close frame
  const GOING_AWAY = 1000; // 1001 would be its name, but a page may not send that
  const HEARD = ["online", "visibilitychange", "pageshow", "pagehide"];
  const EVENTS = ["state", "open", "message", "close"];

  const DEFAULTS = {
    protocols: [],
    minDelay: 500,
    maxDelay: 30_000,
    connectTimeout: 10_000,
    steadyAfter: 5_000,
    queueMessages: 0,
    queueBytes: 1_048_576,
    binaryType: "arraybuffer",
    retry: () => true,
    random: Math.random,
    WebSocket: globalThis.WebSocket,
    clock: {
      now: () => Date.now(),
      setTimeout: (call, delay) => setTimeout(call, delay),
      clearTimeout: (timer) => clearTimeout(timer),
    },
    wakers: typeof globalThis.addEventListener === "function" ? globalThis : null,
  };
  const LENGTHS = ["minDelay", "maxDelay", "connectTimeout", "steadyAfter", "queueMessages", "queueBytes"];

  /**
   * How long to wait before the next attempt: anywhere between `minDelay` and a ceiling that doubles with each
   * failure up to `maxDelay` (full jitter), so that clients of a restarted server do not come back all at once.
   *
   * @param {number} failures Attempts failed in a row before this wait; 0 for the first wait.
   * @param {{minDelay: number, maxDelay: number, random: () => number}} options `random` gives 0 to below 1.
   * @returns {number} Milliseconds.
   */
  function backoff(failures, { minDelay, maxDelay, random }) {
    const ceiling = Math.min(maxDelay, minDelay * 2 ** (failures + 1));
    return minDelay + random() * (ceiling - minDelay);
  }

  /**
   * The `ws:` or `wss:` address of a path or URL; `http:` becomes `ws:` and `https:` becomes `wss:`.
   *
   * @param {string | URL} url A path on this host, or a whole address.
   * @param {string} [base] What a path is relative to; the page's own address.
   * @throws {TypeError} If it is no address a WebSocket can have.
   */
  function websocketURL(url, base = globalThis.location?.href) {
    const address = new URL(url, base);
    if (address.protocol === "http:") address.protocol = "ws:";
    if (address.protocol === "https:") address.protocol = "wss:";
    if (address.protocol !== "ws:" && address.protocol !== "wss:") {
      throw new TypeError(`not a WebSocket address: ${address.href}`);
    }
    address.hash = ""; // RFC 6455 section 3: no fragments
    return address.href;
  }

  function checkedOptions(given) {
    for (const name of Object.keys(given)) {
      if (!Object.hasOwn(DEFAULTS, name)) throw new TypeError(`unknown option: ${name}`);
    }
    const options = { ...DEFAULTS, ...given };
    for (const name of LENGTHS) {
      if (!(options[name] >= 0)) throw new RangeError(`${name} must be a number not below 0: ${options[name]}`);
    }
    if (options.maxDelay < options.minDelay) throw new RangeError("maxDelay must not be below minDelay");
    if (typeof options.WebSocket !== "function") throw new TypeError("no WebSocket here: hand one in");
    return options;
  }

  function byteLength(data) {
    if (typeof data === "string") return new TextEncoder().encode(data).length;
    if (data instanceof ArrayBuffer || ArrayBuffer.isView(data)) return data.byteLength;
    if (typeof Blob === "function" && data instanceof Blob) return data.size;
    throw new TypeError("only a string, an ArrayBuffer, a view of one or a Blob can be sent");
  }

  /** What `data` holds now: the caller may write into its buffer while the message waits. */
  function snapshot(data) {
    if (data instanceof ArrayBuffer) return data.slice(0);
    if (!ArrayBuffer.isView(data)) return data;
    return data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength);
  }

  function report(error) {
    if (typeof globalThis.reportError === "function") globalThis.reportError(error);
    else console.error(error);
  }

  /** Messages that wait for a connection: never more than a number, never more than a size. */
  class Waiting {
    #messages = [];
    #bytes = 0;
    #maxMessages;
    #maxBytes;

    constructor(maxMessages, maxBytes) {
      this.#maxMessages = maxMessages;
      this.#maxBytes = maxBytes;
    }

    get bytes() {
      return this.#bytes;
    }

    add(data) {
      const size = byteLength(data);
      if (this.#messages.length >= this.#maxMessages || this.#bytes + size > this.#maxBytes) return false;
      this.#messages.push(snapshot(data));
      this.#bytes += size;
      return true;
    }

    take() {
      const messages = this.#messages;
      this.#messages = [];
      this.#bytes = 0;
      return messages;
    }
  }

  /**
   * One WebSocket that reconnects by itself.
   *
   * Events, by `on()`: `state` ({state, previous, delay, failures}), `open` ({protocol, reconnected}), `message`
   * (a string or an ArrayBuffer) and `close` ({code, reason, wasClean, opened, retrying}).
   *
   * States: `closed` (at rest), `connecting`, `open`, `waiting` (for the next attempt).
   */
  class Client {
    #url;
    #options;
    #listeners = new Map(EVENTS.map((type) => [type, new Set()]));
    #waiting;
    /** @type {State} */
    #state = "closed";
    #socket = null;
    #timer = null;
    #failures = 0;
    #openedAt = null; // of this connection, or of the last one; null until the first

    /**
     * @param {string | URL} url A path on this host (`/chat`), or a whole address.
     * @param {object} [options] See `ClientOptions` in `/sgcws.d.ts`.
     * @throws {TypeError} If the address or an option's name is wrong.
     * @throws {RangeError} If an option's value is wrong.
     */
    constructor(url, options = {}) {
      this.#url = websocketURL(url);
      this.#options = checkedOptions(options);
      this.#waiting = new Waiting(this.#options.queueMessages, this.#options.queueBytes);
    }

    get url() {
      return this.#url;
    }

    get state() {
      return this.#state;
    }

    /** The sub-protocol the server chose; empty without one. */
    get protocol() {
      return this.#state === "open" ? this.#socket.protocol : "";
    }

    /** Bytes given to `send` that have not left yet, the queue included. */
    get bufferedAmount() {
      return this.#waiting.bytes + (this.#socket?.bufferedAmount ?? 0);
    }

    /**
     * Call `listener` at each event of that type. One that throws is reported and harms nobody else.
     *
     * @returns {() => void} Takes the listener off again.
     * @throws {TypeError} If there is no such event.
     */
    on(type, listener) {
      this.#of(type).add(listener);
      return () => this.off(type, listener);
    }

    off(type, listener) {
      this.#of(type).delete(listener);
    }

    /** Connect, and stay connected until `close()`. While waiting: try now. Otherwise: nothing. */
    connect() {
      if (this.#state === "connecting" || this.#state === "open") return;
      this.#failures = 0;
      this.#dial();
    }

    /**
     * Send one message: a string as text, everything else as binary.
     *
     * @returns {boolean} True: given to the connection or to the queue. False: not sent, and not kept.
     * @throws {TypeError} If it is nothing a WebSocket sends.
     */
    send(data) {
      byteLength(data);
      if (this.#state === "closed") return false;
      if (this.#state !== "open" || this.#socket.readyState !== OPEN) return this.#waiting.add(data);
      this.#socket.send(data);
      return true;
    }

    /**
     * Close, and do not come back. At once: nothing that arrives later is told, what is queued is dropped.
     *
     * @param {number} [code] 1000, or 3000 to 4999 (RFC 6455 section 7.4).
     * @param {string} [reason] Up to 123 bytes of UTF-8.
     */
    close(code = 1000, reason = "") {
      if (this.#state === "closed") return;
      const opened = this.#state === "open";
      this.#socket?.close(code, reason); // first: it throws, changing nothing, when code or reason may not be sent
      this.#forget();
      this.#rest({ code, reason, wasClean: opened, opened });
    }

    #of(type) {
      const listeners = this.#listeners.get(type);
      if (listeners === undefined) throw new TypeError(`no such event: ${type}`);
      return listeners;
    }

    #tell(type, detail) {
      for (const listener of [...this.#of(type)]) {
        try {
          listener(detail);
        } catch (error) {
          report(error);
        }
      }
    }

    #enter(state, delay = null) {
      const previous = this.#state;
      this.#state = state;
      this.#tell("state", { state, previous, delay, failures: this.#failures });
    }

    #dial = () => {
      const socket = new this.#options.WebSocket(this.#url, this.#options.protocols);
      this.#setTimer(this.#giveUp, this.#options.connectTimeout);
      this.#socket = socket;
      socket.binaryType = this.#options.binaryType;
      socket.onopen = () => this.#opened();
      socket.onmessage = (event) => this.#tell("message", event.data);
      socket.onclose = (event) => this.#ended(event);
      socket.onerror = () => {}; // it says nothing, and a close follows; without a listener some classes throw
      this.#wakers("addEventListener");
      this.#enter("connecting");
    };

    #opened() {
      const reconnected = this.#openedAt !== null;
      this.#setTimer();
      this.#openedAt = this.#options.clock.now();
      const socket = this.#socket;
      this.#enter("open");
      // Listeners first: what they send (a greeting, a token) goes ahead of what was queued.
      if (this.#socket === socket) this.#tell("open", { protocol: socket.protocol, reconnected });
      if (this.#socket === socket) this.#waiting.take().forEach((data) => socket.send(data));
    }

    #giveUp = () => {
      this.#socket.close();
      this.#ended({ code: ABNORMAL, reason: "no connection in time", wasClean: false });
    };

    #ended({ code, reason, wasClean }) {
      const opened = this.#state === "open";
      this.#forget();
      // A server that takes a connection and drops it at once counts as a failure, or we would hammer it.
      if (opened && this.#options.clock.now() - this.#openedAt >= this.#options.steadyAfter) this.#failures = 0;
      const close = { code, reason, wasClean, opened };
      if (this.#wanted(close)) this.#wait(close);
      else this.#rest(close);
    }

    #wanted(close) {
      try {
        return this.#options.retry(close);
      } catch (error) {
        report(error);
        return true;
      }
    }

    #wait(close) {
      const delay = backoff(this.#failures, this.#options);
      this.#failures += 1;
      this.#setTimer(this.#dial, delay);
      this.#enter("waiting", delay);
      this.#tell("close", { ...close, retrying: true });
    }

    /** The browser may keep a page that is left, connection and all: a peer that hears nothing and does not go. */
    #leave({ persisted }) {
      if (!persisted) return; // then the browser closes, with 1001
      const opened = this.#state === "open";
      const ended = this.#socket === null;
      this.#socket?.close(GOING_AWAY, "");
      this.#forget();
      this.#enter("waiting"); // for `pageshow`, without a timer
      if (!ended) this.#tell("close", { code: GOING_AWAY, reason: "", wasClean: opened, opened, retrying: true });
    }

    #rest(close) {
      this.#wakers("removeEventListener");
      this.#waiting.take();
      this.#enter("closed");
      this.#tell("close", { ...close, retrying: false });
    }

    /** Let go of the socket: whatever it still has to say is not told. */
    #forget() {
      this.#setTimer();
      if (this.#socket !== null) this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
      this.#socket = null;
    }

    #setTimer(call = null, delay = 0) {
      const { clock } = this.#options;
      if (this.#timer !== null) clock.clearTimeout(this.#timer);
      this.#timer = call === null ? null : clock.setTimeout(call, delay);
    }

    #wakers(verb) {
      HEARD.forEach((type) => this.#options.wakers?.[verb](type, this.#wake));
    }

    // Only ever earlier: "offline" is no reason to stop, since browsers say it while a server on this machine answers.
    #wake = (event) => {
      const hidden = event.type === "visibilitychange" && event.target?.visibilityState === "hidden";
      if (event.type === "pagehide") this.#leave(event);
      else if (this.#state === "waiting" && !hidden) this.connect();
    };
  }

  globalThis.sgcws = Object.freeze({ Client, backoff, websocketURL });
})();
