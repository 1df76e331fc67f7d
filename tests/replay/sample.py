"""A small team's past, made up: every kind of change that a real one holds, in the same form."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

TALES = tuple(f"tale-{number}" for number in range(1, 11))
RULE = "%section.post\n  = yield\n"


@dataclass
class Log:
    """Changes as they are written down, one after another."""

    rows: list[dict[str, Any]] = field(default_factory=list)

    def put(self, at: str, path: str, text: str, **meta: str) -> None:
        block = "".join(f":{key}: {value}\n" for key, value in meta.items())
        self._add(at, path, "put", f"{text}\n\n{block}")

    def delete(self, at: str, path: str) -> None:
        self._add(at, path, "delete", None)

    def _add(self, at: str, path: str, action: str, content: str | None) -> None:
        row = {"seq": len(self.rows), "at": at, "path": f"soups/{path}", "action": action, "content": content}
        self.rows.append(row)


def note(number: int, text: str) -> str:
    return f"Week {number}\n=======\n\n{text}"


DRAFT, PUBLIC = {"kind": "draft", "author": "mia-moor"}, {"kind": "blog", "author": "mia-moor"}
KEEL = "We laid the keel on Monday, and by Friday the whole yard smelt of oak and of the first coffee of the year."
RUDDER = "The rudder came back from the smith with a hinge too many, so we spent two days on a shorter one."
SAILS = "Both sails are cut. The big one does not fit through the door, which nobody had measured before."


def rows() -> list[dict[str, Any]]:
    """The whole of it."""
    log = Log()
    _begin(log)
    _weeks(log)
    _names(log)
    _comings_and_goings(log)
    return log.rows


def _begin(log: Log) -> None:
    at = "2015-01-05T09:00:00Z"
    for name in TALES:
        log.put(at, f"blog/{name}.markdown", f"An old tale, the one called {name}.", kind="blog", author="tom-tar")
    log.put(at, "people/mia-moor.markdown", "Mia builds boats.", site="mia.example")
    log.put(at, "layout.haml", RULE)
    log.put(at, "dynasnips/clock.rb", "class Clock; end")
    log.put(at, "about.snip", "We are three people and a shed.")


def _weeks(log: Log) -> None:
    first = "weeknotes/week-1.snip.markdown"
    log.put("2015-01-09T10:00:00Z", first, note(1, "Some ideas…"))
    log.put("2015-01-09T10:30:00Z", first, note(1, f"{KEEL} More to come."), **DRAFT)
    log.put("2015-01-09T11:00:00Z", first, note(1, KEEL), **PUBLIC)
    log.put("2015-01-09T11:05:00Z", first, note(1, KEEL.replace("whole yard", "yard")), **PUBLIC)
    log.put("2015-01-09T15:00:00Z", first, note(1, KEEL.replace("Friday", "Thursday")), **PUBLIC)
    # Taken back within the hold, published a day later; then, long after its digest, withdrawn and published again.
    second = "weeknotes/week-2.snip.markdown"
    log.put("2015-01-16T11:00:00Z", second, note(2, RUDDER), **PUBLIC)
    log.put("2015-01-16T11:04:00Z", second, note(2, RUDDER), **DRAFT)
    log.put("2015-01-17T09:00:00Z", second, note(2, f"{RUDDER} It fits."), **PUBLIC)
    log.put("2015-01-20T09:00:00Z", second, note(2, f"{RUDDER} It fits."), **PUBLIC, draft="true")
    log.put("2015-01-20T10:00:00Z", second, note(2, f"{RUDDER} It fits."), **PUBLIC, draft="false")
    # Neighbours a little out of order.
    log.put("2015-01-23T12:00:00Z", "weeknotes/week-3.snip.markdown", note(3, SAILS), **PUBLIC)
    log.put("2015-01-23T11:58:00Z", "weeklinks/week-3-links.snip.markdown", "* [Oak](http://oak.example)", **PUBLIC)


def _names(log: Log) -> None:
    # A wrong number, put right a day after with a small edit; years later the number's own week comes.
    log.put("2015-01-30T11:00:00Z", "weeknotes/week-40.snip.markdown", note(40, "We caulked."), **PUBLIC)
    log.put("2015-01-31T08:00:00Z", "weeknotes/week-4.snip.markdown", note(4, "We caulked."), **PUBLIC)
    log.delete("2015-01-31T08:00:00Z", "weeknotes/week-40.snip.markdown")
    log.put("2015-10-09T11:00:00Z", "weeknotes/week-40.snip.markdown", note(40, "We sailed to the island."), **PUBLIC)
    # A copy that carries its model's name until it gets its own.
    copied = note(41, "We moored.")
    log.put("2015-10-16T11:00:00Z", "weeknotes/week-40.snip copy.markdown", copied, **PUBLIC)
    log.delete("2015-10-16T11:02:00Z", "weeknotes/week-40.snip copy.markdown")
    log.put("2015-10-16T11:02:00Z", "weeknotes/week-41.snip.markdown", copied, **PUBLIC)
    # Two documents of one name; one of them gives it up in the very commit in which the other changes.
    log.put("2015-11-01T11:00:00Z", "blog/harbour.snip.markdown", "The harbour has a crane now.", **PUBLIC)
    log.put("2015-11-02T11:00:00Z", "projects/harbour.snip.markdown", "We dredge it.", kind="project")
    log.put("2015-11-03T11:00:00Z", "projects/harbour.snip.markdown", "We dredge it twice a year.", kind="project")
    log.delete("2015-11-03T11:00:00Z", "blog/harbour.snip.markdown")
    log.put("2015-11-03T11:00:00Z", "blog/the-crane.snip.markdown", "The harbour has a crane now.", **PUBLIC)


def _comings_and_goings(log: Log) -> None:
    # Deleted by mistake, and back in two minutes; deleted for good, and the name taken by another note.
    log.delete("2015-12-01T10:00:00Z", "weeknotes/week-3.snip.markdown")
    log.put("2015-12-01T10:02:00Z", "weeknotes/week-3.snip.markdown", note(3, SAILS), **PUBLIC)
    log.put("2015-12-02T10:00:00Z", "blog/_drafts/knots.snip.markdown", "Twelve knots.", **DRAFT)
    log.delete("2015-12-03T10:00:00Z", "blog/_drafts/knots.snip.markdown")
    log.put("2015-12-03T10:00:00Z", "blog/knots.snip.markdown", "Twelve knots.", **PUBLIC)
    log.delete("2015-12-04T10:00:00Z", "about.snip")
    # Everything is renamed at once, months later, and everything gets a key.
    for name in TALES:
        log.delete("2016-03-01T10:00:00Z", f"blog/{name}.markdown")
        text = f"An old tale, the one called {name}."
        log.put("2016-03-01T10:00:00Z", f"tales/{name}.snip.markdown", text, kind="blog", author="tom-tar", layout="x")


def files() -> dict[str, str]:
    """The files as they stand in the end, by path."""
    return dict(_standing())


def _standing() -> Iterator[tuple[str, str]]:
    last = {row["path"]: row["content"] for row in rows()}
    yield from ((path, content) for path, content in last.items() if content is not None)
