// While other sites are being asked about the links of a draft, its page shows what is known by now.

const EVERY_MS = 2000;
const AT_MOST = 90;
// These can change with what is found: the list itself, and what the button says of it.
const PARTS = [".checklist", "button[form=publish]"];

async function look(tries) {
  const list = document.querySelector(".checklist[data-waiting]");
  if (!list) return;
  if (tries > AT_MOST) return list.classList.remove("live");
  // Meanwhile nobody has to reload.
  list.classList.add("live");
  await new Promise((done) => setTimeout(done, EVERY_MS));
  try {
    const answer = await fetch(location.pathname);
    if (!answer.ok) throw new Error(String(answer.status));
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of PARTS) {
      const [here, there] = [document.querySelector(part), fresh.querySelector(part)];
      if (here && there && here.textContent !== there.textContent) here.replaceWith(document.adoptNode(there));
    }
  } catch {
    // The network is away, or the log-in is over: the next look says so again, and the page itself stays as it is.
  }
  look(tries + 1);
}

look(1);
