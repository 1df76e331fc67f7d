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

const EVERY_MS = 2000;
const AT_MOST = 90;
let later;

// Shows the list for what stands in the editor now; it looks again by itself while other sites are being asked.
async function show(url, looks = 1) {
  clearTimeout(later);
  const data = new FormData();
  for (const name of ["title", "body", "csrf_token"]) data.set(name, form.elements[name].value);
  const answer = await fetch(url, { method: "POST", body: data, headers: { "X-Requested-With": "fetch" } });
  if (!answer.ok) throw new Error(String(answer.status));
  const before = place.textContent;
  const fresh = document.createElement("div");
  fresh.innerHTML = await answer.text();
  // The same page: its lines are reached without loading it anew, so that nothing that was typed is left behind.
  for (const link of fresh.querySelectorAll("a[href*='#line-']")) link.href = link.hash;
  // What stays as it is is not replaced: somebody may be reading it, or be on one of its links.
  if (fresh.textContent !== before) place.replaceChildren(...fresh.childNodes);
  const list = place.querySelector(".checklist[data-waiting]");
  list?.classList.toggle("live", looks < AT_MOST);
  if (list && looks < AT_MOST) later = setTimeout(() => show(button.formAction, looks + 1).catch(() => {}), EVERY_MS);
}

async function check(event, url) {
  event.preventDefault();
  try {
    await show(url);
    place.scrollIntoView({ block: "nearest" });
  } catch {
    place.textContent = "Not checked: the site does not answer. Your text is still here.";
  }
}

button.addEventListener("click", (event) => check(event, button.formAction));
place.addEventListener("click", (event) => {
  // By hand: an address that is there already would tell nobody that it was asked for again.
  const line = event.target.closest("a[href^='#line-']");
  if (line && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    event.preventDefault();
    history.replaceState(null, "", line.hash);
    goToLine();
  }
  const asks = event.target.closest("[data-outside]");
  if (asks) check(event, asks.formAction);
});
