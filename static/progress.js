// Watches a digest or a job: the line, the bar and the figures three times a second while it is live, now and then before.

const box = document.querySelector("[data-progress]");
const line = document.getElementById("line");
const details = document.getElementById("details");
const bar = document.getElementById("bar");
const live = box.dataset.live === "yes";
const EVERY_MS = live ? 300 : 5000;
const AFTER_TROUBLE_MS = 3000;

async function look() {
  let wait = EVERY_MS;
  try {
    const answer = await fetch(box.dataset.progress, { headers: { Accept: "application/json" } });
    if (!answer.ok) throw new Error(String(answer.status));
    const story = await answer.json();
    // Another state has other buttons: the page itself knows which.
    if (story.state !== box.dataset.state || story.live !== live) return location.reload();
    show(story);
  } catch {
    wait = AFTER_TROUBLE_MS;
  }
  setTimeout(look, wait);
}

function show(story) {
  line.textContent = story.line;
  details.replaceChildren(...story.details.map((words) => {
    const item = document.createElement("li");
    item.textContent = words;
    return item;
  }));
  if (bar && story.total > 0) {
    bar.max = story.total;
    bar.value = story.done;
  }
}

setTimeout(look, EVERY_MS);
