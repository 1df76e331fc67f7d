"""Importing in tests: every outcome is kept."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from blogapp.porting import importing
from blogapp.porting.report import Outcome, Report


class Heard(Report):
    """A report that keeps every outcome."""

    def __init__(self) -> None:
        self.outcomes: list[Outcome] = []
        super().__init__(on_outcome=self.outcomes.append)

    @property
    def results(self) -> list[str]:
        return [outcome.result for outcome in self.outcomes]

    def of(self, name: str) -> Outcome:
        """What became of the file whose path holds `name`."""
        (found,) = [outcome for outcome in self.outcomes if name in outcome.path]
        return found


def import_snips(paths: Iterable[str | Path], **given: Any) -> Heard:
    heard = Heard()
    importing.import_snips(paths, report=heard, **given)
    return heard
