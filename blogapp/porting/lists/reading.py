"""From a row of somebody's list to an entry of ours. Pure: the moment is given."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from typing import Any

from blogapp.core.clock import iso
from blogapp.core.errors import Invalid
from blogapp.porting.lists.dialects import (
    MEANINGS,
    MOMENTS,
    SERVICES,
    STATES,
    Service,
    guess_service,
    match_columns,
    plain,
    state_of_file,
)
from blogapp.porting.lists.files import BadList, Layout, Row
from blogapp.porting.lists.moments import read_moment
from blogapp.subscribing.addresses import normalise_address, split_name
from blogapp.subscribing.entries import Entry
from blogapp.subscribing.models import LONGEST_PAUSE

# What a cell says that says no.
NO = frozenset(("", "false", "no", "n", "0", "null", "none", "never", "nil"))
LONGEST_NAME, LONGEST_REASON = 120, 200
COMPLAINED = ("abuse", "spam", "complain")
WHERE_STATED = ("status", "opted_out", "bounced", "confirmed_at", "unsubscribed_at", "suppressed_at")


class Silent(BadList):
    """Nothing in the file says that anybody in it agreed, and neither does the person who imports it."""


class Unclear(Invalid):
    """The row does not say, in words that are known, whether they may be mailed."""


@dataclass(frozen=True)
class Wishes:
    """What the person who imports says about the file.

    Args:
        name: the file's own name, where it is stored under another one.
        service: one of SERVICES; nothing: guessed.
        mapping: meaning -> column; nothing as a column: in none.
        statuses: word -> state; the word of nothing stands for everybody in the file.
        encoding: one of ENCODINGS; nothing: found out.
        confirm: nobody's consent can be shown: everybody is asked.
    """

    name: str = ""
    service: str = ""
    mapping: Mapping[str, str] = field(default_factory=dict)
    statuses: Mapping[str, str] = field(default_factory=dict)
    encoding: str = ""
    confirm: bool = False


class Reader:
    """Reads the rows of one file.

    Args:
        at: the present moment.

    Raises:
        BadList: the wishes do not fit the file, or no column holds addresses.
    """

    def __init__(self, layout: Layout, wishes: Wishes, at: datetime) -> None:
        self.layout, self.wishes, self.at = layout, wishes, at
        if wishes.service and wishes.service not in SERVICES:
            raise BadList(f"There is no service {wishes.service!r}. Known are {', '.join(SERVICES)}.")
        self.service: Service = SERVICES[wishes.service or guess_service(layout.columns)]
        self.places = self._places()
        self.words = self._words()
        self.everybody = _stricter(
            self.wishes.statuses.get("", ""), state_of_file(self.service.name, layout.columns, wishes.name)
        )
        self.day_first = False

    @property
    def silent(self) -> bool:
        """Whether nothing says of anybody that they agreed."""
        stated = any(meaning in self.places for meaning in WHERE_STATED)
        return not (stated or self.everybody or self.service.otherwise or self.wishes.confirm)

    def columns(self) -> list[tuple[str, str]]:
        """Each column, and what it is taken for (a key of MEANINGS, or nothing)."""
        ranked = [(rank, i, meaning) for meaning, places in self.places.items() for rank, i in enumerate(places)]
        meant = {index: meaning for _, index, meaning in sorted(ranked, reverse=True)}
        return [(column, meant.get(index, "")) for index, column in enumerate(self.layout.columns)]

    def dates(self, row: Row) -> list[str]:
        """The cells of a row that should be dates."""
        return [cell for meaning in MOMENTS if (cell := self._cell(row, meaning))]

    def address(self, row: Row) -> str:
        """What stands where the address should."""
        return self._cell(row, "email")

    def read(self, row: Row) -> tuple[Entry, bool]:
        """The entry, and whether all its dates could be read.

        Raises:
            Invalid: it has no address.
            Unclear: it does not say what they are.
        """
        if len(row.cells) > len(self.layout.columns):
            raise Invalid(f"It has {len(row.cells)} cells, and there are {len(self.layout.columns)} columns.")
        shown, typed = split_name(self._cell(row, "email"))
        address = normalise_address(typed)
        state, barred = self._state(row)
        moments = {meaning: self._moment(row, meaning) for meaning in MOMENTS}
        legible = all(moments[m] for m in MOMENTS if self._cell(row, m))
        name = self._name(row) or shown
        entry = self._own(row, address, name, state, moments) if self.service.name == "blogapp" else None
        return entry or self._entry(row, address, name, state, barred, moments), legible

    def _entry(
        self, row: Row, address: str, name: str, state: str, barred: str, moments: dict[str, datetime | None]
    ) -> Entry:
        agreed = moments["confirmed_at"] or moments["created_at"]
        asks = self.wishes.confirm and state == "pending"
        evidence = {"source": "import", "service": self.service.name, "file": self.wishes.name}
        barred_at = moments["suppressed_at"] or moments["unsubscribed_at"]
        return Entry(
            address,
            "" if barred else state,
            name,
            self.service.name,
            self._consent(row, agreed),
            # Who is asked now has a month from now to answer.
            None if asks else moments["created_at"] or agreed,
            None if state == "pending" else agreed,
            moments["unsubscribed_at"] if state == "unsubscribed" else None,
            barred=barred,
            evidence={**evidence, **({"at": iso(barred_at)} if barred_at else {})} if barred else {},
        )

    def _own(self, row: Row, address: str, name: str, state: str, moments: dict[str, datetime | None]) -> Entry:
        """A row of our own export, as it was."""
        barred = self._cell(row, "suppressed")[:LONGEST_REASON]
        pending = self.wishes.confirm and state == "pending"
        return Entry(
            address,
            "" if state == "suppressed" else state,
            name,
            self.service.name,
            _json(self._cell(row, "consent")) or self._consent(row, moments["confirmed_at"]),
            None if pending else moments["created_at"],
            None if pending else moments["confirmed_at"],
            moments["unsubscribed_at"],
            moments["paused_until"] if state == "confirmed" else None,
            barred or ("suppressed" if state == "suppressed" else ""),
            moments["suppressed_at"],
            _json(self._cell(row, "evidence")),
            "monthly" if self._cell(row, "frequency").lower() == "monthly" else "every",
        )

    def _state(self, row: Row) -> tuple[str, str]:
        """One of STATES, and for `suppressed` the reason."""
        state = self._stated(row)
        if not state:
            state = "confirmed" if self._cell(row, "confirmed_at") else self.service.otherwise
            state = "pending" if not state and self.wishes.confirm else state
        if not (state := _stricter(state, self.everybody)):
            raise Unclear("It does not say whether they agreed.")
        if self._cell(row, "doubt"):
            state = _stricter(state, "pending")
        if state == "unsubscribed" and any(word in self._cell(row, "reason").lower() for word in COMPLAINED):
            return "suppressed", "complaint"
        if state == "confirmed" and self.wishes.confirm:
            return "pending", ""
        word = self._cell(row, "status").lower() or "cleaned"
        return state, f"{word} at {self.service.title}"[:LONGEST_REASON] if state == "suppressed" else ""

    def _stated(self, row: Row) -> str:
        """The state that the row's own columns name; nothing where none does."""
        if self._cell(row, "bounced").lower() not in NO:
            return "suppressed"
        if self._cell(row, "opted_out").lower() not in NO:
            return "unsubscribed"
        state = ""
        for word in self._cells(row, "status"):
            found = self.words.get(plain(word)) or self.service.meaning_of(word)
            if not found:
                raise Unclear(f"The status {word[:40]!r} is not known.")
            state = _stricter(state, found)
        if state:
            return state
        if self._cell(row, "suppressed_at"):
            return "suppressed"
        if self._cell(row, "unsubscribed_at"):
            return "unsubscribed"
        if "status" in self.places:
            return "pending"
        return "confirmed" if "opted_out" in self.places else ""

    def _consent(self, row: Row, agreed: datetime | None) -> dict[str, Any]:
        consent = {"source": "import", "service": self.service.name, "file": self.wishes.name}
        if agreed:
            consent["at"] = iso(agreed)
        if ip := _ip(self._cell(row, "ip")):
            consent["ip"] = ip
        return {**consent, "imported_at": iso(self.at)}

    def _name(self, row: Row) -> str:
        name = self._cell(row, "name") or f"{self._cell(row, 'first_name')} {self._cell(row, 'last_name')}"
        return "".join(sign for sign in " ".join(name.split()) if sign.isprintable())[:LONGEST_NAME]

    def _moment(self, row: Row, meaning: str) -> datetime | None:
        cell = self._cell(row, meaning)
        if not cell:
            return None
        if meaning == "paused_until":
            return read_moment(cell, self.at + LONGEST_PAUSE)
        return read_moment(cell, self.at, day_first=self.day_first)

    def _cell(self, row: Row, meaning: str) -> str:
        """The first of the meaning's cells that says something."""
        for index in self.places.get(meaning, ()):
            if index < len(row.cells) and (cell := row.cells[index].strip()):
                return cell
        return ""

    def _cells(self, row: Row, meaning: str) -> Iterator[str]:
        for index in self.places.get(meaning, ()):
            if index < len(row.cells) and (cell := row.cells[index].strip()):
                yield cell

    def _places(self) -> dict[str, list[int]]:
        columns = self.layout.columns
        places = match_columns(self.service, columns)
        for meaning, column in self.wishes.mapping.items():
            if meaning not in MEANINGS:
                raise BadList(f"{meaning!r} is nothing that a column can mean. Known are {', '.join(MEANINGS)}.")
            places.pop(meaning, None)
            if column:
                exact = [i for i, name in enumerate(columns) if name == column]
                found = exact or [i for i, name in enumerate(columns) if plain(name) == plain(column)]
                if not found:
                    raise BadList(f"There is no column {column!r}. There are {_list(columns)}.")
                places[meaning] = found[:1]
        if "email" not in places:
            raise BadList(f"No column is known to hold addresses; name it (email=COLUMN). There are {_list(columns)}.")
        return places

    def _words(self) -> dict[str, str]:
        for state in self.wishes.statuses.values():
            if state not in STATES:
                raise BadList(f"{state!r} is no state. Known are {', '.join(STATES)}.")
        return {plain(word): state for word, state in self.wishes.statuses.items() if word}


def _stricter(one: str, other: str) -> str:
    """Of two states the one in which less is mailed; nothing counts for nothing."""
    return max(one, other, key=lambda state: STATES.index(state) if state else -1)


def _list(columns: tuple[str, ...]) -> str:
    shown = ", ".join(repr(column) for column in columns[:30])
    return shown + (f" and {len(columns) - 30} more" if len(columns) > 30 else "")


def _ip(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        return ""


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text) if text else {}
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
