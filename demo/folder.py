"""The demo's data folder: made once, found again, started over; known by its mark so that nothing else is deleted."""

import fcntl
import json
import os
import shutil
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from typing import IO, Any

MARK = "this-is-a-blogapp-demo.json"
# The week that is going on when the demo is made; the draft is about the one before it.
CURRENT_WEEK = 474


class Refused(Exception):
    """The demo cannot start; the message is the one line that says why."""


@dataclass
class Folder:
    """An open data folder; `lock` keeps a second demo out for as long as this process lives.

    `epoch` is the Monday of week 0, fixed when the folder is made.
    """

    path: Path
    epoch: date
    filled: bool
    lock: IO[str]

    def note_filled(self) -> None:
        """Write down that the team and its posts are all there."""
        self.filled = True
        self.keep({})

    def keep(self, running: dict[str, Any]) -> None:
        """Renew the mark; `running` says where this demo can be found."""
        facts = {"epoch": self.epoch.isoformat(), "filled": self.filled, **running}
        self.lock.seek(0)
        self.lock.truncate()
        json.dump(facts, self.lock, indent=1)
        self.lock.flush()


def open_folder(path: Path, *, fresh: bool, today: date) -> Folder:
    """Make or find the demo's data folder.

    One whose filling was interrupted is filled from the start again.

    Raises:
        Refused: it holds something else, is in use by another demo, or cannot be written.
    """
    path = path.expanduser().resolve()
    try:
        if path.exists() and not path.is_dir():
            raise Refused(f"{path} is a file; choose a folder with --data")
        if path.is_dir() and any(path.iterdir()) and not (path / MARK).is_file():
            raise Refused(f"{path} holds something that is not a demo; choose another folder with --data")
        path.mkdir(parents=True, exist_ok=True)
        lock = _lock(path / MARK)
        facts = _read(lock)
        if fresh or not facts.get("filled"):
            _empty(path)
            facts = {}
    except OSError as error:
        raise Refused(f"cannot use {path}: {error.strerror}") from None
    epoch = date.fromisoformat(facts["epoch"]) if facts else _epoch(today)
    folder = Folder(path, epoch, bool(facts), lock)
    folder.keep({})
    return folder


def _epoch(today: date) -> date:
    return today - timedelta(days=today.weekday(), weeks=CURRENT_WEEK)


def _lock(mark: Path) -> IO[str]:
    file = os.fdopen(os.open(mark, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o600), "r+")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        facts = _read(file)
        file.close()
        raise Refused(f"it is running already: {facts.get('site', mark.parent)}") from None
    return file


def _read(file: IO[str]) -> dict[str, Any]:
    try:
        file.seek(0)
        facts = json.load(file)
        date.fromisoformat(facts["epoch"])
    except (ValueError, KeyError, TypeError):
        return {}
    return dict(facts)


def _empty(path: Path) -> None:
    for entry in path.iterdir():
        if entry.name == MARK:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()
