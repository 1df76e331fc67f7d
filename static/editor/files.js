// Files: chosen, dropped or pasted, each is attached with its progress shown, and its line put where the cursor is.

import { body, button, form, JSON_PLEASE, say } from "./sheet.js";
import { insertBlock } from "./typing.js";

const list = document.getElementById("uploads");
const chooser = form.elements.files;

/** Send one file. Resolves to what the server answered; `undefined` where somebody stopped it. */
function send(file) {
  const item = document.createElement("li");
  const bar = document.createElement("progress");
  const request = new XMLHttpRequest();
  bar.max = 1;
  bar.setAttribute("aria-label", `Attaching ${file.name}`);
  item.append(file.name, bar, button("Stop", () => request.abort()));
  list.append(item);
  return new Promise((resolve) => {
    request.upload.addEventListener("progress", (event) => { bar.value = event.loaded / event.total; });
    request.addEventListener("loadend", () => {
      item.remove();
      let result = {};
      try { result = JSON.parse(request.responseText); } catch { /* A proxy's own page. */ }
      resolve({ status: request.status, ...result });
    });
    request.addEventListener("abort", () => resolve(undefined));
    request.open("POST", form.dataset.upload);
    for (const [name, value] of Object.entries(JSON_PLEASE)) request.setRequestHeader(name, value);
    const data = new FormData();
    data.set("file", file);
    request.send(data);
  });
}

async function upload(files) {
  for (const file of files) {
    say(`Attaching ${file.name}`);
    const result = await send(file);
    if (!result) {
      say(`${file.name} was stopped, and is not attached.`, "warn");
    } else if (result.status === 0) {
      say(`${file.name} was not attached: the site cannot be reached.`, "bad");
      return;
    } else if (result.status >= 400) {
      say(result.error ?? `${file.name} was not attached${result.status === 413 ? ": it is too big" : ""}.`, "bad");
      return;
    } else {
      document.getElementById("file-list").innerHTML = result.files;
      insertButtons();
      insertBlock(result.line);
      say(`${result.name} is attached.`);
    }
  }
}

function insertButtons() {
  for (const shown of form.querySelectorAll("button.insert")) {
    shown.hidden = false;
    shown.onclick = () => insertBlock(shown.dataset.line);
  }
}

const carriesFiles = (transfer) => [...(transfer?.types ?? [])].includes("Files");

export function begin() {
  document.getElementById("attach-button").hidden = true;
  insertButtons();
  chooser.addEventListener("change", async () => {
    await upload([...chooser.files]);
    chooser.value = "";
  });
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
}
