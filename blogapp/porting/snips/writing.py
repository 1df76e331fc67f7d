"""Writing snips: one that came from a file with the smallest difference, one that was made here anew. Pure."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from blogapp.porting.snips.carrying import carry_over

KEY = re.compile(r":(?P<key>[^:\s]+):[ \t]*")
OWN_FILE = re.compile(r"/files/(?P<id>\d+)/(?P<name>[^\s\"'<>)\]]+)")
SIGNED = re.compile(r"— (?:\[[^\]\n]*\]\(/(?P<md>[a-z0-9-]+)\)|<a href=\"/(?P<html>[a-z0-9-]+)\">[^<\n]*</a>)")


@dataclass(frozen=True)
class Original:
    """A file taken apart so that its parts put together are the file: nothing is trimmed.

    `newline`: how its lines end; the other parts have plain ones.
    """

    mark: str
    leading: str
    body: str
    trailing: str
    block: str
    newline: str

    def put_together(self) -> bytes:
        text = self.leading + self.body + self.trailing + self.block
        return (self.mark + text.replace("\n", self.newline)).encode("utf-8")


def take_apart(content: bytes) -> Original:
    """The parts of a snip's bytes (UTF-8, as an import has found)."""
    text = content.decode("utf-8")
    mark = "\ufeff" if text.startswith("\ufeff") else ""
    newline = "\r\n" if "\r\n" in text else "\n"
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    start = 0 if text.startswith(":") else text.find("\n:") + 1 or len(text)
    whole, block = text[:start], text[start:]
    inner = whole.strip("\n").rstrip()
    leading = whole[: len(whole) - len(whole.lstrip("\n"))] if inner else ""
    return Original(mark, leading, inner, whole[len(leading) + len(inner) :], block, newline)


def edited(content: bytes, was: str, body: str, changes: Mapping[str, str | None]) -> bytes:
    """The file with the edits made here.

    Args:
        was: the text that the file became here.
        body: the text that it is now.
        changes: key -> its new value; None takes it away.
    """
    file = take_apart(content)
    if body != was:
        body = _in_its_words(file.body, was, body)
        file = Original(file.mark, file.leading, body.rstrip(), file.trailing or "\n\n", file.block, file.newline)
    return Original(
        file.mark, file.leading, file.body, file.trailing, change_block(file.block, changes), file.newline
    ).put_together()


def change_block(block: str, changes: Mapping[str, str | None]) -> str:
    """The metadata block with other values for some keys; every other line stays as it is."""
    lines = block.split("\n")
    for key, value in changes.items():
        places = [n for n, line in enumerate(lines) if (m := KEY.match(line)) and m["key"].lower() == key]
        if places:
            at, end = places[-1], places[-1] + 1
            while end < len(lines) and lines[end][:1] in (" ", "\t") and lines[end].strip():
                end += 1  # A value may go on in indented lines.
            head = KEY.match(lines[at])
            assert head is not None
            lines[at:end] = [] if value is None else [head[0].rstrip() + " " + value]
        elif value is not None:
            last = next((n for n in range(len(lines) - 1, -1, -1) if lines[n].strip()), -1)
            lines.insert(last + 1, f":{key}: {value}")
    return "\n".join(lines)


def composed(body: str, meta: Mapping[str, str]) -> bytes:
    """A snip of a text that was written here. A line that begins with a colon would end the text: it gets a blank."""
    text = re.sub(r"^:", " :", body.strip("\n").rstrip(), flags=re.MULTILINE)
    block = "".join(f":{key}: {value}\n" for key, value in meta.items())
    return f"{text}\n\n{block}".encode()


def stamp(at: datetime) -> str:
    """`2018-02-09 10:22:25.858411000 +00:00`"""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}000 +00:00"


def _in_its_words(original: str, was: str, body: str) -> str:
    """The original's body with the edits, and in the edited lines its own addresses of pictures and its helpers."""
    addresses = old_addresses(original, was)
    words = OWN_FILE.sub(lambda match: addresses.get(match[0], match[0]), carry_over(was, body, original))
    if "<%= by(" not in original:
        return words
    return SIGNED.sub(lambda match: f"<%= by('{match['md'] or match['html']}') %>", words)


def old_addresses(original: str, was: str) -> dict[str, str]:
    """`/files/12/a.png` -> the address that the original has in its place."""
    found: dict[str, str] = {}
    for ours, theirs in zip(was.split("\n"), carry_over(was, was, original).split("\n"), strict=False):
        if ours == theirs or not OWN_FILE.search(ours):
            continue
        literal = [re.escape(part) for part in OWN_FILE.sub("\0", ours).split("\0")]
        if match := re.fullmatch(r"([^\"'<>)\]\n]+?)".join(literal), theirs):
            found.update(zip((m[0] for m in OWN_FILE.finditer(ours)), match.groups(), strict=True))
    return found
