// The editor's comforts, each in a module of its own. Without them the same buttons work; each then loads the page anew.

import * as files from "./editor/files.js";
import { offerBack } from "./editor/keeping.js";
import { watch } from "./editor/presence.js";
import * as preview from "./editor/preview.js";
import { changed } from "./editor/saving.js";
import { body, form } from "./editor/sheet.js";
import { ACTS, start } from "./editor/typing.js";

function renewed() {
  preview.count();
  preview.soon();
  changed();
}

form.addEventListener("input", renewed);
form.addEventListener("brought", () => {
  preview.count();
  preview.soon();
  grow();
});

// A text area as tall as its text, where the browser cannot do that by itself.

function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  body.style.height = "auto";
  body.style.height = `${body.scrollHeight}px`;
}
body.addEventListener("input", grow);
grow();

// The tools, and the whole screen for the text.

const tools = document.getElementById("format");
if (form.dataset.format === "markdown") {
  start();
  for (const tool of tools.querySelectorAll("[data-act]")) tool.addEventListener("click", () => ACTS[tool.dataset.act]());
} else {
  for (const tool of tools.querySelectorAll("[data-act]")) tool.hidden = true;
}
tools.hidden = false;

const whole = document.getElementById("whole");
function fill(on) {
  document.body.classList.toggle("whole-screen", on);
  whole.setAttribute("aria-pressed", String(on));
  whole.textContent = on ? "Leave full screen" : "Full screen";
  if (on) document.documentElement.requestFullscreen?.().catch(() => {});
  else if (document.fullscreenElement) document.exitFullscreen();
}
whole.hidden = false;
whole.addEventListener("click", () => fill(!document.body.classList.contains("whole-screen")));
document.addEventListener("fullscreenchange", () => { if (!document.fullscreenElement) fill(false); });
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("whole-screen")) fill(false);
  if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
    event.preventDefault();
    preview.toggle();
  }
});

preview.begin();
files.begin();
offerBack(renewed);
watch();
