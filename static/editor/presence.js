// Who else is here: told and asked every ten seconds while the page is in front. What they saved comes in by itself.

import { form, JSON_PLEASE, say, token } from "./sheet.js";
import { isDirty, save, version } from "./saving.js";

const EVERY = 10000;
const line = document.getElementById("others");

function show(names) {
  line.hidden = names.length === 0;
  if (names.length === 0) return;
  const all = new Intl.ListFormat(document.documentElement.lang, { type: "conjunction" }).format(names);
  line.textContent = `${all} ${names.length === 1 ? "has" : "have"} this post open, too.`;
}

async function look() {
  if (document.hidden) return;
  try {
    const answer = await fetch(form.dataset.presence, { method: "POST", headers: JSON_PLEASE });
    if (!answer.ok) return;
    const { others, version: newest } = await answer.json();
    show(others);
    if (newest <= version()) return;
    if (!isDirty() || form.dataset.state === "draft") await save({ auto: true });
    else say("Somebody else has saved meanwhile. Save, and both texts are put together.", "warn");
  } catch {
    // The next one may get through; saving says itself when it does not.
  }
}

export function watch() {
  setInterval(look, EVERY);
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", () => {
    const told = new FormData();
    told.set("csrf_token", token());
    told.set("leave", "1");
    navigator.sendBeacon(form.dataset.presence, told);
  });
  look();
}
