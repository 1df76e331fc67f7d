"""Which labels a text uses and defines, told without rendering it: `[text][label]`, `[text][]`, `[label]: address`.

Much faster than the parser, and as close to it as is needed to look labels up and to edit them where they stand; what
readers see is the parser's alone. Code is left alone.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import islice

from blogapp.core.dialect.blocks import Definition, reference_id

# A label is an index's key in both databases; nobody types a longer one.
LONGEST_LABEL = 200
# Where a text's first bracket is looked for, backwards.
FARTHEST = 1_000
# References of one text that are looked at; what comes behind them stays text.
MOST = 2_000
BRACKETS = str.maketrans("[]", "\x01\x02")
FENCE = re.compile(r"[ \t>]*(?:(?:[+*-]|\d+\.)[ \t]+)?(?P<fence>`{3,}|~{3,})")
ITEM = re.compile(r"[ ]{0,3}(?:[+*-]|\d+\.|:)[ \t]")
INDENTED = re.compile(r"(?: {4}|\t)[ \t]*\S")
# Code within a line, and brackets that are meant as such.
INLINE_CODE = re.compile(
    r"\\[\[\]\\]|(?<![`\\])(?P<ticks>`+)(?!`)(?:(?!\n\n).){1,2000}?(?<!`)(?P=ticks)(?!`)", re.DOTALL
)
LABELLED = re.compile(r"\]\[([^\[\]]*)\]")
SHORT = re.compile(r"(?<!\])\[([^\[\]]+)\](?![\[(:])")
DEFINITION = re.compile(r"(?P<before>[ \t>]*)\[(?P<label>[^\n\]^][^\n\]]*)\]:[ \t]*+(?P<rest>[^\n]*\S)")
BEGINS_BLOCK = re.compile(r"[ \t>]*+(?:$|#{1,6}[ \t]|\{:|\[\^[^\]]+\]:|\^?[ \t]*$|[\"'].*[\"'][ \t]*$)")


@dataclass(frozen=True)
class Use:
    """A reference in a text. `start`, `end`: of its label's brackets; `kind`: full, collapsed or short."""

    label: str
    text: str
    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class Defined:
    """A definition in a text. `label_start`, `start`: where its label and its address begin."""

    label: str
    url: str
    label_start: int
    label_end: int
    start: int


@dataclass(frozen=True)
class References:
    """What a text refers to, in its order. `uses` hold `[label]` alone only where the text defines it."""

    uses: tuple[Use, ...]
    definitions: tuple[Defined, ...]

    @property
    def defined(self) -> dict[str, str]:
        """Label -> address; of two definitions the later counts."""
        return {one.label: one.url for one in self.definitions}

    @property
    def own(self) -> dict[str, str]:
        """The definitions that the text makes use of."""
        used = {use.label for use in self.uses}
        return {label: url for label, url in self.defined.items() if label in used}

    @property
    def missing(self) -> list[str]:
        """The labels that the text uses and does not define, each once."""
        defined = self.defined
        return list(dict.fromkeys(use.label for use in self.uses if use.label not in defined))


def references_in(text: str) -> References:
    """Take a text's references out; a millisecond for a week's post."""
    if "][" not in text and "]:" not in text:
        return References((), ())
    masked = _without_code(text)
    definitions = tuple(_definitions(text, masked))
    defined = {one.label for one in definitions}
    uses = [use for found in islice(LABELLED.finditer(masked), MOST) if (use := _use(text, masked, found))]
    lines = {one.label_start for one in definitions}
    for found in SHORT.finditer(masked) if defined else ():
        label = reference_id(text[found.start(1) : found.end(1)])
        image = masked.endswith("!", 0, found.start())
        if label in defined and not image and found.start(1) not in lines:
            uses.append(Use(label, text[found.start(1) : found.end(1)], found.start(), found.end(), "short"))
    return References(tuple(sorted(uses, key=lambda use: use.start)), definitions)


def change_references(
    text: str, *, address: Callable[[str, str], str] | None = None, label: Mapping[str, str] | None = None
) -> str:
    """The text with other addresses or labels, where they stand; nothing else of it changes.

    Args:
        address: from a definition's label and address to the address that it is to have.
        label: label -> its new name; what was `[text][]` or `[text]` then names it: `[text][new]`.
    """
    found, edits = references_in(text), list[tuple[int, int, str]]()
    for one in found.definitions:
        if label and one.label in label:
            edits.append((one.label_start, one.label_end, label[one.label]))
        if address and (changed := address(one.label, one.url)) != one.url:
            edits.append((one.start, one.start + len(one.url), changed))
    for use in found.uses:
        if label and use.label in label:
            start = use.end if use.kind == "short" else use.start
            edits.append((start, use.end, f"[{label[use.label]}]"))
    for start, end, instead in sorted(edits, reverse=True):
        text = text[:start] + instead + text[end:]
    return text


def with_definitions(text: str, addresses: Mapping[str, str]) -> str:
    """The text with a definition at its end for each label that it uses, does not define, and that has an address."""
    lacking = [label for label in references_in(text).missing if label in addresses]
    if not lacking:
        return text
    lines = "\n".join(f"[{label}]: {_written(addresses[label])}" for label in lacking)
    last = text.rstrip().rpartition("\n")[2]
    gap = "\n" if DEFINITION.match(last) else "\n\n"
    return f"{text.rstrip()}{gap}{lines}"


def _written(url: str) -> str:
    return f"<{url}>" if re.search(r"[\s\"']", url) else url


def _use(text: str, masked: str, found: re.Match[str]) -> Use | None:
    start = found.start() + 1
    opening = _opening(masked, found.start())
    if opening is None or masked.endswith("!", 0, opening):
        return None
    words = text[opening + 1 : found.start()]
    inner = text[found.start(1) : found.end(1)]
    label = reference_id(inner or words)
    if not label.strip() or label.startswith("^") or len(label) > LONGEST_LABEL:
        return None
    return Use(label, words, start, found.end(), "full" if inner else "collapsed")


def _opening(masked: str, closing: int) -> int | None:
    """Where the bracket opens that closes there, in the same paragraph."""
    depth = 0
    for place in range(closing, max(-1, closing - FARTHEST), -1):
        character = masked[place]
        if character == "]":
            depth += 1
        elif character == "[":
            depth -= 1
            if depth == 0:
                return place
        elif character == "\n" and masked[place - 1 : place] == "\n":
            return None
    return None


def _definitions(text: str, masked: str) -> list[Defined]:
    """Those that the dialect takes for one: at the beginning of a block, or behind another."""
    found: list[Defined] = []
    begins, place = True, 0
    for line in masked.split("\n"):
        match = DEFINITION.match(line) if begins else None
        if match:
            rest = text[place + match.start("rest") : place + match.end("rest")]
            url, offset = _address(rest)
            label = reference_id(text[place + match.start("label") : place + match.end("label")])
            if url and label.strip() and len(label) <= LONGEST_LABEL:
                starts = [place + match.start(name) for name in ("label", "rest")]
                found.append(Defined(label, url, starts[0], place + match.end("label"), starts[1] + offset))
        begins = bool(match) or bool(BEGINS_BLOCK.match(line))
        place += len(line) + 1
    return found


def _address(rest: str) -> tuple[str, int]:
    """The address of a definition, and where in `rest` it stands."""
    if quoted := Definition.QUOTED.match(rest):
        return quoted["address"], 1
    blank = Definition.BEFORE_TITLE.search(rest)
    return (rest[: blank.start()] if blank else rest), 0


def _without_code(text: str) -> str:
    """The text with no brackets in its code, of the same length."""
    lines, kept, fence, in_item, blank = text.split("\n"), list[str](), "", False, True
    code = False
    for line in lines:
        opening = FENCE.match(line)
        if fence:
            kept.append(line.translate(BRACKETS))
            stripped = line.strip(" \t>")
            fence = "" if stripped.startswith(fence) and not stripped.strip(fence[0]) else fence
        elif opening and "`" not in line[opening.end() :]:
            fence = opening["fence"]
            kept.append(line.translate(BRACKETS))
        else:
            code = bool(INDENTED.match(line)) and not in_item and (blank or code)
            kept.append(line.translate(BRACKETS) if code else line)
            if line.strip() and not line.startswith((" ", "\t")):
                in_item = bool(ITEM.match(line)) or (in_item and not blank)
        blank = not line.strip()
    masked = "\n".join(kept)
    special = "`" in masked or "\\" in masked
    return INLINE_CODE.sub(lambda found: found[0].translate(BRACKETS), masked) if special else masked
