// What is typed and not saved yet is kept in this browser, and offered back: after a closed tab, a crash, a log-in that ended.

import { body, button, clock, fields, form, setField, title } from "./sheet.js";

const ALL = `blogapp-text:${form.dataset.member}:${form.dataset.post}`;
const OLDER = `${ALL}:older`;
const DAYS = 30;
// Each tab keeps its own: the same post may be open in two.
const keyOf = (tab) => `${ALL}:tab-${tab}`;
const BEGUN = Date.now();
let key = keyOf(tabName());

function tabName(fresh = false) {
  const made = Math.random().toString(36).slice(2);
  try {
    const name = (!fresh && sessionStorage.getItem("blogapp-tab")) || made;
    sessionStorage.setItem("blogapp-tab", name);
    return name;
  } catch {
    return made;
  }
}

/** The keys of tabs that are open, but for this one. A lock tells: it ends with its tab, however that ends. */
async function living() {
  if (!navigator.locks) return new Set(); // Only over HTTPS, and on this machine.
  const hold = (name) => new Promise((held) => {
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      held(Boolean(lock));
      return lock && new Promise(() => {});
    });
  });
  // A tab that was duplicated begins with the other's name.
  if (!await hold(key)) await hold(key = keyOf(tabName(true)));
  const { held } = await navigator.locks.query();
  return new Set(held.map((lock) => lock.name).filter((name) => name !== key));
}

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
  return write(key, { at: Date.now(), fields: fields(), base: base.value, version: version.value });
}

export function letGo() {
  write(key, null);
}

/** Offer back what earlier visits left behind, the newest first. `brought` is called when it is back in the form. */
export async function offerBack(brought) {
  if (location.hash === "#settled") {
    // Somebody else's words and these were looked at, and one text was made of both.
    letGo();
    history.replaceState(null, "", location.pathname + location.search);
  }
  const open = await living();
  const left = read(OLDER, []);
  for (const name of names().filter((one) => !open.has(one))) {
    const text = read(name, null);
    if (!text || text.at >= BEGUN) continue; // Typed since this page is there.
    left.push(text);
    write(name, null);
  }
  left.sort((one, other) => one.at - other.at);
  const worth = left.filter((text) => Date.now() - text.at < DAYS * 86400e3 && differs(text));
  write(OLDER, worth.length ? worth : null);
  if (worth.length) show(worth, brought);
}

function names() {
  try {
    return Object.keys(localStorage).filter((name) => name === ALL || name.startsWith(keyOf("")));
  } catch {
    return [];
  }
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
  const day = new Date(text.at).toLocaleDateString(document.documentElement.lang, { weekday: "long", day: "numeric", month: "long" });
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
