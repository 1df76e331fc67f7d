"""What an import of subscribers would do, without doing it: the same rules, over what is here; in flat memory."""

import sqlite3
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from pathlib import Path

from blogapp.core.db import db
from blogapp.porting.lists.importing import SILENT, SubscriberReport, may_import, read_entries, survey_list
from blogapp.porting.lists.reading import Wishes
from blogapp.subscribing.adding import CHUNK, standings
from blogapp.subscribing.entries import Entry, Outcome, Standing, make_plan

# How many rows are shown as they would be understood.
SAMPLES = 5


@dataclass(frozen=True)
class Preview:
    """What is known of a file before it is imported.

    Args:
        columns: each column's name, and what it is taken for (a key of MEANINGS, or nothing).
        samples: the first rows that could be read: (line, entry).
        report: as the import would give it now.
        refusal: why it would be refused; nothing where it would not be.
    """

    service: str
    note: str
    encoding: str
    delimiter: str
    day_first: bool
    columns: list[tuple[str, str]]
    samples: list[tuple[int, Entry]]
    report: SubscriberReport
    refusal: str


def preview_subscribers(
    file: Path,
    wishes: Wishes | None = None,
    *,
    by: int | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Preview:
    """What `import_subscribers` would do. Reads only.

    Raises:
        NotAllowed: `by` may not.
        BadList: the file cannot be read.
    """
    may_import(by)
    survey = survey_list(file, wishes or Wishes())
    reader = survey.reader
    report = SubscriberReport(reader.service.name, survey.rows)
    samples: list[tuple[int, Entry]] = []
    rows, done = iter(survey), 0
    with closing(_Shadow()) as shadow:
        while chunk := list(islice(rows, CHUNK)):
            entries = []
            for row, entry in read_entries(reader, chunk, report):
                entries.append(entry)
                if len(samples) < SAMPLES:
                    samples.append((row.line, entry))
            report.count(shadow.play(entries))
            done += len(chunk)
            if on_progress:
                on_progress(done, survey.rows)
    layout, service = reader.layout, reader.service
    refusal = SILENT if reader.silent else ""
    return Preview(
        service.name, service.note, layout.encoding, layout.delimiter, reader.day_first, reader.columns(), samples,
        report, refusal,
    )  # fmt: skip


class _Shadow:
    """How everybody whom the rows so far would change would stand: in a temporary file, since there may be millions."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("", isolation_level=None)
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE here (address PRIMARY KEY, state, since, service, barred) WITHOUT ROWID")

    def play(self, entries: list[Entry]) -> Counter[Outcome]:
        """Let the entries come in, and forget it but for the next ones. Returns how many had which outcome."""
        addresses = {entry.address for entry in entries}
        here = standings(db.session(), addresses) | self._among(addresses)
        db.session.rollback()
        before = dict(here)
        plan = make_plan(entries, here)
        changed = ((a, *_as_row(s)) for a, s in here.items() if before.get(a) != s)
        self._rows.execute("BEGIN")
        self._rows.executemany("INSERT OR REPLACE INTO here VALUES (?, ?, ?, ?, ?)", changed)
        self._rows.execute("COMMIT")
        return plan.outcomes

    def close(self) -> None:
        self._rows.close()

    def _among(self, addresses: set[str]) -> dict[str, Standing]:
        marks = ", ".join("?" * len(addresses))
        query = f"SELECT * FROM here WHERE address IN ({marks})"  # noqa: S608  # only question marks
        return {
            address: Standing(state, datetime.fromisoformat(since) if since else None, service, bool(barred))
            for address, state, since, service, barred in self._rows.execute(query, list(addresses))
        }


def _as_row(standing: Standing) -> tuple[str, str | None, str, bool]:
    return standing.state, standing.since.isoformat() if standing.since else None, standing.service, standing.barred
