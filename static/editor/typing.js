// Markdown under one's fingers: bold, links, lists that go on by themselves, footnotes, tables.

import { body } from "./sheet.js";

/** Put text in the place of a stretch, as if typed, so that the browser's own undo takes it back. */
export function replace(start, end, text) {
  body.focus();
  body.setSelectionRange(start, end);
  const done = text ? document.execCommand("insertText", false, text) : start === end || document.execCommand("delete");
  if (done) return;
  body.setRangeText(text, start, end, "end");
  body.dispatchEvent(new Event("input", { bubbles: true }));
}

/** A line of its own where the cursor is. */
export function insertBlock(line) {
  const { selectionStart: start, selectionEnd: end, value } = body;
  const before = value.slice(0, start);
  const gap = before === "" || before.endsWith("\n\n") ? "" : before.endsWith("\n") ? "\n" : "\n\n";
  replace(start, end, `${gap}${line}\n`);
}

function wrap(mark, otherwise) {
  const { selectionStart: start, selectionEnd: end, value } = body;
  const chosen = value.slice(start, end);
  const outside = value.slice(start - mark.length, start) === mark && value.slice(end, end + mark.length) === mark;
  if (outside) {
    replace(start - mark.length, end + mark.length, chosen);
    body.setSelectionRange(start - mark.length, end - mark.length);
    return;
  }
  const words = chosen || otherwise;
  replace(start, end, `${mark}${words}${mark}`);
  body.setSelectionRange(start + mark.length, start + mark.length + words.length);
}

function linesOf() {
  const { value } = body;
  const start = value.lastIndexOf("\n", body.selectionStart - 1) + 1;
  const next = value.indexOf("\n", body.selectionEnd);
  const end = next < 0 ? value.length : next;
  return { start, end, lines: value.slice(start, end).split("\n") };
}

/** Give each chosen line a beginning, or take it away where all have it. */
function begin(pattern, make) {
  const { start, end, lines } = linesOf();
  const all = lines.every((line) => pattern.test(line));
  const text = lines.map((line, number) => (all ? line.replace(pattern, "") : make(line.replace(pattern, ""), number))).join("\n");
  replace(start, end, text);
  if (lines.length > 1) body.setSelectionRange(start, start + text.length);
}

const ADDRESS = /^(https?:\/\/|mailto:)\S+$/i;

function linkTo(address) {
  const { selectionStart: start, selectionEnd: end, value } = body;
  const words = value.slice(start, end) || "words";
  replace(start, end, `[${words}](${address})`);
  const at = start + words.length + 3;
  if (address === "https://") body.setSelectionRange(at, at + address.length);
}

function footnote() {
  const numbers = [...body.value.matchAll(/\[\^(\d+)\]/g)].map((found) => Number(found[1]));
  const name = `[^${Math.max(0, ...numbers) + 1}]`;
  replace(body.selectionEnd, body.selectionEnd, name);
  const end = body.value.trimEnd().length;
  replace(end, body.value.length, `\n\n${name}: `);
}

function table() {
  // What is chosen stays, and stands before it.
  if (body.selectionStart !== body.selectionEnd) {
    const end = linesOf().end;
    body.setSelectionRange(end, end);
  }
  const at = body.selectionStart;
  insertBlock("| What | How many |\n| --- | ---: |\n|  |  |");
  const cell = body.value.indexOf("What", at);
  body.setSelectionRange(cell, cell + 4);
}

export const ACTS = {
  bold: () => wrap("**", "bold"),
  italic: () => wrap("*", "italic"),
  code: () => wrap("`", "code"),
  link: () => linkTo("https://"),
  heading: () => begin(/^#{1,6} +/, (line) => `## ${line}`),
  list: () => begin(/^ *[-*+] +/, (line) => `- ${line}`),
  numbers: () => begin(/^ *\d+[.)] +/, (line, number) => `${number + 1}. ${line}`),
  quote: () => begin(/^> ?/, (line) => `> ${line}`),
  footnote,
  table,
};

// Lists, quotations and tables go on with Enter, and end with Enter in an empty one.

const ITEM = /^(\s*)([-*+]|\d+[.)])(\s+)(\[[ x]\] )?|^(\s*>\s?)/;

function enter() {
  const { selectionStart: at, selectionEnd, value } = body;
  if (at !== selectionEnd) return false;
  const start = value.lastIndexOf("\n", at - 1) + 1;
  const line = value.slice(start, at);
  if (/^\|.*\|\s*$/.test(line) && (value[at] ?? "\n") === "\n") return row(start, at, line);
  const item = ITEM.exec(line);
  if (!item) return false;
  if (line.length === item[0].length) {
    if (!line.trim()) return false;
    // A blank line, or what follows would still belong to the item before.
    replace(start, at, "\n");
    return true;
  }
  const [, indent, mark, gap, box] = item;
  const next = item[5] ?? `${indent}${/\d/.test(mark) ? mark.replace(/\d+/, (n) => Number(n) + 1) : mark}${gap}${box ? "[ ] " : ""}`;
  replace(at, at, `\n${next}`);
  return true;
}

function row(start, at, line) {
  const cells = line.split("|").slice(1, -1);
  if (cells.every((cell) => !cell.trim())) {
    replace(start, at, "\n");
    return true;
  }
  replace(at, at, `\n|${"  |".repeat(cells.length)}`);
  body.setSelectionRange(at + 3, at + 3);
  return true;
}

/** Tab moves an item of a list in or out; anywhere else it leaves the text, as it does on every page. */
function indent(out) {
  const { start, end, lines } = linesOf();
  if (!ITEM.test(lines[0])) return false;
  if (out && !lines.some((line) => line.startsWith("  "))) return false;
  const { selectionStart, selectionEnd } = body;
  const moved = lines.map((line) => (out ? line.replace(/^ {1,2}/, "") : `  ${line}`));
  replace(start, end, moved.join("\n"));
  const first = moved[0].length - lines[0].length;
  const all = moved.join("").length - lines.join("").length;
  body.setSelectionRange(Math.max(start, selectionStart + first), selectionEnd + all);
  return true;
}

const KEYS = { b: "bold", i: "italic", k: "link", e: "code" };

export function start() {
  body.addEventListener("keydown", (event) => {
    if (event.isComposing || event.altKey || event.defaultPrevented) return;
    const command = event.ctrlKey || event.metaKey;
    if (command && !event.shiftKey && KEYS[event.key]) {
      event.preventDefault();
      ACTS[KEYS[event.key]]();
    } else if (!command && event.key === "Enter" && !event.shiftKey && enter()) {
      event.preventDefault();
    } else if (!command && event.key === "Tab" && indent(event.shiftKey)) {
      event.preventDefault();
    }
  });
  body.addEventListener("paste", (event) => {
    const text = event.clipboardData?.getData("text/plain").trim() ?? "";
    const chosen = body.value.slice(body.selectionStart, body.selectionEnd);
    if (!ADDRESS.test(text) || !chosen.trim() || chosen.includes("\n") || ADDRESS.test(chosen.trim())) return;
    event.preventDefault();
    linkTo(text);
  });
}
