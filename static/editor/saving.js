// Saving without losing one's place: by hand, and by itself in a draft. What others saved meanwhile comes back with it.

import { keep, letGo } from "./keeping.js";
import {
  begun, body, button, clock, correction, fields, form, JSON_PLEASE, link, renewToken, restDiffers, say, setField, texts, title,
} from "./sheet.js";

const SOON = 2000; // after the last key
const RETRY = 15000;
const draft = form.dataset.state === "draft";
const saveButton = form.querySelector("button[value=save]");

// Title and text as they are saved: a draft saves these by itself, the rest waits for the button.
let saved = "unsaved" in form.dataset ? null : texts();
let running = null;
let timer = 0;
let clash = false;
let leaving = false;

const textsDiffer = () => texts() !== saved;
export const isDirty = () => textsDiffer() || restDiffers();
export const version = () => Number(form.elements.version.value);

/** Something was typed. */
export function changed() {
  if (!isDirty()) return;
  const kept = keep();
  if (clash) return;
  say(draft || !kept ? "Not saved yet" : "Not saved yet, kept in this browser");
  if (textsDiffer()) later(SOON);
}

function later(wait) {
  clearTimeout(timer);
  if (draft) timer = setTimeout(() => save({ auto: true }), wait);
}

/** Save, one at a time. `auto`: nobody pressed a button, so nothing may become public or be asked. */
export async function save({ auto = false } = {}) {
  if (running) {
    await running;
    if (!isDirty()) return;
  }
  clearTimeout(timer);
  running = post(auto);
  try {
    await running;
  } finally {
    running = null;
  }
  if (!clash && textsDiffer() && saved !== null) later(SOON);
}

async function post(auto, again = true) {
  const sent = { texts: texts(), fields: fields() };
  const data = new FormData(form, saveButton);
  data.delete("files");
  if (auto) data.set("auto", "1");
  else say("Saving");
  let answer, result;
  try {
    answer = await fetch(form.action, { method: "POST", body: data, headers: JSON_PLEASE });
    result = await answer.json();
  } catch {
    const kept = keep();
    say(`Not saved: the site cannot be reached. Your text is still here${kept ? ", and kept in this browser" : ""}.`, "bad");
    later(RETRY);
    return;
  }
  if (result.expired && answer.status === 400 && again && await renewToken()) return post(auto, false);
  if (answer.ok) take(result, sent, auto);
  else refuse(answer.status, result, auto);
}

function take(result, sent, auto) {
  clash = false;
  const before = begun();
  const more = texts() !== sent.texts;
  if (!more || same(result, sent.fields, before, auto)) {
    form.elements.version.value = result.version;
    form.elements.base.value = more ? result.base : bringIn(result, auto ? { ...before, title: sent.fields.title } : sent.fields);
  } else {
    // Typed on while others' changes came: what was sent is what the next save begins with.
    const { title, body } = sent.fields;
    form.elements.base.value = JSON.stringify({ ...before, ...(auto ? { title, body } : sent.fields) });
  }
  if (!auto && correction) {
    // It is on record: the next save is not the same correction once more.
    correction.checked = false;
    form.elements.correction_note.value = "";
  }
  saved = more ? sent.texts : texts();
  if (isDirty()) keep();
  else letGo();
  for (const told of document.querySelectorAll("main > :is(.summary, .notice):not(#kept), body > .notice")) told.remove();
  if (result.others) showOthers(result);
  if (!more) say(auto && restDiffers() ? `${result.message} What else you changed waits for Save.` : result.message);
  else if (!auto) say("Not saved yet");
}

/** Whether the post is now just what was sent. */
function same(result, sent, before, auto) {
  const rest = auto ? before : sent;
  return result.edits.length === 0 && result.fields.title === sent.title
    && ["kind", "weeks", "slug", "tags", "readers", "viewers"].every((name) => (result.fields[name] ?? "") === (rest[name] ?? ""));
}

/** Show what came back with a save of `sent`. Returns what the next one begins with: what is shown, whoever changed it. */
function bringIn(result, sent) {
  for (const [start, end, text] of result.edits) body.setRangeText(text, start, end, "preserve");
  const here = fields();
  const base = JSON.parse(result.base);
  const was = begun();
  for (const [name, value] of Object.entries(result.fields)) {
    // Nothing changes under somebody's fingers, nor what they chose and have not saved.
    const free = name === "title" ? document.activeElement !== title || sent.title === was.title : here[name] === sent[name];
    if (free) setField(name, value);
    else if (result.taken.includes(name)) base[name] = sent[name]; // Somebody else's is seen, and settled, with the next save.
  }
  if (result.edits.length) form.dispatchEvent(new CustomEvent("brought"));
  return JSON.stringify(base);
}

function showOthers(result) {
  const box = document.getElementById("merged");
  const line = document.createElement("summary");
  line.textContent = `${result.others} came in at ${clock(Date.now())}: both texts are one now`;
  const changes = document.createElement("div");
  changes.innerHTML = result.changes;
  box.replaceChildren(line, changes);
  box.hidden = false;
}

function refuse(code, result, auto) {
  if (!auto && [400, 401, 409, 422].includes(code)) return showPlainly();
  const kept = keep();
  if (code === 401) {
    const back = `/login?next=${encodeURIComponent(location.pathname)}`;
    say(`You are logged out.${kept ? " Your text is kept in this browser." : ""}`, "bad", link("Log in", back));
  } else if (result.clash) {
    clash = true;
    say(result.error, "warn", button("Look at both", showPlainly));
  } else {
    say(code === 422 ? `Not saved yet: ${result.error}` : result.error ?? "Not saved: the site answered with an error. Your text is still here.", code === 422 ? "warn" : "bad");
    if (code >= 500) later(RETRY);
  }
}

// A conflict, a mistake or a log-in that has ended is shown by the page that the plain form leads to.

let plainly = false;
function showPlainly() {
  plainly = true;
  leaving = true;
  form.requestSubmit(saveButton);
}

form.addEventListener("submit", (event) => {
  leaving = true;
  if (event.submitter?.value === "save" && !plainly) {
    event.preventDefault();
    leaving = false;
    save();
  }
});
window.addEventListener("beforeunload", (event) => {
  if (!leaving && isDirty()) event.preventDefault();
});
window.addEventListener("pageshow", () => { leaving = plainly = false; });
window.addEventListener("online", () => { if (textsDiffer() && draft && !clash) save({ auto: true }); });
document.addEventListener("visibilitychange", () => {
  if (document.hidden && textsDiffer() && draft && !clash) save({ auto: true });
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && !event.altKey && event.key === "s") {
    event.preventDefault();
    form.requestSubmit(saveButton);
  }
});
