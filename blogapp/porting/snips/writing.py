"""Writing snips: one that came from a file with the smallest difference, one that was made here anew. Pure."""

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from difflib import SequenceMatcher

from blogapp.porting.snips.carrying import carry_over

KEY = re.compile(r":(?P<key>[^:\s]+):[ \t]*")
# Another site may have an address that goes on like ours.
BEFORE = r"(?<![\w.:/-])"
OWN_PATH = r"/files/(?P<id>\d+)/(?P<name>[^\s\"'<>)\]]+)"
OWN_FILE = re.compile(BEFORE + OWN_PATH)
BY = re.compile(r"<%=-?\s*by\b(?P<names>[^%]*)%>")
NAME = re.compile(r"['\"]([a-z0-9-]+)['\"]")
LINE_END = re.compile(r"\r\n|\r|\n")
SIGNED = re.compile(r"— (?:\[[^\]\n]*\]\(/(?P<md>[a-z0-9-]+)\)|<a href=\"/(?P<html>[a-z0-9-]+)\">[^<\n]*</a>)")


@dataclass(frozen=True)
class Original:
    """A file taken apart so that its parts put together are the file: nothing is trimmed.

    `came`: the text with its own line ends; the other parts have plain ones.
    """

    mark: str
    leading: str
    body: str
    trailing: str
    block: str
    came: str

    def put_together(self) -> bytes:
        text = self.leading + self.body + self.trailing + self.block
        return (self.mark + _ended_alike(text, self.came)).encode("utf-8")


def take_apart(content: bytes) -> Original:
    """The parts of a snip's bytes (UTF-8, as an import has found)."""
    text = content.decode("utf-8")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    came = text.removeprefix("\ufeff")
    text = LINE_END.sub("\n", came)
    start = 0 if text.startswith(":") else text.find("\n:") + 1 or len(text)
    whole, block = text[:start], text[start:]
    inner = whole.strip("\n").rstrip()
    leading = whole[: len(whole) - len(whole.lstrip("\n"))] if inner else ""
    return Original(mark, leading, inner, whole[len(leading) + len(inner) :], block, came)


def edited(content: bytes, was: str, body: str, changes: Mapping[str, str | None]) -> bytes:
    """The file with the edits made here.

    Args:
        was: the text that the file became here.
        body: the text that it is now.
        changes: key -> its new value; None takes it away.
    """
    file = take_apart(content)
    if body != was:
        words = _kept_a_text(_in_its_words(file.body, was, body)).rstrip()
        file = replace(file, body=words, trailing=file.trailing or "\n\n")
    return replace(file, block=change_block(file.block, changes)).put_together()


def change_block(block: str, changes: Mapping[str, str | None]) -> str:
    """The metadata block with other values for some keys; every other line stays as it is."""
    lines = block.split("\n")
    for key, value in changes.items():
        places = [n for n, line in enumerate(lines) if (m := KEY.match(line)) and m["key"].lower() == key]
        for at in reversed(places if value is None else places[-1:]):
            end = at + 1
            while end < len(lines) and lines[end][:1] in (" ", "\t") and lines[end].strip():
                end += 1  # A value may go on in indented lines.
            head = KEY.match(lines[at])
            assert head is not None
            lines[at:end] = [] if value is None else [head[0].rstrip() + " " + value]
        if not places and value is not None:
            last = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].strip()), -1)
            lines.insert(last + 1, f":{key}: {value}")
    return "\n".join(lines)


def composed(body: str, meta: Mapping[str, str]) -> bytes:
    """A snip of a text that was written here."""
    text = _kept_a_text(body.strip("\n").rstrip())
    block = "".join(f":{key}: {value}\n" for key, value in meta.items())
    return f"{text}\n\n{block}".encode()


def stamp(at: datetime) -> str:
    """`2018-02-09 10:22:25.858411000 +00:00`"""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}000 +00:00"


def _kept_a_text(body: str) -> str:
    """A line that begins with a colon would end the text: it gets a blank."""
    return re.sub(r"^:", " :", body, flags=re.MULTILINE)


def _ended_alike(text: str, came: str) -> str:
    """The text with the line ends of the one that came: each line that is still there keeps its own."""
    ends = LINE_END.findall(came)
    if not ends:
        return text
    [(usual, count)] = Counter(ends).most_common(1)
    if count == len(ends):
        return text.replace("\n", usual)
    old, new = LINE_END.split(came), text.split("\n")
    ends.append(usual)
    kept = [usual] * len(new)
    for start, first, size in SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        kept[first : first + size] = ends[start : start + size]
    return "".join(line + end for line, end in zip(new, [*kept[:-1], ""], strict=True))


def _in_its_words(original: str, was: str, body: str) -> str:
    """The original's body with the edits, and in the edited lines its own addresses of pictures and its helpers."""
    addresses = old_addresses(original, was)
    words = carry_over(was, _signed_again(original, was, body), original)
    return OWN_FILE.sub(lambda match: addresses.get(match[0], match[0]), words)


def _signed_again(original: str, was: str, body: str) -> str:
    """In edited lines, the helper again for those whom the original lets sign with it."""
    tags = [match for match in BY.finditer(original) if match[0] not in was]
    names = {name for match in tags for name in NAME.findall(match["names"])}
    known = set(was.split("\n"))

    def say(match: re.Match[str]) -> str:
        name = match["md"] or match["html"]
        return f"<%= by('{name}') %>" if name in names else match[0]

    return "\n".join(line if not names or line in known else SIGNED.sub(say, line) for line in body.split("\n"))


def old_addresses(original: str, was: str) -> dict[str, str]:
    """`/files/12/a.png` -> the address that the original has in its place."""
    found: dict[str, str] = {}
    if not OWN_FILE.search(was):
        return found
    ours, theirs = was.split("\n"), original.split("\n")
    for tag, start, end, first, last in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if tag != "replace":
            continue
        pairs = end - start == last - first
        for number in range(start, end):
            # A helper may have become many lines; then the next one that says the same is meant.
            nearby = range(first + number - start, last)[:1] if pairs else range(first, last)
            for at in nearby:
                if addresses := _in_place_of(ours[number], theirs[at]):
                    found.update(addresses)
                    first = first if pairs else at + 1
                    break
    return found


def _in_place_of(ours: str, theirs: str) -> dict[str, str]:
    """The addresses of a line that says the same, but for them; none where it says something else."""
    literal = [re.escape(part) for part in OWN_FILE.sub("\0", ours).split("\0")]
    match = re.fullmatch(r"([^\"'<>)\]\n]+?)".join(literal), theirs) if len(literal) > 1 else None
    return dict(zip((m[0] for m in OWN_FILE.finditer(ours)), match.groups(), strict=True)) if match else {}
