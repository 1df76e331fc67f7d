// What is typed and not saved yet is kept in this browser, and offered back: after a closed tab, a crash, a log-in that ended.

import { body, button, clock, fields, form, setField, title } from "./sheet.js";

const KEY = `blogapp-text:${form.dataset.member}:${form.dataset.post}`;
const OLDER = `${KEY}:older`;
const DAYS = 30;

function read(key, otherwise) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? otherwise;
  } catch {
    return otherwise;
  }
}

function write(key, value) {
  try {
    if (value === null) localStorage.removeItem(key);
    else localStorage.setItem(key, JSON.stringify(value));
    return true;
  } catch {
    return false; // No room, or none wanted: the text is on the page still.
  }
}

/** Keep what the form says now. Whether this browser does. */
export function keep() {
  const { base, version } = form.elements;
  return write(KEY, { at: Date.now(), fields: fields(), base: base.value, version: version.value });
}

export function letGo() {
  write(KEY, null);
}

/** Offer back what an earlier visit left behind, the newest first. `brought` is called when it is back in the form. */
export function offerBack(brought) {
  const left = read(OLDER, []);
  const last = read(KEY, null);
  if (last) left.push(last);
  const worth = left.filter((text) => Date.now() - text.at < DAYS * 86400e3 && differs(text));
  write(KEY, null);
  write(OLDER, worth.length ? worth : null);
  if (worth.length) show(worth, brought);
}

function differs(text) {
  return text.fields.body.trim() !== body.value.trim() || text.fields.title !== title.value;
}

function show(texts, brought) {
  const box = document.getElementById("kept");
  const text = texts.at(-1);
  const rest = texts.slice(0, -1);
  const done = () => {
    write(OLDER, rest.length ? rest : null);
    box.hidden = true;
    if (rest.length) show(rest, brought);
  };
  const day = new Date(text.at).toLocaleDateString([], { weekday: "long", day: "numeric", month: "long" });
  const shown = document.createElement("details");
  const summary = document.createElement("summary");
  const inside = document.createElement("pre");
  summary.textContent = "Read it";
  inside.textContent = text.fields.body;
  shown.append(summary, inside);
  const acts = document.createElement("div");
  acts.className = "actions";
  acts.append(
    button("Bring it back", () => {
      for (const [name, value] of Object.entries(text.fields)) setField(name, value);
      // It was begun with the post as it was then: what others saved since is put together with it.
      form.elements.base.value = text.base;
      form.elements.version.value = text.version;
      done();
      brought();
    }),
    button("Throw it away", done),
  );
  box.className = "notice";
  box.replaceChildren(`This browser kept a text of ${day}, ${clock(text.at)}, that was not saved.`, shown, acts);
  box.hidden = false;
}
