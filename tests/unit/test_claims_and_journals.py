"""The small parts under a sending: bitmaps, batches, owners, leases, journal files."""

import os
import subprocess
import threading
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.clock import now
from blogapp.delivery import lease as leases
from blogapp.delivery.lease import Lease
from blogapp.delivery.owners import gone, gone_among, owner_name
from blogapp.digest import bitmap
from blogapp.digest.journal import FileJournal
from blogapp.digest.models import WIDEST
from blogapp.digest.planning import BATCH
from blogapp.digest.slices import cut

ids = st.sets(st.integers(1, 20_000), min_size=1, max_size=60)


@given(ids)
def test_a_bitmap_gives_back_the_ids_it_was_made_of(some: set[int]) -> None:
    assert bitmap.to_ids(bitmap.from_ids(some, min(some), max(some)), min(some)) == sorted(some)


def test_a_bitmap_is_small_and_refuses_what_lies_outside() -> None:
    assert len(bitmap.from_ids(range(1, 501), 1, 500)) == 63
    assert bitmap.to_ids(None, 1) == []
    assert bitmap.from_ids([], 7, 7) == b"\0"
    with pytest.raises(ValueError):
        bitmap.from_ids([501], 1, 500)


@given(st.lists(st.integers(1, 4000), max_size=1200))
def test_batches_hold_everybody_once_and_stay_small(steps: list[int]) -> None:
    numbers = [sum(steps[: i + 1]) for i in range(len(steps))] if len(steps) < 40 else list(range(7, 7 + len(steps)))
    chunks = list(cut(numbers, BATCH))
    assert [number for chunk in chunks for number in chunk] == numbers
    assert all(len(chunk) <= BATCH and chunk[-1] - chunk[0] < WIDEST for chunk in chunks)


def test_an_owner_is_gone_when_its_process_is_and_not_before() -> None:
    place, _, _ = owner_name("digests").partition(":")
    assert not gone(owner_name("digests"))
    with subprocess.Popen(["sleep", "60"]) as child:
        began = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[19]
        owner = f"{place}:{child.pid}:{began}:digests"
        assert not gone(owner)
        assert gone(f"{place}:{child.pid}:1:digests")  # the number is another process's by now
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # a zombie: dead, not yet buried
        assert gone(owner)
    assert gone(owner)
    assert gone_among([owner, None, owner_name("digests")]) == [owner]


@pytest.mark.parametrize("owner", ["elsewhere/1-2:999999999:1:digests", "nonsense", "", "a:b:c:d"])
def test_of_an_owner_elsewhere_only_the_lease_is_known(owner: str) -> None:
    assert not gone(owner)


class Renewals(list[datetime]):
    def __call__(self, until: datetime) -> bool:
        self.append(until)
        return len(self) < 3


def test_a_lease_is_renewed_when_a_third_is_over_and_ends_when_it_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    renewals = Renewals()
    lease = Lease(renewals, threading.Event())
    assert (lease.tick(), renewals) == ("", [])
    monkeypatch.setattr(leases, "RENEW_AFTER", -1.0)
    assert [lease.tick(), lease.tick(), lease.tick()] == ["", "", "the claim has run out"]
    assert lease.tick() == "the claim has run out"
    assert len(renewals) == 3


def test_a_lease_ends_by_the_clock_even_if_nobody_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    lease = Lease(lambda until: True, threading.Event())
    monkeypatch.setattr(leases, "now", lambda: now() + timedelta(seconds=61))
    assert lease.tick() == "the claim has run out"


def test_a_worker_that_is_told_to_stop_has_a_moment_to_finish(monkeypatch: pytest.MonkeyPatch) -> None:
    stop = threading.Event()
    lease = Lease(lambda until: True, stop)
    stop.set()
    assert lease.tick() == ""
    monkeypatch.setattr(leases, "GRACE", -1.0)
    assert lease.tick() == "the worker was told to stop"


def test_a_journal_file_keeps_whole_lines_only(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "batch-1"
    journal = FileJournal(path, b"the message")
    for number in (5, 12, 7):
        journal.append([number])
    journal.close()
    with path.open("ab") as file:
        file.write(b"8\n\0\0\0\n12")  # what a power cut may leave
    again = FileJournal(path, b"the message")
    assert again.entries == {5, 12, 7, 8}
    again.append([1300])
    again.close()
    last = FileJournal(path, b"the message")
    assert last.entries == {5, 12, 7, 8, 1300}
    last.clear()
    last.append([3])
    last.close()
    assert FileJournal(path, b"the message").entries == {3}


def test_half_a_line_that_a_full_disk_took_never_becomes_somebody_elses_number(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, write = tmp_path / "journal" / "batch-1", os.write
    journal = FileJournal(path, b"the message")
    journal.append([5])
    with monkeypatch.context() as full:
        full.setattr(os, "write", lambda file, data: write(file, data[:4]))
        with pytest.raises(OSError, match="no space left"):
            journal.append([12, 345])
    journal.append([7])
    journal.close()
    assert FileJournal(path, b"the message").entries == {5, 7}


def test_a_journal_of_another_message_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "batch-1"
    journal = FileJournal(path, b"of an older database")
    journal.append([5])
    journal.close()
    other = FileJournal(path, b"the message")
    assert other.entries == set()
    other.close()
    assert not path.exists()


def test_a_journal_that_holds_nobody_leaves_no_file(tmp_path: Path) -> None:
    path = tmp_path / "journal" / "batch-1"
    journal = FileJournal(path, b"the message")
    journal.append([5])
    journal.clear()
    journal.close()
    assert not path.exists()
