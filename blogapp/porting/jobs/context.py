"""What a kind of job sees of the job: its files, its options, whom to tell how far it is."""

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from blogapp.core.errors import Gone
from blogapp.porting.jobs.tally import Tally
from blogapp.porting.report import Outcome, Report
from blogapp.porting.unpacking import opened


class Stopped(Exception):
    """Somebody asked the job to stop, the worker ends, or the job is another worker's by now."""


@dataclass
class Running:
    """A job at work.

    by: who began it; None is the operator.
    options: what the form said; `files` names the uploads.
    watch: told of each step too, for the command line's bar.
    found: what a preview of a table has to say and to ask: `lines` (sentences), `refusal` (why it cannot be imported
        like this), `columns` (name, taken, samples), `fields` (value, label) that a column can be taken for.
    """

    tally: Tally
    folder: Path
    by: int | None
    dry_run: bool
    options: Mapping[str, Any]
    stop: threading.Event
    told_to_stop: threading.Event = field(default_factory=threading.Event)
    watch: Callable[[int, int], None] | None = None
    found: dict[str, Any] = field(default_factory=dict)
    result: str = ""

    def __post_init__(self) -> None:
        self.report = Report(dry_run=self.dry_run, on_outcome=self.tally.add)

    def on_progress(self, done: int, total: int) -> None:
        """Say how far it is; costs next to nothing. To be called where nothing is half done.

        Raises:
            Stopped: the job is to end here.
        """
        self.tally.move(done, total)
        if self.watch is not None:
            self.watch(done, total)
        self.check()

    def check(self) -> None:
        """
        Raises:
            Stopped: the job is to end here.
        """
        if self.stop.is_set() or self.told_to_stop.is_set():
            raise Stopped

    def say(self, note: str) -> None:
        """What it is at, in one line."""
        self.tally.say(note)

    def count(self, name: str, number: int) -> None:
        """Set a figure of the report that is not about documents; `Kind.words` says how it is called."""
        self.tally.count(name, number)

    def upload(self, name: str = "file") -> Path | None:
        """The uploaded file of that field, as it came; None where there is none.

        Raises:
            Gone: it was deleted, or lies on another host.
        """
        known = self.options.get("files", {}).get(name)
        if known and not (self.folder / known["stored"]).is_file():
            raise Gone(f"{known['name']} is not in this worker's data folder any more. Upload it again.")
        return self.folder / known["stored"] if known else None

    @contextmanager
    def unpacked(self, name: str = "file") -> Iterator[Path | None]:
        """What was uploaded: the folder that an archive holds, or the one file under its own name; None for nothing.

        What the archive holds that is no plain file is refused, by name.

        Raises:
            Gone: as for `upload`.
            Invalid: the archive is damaged as a whole, or unpacks to too much.
            Stopped: the job is to end here.
        """
        source = self.upload(name)
        if source is None:
            yield None
            return
        known = self.options["files"][name]["name"]
        scratch = self.scratch(name)
        self.say(f"Unpacking {known}")
        with opened(source, scratch, refuse=self._refuse, check=self.check) as found:
            self.say("")
            if found == source:
                found = scratch / known
                shutil.copyfile(source, found)
            yield found

    def scratch(self, name: str) -> Path:
        """An empty folder, for as long as the attempt lasts."""
        path = self._scratch / name
        path.mkdir(parents=True)
        return path

    def result_file(self, name: str) -> Path:
        """Where to write the file that the job makes; it is offered under this name."""
        self.result = name
        return self.folder / name

    def clean_up(self) -> None:
        """Remove what was there for the attempt."""
        shutil.rmtree(self._scratch, ignore_errors=True)

    @property
    def _scratch(self) -> Path:
        return self.folder / "scratch"

    def _refuse(self, path: str, reason: str) -> None:
        self.report.add(Outcome(path, "refused", reason))
