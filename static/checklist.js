// Checking the text under the editor, and going to the line that an address names (#line-12).

const form = document.getElementById("editor");
const body = form.elements.body;
const button = document.getElementById("check-button");
const place = document.getElementById("checklist");

function goToLine() {
  const number = Number(/^#line-(\d{1,6})$/.exec(location.hash)?.[1]);
  if (!number) return;
  const lines = body.value.split("\n");
  const start = lines.slice(0, number - 1).reduce((sum, line) => sum + line.length + 1, 0);
  body.focus();
  body.setSelectionRange(start, start + (lines[number - 1]?.length ?? 0));
  // Where the field is as tall as its text, the page has to be moved: an equally long way down.
  const box = body.getBoundingClientRect();
  const share = (number - 1) / Math.max(1, lines.length);
  window.scrollTo({ top: window.scrollY + box.top + share * box.height - window.innerHeight / 3 });
}

window.addEventListener("hashchange", goToLine);
goToLine();

button.addEventListener("click", async (event) => {
  event.preventDefault();
  const data = new FormData();
  for (const name of ["title", "body", "csrf_token"]) data.set(name, form.elements[name].value);
  try {
    const answer = await fetch(button.formAction, { method: "POST", body: data, headers: { "X-Requested-With": "fetch" } });
    if (!answer.ok) throw new Error(String(answer.status));
    place.innerHTML = await answer.text();
    // The same page: its lines are reached without loading it anew, so that nothing that was typed is left behind.
    for (const link of place.querySelectorAll("a[href*='#line-']")) link.href = link.hash;
    place.scrollIntoView({ block: "nearest" });
  } catch {
    place.textContent = "Not checked: the site does not answer. Your text is still here.";
  }
});
