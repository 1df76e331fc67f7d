"""A draft's text with its sections woven in: Markdown out of what members added, each signed. Pure.

Sections stand at a line `<!-- sections -->`, else at the end, before the definitions of links and notes that a text
ends in. Each is written on its own, so an id that it shares with the text or another one (`[1]: …`, `[^1]: …`) is
given another name: in one text the last definition would count for all.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count

MARKER = re.compile(r"[ ]{0,3}<!--\s*sections\s*-->[ \t]*", re.IGNORECASE)
FENCE = re.compile(r"[ ]{0,3}(?P<mark>`{3,}|~{3,})(?P<behind>.*)")
DEFINITION = re.compile(r"[ ]{0,3}(?P<short>\*?)\[(?P<id>[^\n\]]+)\]:[ \t]*(?P<rest>.*)")
NOTE = re.compile(r"[ ]{0,3}\[\^[^\n\]]+\]:")
INDENTED = re.compile(r"[ ]{4}|\t")
# A line that belongs to no running text: a list, a quotation, a heading or its underline, a table, HTML, attributes.
NO_PARAGRAPH = re.compile(
    r"\s*(?:[-*+]|\d+[.)])\s|[ ]{0,3}[>#<|:=]|[ ]{0,3}\{:|[ ]{4}|\t|.*\s\|\s|\s*(?:[-*_]\s*){3,}$"
)
# Code, a definition, or an id in brackets; `alone`: no label or address follows, at most "[]".
NAMED = re.compile(
    r"(?<!`)(?P<code>`++)(?:(?!\n\n).){1,2000}?(?<!`)(?P=code)(?!`)"
    r"|(?m:^)(?P<indent>[ ]{0,3})\[(?P<defined>[^\[\]]+)\]:"
    r"|\[(?P<id>[^\[\]]+)\](?P<alone>(?:\[\])?(?!\(|\[[^\]]))?",
    re.DOTALL,
)
SPECIAL = re.compile(r"[\\`*\[\]<{~]|(?<!\w)_|_(?!\w)|#+$")


@dataclass(frozen=True)
class Signed:
    """A section: `url` and `body` may be empty, `signature` is Markdown."""

    title: str
    url: str
    body: str
    signature: str


def compose(body: str, sections: Sequence[Signed]) -> str:
    """The text with the sections in their order; as it is where there are none."""
    if not sections:
        return body
    known, tried = definitions_in(body), dict[str, int]()
    woven = []
    for section in sections:
        text = apart(section.body, known, tried)
        known.update(definitions_in(text))
        woven.append(markdown_of(Signed(section.title, section.url, text, section.signature)))
    before, after = _place(body)
    return "\n\n".join(filter(None, [before, *woven, after])) + "\n"


def markdown_of(section: Signed) -> str:
    """`### [Title](url)` or `## Title`, the comment, and who signs."""
    title = SPECIAL.sub(lambda sign: "".join(f"\\{one}" for one in sign[0]), section.title)
    heading = f"### [{title}]({_address(section.url)})" if section.url else f"## {title}"
    words, definitions = _parted(closed(section.body))
    return "\n\n".join(filter(None, [heading, _sign(words, section.signature), definitions]))


def _address(url: str) -> str:
    """The address as it may stand in parentheses."""
    depth = 0
    for sign in url:
        depth += (sign == "(") - (sign == ")")
        if depth < 0:
            break
    unsafe = r'[\s<>"\\]' if depth == 0 else r'[\s<>"\\()]'
    return re.sub(unsafe, lambda sign: f"%{ord(sign[0]):02X}", url)


def _sign(words: str, signature: str) -> str:
    """Behind the last words of a paragraph; else on a line of its own."""
    if not words:
        return signature
    last = words.split("\n")
    begin = max((n for n, line in enumerate(last) if not line.strip()), default=-1) + 1
    fenced = any(in_code for _, in_code in lines_of(words)[begin:])
    running = not fenced and not any(NO_PARAGRAPH.match(line) for line in last[begin:])
    return f"{words} {signature}" if running else f"{words}\n\n{signature}"


def lines_of(text: str) -> list[tuple[str, bool]]:
    """The lines, each with whether it is of a fenced block of code (the fences too)."""
    return _read(text)[0]


def _read(text: str) -> tuple[list[tuple[str, bool]], str]:
    """The lines, and the fence that was left open at the end: "" for none."""
    found, fence = [], ""
    for line in text.split("\n"):
        mark = FENCE.match(line)
        if fence:
            found.append((line, True))
            if mark and mark["mark"].startswith(fence) and not mark["behind"].strip():
                fence = ""
        else:
            fence = mark["mark"] if mark and not (mark["mark"][0] == "`" and "`" in mark["behind"]) else ""
            found.append((line, bool(fence)))
    return found, fence


def closed(text: str) -> str:
    """The text without empty lines around it; a fence left open is closed, or it would swallow what follows."""
    text = re.sub(r"\A(?:[ \t]*\n)+", "", text).rstrip()
    fence = _read(text)[1]
    return f"{text}\n{fence}" if fence else text


def _place(body: str) -> tuple[str, str]:
    """What stands before the sections, and what after them."""
    lines = lines_of(body)
    for number, (line, in_code) in enumerate(lines):
        if not in_code and MARKER.fullmatch(line):
            before, after = ("\n".join(text for text, _ in part) for part in (lines[:number], lines[number + 1 :]))
            return closed(before), after.strip("\n").rstrip()
    return _parted(closed(body))


def _parted(text: str) -> tuple[str, str]:
    """The text, and the definitions of links, abbreviations and notes that it ends in."""
    lines = lines_of(text)
    cut = len(lines)
    for begin, end in _blocks_backwards(lines):
        block = lines[begin:end]
        if any(in_code for _, in_code in block):
            break
        if NOTE.match(block[0][0]) or all(DEFINITION.match(line) for line, _ in block):
            cut = begin
        elif not all(INDENTED.match(line) for line, _ in block):  # Else what a note before it may go on with.
            break
    before, after = ("\n".join(line for line, _ in part) for part in (lines[:cut], lines[cut:]))
    return before.rstrip(), after.strip("\n")


def _blocks_backwards(lines: Sequence[tuple[str, bool]]) -> Iterator[tuple[int, int]]:
    """(begin, end) of the runs of lines with no empty line in between, the last first."""
    end = len(lines)
    while end > 0:
        if not lines[end - 1][0].strip():
            end -= 1
            continue
        begin = end
        while begin > 0 and lines[begin - 1][0].strip():
            begin -= 1
        yield begin, end
        end = begin


def definitions_in(text: str) -> dict[str, str]:
    """Id (`^1` for a note) -> what it is defined as; without abbreviations, which mean the same everywhere."""
    found = {}
    for line, in_code in lines_of(text):
        if not in_code and (definition := DEFINITION.match(line)) and not definition["short"]:
            found[_key(definition["id"])] = definition["rest"].strip()
    return found


def _key(id: str) -> str:
    return re.sub(r"\s+", " ", id).lower()


def apart(text: str, known: Mapping[str, str], tried: dict[str, int] | None = None) -> str:
    """The text with another name for each id that is known to mean something else, or to be a note.

    Args:
        tried: id -> the number that it was given last; for several texts of one draft, which makes it quick.
    """
    own, names = definitions_in(text), dict[str, str]()
    tried = {} if tried is None else tried
    for key, rest in own.items():
        if key in known and (key.startswith("^") or known[key] != rest):
            numbers = count(tried.get(key, 1) + 1)
            tried[key] = next(n for n in numbers if f"{key}-{n}" not in known and f"{key}-{n}" not in own)
            names[key] = f"{key}-{tried[key]}"
    return _renamed(text, names) if names else text


def _renamed(text: str, names: Mapping[str, str]) -> str:
    """Use the names for the ids in their definitions and wherever they are referred to, but for code."""

    def rename(found: re.Match[str]) -> str:
        name = None if found["code"] else names.get(_key(found["defined"] or found["id"]))
        return found[0] if name is None else _named(found, name)

    done: list[str] = []
    run: list[str] = []
    for line, in_code in [*lines_of(text), ("", True)]:
        if not in_code:
            run.append(line)
            continue
        done += [NAMED.sub(rename, "\n".join(run))] if run else []
        run = []
        done.append(line)
    return "\n".join(done[:-1])


def _named(found: re.Match[str], name: str) -> str:
    """The id's brackets with its other name in them, or behind them where its words are what readers see."""
    if found["defined"]:
        return f"{found['indent']}[{name}]:"
    if name.startswith("^") or found.string.endswith("]", 0, found.start()):
        return f"[{name}]{found['alone'] or ''}"
    return found[0] if found["alone"] is None else f"[{found['id']}][{name}]"
