"""Bringing the subscribers of another service in.

The file is read once before anything is written, so that one that cannot be read to its end adds nobody. Then every
chunk of rows is a transaction of its own: what was interrupted is mended by running it again, and what is known
already does not change.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from pathlib import Path

from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Invalid
from blogapp.porting.lists.files import Row, read_layout, read_rows
from blogapp.porting.lists.moments import tells_day_first
from blogapp.porting.lists.reading import Reader, Silent, Unclear, Wishes
from blogapp.subscribing import mails
from blogapp.subscribing.adding import CHUNK_WITH_MAIL, NAMED, add_entries
from blogapp.subscribing.entries import Entry, Outcome

# Rows in one transaction: each may be a departure, which costs four times as much as somebody new (0.3 ms, measured).
CHUNK = 300
# Confirmation mails an hour. A new sender who asks thousands at once is taken for a spammer.
PACE = 200
# What becomes of rows that are no entries, beside the outcomes of those that are.
NEVER_AGREED, UNCLEAR, INVALID = "never agreed", "unclear", "invalid"
SILENT = (
    "The file does not say who agreed to get mail: say that all of them did, if you can show it, or that each is to be "
    "asked, or which column says it."
)


@dataclass
class SubscriberReport:
    """What became of the rows.

    Args:
        counts: by outcome (`entries.Outcome`, NEVER_AGREED, UNCLEAR, INVALID); together they are all rows.
        undated: rows with a date that could not be read; the day of the import stands in for it.
        wrong: the first rows that could not be used: (line, address, why).
        last_mail_at: when the last confirmation mail may leave.
    """

    service: str
    rows: int
    counts: dict[str, int] = field(default_factory=dict)
    undated: int = 0
    wrong: list[tuple[int, str, str]] = field(default_factory=list)
    last_mail_at: datetime | None = None

    def count(self, outcomes: Mapping[str, int] | Mapping[Outcome, int]) -> None:
        for outcome, number in outcomes.items():
            self.counts[str(outcome)] = self.counts.get(str(outcome), 0) + number


@dataclass(frozen=True)
class Survey:
    """A file that can be read to its end: how, and how many rows it has."""

    file: Path
    reader: Reader
    rows: int

    def __iter__(self) -> Iterator[Row]:
        return read_rows(self.file, self.reader.layout)


def import_subscribers(
    file: Path,
    wishes: Wishes | None = None,
    *,
    pace: int = PACE,
    by: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> SubscriberReport:
    """Take the subscribers of a file in. Nobody is revived, and no suppression is undone.

    Args:
        wishes: what is known of the file beside what it says.
        pace: confirmation mails an hour, where `wishes.confirm` has everybody asked.
        by: the member who does it; None is the operator.
        on_progress: called between transactions with how many rows are done and how many there are; what it raises
            ends the import there.

    Raises:
        NotAllowed: `by` may not.
        BadList: the file cannot be read; `Silent`: it does not say who agreed. Nobody was added.
    """
    may_import(by)
    survey = survey_list(file, wishes or Wishes())
    reader = survey.reader
    if reader.silent:
        raise Silent(SILENT)
    report = SubscriberReport(reader.service.name, survey.rows)
    ask = reader.wishes.confirm
    noted = {"source": "import", "service": reader.service.name, "file": reader.wishes.name}
    rows, done = iter(survey), 0
    while chunk := list(islice(rows, CHUNK_WITH_MAIL if ask else CHUNK)):
        entries = [entry for _, entry in read_entries(reader, chunk, report)]
        with transaction() as session:
            if by is not None:
                demand(session.get(Member, by), "subscriber.manage")
            outcomes = add_entries(session, entries, by=by, noted=noted, ask=ask, an_hour=pace if ask else None)
        report.count(outcomes)
        done += len(chunk)
        if on_progress:
            on_progress(done, survey.rows)
    if ask:
        report.last_mail_at = mails.last_due(db.session())
    return report


def may_import(by: int | None) -> None:
    """
    Raises:
        NotAllowed: `by` may not.
    """
    if by is not None:
        demand(db.session.get(Member, by), "subscriber.manage")


def survey_list(file: Path, wishes: Wishes) -> Survey:
    """Read the file to its end, to know that it can be.

    Raises:
        BadList: it cannot, or the wishes do not fit it.
    """
    layout = read_layout(file, wishes.encoding)
    reader = Reader(layout, replace(wishes, name=wishes.name or file.name), now())
    total = 0
    for row in read_rows(file, layout):
        total += 1
        if not reader.day_first:
            reader.day_first = any(map(tells_day_first, reader.dates(row)))
    return Survey(file, reader, total)


def read_entries(reader: Reader, rows: list[Row], report: SubscriberReport) -> Iterator[tuple[Row, Entry]]:
    """The entries among the rows; of the others the report says why not."""
    for row in rows:
        try:
            entry, legible = reader.read(row)
        except Invalid as error:
            report.count({UNCLEAR if isinstance(error, Unclear) else INVALID: 1})
            if len(report.wrong) < NAMED:
                report.wrong.append((row.line, reader.address(row)[:80], str(error)))
            continue
        report.undated += not legible
        # Our own list knows whom it has asked. Who has never agreed elsewhere only comes in to be asked.
        if entry.state == "pending" and not reader.wishes.confirm and reader.service.name != "blogapp":
            report.count({NEVER_AGREED: 1})
        else:
            yield row, entry
