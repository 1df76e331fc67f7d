// Says how far an upload is, and refuses what is too big before it is sent. Without this the form is an ordinary one.

const form = document.getElementById("upload");
const said = document.getElementById("sent");
const bar = document.getElementById("sent-bar");
const button = form.querySelector("button");
const most = Number(form.dataset.most);

function say(words, bad = false) {
  said.textContent = words;
  said.className = bad ? "state bad" : "meta";
}

function ready() {
  button.disabled = false;
  bar.hidden = true;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const files = [...form.querySelectorAll("input[type=file]")].flatMap((field) => [...field.files]);
  if (files.length === 0) return say("Choose a file first.", true);
  if (files.reduce((sum, file) => sum + file.size, 0) > most) {
    return say(`This is larger than ${most / 1e9} GB, the most that can be uploaded here.`, true);
  }
  const request = new XMLHttpRequest(); // fetch tells nothing of how much has left
  const data = new FormData(form);
  button.disabled = true;
  bar.hidden = false;
  say("Uploading");
  request.upload.addEventListener("progress", (step) => {
    bar.value = step.total > 0 ? step.loaded / step.total : 0;
    say(bar.value < 1 ? `Uploading, ${Math.floor(100 * bar.value)} %` : "Arrived, being looked at");
  });
  request.addEventListener("load", () => {
    let answer = {};
    try { answer = JSON.parse(request.responseText); } catch { /* a page, from something on the way */ }
    if (answer.location) return location.assign(answer.location);
    ready();
    const tooBig = request.status === 413 ? "This is larger than the web server on the way lets through." : "";
    say(answer.error ?? (tooBig || "Not uploaded: the site answered with an error."), true);
  });
  request.addEventListener("error", () => {
    ready();
    say("Not uploaded: the connection broke. Nothing was kept; try again.", true);
  });
  request.open("POST", form.action);
  request.setRequestHeader("Accept", "application/json");
  request.send(data);
});
window.addEventListener("pageshow", ready);
