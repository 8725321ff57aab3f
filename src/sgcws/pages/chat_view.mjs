/** What the chat page shows. Text from others only ever enters by `textContent`. */

import { hueOf } from "./chat_rules.mjs";

const MAX_SHOWN = 500; // lines and notes kept on the page
const MAX_UNSENT = 20; // own lines that have not arrived
const MAX_TRIES = 2; // a line that twice goes out and never arrives is not sent a third time unasked
const NEAR_END = 48; // pixels from the newest line that still count as reading along
const TOGETHER = 300; // seconds in which one person's lines stand under one name

export const $ = (id) => document.getElementById(id);
const clockTime = new Intl.DateTimeFormat(undefined, { hour: "2-digit", minute: "2-digit" });
const dayName = new Intl.DateTimeFormat(undefined, { weekday: "long", day: "numeric", month: "long", year: "numeric" });

function make(tag, className, text = "", data = {}) {
  const element = document.createElement(tag);
  element.className = className;
  element.textContent = text;
  Object.assign(element.dataset, data);
  return element;
}

function avatar(name) {
  const element = make("span", "avatar", [...name][0]?.toUpperCase() ?? "", { hue: hueOf(name) });
  element.setAttribute("aria-hidden", "true");
  return element;
}

function bubble(text, aside) {
  const element = make("div", "bubble");
  const words = make("span", "text", text);
  words.dir = "auto";
  element.append(words, aside);
  return element;
}

function timeOf(at) {
  const date = new Date(at * 1000);
  const element = make("time", "at", clockTime.format(date));
  element.dateTime = date.toISOString();
  return element;
}

function named(name) {
  const element = make("span", "name", name, { hue: hueOf(name) });
  element.dir = "auto";
  return element;
}

/** The conversation: lines, days, notes, and where the reader is. */
export class Transcript {
  lines = [];
  #following = true;
  #top = 0; // pixels above what is seen, as of the last scrolling
  #unread = 0;

  constructor() {
    $("scroll").addEventListener("scroll", () => this.#scrolled(), { passive: true });
    $("newest").addEventListener("click", () => this.#catchUp());
    document.addEventListener("visibilitychange", () => this.#countUnread(0));
    const resized = new ResizeObserver(() => this.#following && this.toEnd());
    for (const id of ["scroll", "unsent"]) resized.observe($(id));
  }

  /** Lines from before this moment: a screen reader does not read them out one by one. */
  addHistory(lines, me) {
    $("lines").setAttribute("aria-live", "off");
    lines.forEach((line) => this.#append(line, me));
    this.#settle(0);
    setTimeout(() => $("lines").setAttribute("aria-live", "polite"), 100);
  }

  add(line, me) {
    this.#append(line, me);
    this.#settle(1);
  }

  /** A note between the lines, about somebody if there is a name. */
  note(text, name = "") {
    const element = make("p", "note", "", { day: dayName.format(Date.now()) });
    if (name !== "") element.append(make("bdi", "", name));
    element.append(text);
    $("lines").append(element);
    this.#settle(0);
  }

  toEnd() {
    $("scroll").scrollTop = $("scroll").scrollHeight;
    this.#following = true;
    this.#showNewest(0);
  }

  #append(line, me) {
    const previous = this.lines.at(-1);
    this.#startDay(line, previous);
    const own = line.name === me;
    const element = make("div", "line", "", { id: line.id, own });
    const follows = $("lines").lastElementChild === previous?.element;
    if (follows && previous?.name === line.name && line.at - previous.at < TOGETHER) element.dataset.follows = "";
    element.append(avatar(line.name), named(line.name), bubble(line.text, timeOf(line.at)));
    $("lines").append(element);
    this.lines.push({ ...line, element });
  }

  #startDay(line, previous) {
    const day = dayName.format(line.at * 1000);
    if (previous !== undefined && dayName.format(previous.at * 1000) === day) return;
    let first = null; // of the notes of this day, which came before its first line
    let last = $("lines").lastElementChild;
    while (last?.dataset.day === day) [first, last] = [last, last.previousElementSibling];
    $("lines").insertBefore(make("p", "day", day), first);
  }

  #forgetOldest() {
    while ($("lines").childElementCount > MAX_SHOWN) {
      const oldest = $("lines").firstElementChild;
      if (oldest === this.lines[0]?.element) this.lines.shift();
      oldest.remove();
    }
  }

  #settle(count) {
    this.#forgetOldest();
    $("empty").hidden = $("lines").childElementCount > 0;
    if (document.hidden) this.#countUnread(this.#unread + count);
    if (this.#following) this.toEnd();
    else this.#showNewest(Number($("newest").dataset.count ?? 0) + count);
  }

  /** Only going up ends the following: going down may come late, when there is more below already. */
  #scrolled() {
    const { scrollHeight, scrollTop, clientHeight } = $("scroll");
    const down = scrollTop >= this.#top;
    this.#top = scrollTop;
    this.#following = scrollHeight - scrollTop - clientHeight < NEAR_END || (this.#following && down);
    if (this.#following) this.#showNewest(0);
  }

  #showNewest(count) {
    $("newest").hidden = count === 0;
    $("newest").dataset.count = count;
    $("newest").textContent = count === 1 ? "1 new line" : `${count} new lines`;
  }

  #catchUp() {
    this.toEnd();
    $("text").focus(); // the button that had the focus is gone
  }

  #countUnread(count) {
    this.#unread = document.hidden ? count : 0;
    document.title = this.#unread > 0 ? `(${this.#unread}) Chat` : "Chat";
  }
}

/** Own lines whose echo has not come: they stand below the conversation until it does. */
export class Unsent {
  #entries = [];
  #deliver;

  /** `deliver(text)` says whether the connection took it. */
  constructor(deliver) {
    this.#deliver = deliver;
  }

  get full() {
    return this.#entries.length >= MAX_UNSENT;
  }

  add(text) {
    const label = make("span", "at");
    const element = make("div", "line", "", { own: true, unsent: "" });
    element.append(bubble(text, label));
    $("unsent").append(element);
    const entry = { text, element, label, state: "waiting", tries: 0 };
    this.#entries.push(entry);
    this.#send(entry);
  }

  /** The server has this line. */
  arrived(text) {
    this.#drop(this.#entries.find((entry) => entry.state === "sent" && entry.text === text));
  }

  /** The server refused the oldest line on its way: it stays, and its writer says what becomes of it. */
  refused() {
    const entry = this.#onItsWay();
    if (entry !== undefined) this.#ask(entry, "Not sent");
  }

  /** The server refused the oldest line on its way: give its text back. */
  takeBack() {
    const entry = this.#onItsWay();
    this.#drop(entry);
    return entry?.text ?? "";
  }

  disconnected() {
    this.#entries.filter(({ state }) => state === "sent").forEach((entry) => this.#label(entry, "Not confirmed"));
  }

  clear() {
    [...this.#entries].forEach((entry) => this.#drop(entry));
  }

  /** Back again: send what never arrived; ask where that is not sure, or has not helped. */
  resume(sure) {
    for (const entry of [...this.#entries]) {
      const again = sure && entry.tries < MAX_TRIES;
      if (entry.state === "waiting" || (entry.state === "sent" && again)) this.#send(entry);
      else if (entry.state === "sent") this.#ask(entry, "Perhaps not delivered");
    }
  }

  #onItsWay() {
    return this.#entries.find(({ state }) => state === "sent");
  }

  #send(entry) {
    const taken = this.#deliver(entry.text);
    if (taken) entry.tries += 1;
    this.#mark(entry, taken ? "sent" : "waiting");
  }

  #mark(entry, state) {
    entry.state = state;
    this.#label(entry, state === "sent" ? "Sending…" : "Waits for the connection");
  }

  #label(entry, text) {
    entry.label.replaceChildren(text);
  }

  #ask(entry, why) {
    entry.state = "asked";
    const again = make("button", "small", "Send again");
    const discard = make("button", "small quiet", "Discard");
    again.addEventListener("click", () => this.#settle(entry, () => this.#again(entry)));
    discard.addEventListener("click", () => this.#settle(entry, () => this.#drop(entry)));
    entry.label.replaceChildren(`${why} `, again, " ", discard);
  }

  /** Send as the last one: entries stand in the order in which they go out, which is that of the answers. */
  #again(entry) {
    this.#entries = [...this.#entries.filter((other) => other !== entry), entry];
    $("unsent").append(entry.element);
    this.#send(entry);
  }

  #settle(entry, choice) {
    choice();
    $("text").focus();
  }

  #drop(entry) {
    entry?.element.remove();
    this.#entries = this.#entries.filter((other) => other !== entry);
  }
}

/** The line that says how the connection is. */
export class Status {
  #retryAt = 0;
  #timer = null;
  #before = false;

  show({ state, delay }) {
    const words = { connecting: "Connecting", open: "Connected", waiting: "Reconnecting", closed: "Not connected" };
    this.#before = state === "open" || (this.#before && state !== "closed");
    const again = state === "connecting" && (this.#before || $("status").dataset.state === "waiting");
    // The same words through many attempts: a screen reader says them once.
    const text = again ? words.waiting : words[state];
    if ($("status").textContent !== text) $("status").textContent = text;
    $("status").dataset.state = state;
    this.#count(state === "waiting" ? delay : null);
  }

  #count(delay) {
    clearInterval(this.#timer);
    $("countdown").hidden = $("retry").hidden = delay === null;
    if (delay === null) return;
    this.#retryAt = Date.now() + delay;
    this.#timer = setInterval(() => this.#tick(), 250);
    this.#tick();
  }

  #tick() {
    const seconds = Math.max(1, Math.ceil((this.#retryAt - Date.now()) / 1000));
    $("countdown").textContent = `in ${seconds} s…`;
  }
}

export function showProblem(field, text) {
  $(`${field}-error`).textContent = text;
  $(field).setAttribute("aria-invalid", String(text !== ""));
  if (text !== "") $(field).focus();
}

export function showPeople(people, me) {
  const items = people.map((name) => {
    const item = make("li", "", "", { name });
    item.append(avatar(name), named(name));
    if (name === me) item.append(make("span", "soft", "you"));
    return item;
  });
  $("people").replaceChildren(...items);
  $("people-toggle").textContent = `${people.length} here`;
  $("people-title").textContent = `Here now · ${people.length}`;
}

/** Show the form to join, or the conversation; the focus goes where a person writes next. */
export function showView(view) {
  const entered = view === "chat" && document.body.dataset.view !== "chat";
  document.body.dataset.view = view;
  $("join-view").hidden = view !== "join";
  for (const id of ["chat-view", "people-panel", "people-toggle", "leave"]) $(id).hidden = view !== "chat";
  $("join").textContent = "Join";
  if (entered || view === "join") focusField();
}

/** The focus to where a person writes: the name before joining, then the line. */
export function focusField() {
  $(document.body.dataset.view === "join" ? "name" : "text").focus();
}
