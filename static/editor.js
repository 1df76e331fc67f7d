// The editor's conveniences. Without them the same buttons work; each then loads the page anew.

const form = document.getElementById("editor");
const title = form.elements.title;
const body = form.elements.body;
const status = document.getElementById("status");
const token = form.elements.csrf_token.value;
const JSON_PLEASE = { Accept: "application/json", "X-CSRFToken": token };

// What is unsaved, and the warning before it is left.

const WATCHED = ["title", "body", "kind", "weeks", "slug", "author", "tags", "correction_note"];
const menu = document.getElementById("in_menu");
const correction = document.getElementById("correction"); // null in a draft
const typed = () => [...WATCHED.map((name) => form.elements[name]?.value ?? ""), menu.checked, correction?.checked].join("\0");
let saved = "unsaved" in form.dataset ? null : typed();
let leaving = false;

function say(words, tone = "") {
  status.textContent = words;
  status.className = `meta status ${tone}`;
}

window.addEventListener("beforeunload", (event) => {
  if (!leaving && typed() !== saved) event.preventDefault();
});
form.addEventListener("submit", () => { leaving = true; });
window.addEventListener("pageshow", () => { leaving = false; });

// Words, counted as the server counts them.

const words = document.getElementById("words");
function count() {
  words.textContent = (body.value.match(/[\p{L}\p{N}_]+(?:['’-][\p{L}\p{N}_]+)*/gu) ?? []).length;
}

form.addEventListener("input", () => {
  count();
  if (typed() !== saved) say("Not saved yet");
  preview.soon();
});

// A textarea as tall as its text, where the browser cannot do that by itself.

if (!CSS.supports("field-sizing", "content")) {
  const grow = () => { body.style.height = "auto"; body.style.height = `${body.scrollHeight}px`; };
  body.addEventListener("input", grow);
  grow();
}

// Saving without losing one's place. A conflict, a mistake or a log-in that has ended is shown by the page that the
// plain form leads to.

let saving = false;
async function save(button) {
  if (saving) return;
  saving = true;
  const sent = typed();
  const data = new FormData(form, button);
  data.delete("files");
  say("Saving");
  try {
    const answer = await fetch(form.action, { method: "POST", body: data, headers: JSON_PLEASE });
    const result = await answer.json();
    if (answer.ok) {
      form.elements.version.value = result.version;
      form.elements.seen.value = result.seen;
      form.elements.overwrites.value = "";
      const more = typed() !== sent;
      if (!more) form.elements.slug.value = result.slug;
      // It is on record: the next save is not the same correction once more.
      if (!more && correction) {
        correction.checked = false;
        form.elements.correction_note.value = "";
      }
      saved = more ? sent : typed();
      for (const told of document.querySelectorAll("main > :is(.summary, .notice), .conflict")) told.remove();
      button.textContent = "Save";
      say(more ? "Not saved yet" : result.message);
    } else if ([400, 401, 409, 422].includes(answer.status)) {
      leaving = true;
      form.requestSubmit(plain(button));
    } else {
      say(result.error ?? "Not saved: the site answered with an error. Your text is still here.", "bad");
    }
  } catch {
    say("Not saved: the site cannot be reached. Your text is still here; try again.", "bad");
  }
  saving = false;
}

let plainly = false;
function plain(button) { plainly = true; return button; }

const saveButton = form.querySelector("button[value=save]");
form.addEventListener("submit", (event) => {
  if (event.submitter?.value === "save" && !plainly) {
    event.preventDefault();
    leaving = false;
    save(saveButton);
  }
});
document.addEventListener("keydown", (event) => {
  if ((event.ctrlKey || event.metaKey) && event.key === "s") {
    event.preventDefault();
    form.requestSubmit(saveButton);
  }
});

// The preview, beside the text and in step with it.

const pane = document.getElementById("preview");
const previewButton = document.getElementById("preview-button");
const preview = {
  timer: 0,
  asked: 0,
  soon() {
    clearTimeout(this.timer);
    if (!pane.hidden) this.timer = setTimeout(() => this.renew(), 400);
  },
  async renew() {
    const turn = ++this.asked;
    const data = new FormData();
    data.set("title", title.value);
    data.set("body", body.value);
    data.set("format", form.dataset.format);
    try {
      const answer = await fetch(form.dataset.preview, { method: "POST", body: data, headers: JSON_PLEASE });
      const result = await answer.json();
      if (turn !== this.asked) return;
      if (!answer.ok) return say(result.error, "bad");
      document.getElementById("preview-title").textContent = title.value;
      document.getElementById("preview-text").innerHTML = result.html;
    } catch {
      say("The preview waits: the site cannot be reached.", "warn");
    }
  },
};
previewButton.setAttribute("aria-controls", "preview");
function mark() {
  previewButton.setAttribute("aria-expanded", String(!pane.hidden));
  previewButton.textContent = pane.hidden ? "Preview" : "Hide preview";
  // On a phone the preview stands in the text's place.
  form.classList.toggle("previewing", !pane.hidden);
}
previewButton.addEventListener("click", (event) => {
  event.preventDefault();
  pane.hidden = !pane.hidden;
  mark();
  if (!pane.hidden) preview.renew();
});
mark();

// Files: chosen, dropped or pasted, each is attached and its line put where the cursor is.

function insert(line) {
  const before = body.value.slice(0, body.selectionStart);
  const gap = before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  body.setRangeText(`${gap}${line}\n`, body.selectionStart, body.selectionEnd, "end");
  body.dispatchEvent(new Event("input", { bubbles: true }));
}

async function upload(files) {
  for (const file of files) {
    say(`Attaching ${file.name}`);
    const data = new FormData();
    data.set("file", file);
    try {
      const answer = await fetch(form.dataset.upload, { method: "POST", body: data, headers: JSON_PLEASE });
      const type = answer.headers.get("Content-Type") ?? "";
      const result = type.startsWith("application/json") ? await answer.json() : {};
      if (!answer.ok) {
        say(result.error ?? `${file.name} was not attached${answer.status === 413 ? ": it is too big" : ""}.`, "bad");
        return;
      }
      insert(result.line);
      say(`${result.name} is attached. Save to keep its line.`);
    } catch {
      say(`${file.name} was not attached: the site cannot be reached.`, "bad");
      return;
    }
  }
}

const chooser = form.elements.files;
document.getElementById("attach-button").hidden = true;
chooser.addEventListener("change", async () => {
  await upload([...chooser.files]);
  chooser.value = "";
});
for (const button of form.querySelectorAll("button.insert")) {
  button.hidden = false;
  button.addEventListener("click", () => insert(button.dataset.line));
}
const carriesFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");
form.addEventListener("dragover", (event) => {
  if (!carriesFiles(event.dataTransfer)) return;
  event.preventDefault();
  form.classList.add("dropping");
});
form.addEventListener("dragleave", () => form.classList.remove("dropping"));
form.addEventListener("drop", (event) => {
  form.classList.remove("dropping");
  if (!carriesFiles(event.dataTransfer)) return;
  event.preventDefault();
  upload([...event.dataTransfer.files]);
});
body.addEventListener("paste", (event) => {
  const files = [...(event.clipboardData?.files ?? [])];
  if (files.length === 0 || event.clipboardData.types.includes("text/plain")) return;
  event.preventDefault();
  upload(files);
});
