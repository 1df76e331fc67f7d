// Under the editor: sections are added, moved and taken away without leaving the page, whose text may not be saved yet.
// Without it each of these forms opens a window of its own.

const box = () => document.querySelector("#sections[data-beside]");

document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!box()?.contains(form)) return;
  event.preventDefault();
  const data = new FormData(form, event.submitter);
  data.set("beside", "yes");
  const buttons = [...form.querySelectorAll("button")];
  buttons.forEach((button) => { button.disabled = true; });
  try {
    const response = await fetch(form.action, { method: "POST", body: data, headers: { "X-Requested-With": "fetch" } });
    const text = await response.text();
    const fresh = new DOMParser().parseFromString(text, "text/html").querySelector("#sections");
    if (response.redirected || !fresh) throw new Error("no list came back");
    box().replaceWith(fresh);
    const wrong = fresh.querySelector("[aria-invalid], [role=alert]");
    (wrong ?? fresh.querySelector("summary"))?.focus();
  } catch {
    buttons.forEach((button) => { button.disabled = false; });
    let line = form.querySelector(".error");
    if (!line) form.append(line = Object.assign(document.createElement("p"), { className: "error" }));
    line.setAttribute("role", "alert");
    line.textContent = "Not added: the site did not answer, or you are no longer logged in. What you typed is still here.";
  }
});
