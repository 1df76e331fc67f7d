// The editor's form: its fields, what they say, and the line that tells how it stands.

export const form = document.getElementById("editor");
export const { title, body } = form.elements;
export const token = () => form.elements.csrf_token.value;
export const JSON_PLEASE = { Accept: "application/json", "X-CSRFToken": token() };

const NAMES = ["title", "body", "kind", "weeks", "slug", "tags", "author", "readers"];
const SETTINGS = ["kind", "weeks", "slug", "tags", "author", "in_menu", "readers", "viewers"];
const menu = document.getElementById("in_menu");
export const correction = document.getElementById("correction"); // null in a draft
const status = document.getElementById("status");

const viewers = () => [...form.querySelectorAll("[name=viewers]")];

/** The fields as they stand, named and written as the form's base is. */
export function fields() {
  const found = {};
  for (const name of NAMES) if (form.elements[name]) found[name] = form.elements[name].value;
  found.in_menu = menu.checked ? "1" : "";
  found.viewers = viewers().filter((tick) => tick.checked).map((tick) => tick.value).sort((a, b) => a - b).join(" ");
  return found;
}

/** The post as the form was opened with, or last saved. */
export const begun = () => JSON.parse(form.elements.base.value || "{}");

/** Title and text, to compare. */
export const texts = () => JSON.stringify([title.value, body.value]);

/** Whether anything but title and text is chosen otherwise than it is saved. */
export function restDiffers() {
  const here = fields();
  const was = begun();
  return SETTINGS.some((name) => (here[name] ?? was[name]) !== was[name])
    || Boolean(correction?.checked || form.elements.correction_note?.value);
}

export function setField(name, value) {
  if (name === "in_menu") menu.checked = value === "1";
  else if (name === "viewers") for (const tick of viewers()) tick.checked = value.split(" ").includes(tick.value);
  else if (form.elements[name]) form.elements[name].value = value;
}

/** Go on with the log-in that another tab has begun. Whether it is the same member's. */
export async function renewToken() {
  let found = "";
  try {
    found = await (await fetch(form.action, { headers: { Accept: "text/html" } })).text();
  } catch {
    return false; // Out of reach just now: the next save asks again.
  }
  const page = new DOMParser().parseFromString(found, "text/html");
  const other = page.getElementById("editor");
  if (other?.dataset.member !== form.dataset.member) return false;
  const fresh = other.elements.csrf_token.value;
  for (const field of document.querySelectorAll("[name=csrf_token]")) field.value = fresh;
  JSON_PLEASE["X-CSRFToken"] = fresh;
  form.dispatchEvent(new CustomEvent("brought")); // The preview was refused meanwhile.
  return true;
}

/** Say how it stands; `then` may be a link or a button to go on with. */
export function say(words, tone = "", then = null) {
  status.replaceChildren(words, ...(then ? [" ", then] : []));
  status.className = `meta status ${tone}`;
}

export function button(words, act) {
  const made = document.createElement("button");
  made.type = "button";
  made.className = "quiet";
  made.textContent = words;
  made.addEventListener("click", act);
  return made;
}

export function link(words, address) {
  const made = document.createElement("a");
  made.href = address;
  made.textContent = words;
  return made;
}

export function clock(moment) {
  return new Date(moment).toLocaleTimeString(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", hour12: false });
}
