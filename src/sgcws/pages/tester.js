/** The WebSocket tester: one plain WebSocket, and a record of what went out and came in. */

import {
  addressOf, closeProblem, cut, fromBase64, fromHex, milliseconds, passes, splitProtocols, summary, toHex, utf8Length,
} from "./tester_rules.mjs";

const MAX_ENTRIES = 1000;
const NEAR_END = 48; // pixels from the newest entry that still count as reading along
const TRIPS = 5;
const TRIP_TIMEOUT = 5000; // milliseconds
const ARROWS = { in: "Received", out: "Sent", event: "Event" };
const NEEDS_OPEN = ["send-text", "send-binary", "measure"];

const $ = (id) => document.getElementById(id);

function problem(field, text) {
  $(`${field}-error`).textContent = text;
  if (text !== "") $(field === "close" ? "code" : field).focus();
  return text !== "";
}

function timeOfDay(date) {
  const two = (number) => String(number).padStart(2, "0");
  const clock = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(":");
  return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}

/** What went out and came in; the oldest entries go when there are too many. */
class Record {
  #entries = [];
  #following = true;
  #top = 0; // pixels above what is seen, as of the last scrolling
  #due = false;

  constructor() {
    $("scroll").addEventListener("scroll", () => this.#scrolled(), { passive: true });
    for (const id of ["kind", "filter"]) $(id).addEventListener("input", () => this.#filter());
    $("clear").addEventListener("click", () => this.#clear());
    $("copy").addEventListener("click", () => this.#copy());
    this.#count();
  }

  message(direction, data) {
    if (typeof data === "string") this.#add({ direction, type: "text", size: utf8Length(data), content: cut(data) });
    else this.#add({ direction, type: "binary", size: data.byteLength, content: toHex(new Uint8Array(data)) });
  }

  event(content) {
    this.#add({ direction: "event", type: "event", size: null, content });
  }

  #add(entry) {
    entry.time = timeOfDay(new Date());
    entry.row = this.#row(entry);
    entry.row.hidden = !this.#shows(entry);
    this.#entries.push(entry);
    $("rows").append(entry.row);
    if (this.#entries.length > MAX_ENTRIES) this.#entries.shift().row.remove();
    this.#settleSoon();
  }

  /** Once a frame, however many messages come in it. */
  #settleSoon() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#count();
      if (this.#following) $("scroll").scrollTop = $("scroll").scrollHeight;
    });
  }

  /** Only going up ends the following: going down may come late, when there is more below already. */
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = $("scroll");
    const down = scrollTop >= this.#top;
    this.#top = scrollTop;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_END || (this.#following && down);
  }

  #row({ time, direction, type, size, content }) {
    const row = document.createElement("tr");
    Object.assign(row.dataset, { direction, type });
    const cells = { time, direction: ARROWS[direction], type: type === "event" ? "" : type, size: size ?? "", content };
    for (const [name, text] of Object.entries(cells)) {
      const cell = document.createElement("td");
      cell.className = name;
      cell.textContent = text;
      row.append(cell);
    }
    return row;
  }

  #shows(entry) {
    return passes(entry, $("kind").value, $("filter").value.trim());
  }

  #filter() {
    for (const entry of this.#entries) entry.row.hidden = !this.#shows(entry);
    this.#count();
  }

  #clear() {
    this.#entries = [];
    $("rows").replaceChildren();
    this.#count();
  }

  #count() {
    const shown = this.#entries.filter(({ row }) => !row.hidden).length;
    const all = this.#entries.length;
    $("empty").hidden = all > 0;
    $("log").hidden = all === 0;
    $("count").textContent = shown === all ? String(all) : `${shown} of ${all}`;
  }

  async #copy() {
    const shown = this.#entries.filter(({ row }) => !row.hidden);
    const lines = shown.map(({ time, direction, type, size, content }) =>
      [time, direction, type, size ?? "", content].join("\t"));
    $("copied").textContent = (await copyText(lines.join("\n"))) ? `Copied ${lines.length}` : "Copying is not allowed here";
    setTimeout(() => ($("copied").textContent = ""), 3000);
  }
}

/** `navigator.clipboard` exists only on secure pages; plain HTTP needs the old way. */
async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copySelection(text);
  }
}

function copySelection(text) {
  const area = document.createElement("textarea");
  area.className = "hidden-label";
  area.value = text;
  document.body.append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  $("copy").focus();
  return done;
}

/** The one connection of this page. */
class Session {
  #socket = null;
  #record = new Record();
  #awaited = null; // {text, arrived} of the round trip under way

  get open() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  connect(address, protocols) {
    this.abandon();
    const socket = new WebSocket(address, protocols);
    this.#socket = socket;
    socket.binaryType = "arraybuffer";
    socket.onopen = () => this.#opened(socket);
    socket.onmessage = ({ data }) => this.#heard(data);
    socket.onclose = (event) => this.#closed(event);
    this.#record.event(`Connecting to ${address}`);
    this.#show("connecting", "Connecting");
  }

  /** Close, and hear no more of the connection there is. */
  abandon() {
    if (this.#socket === null) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close(1000);
    this.#socket = null;
    this.#record.event("Left the connection");
    this.#show("closed", "Not connected");
  }

  send(data) {
    if (!this.open) return;
    this.#socket.send(data);
    this.#record.message("out", data);
  }

  close(code, reason) {
    this.#socket.close(code, reason);
    this.#record.event(`Closing with ${code}${reason && ` ${reason}`}`);
    this.#show("closing", "Closing");
  }

  /** Send one message and wait for the same one; the time it took, or null when none came. */
  async trip(text) {
    const begun = performance.now();
    const arrived = new Promise((resolve) => (this.#awaited = { text, resolve }));
    const timer = setTimeout(() => this.#awaited?.resolve(false), TRIP_TIMEOUT);
    this.send(text);
    const came = await arrived;
    clearTimeout(timer);
    this.#awaited = null;
    return came ? performance.now() - begun : null;
  }

  #opened({ protocol, extensions }) {
    const details = [protocol && `sub-protocol ${protocol}`, extensions && `extensions ${extensions}`].filter(Boolean);
    this.#record.event(["Open", ...details].join(", "));
    this.#show("open", "Connected");
  }

  #heard(data) {
    if (this.#awaited !== null && data === this.#awaited.text) this.#awaited.resolve(true);
    this.#record.message("in", data);
  }

  #closed({ code, reason, wasClean }) {
    this.#socket = null;
    this.#awaited?.resolve(false);
    this.#record.event(`Closed with ${code}${reason && ` ${reason}`}${wasClean ? "" : ", not cleanly"}`);
    this.#show("closed", "Not connected");
  }

  #show(state, text) {
    $("status").dataset.state = state;
    $("status").textContent = text;
    for (const id of NEEDS_OPEN) $(id).disabled = state !== "open";
    $("close").disabled = state !== "open" && state !== "connecting";
    $("connect").textContent = state === "closed" ? "Connect" : "Connect anew";
  }
}

function connect(session) {
  const address = addressOf($("path").value.trim(), location);
  if (problem("path", address === null ? "A path begins with / and has no #." : "")) return;
  try {
    session.connect(address, splitProtocols($("protocols").value));
  } catch {
    problem("path", "The browser takes no such path or sub-protocol.");
  }
}

function sendBinary(session) {
  const bytes = { hex: fromHex, base64: fromBase64 }[$("encoding").value]($("binary").value);
  if (!problem("binary", bytes === null ? `This is not ${$("encoding").value}.` : "")) session.send(bytes);
}

function close(session) {
  const reason = $("reason").value;
  if (!problem("close", closeProblem($("code").value.trim(), reason))) session.close(Number($("code").value), reason);
}

async function measure(session) {
  const times = [];
  $("measure").disabled = true;
  while (times.length < TRIPS && session.open) {
    const time = await session.trip(`round trip ${times.length + 1} ${crypto.getRandomValues(new Uint32Array(1))[0]}`);
    if (time === null) break;
    times.push(time);
  }
  $("measure").disabled = !session.open;
  const { median, least } = summary(times);
  $("trip").textContent =
    times.length === TRIPS
      ? `${milliseconds(median)} in the middle, ${milliseconds(least)} at best`
      : "No echo came back: this path does not send back what it gets.";
}

function onSubmit(form, call) {
  $(form).addEventListener("input", () => $(form).querySelectorAll(".error").forEach((error) => (error.textContent = "")));
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
}

function start() {
  const session = new Session();
  $("host").textContent = location.host;
  // A page that the browser keeps for Back would stay connected; one that it drops is closed by itself.
  addEventListener("pagehide", (event) => event.persisted && session.abandon());
  onSubmit("connect-form", () => connect(session));
  onSubmit("text-form", () => session.send($("text").value));
  onSubmit("binary-form", () => sendBinary(session));
  onSubmit("close-form", () => close(session));
  $("measure").addEventListener("click", () => measure(session));
  $("text").addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) $("text-form").requestSubmit();
  });
}

start();
