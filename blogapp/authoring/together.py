"""What two people typed into one post, field by field: what each changed, and where they changed the same."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice

from blogapp.core.matching import regions
from blogapp.posts.merging import WORD, Part, merge, settled

# Texts are put together word by word, tags by what each added and took away; of the other fields the one that somebody
# changed counts. Who may read it is nothing to put together: that is asked.
TEXTS = ("title", "body")
SETTINGS = ("kind", "weeks", "slug", "tags", "author", "in_menu", "readers", "viewers")
FIELDS = (*TEXTS, *SETTINGS)

Typed = Mapping[str, str]


@dataclass(frozen=True)
class Clash:
    """A place where both changed the same: what each wrote, with the words around it."""

    field: str
    mine: str
    theirs: str
    before: str = ""
    after: str = ""


@dataclass(frozen=True)
class Together:
    """Two changes of the same fields, put together as far as they go.

    `fields`: the result; what clashes stands in it as `mine`. `taken`: the fields that hold something of theirs.
    """

    fields: dict[str, str]
    clashes: list[Clash]
    taken: list[str]
    parts: dict[str, list[Part]] = field(repr=False, default_factory=dict)

    def settled(self, choices: list[str]) -> dict[str, str]:
        """The fields with each clash settled in its turn: `mine`, `theirs` or `both` (texts only).

        Raises:
            ValueError: a clash has no choice, or a choice no clash.
        """
        if len(choices) != len(self.clashes):
            raise ValueError("one choice for each clash")
        result = dict(self.fields)
        for name, parts in self.parts.items():
            of_field = [c for c, clash in zip(choices, self.clashes, strict=True) if clash.field == name]
            result[name] = settled(parts, of_field)
        for choice, clash in zip(choices, self.clashes, strict=True):
            if clash.field in SETTINGS:
                result[clash.field] = clash.theirs if choice == "theirs" else clash.mine
        return result


def read_base(given: str) -> dict[str, str] | None:
    """The fields as the editor was opened with, from the form; None where they are missing or no fields at all."""
    try:
        base = json.loads(given)
    except ValueError:
        return None
    if not isinstance(base, dict):
        return None
    fields = {name: value for name, value in base.items() if isinstance(value, str)}
    return fields if {"title", "body", "state"} <= fields.keys() else None


def put_together(base: Typed | None, mine: Typed, theirs: Typed) -> Together:
    """Put what I typed and what somebody else saved together, both having begun with `base`.

    Without a base (a page of an older version, say) the texts clash where they differ, and my settings count.
    """
    fields, taken, parts = dict(mine), [], {}
    clashes: list[Clash] = []
    for name in TEXTS:
        parts[name] = merge("" if base is None else base[name], mine[name], theirs[name])
        clashes += _clashes(name, parts[name])
        fields[name] = "".join(part.mine if part.clashes else part.text for part in parts[name])
    for name in SETTINGS:
        if name not in mine or name not in theirs:
            continue
        before = theirs[name] if base is None else base.get(name, theirs[name])
        if mine[name] == before:
            fields[name] = theirs[name]
        elif theirs[name] in (before, mine[name]):
            continue
        elif name == "tags":
            fields[name] = _tags_of_both(before, mine[name], theirs[name])
        else:
            clashes.append(Clash(name, mine[name], theirs[name]))
    taken = [name for name in FIELDS if name in mine and fields[name] != mine[name]]
    return Together(fields, clashes, taken, parts)


def _tags_of_both(before: str, mine: str, theirs: str) -> str:
    """Theirs, without what I took away and with what I added."""
    old, my, their = ([one for one in text.split(", ") if one] for text in (before, mine, theirs))
    kept = [one for one in their if one in my or one not in old]
    return ", ".join([*kept, *(one for one in my if one not in old and one not in kept)])


# Words shown on either side of a clash. Each part that is looked at has a word at least.
AROUND = 12
MOST_PARTS = 3 * AROUND


def _clashes(name: str, parts: list[Part]) -> list[Clash]:
    found = []
    for number, part in enumerate(parts):
        if part.clashes:
            before = "".join([p.text for p in islice(_around(parts, range(number - 1, -1, -1)), MOST_PARTS)][::-1])
            after = "".join(p.text for p in islice(_around(parts, range(number + 1, len(parts))), MOST_PARTS))
            ended = part.mine.endswith("\n") or part.theirs.endswith("\n")
            found.append(Clash(name, part.mine, part.theirs, _end_of(before), "" if ended else _start_of(after)))
    return found


def _around(parts: list[Part], places: range) -> Iterator[Part]:
    """What does not clash at these places, as far as the line goes."""
    for part in (parts[place] for place in places if not parts[place].clashes):
        yield part
        if "\n" in part.text:
            return


def _end_of(text: str) -> str:
    """The last words of the line that a clash stands in; nothing where it begins its line."""
    line = text.rpartition("\n")[2]
    words = WORD.findall(line)
    return ("…" if len(words) > 2 * AROUND else "") + "".join(words[-2 * AROUND :])


def _start_of(text: str) -> str:
    line = text.partition("\n")[0]
    words = WORD.findall(line)
    return "".join(words[: 2 * AROUND]) + ("…" if len(words) > 2 * AROUND else "")


def edits(before: str, after: str) -> list[tuple[int, int, str]]:
    """What makes `after` of `before`: (start, end, text instead), last one first.

    Offsets are in UTF-16 code units, as JavaScript counts.
    """
    old, new = WORD.findall(before), WORD.findall(after)
    found, end = [], 0
    for same, a, b, c, d in regions(old, new):
        start, end = end, end + _units("".join(old[a:b]))
        if not same:
            found.append((start, end, "".join(new[c:d])))
    return found[::-1]


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2
