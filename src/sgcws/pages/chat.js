/** The chat page: small JSON messages over one `Client`, connected to `/chat` of this host. */

import { MAX_TEXT, catchUp, lengthOf, nameProblem, oneLine, parse, peopleAfter, textProblem } from "./chat_rules.mjs";
import { $, Status, Transcript, Unsent, focusField, showPeople, showProblem, showView } from "./chat_view.mjs";
import { Client } from "./sgcws.mjs";

const TAKEN_OVER = 4000; // close code: another window goes on under this name
const MAX_ROWS = 5;

/** What the browser keeps: the name for next time, the token as long as this tab lives. */
const kept = {
  get: (store, key) => attempt(() => globalThis[store].getItem(`sgcws.chat.${key}`)) ?? "",
  set: (store, key, value) => attempt(() => globalThis[store].setItem(`sgcws.chat.${key}`, value)),
};

/** Storage may be forbidden; the chat works without. */
function attempt(call) {
  try {
    return call();
  } catch {
    return null;
  }
}

/** One person's stay: joining, lines, coming back. */
class Stay {
  #client = new Client("/chat", { retry: ({ code }) => code !== TAKEN_OVER });
  #transcript = new Transcript();
  #unsent = new Unsent((text) => this.#joined && this.#client.send(JSON.stringify({ type: "say", text })));
  #status = new Status();
  #name = "";
  #saidAs = ""; // the name our unsent lines went out under
  #token = "";
  #asking = false;
  #joined = false;
  #people = [];
  #seen = { run: null, last: 0 };

  constructor() {
    this.#client.on("state", (change) => this.#status.show(change));
    this.#client.on("open", () => this.#ask());
    this.#client.on("message", (data) => this.#heard(parse(data)));
    this.#client.on("close", (close) => this.#lost(close));
  }

  join(name, token = "") {
    if (this.#asking) return;
    this.#name = name;
    this.#token = token;
    if (this.#client.state === "open") this.#ask();
    else this.#client.connect();
  }

  say(text) {
    if (this.#unsent.full) return false;
    this.#unsent.add(text);
    this.#transcript.toEnd();
    return true;
  }

  leave() {
    kept.set("sessionStorage", "token", "");
    this.#client.close();
    this.#unsent.clear();
    showView("join");
  }

  retry() {
    this.#client.connect();
    focusField(); // the button that had the focus is gone
  }

  #ask() {
    this.#asking = true;
    const token = this.#token === "" ? {} : { token: this.#token };
    this.#client.send(JSON.stringify({ type: "join", name: this.#name, ...token }));
  }

  #lost({ code }) {
    this.#joined = this.#asking = false;
    this.#unsent.disconnected();
    if (code !== TAKEN_OVER) return;
    showView("join");
    showProblem("name", `${this.#name} has gone on in another window.`);
  }

  #heard(message) {
    if (message?.type === "welcome") this.#welcome(message);
    if (message?.type === "line") this.#line(message);
    if (message?.type === "joined" || message?.type === "left") this.#presence(message);
    if (message?.type === "error") this.#error(message);
  }

  #welcome(welcome) {
    this.#joined = true;
    this.#asking = false;
    this.#keep(welcome);
    this.#people = welcome.people;
    showPeople(this.#people, this.#name);
    showView("chat");
    this.#resume(welcome);
  }

  #keep({ name, token }) {
    this.#name = name;
    this.#token = token;
    kept.set("localStorage", "name", name);
    kept.set("sessionStorage", "token", token);
  }

  #resume(welcome) {
    const { fresh, note, sure } = catchUp({ ...this.#seen, lines: this.#transcript.lines }, welcome);
    if (note !== "") this.#transcript.note(note);
    this.#transcript.addHistory(fresh, this.#name);
    this.#seen = { run: welcome.run, last: welcome.lines.at(-1)?.id ?? 0 };
    fresh.filter(({ name }) => name === this.#saidAs).forEach(({ text }) => this.#unsent.arrived(text));
    this.#saidAs = this.#name;
    this.#unsent.resume(sure);
  }

  #line(line) {
    if (line.id <= this.#seen.last) return;
    this.#seen.last = line.id;
    if (line.name === this.#name) this.#unsent.arrived(line.text);
    this.#transcript.add(line, this.#name);
  }

  #presence({ type, name }) {
    this.#people = peopleAfter(this.#people, { type, name });
    showPeople(this.#people, this.#name);
    if (name !== this.#name) this.#transcript.note(` ${type}`, name);
  }

  #error({ code, message }) {
    if (code === "not-joined") return this.#ask();
    if (this.#joined) return this.#refused(code, message);
    this.#client.close();
    showView("join");
    showProblem("name", message);
  }

  /** Nothing that was written is lost: it goes back to the field where it can be mended, or stays among the unsent. */
  #refused(code, message) {
    if (code === "too-fast" || $("text").value !== "") this.#unsent.refused();
    else $("text").value = this.#unsent.takeBack();
    fitText();
    showProblem("text", message);
  }
}

function submitJoin(stay, token = "") {
  const name = $("name").value.trim();
  const problem = nameProblem(name);
  showProblem("name", problem);
  if (problem !== "") return;
  $("join").textContent = "Joining…";
  stay.join(name, token);
}

function submitLine(stay) {
  const text = oneLine($("text").value).trim();
  const problem = textProblem(text);
  showProblem("text", problem);
  if (text === "" || problem !== "") return;
  if (stay.say(text)) $("text").value = "";
  else showProblem("text", "Too many lines are not sent yet: let some go out, or discard some.");
  fitText();
  $("text").focus();
}

/** What is written or pasted, in one line; the caret stays where it is in the text. */
function straightenText() {
  const field = $("text");
  const straight = oneLine(field.value);
  if (straight === field.value) return;
  const caret = oneLine(field.value.slice(0, field.selectionStart)).length;
  field.value = straight;
  field.setSelectionRange(caret, caret);
}

/** As many rows as the text takes up, and how much may still be written. */
function fitText() {
  const field = $("text");
  field.rows = 1; // enough where the style sheet's `field-sizing` works
  while (field.rows < MAX_ROWS && field.scrollHeight > field.clientHeight) field.rows += 1;
  const left = MAX_TEXT - lengthOf(field.value.trim());
  $("text-left").textContent = left < 200 && left >= 0 ? `${left} characters left` : "";
}

function togglePeople() {
  const open = $("people-panel").toggleAttribute("data-open");
  $("people-toggle").setAttribute("aria-expanded", String(open));
}

function onSubmit(form, call) {
  $(form).addEventListener("submit", (event) => {
    event.preventDefault();
    call();
  });
}

function listen(stay) {
  onSubmit("join-form", () => submitJoin(stay));
  onSubmit("say-form", () => submitLine(stay));
  $("leave").addEventListener("click", () => stay.leave());
  $("retry").addEventListener("click", () => stay.retry());
  $("people-toggle").addEventListener("click", togglePeople);
  $("name").addEventListener("input", () => showProblem("name", ""));
  $("text").addEventListener("input", () => showProblem("text", ""));
  $("text").addEventListener("input", (event) => {
    if (!event.isComposing) straightenText();
    fitText();
  });
  // Not keydown: there some keyboards do not name the key, and Enter may only end a composition.
  $("text").addEventListener("beforeinput", (event) => {
    if (event.inputType !== "insertLineBreak" && event.inputType !== "insertParagraph") return;
    event.preventDefault();
    submitLine(stay);
  });
  $("text").addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.isComposing || !(event.shiftKey || event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    if (!event.shiftKey) submitLine(stay); // with Shift a break is meant, and half a line is not to go out
  });
}

function start() {
  const stay = new Stay();
  const token = kept.get("sessionStorage", "token");
  $("name").value = kept.get("localStorage", "name");
  listen(stay);
  if (token !== "" && $("name").value !== "") submitJoin(stay, token);
  else $("name").focus();
}

start();
