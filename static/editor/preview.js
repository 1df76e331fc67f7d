// The preview beside the text, made by the same pipeline as the page; and the words, counted as the server counts them.

import { body, form, JSON_PLEASE, say, title } from "./sheet.js";

const pane = document.getElementById("preview");
const switcher = document.getElementById("preview-button");
const words = document.getElementById("words");
const minutes = document.getElementById("minutes");
const READ_PER_MINUTE = 238;
const REMEMBERED = "blogapp-preview";
const WIDE = matchMedia("(min-width: 75rem)");
let timer = 0;
let asked = 0;

export function count() {
  const found = (body.value.match(/[\p{L}\p{N}_]+(?:['’-][\p{L}\p{N}_]+)*/gu) ?? []).length;
  words.textContent = `${found} ${found === 1 ? "word" : "words"}`;
  minutes.textContent = Math.max(1, Math.round(found / READ_PER_MINUTE));
}

export function soon() {
  clearTimeout(timer);
  if (!pane.hidden) timer = setTimeout(renew, 400);
}

async function renew() {
  const turn = ++asked;
  const data = new FormData();
  data.set("title", title.value);
  data.set("body", body.value);
  data.set("format", form.dataset.format);
  data.set("post", form.dataset.post);
  try {
    const answer = await fetch(form.dataset.preview, { method: "POST", body: data, headers: JSON_PLEASE });
    const result = await answer.json();
    if (turn !== asked) return;
    if (!answer.ok) return say(result.error, "bad");
    document.getElementById("preview-title").textContent = title.value;
    document.getElementById("preview-text").innerHTML = result.html;
  } catch {
    if (turn === asked) setTimeout(soon, 5000);
  }
}

function mark() {
  switcher.setAttribute("aria-expanded", String(!pane.hidden));
  switcher.textContent = pane.hidden ? "Preview" : "Hide preview";
  // On a phone the preview stands in the text's place.
  form.classList.toggle("previewing", !pane.hidden);
}

export function toggle() {
  pane.hidden = !pane.hidden;
  if (WIDE.matches) localStorage.setItem(REMEMBERED, pane.hidden ? "closed" : "open");
  mark();
  if (!pane.hidden) renew();
}

export function begin() {
  switcher.setAttribute("aria-controls", "preview");
  switcher.addEventListener("click", (event) => {
    event.preventDefault();
    toggle();
  });
  if (pane.hidden && WIDE.matches && localStorage.getItem(REMEMBERED) !== "closed") {
    pane.hidden = false;
    renew();
  }
  mark();
  count();
}
