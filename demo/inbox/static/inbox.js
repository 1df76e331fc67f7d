// Keeps the list up to date while the page is open, and makes the frame as tall as the mail in it.

const list = document.querySelector(".mails");

async function follow() {
  let stamp = list.dataset.stamp;
  for (;;) {
    try {
      const answer = await fetch(`${list.dataset.news}?stamp=${stamp}&open=${list.dataset.open ?? 0}`);
      if (!answer.ok) throw new Error(answer.statusText);
      const news = await answer.json();
      if (String(news.stamp) !== stamp) show(news);
      stamp = String(news.stamp);
      // Many at once are drawn together.
      await new Promise((done) => setTimeout(done, 150));
    } catch {
      await new Promise((done) => setTimeout(done, 2000));
    }
  }
}

function show(news) {
  const focused = document.activeElement?.closest?.(".mails a")?.getAttribute("href");
  list.innerHTML = news.rows;
  if (focused) list.querySelector(`a[href="${CSS.escape(focused)}"]`)?.focus({ preventScroll: true });
  // What stands around the list depends on whether there is any: the empty page teaches the first step.
  const wasEmpty = document.querySelector(".delete") === null;
  if (news.total === 0 && !wasEmpty) location.assign("/");
  else if (news.total > 0 && wasEmpty) location.reload();
}

function fit(frame) {
  const measure = () => {
    const page = frame.contentDocument?.documentElement;
    if (page) frame.style.height = `${Math.max(page.scrollHeight, page.getBoundingClientRect().height) + 4}px`;
  };
  frame.addEventListener("load", () => {
    measure();
    if (frame.contentDocument?.body) new ResizeObserver(measure).observe(frame.contentDocument.body);
  });
  if (frame.contentDocument?.readyState === "complete") measure();
}

follow();
document.querySelectorAll("iframe.letter").forEach(fit);
