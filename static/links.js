// Reference links in the editor: labels suggested while `[words][la` is typed, and the block under the text kept in step.

const block = document.getElementById("links-in-text"); // null where the text is HTML
const body = document.getElementById("body");
const token = document.querySelector("#editor [name=csrf_token]");

if (block && body) {
  renewBlock();
  suggest();
}

// The block under the text: asked for when typing pauses; left as it is where the site cannot be reached.

function renewBlock() {
  let timer = 0;
  let turn = 0;
  async function renew() {
    const mine = ++turn;
    const data = new FormData();
    data.set("body", body.value);
    const headers = { Accept: "application/json", "X-CSRFToken": token.value };
    try {
      const answer = await fetch(block.dataset.renew, { method: "POST", body: data, headers });
      if (!answer.ok || mine !== turn) return;
      const { html } = await answer.json();
      if (mine !== turn || block.contains(document.activeElement)) return;
      const known = block.querySelector("details");
      const open = known?.open;
      block.innerHTML = html;
      // What somebody opened or closed stays so.
      const now = block.querySelector("details");
      if (known && now) now.open = open;
    } catch { /* The next pause asks again. */ }
  }
  body.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(renew, 700);
  });
}

// Suggestions: a list box that the text's cursor walks through (aria-activedescendant), never taking the focus.

function suggest() {
  const list = document.createElement("ul");
  list.id = "label-list";
  list.className = "label-list";
  list.hidden = true;
  list.setAttribute("role", "listbox");
  list.setAttribute("aria-label", "Labels");
  const said = document.createElement("p");
  said.className = "visually-hidden";
  said.setAttribute("role", "status");
  body.after(list, said);
  body.setAttribute("aria-autocomplete", "list");
  body.setAttribute("aria-controls", list.id);

  let found = [];
  let chosen = -1;
  let asked = "";
  let turn = 0;
  let timer = 0;
  let dismissed = "";

  // What stands before the cursor: the words in brackets and the beginning of a label behind them.
  function typing() {
    if (body.selectionStart !== body.selectionEnd) return null;
    const before = body.value.slice(Math.max(0, body.selectionStart - 400), body.selectionStart);
    const match = /\[([^\[\]\n]+)\]\[([^\[\]\n]{0,200})$/.exec(before);
    return match && { words: match[1], label: match[2], key: `${body.selectionStart - match[2].length} ${match[2]}` };
  }

  function close() {
    turn += 1;
    clearTimeout(timer);
    list.hidden = true;
    list.replaceChildren();
    found = [];
    choose(-1);
    asked = "";
    said.textContent = "";
  }

  function choose(number) {
    chosen = number;
    [...list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === number)));
    if (number < 0) body.removeAttribute("aria-activedescendant");
    else {
      body.setAttribute("aria-activedescendant", list.children[number].id);
      list.children[number].scrollIntoView({ block: "nearest" });
    }
  }

  function part(name, text, kind = "") {
    const element = document.createElement(name);
    element.textContent = text;
    element.className = kind;
    return element;
  }

  function show(labels) {
    found = labels;
    list.replaceChildren(...labels.map((one, place) => {
      const item = document.createElement("li");
      item.id = `label-${place}`;
      item.setAttribute("role", "option");
      item.append(part("strong", one.label), part("span", one.url, "address"), part("span", one.note, "meta"));
      // The text keeps the focus, and a phone its keyboard.
      item.addEventListener("pointerdown", (event) => event.preventDefault());
      item.addEventListener("click", () => take(place));
      return item;
    }));
    list.hidden = labels.length === 0;
    choose(labels.length ? 0 : -1);
    said.textContent = labels.length === 1 ? "1 label. Enter takes it." : labels.length ? `${labels.length} labels. The arrow keys choose, Enter takes one.` : "";
    if (labels.length) list.style.top = `${cursorBottom()}px`;
  }

  // How far down in the field the line of the cursor ends, read off a copy of the text in the same shape.
  function cursorBottom() {
    const mirror = document.createElement("div");
    mirror.className = "label-mirror";
    const style = getComputedStyle(body);
    for (const name of ["font", "letterSpacing", "padding", "border", "lineHeight", "tabSize"]) mirror.style[name] = style[name];
    mirror.style.width = `${body.clientWidth}px`;
    const mark = document.createElement("span");
    mark.textContent = "|";
    mirror.append(body.value.slice(0, body.selectionStart), mark);
    body.after(mirror);
    const bottom = mark.offsetTop + mark.offsetHeight - body.scrollTop;
    mirror.remove();
    return body.offsetTop + Math.min(bottom, body.clientHeight) + 4;
  }

  function take(place) {
    const at = typing();
    if (!at) return close();
    const start = body.selectionStart - at.label.length;
    const closing = body.value[body.selectionEnd] === "]" ? 1 : 0;
    const text = `${found[place].label}]`;
    close();
    body.focus();
    body.setSelectionRange(start, body.selectionEnd + closing);
    // As if typed, so that it can be undone; where the browser does not do that, it is put in.
    if (!document.execCommand("insertText", false, text)) {
      body.setRangeText(text, start, body.selectionEnd, "end");
      body.dispatchEvent(new Event("input", { bubbles: true }));
    }
  }

  async function ask(at) {
    const mine = ++turn;
    const query = new URLSearchParams({ q: at.label, text: at.words });
    try {
      const answer = await fetch(`${block.dataset.suggest}?${query}`, { headers: { Accept: "application/json" } });
      if (!answer.ok || mine !== turn) return;
      const { labels } = await answer.json();
      if (mine === turn && typing()?.key === at.key) show(labels);
    } catch { /* Without suggestions the label is typed. */ }
  }

  function look() {
    const at = typing();
    if (!at || at.key === dismissed) return close();
    dismissed = "";
    if (at.key === asked) return;
    asked = at.key;
    // Until the answer comes, what no longer fits is not offered: Enter takes nothing by mistake.
    const still = found.filter((one) => one.label.includes(at.label.toLowerCase()));
    if (still.length !== found.length) show(still);
    clearTimeout(timer);
    timer = setTimeout(() => ask(at), 120);
  }

  body.addEventListener("input", look);
  body.addEventListener("click", look);
  body.addEventListener("blur", close);
  body.addEventListener("keyup", (event) => { if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key)) look(); });
  body.addEventListener("keydown", (event) => {
    if (list.hidden || event.isComposing || event.ctrlKey || event.metaKey || event.altKey) return;
    const steps = { ArrowDown: 1, ArrowUp: -1 };
    if (event.key in steps) choose((chosen + steps[event.key] + found.length) % found.length);
    else if ((event.key === "Enter" || event.key === "Tab") && !event.shiftKey && chosen >= 0) take(chosen);
    else if (event.key === "Escape") {
      dismissed = typing()?.key ?? "";
      close();
    } else return;
    event.preventDefault();
  });
}
