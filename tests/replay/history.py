"""A team's files, change by change: which document each change is about. Pure; no database.

A document goes on under another name: a move is a put and a delete within one commit, in either order, of the same
name or of much the same text. A name that was given up can be taken years later by another document.
"""

import gzip
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from difflib import SequenceMatcher
from pathlib import Path

from tests.replay.documents import is_document, name_of, read_file

# Much the same text: as many words in common, in order. What git takes for a rename is about as much.
ALIKE = 0.5
# A document that was deleted and comes back within this time, much the same, was never another one.
COMES_BACK_WITHIN = timedelta(days=30)


@dataclass(frozen=True)
class Change:
    """One line of a history. `content` None: the file was deleted."""

    path: str
    content: str | None


@dataclass(frozen=True)
class Commit:
    """All that was changed at one moment."""

    at: datetime
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Step:
    """What one commit did to one document. `act`: made, saved, deleted or back; `moved`: its path is another now."""

    document: int
    act: str
    path: str
    content: str
    moved: bool = False


@dataclass
class Shelf:
    """The documents as the files have them after the commits so far; each has a number for ever."""

    live: dict[str, tuple[int, str]] = field(default_factory=dict)
    away: dict[str, tuple[int, str, datetime]] = field(default_factory=dict)
    count: int = 0

    def take(self, commit: Commit) -> list[Step]:
        """What a commit does to the documents: first what is deleted, then the rest in the commit's order."""
        put = {change.path: change.content for change in commit.changes if change.content is not None}
        put = {path: content for path, content in put.items() if is_document(path, content)}
        touched = [change.path for change in commit.changes]
        given_up = {path: self.live.pop(path) for path in touched if path in self.live and path not in put}
        came_from = match_moves(
            {path: content for path, content in put.items() if path not in self.live},
            {path: content for path, (_, content) in given_up.items()},
        )
        steps = [self._delete(path, *given_up[path], commit.at) for path in given_up if path not in came_from.values()]
        for path, content in put.items():
            moved_from = given_up.get(came_from.get(path, ""))
            steps.append(self._put(path, content, moved_from[0] if moved_from else None, commit.at))
        return steps

    def _delete(self, path: str, document: int, content: str, at: datetime) -> Step:
        self.away[name_of(path)] = (document, content, at)
        return Step(document, "deleted", path, content)

    def _put(self, path: str, content: str, moved: int | None, at: datetime) -> Step:
        known = self.live.get(path)
        returned = None if known or moved else self._returned(path, content, at)
        number = known[0] if known else moved or returned
        if number is None:
            self.count += 1
            number = self.count
            act = "made"
        else:
            act = "back" if returned else "saved"
        self.live[path] = (number, content)
        return Step(number, act, path, content, moved is not None)

    def _returned(self, path: str, content: str, at: datetime) -> int | None:
        """The document that was deleted a while ago and is back with this file."""
        number, text, deleted_at = self.away.pop(name_of(path), (None, "", at))
        return number if at - deleted_at < COMES_BACK_WITHIN and likeness(text, content) >= ALIKE else None


def match_moves(new: Mapping[str, str], given_up: Mapping[str, str]) -> dict[str, str]:
    """New path -> the path that it moved from: of the same name if there is one, else of the text most like it."""
    came_from: dict[str, str] = {}
    for path in new:
        for old in given_up:
            if name_of(old) == name_of(path) and old not in came_from.values():
                came_from[path] = old
                break
    pairs = [
        (likeness(given_up[old], new[path]), path, old)
        for path in new.keys() - came_from.keys()
        for old in given_up.keys() - set(came_from.values())
    ]
    for alike, path, old in sorted(pairs, key=lambda pair: (-pair[0], *pair[1:])):
        if alike >= ALIKE and path not in came_from and old not in came_from.values():
            came_from[path] = old
    return came_from


def likeness(old: str, new: str) -> float:
    """How much of the text two files have in common, 0 to 1; what their metadata say is left aside."""
    before, after = (read_file("", text).body.split() for text in (old, new))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    if matcher.real_quick_ratio() < ALIKE or matcher.quick_ratio() < ALIKE:
        return 0.0
    return matcher.ratio()


def read_history(path: Path) -> list[Commit]:
    """The commits of a file of changes, in order of their first change's `seq`."""
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return group(json.loads(line) for line in lines)


def group(rows: Iterable[Mapping[str, object]]) -> list[Commit]:
    """Changes ({seq, at, path, action, content}) as commits: those of one moment belong together."""
    moments: dict[str, list[Change]] = {}
    for row in sorted(rows, key=lambda row: int(str(row["seq"]))):
        content = str(row["content"]) if row["action"] == "put" else None
        moments.setdefault(str(row["at"]), []).append(Change(str(row["path"]), content))
    return [Commit(datetime.fromisoformat(at), tuple(changes)) for at, changes in moments.items()]


def clock(commits: Iterable[Commit]) -> Iterator[tuple[datetime, Commit]]:
    """Each commit with the moment at which it reaches the site: the order holds, and time never runs backwards."""
    latest = None
    for commit in commits:
        latest = commit.at if latest is None else max(latest, commit.at)
        yield latest, commit
