"""Jobs in the background: claimed by one, watched, stopped, taken up again."""

import os
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from blogapp.audit import AuditEntry
from blogapp.auth.members import deactivate
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, Gone, Invalid, NotAllowed, NotFound
from blogapp.delivery.wake import Waker
from blogapp.porting.jobs import claims, files, queue
from blogapp.porting.jobs.context import Running
from blogapp.porting.jobs.models import Job, JobOutcome
from blogapp.porting.jobs.running import run_jobs
from blogapp.porting.report import Outcome
from blogapp.posts.models import Post
from tests import people
from tests.commands import wait_until
from tests.jobs import ME, add_kind, begin, look, run, work, zipped

PLACE = ME.partition(":")[0]
DEAD = f"{PLACE}:999999999:1:jobs"
ELSEWHERE = "elsewhere/1-1:5:1:jobs"


class Steps:
    """A kind of job of so many documents; remembers which are in, as a site would."""

    def __init__(self, total: int = 4) -> None:
        self.total = total
        self.made: set[int] = set()
        self.refuses: set[int] = set()
        self.before_each: Callable[[int], object] = lambda number: None

    def __call__(self, job: Running) -> None:
        for number in range(1, self.total + 1):
            self.before_each(number)
            if number in self.refuses:
                job.report.add(Outcome(f"{number}.md", "refused", "it is odd"))
            elif number in self.made:
                job.report.add(Outcome(f"{number}.md", "unchanged"))
            else:
                if not job.dry_run:
                    self.made.add(number)
                warnings = ("line 3: <%= odd %>",) if number == 1 else ()
                job.report.add(Outcome(f"{number}.md", "made", warnings=warnings, post_id=number))
            job.on_progress(number, self.total)


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> Steps:
    steps = Steps()
    add_kind(monkeypatch, steps)
    return steps


def at_work(job_id: int, owner: str, state: str = "running", **values: object) -> None:
    until = now() + timedelta(minutes=1)
    with transaction() as session:
        changed = {"state": state, "owner": owner, "lease_until": until, **values}
        session.execute(update(Job).where(Job.id == job_id).values(changed))


def named(job_id: int) -> list[tuple[str, str, str]]:
    db.session.rollback()
    return [(row.path, row.result, row.reason) for row in queue.list_outcomes(job_id)]


def test_a_job_is_done_and_its_report_counts_all_and_names_what_somebody_has_to_look_at(
    app: Flask, alice: Member, steps: Steps
) -> None:
    steps.refuses = {3}
    job = run(begin(alice.id))
    assert (job.state, job.done, job.total, job.error) == ("done", 4, 4, "")
    assert job.counts == {"made": 3, "refused": 1, "warnings": 1}
    assert named(job.id) == [("3.md", "refused", "it is odd"), ("1.md", "made", "line 3: <%= odd %>")]
    assert work() is None


def test_jobs_are_done_in_the_order_in_which_they_were_begun_and_one_at_a_time(
    app: Flask, alice: Member, steps: Steps
) -> None:
    first, second = begin(alice.id), begin(alice.id)
    at_work(first, ELSEWHERE)
    assert claims.claim(ME) is None
    with transaction() as session:
        session.execute(update(Job).where(Job.id == first).values(state="done", owner=None))
    assert claims.claim(ME) == second


def test_of_many_workers_that_look_at_once_one_gets_a_job(app: Flask, alice: Member, steps: Steps) -> None:
    begin(alice.id)
    begin(alice.id)
    got: list[int | None] = []
    ready = threading.Barrier(6)

    def look_for_work(number: int) -> None:
        with app.app_context():
            ready.wait()
            got.append(claims.claim(f"host-{number}:1:1:jobs"))

    threads = [threading.Thread(target=look_for_work, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(str(one) for one in got) == ["1", *["None"] * 5]


def test_progress_is_seen_while_it_runs_and_a_wish_to_stop_is_heard(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id)
    steps.total = 100_000_000
    seen: list[int] = []

    def watch() -> None:
        with app.app_context():
            wait_until(lambda: look(number).done > 0)
            seen.append(look(number).counts["made"])
            queue.stop_job(number, alice_id)

    alice_id = alice.id
    watching = threading.Thread(target=watch)
    watching.start()
    job = run(number)
    watching.join()
    assert job.state == "stopped"
    assert 0 < seen[0] <= job.counts["made"] == job.done < steps.total
    assert job.owner is None


def test_what_was_stopped_goes_on_and_the_report_covers_both_attempts(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id)
    stop = threading.Event()
    steps.refuses = {2}
    steps.before_each = lambda step: stop.set() if step == 3 else None
    assert work(stop=stop) == number
    waiting = look(number)
    assert (waiting.state, waiting.counts) == ("waiting", {"made": 2, "refused": 1, "warnings": 1})
    steps.before_each = lambda step: None
    job = run(number)
    assert (job.state, job.counts) == ("done", {"made": 3, "refused": 1, "warnings": 1})
    assert named(number) == [("2.md", "refused", "it is odd"), ("1.md", "made", "line 3: <%= odd %>")]


def test_what_was_in_before_is_unchanged_and_stays_so_over_two_attempts(
    app: Flask, alice: Member, steps: Steps
) -> None:
    steps.made = {1, 2}
    number = begin(alice.id)
    stop = threading.Event()
    steps.before_each = lambda step: stop.set() if step == 3 else None
    work(stop=stop)
    steps.before_each = lambda step: None
    assert run(number).counts == {"made": 2, "unchanged": 2}


def test_a_job_whose_worker_was_killed_is_taken_up_at_once_on_this_machine(
    app: Flask, alice: Member, steps: Steps
) -> None:
    number = begin(alice.id)
    at_work(number, ELSEWHERE)
    assert work() is None
    at_work(number, DEAD)
    assert run(number).state == "done"


def test_a_worker_elsewhere_is_given_until_its_lease_ends(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id)
    at_work(number, ELSEWHERE, lease_until=now() - timedelta(seconds=1))
    assert run(number).state == "done"


def test_a_job_that_was_to_stop_when_its_worker_died_has_stopped(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id)
    at_work(number, DEAD, "stopping")
    assert work() is None
    assert look(number).state == "stopped"


def test_a_job_that_kills_its_workers_is_given_up(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id)
    for _ in range(3):
        assert claims.claim(DEAD.replace(":1:", f":{_}:")) == number
    assert work() is None
    assert (look(number).state, look(number).error) == ("failed", claims.KILLED)
    queue.go_on(number, alice.id)
    assert run(number).state == "done"


def test_who_lost_the_job_writes_nothing_and_ends(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id)
    steps.total = 100_000_000

    def take_it(step: int) -> None:
        if step == 2:
            at_work(number, ELSEWHERE)

    steps.before_each = take_it
    assert work() == number
    job = look(number)
    assert (job.state, job.owner, job.done) == ("running", ELSEWHERE, 0)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (Invalid("The file holds no posts."), "The file holds no posts."),
        (OSError(28, "No space left on device"), "No space left on device. It can go on once that is mended."),
        (ZeroDivisionError("a\nstone"), "The program broke (ZeroDivisionError: a stone)."),
    ],
)
def test_a_failure_says_why_in_one_line_and_can_go_on(
    app: Flask, alice: Member, steps: Steps, error: Exception, words: str
) -> None:
    def breaks(number: int) -> None:
        if number == 3:
            raise error

    steps.before_each = breaks
    job = run(begin(alice.id))
    assert (job.state, job.error) == ("failed", words)
    assert job.counts["made"] == 2
    steps.before_each = lambda number: None
    queue.go_on(job.id, alice.id)
    job = run(job.id)
    assert (job.state, job.error, job.counts["made"]) == ("done", "", 4)


def test_what_a_failed_job_had_begun_to_write_is_not_kept(
    app: Flask, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(job: Running) -> None:
        db.session.get_one(Member, alice.id).name = "Somebody Else"
        raise RuntimeError

    add_kind(monkeypatch, breaks)
    assert run(begin(alice.id)).state == "failed"
    assert db.session.get_one(Member, alice.id, populate_existing=True).name == "Alice Archer"


def test_a_preview_changes_nothing_and_the_import_begins_its_report_anew(
    app: Flask, alice: Member, steps: Steps
) -> None:
    number = begin(alice.id, dry_run=True)
    with pytest.raises(Conflict):
        queue.run_for_real(number, alice.id)
    job = run(number)
    assert (job.dry_run, job.counts, steps.made) == (True, {"made": 4, "warnings": 1}, set())
    queue.run_for_real(number, alice.id)
    job = run(number)
    assert (job.dry_run, job.counts, steps.made) == (False, {"made": 4, "warnings": 1}, {1, 2, 3, 4})
    assert len(named(number)) == 1
    with pytest.raises(Conflict):
        queue.run_for_real(number, alice.id)


def test_a_preview_can_be_looked_at_again_with_other_options(
    app: Flask, alice: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    def preview(job: Running) -> None:
        job.found["columns"] = job.options.get("mapping", "guessed")

    add_kind(monkeypatch, preview)
    number = begin(alice.id, dry_run=True, options={"confirm": True})
    assert run(number).found == {"columns": "guessed"}
    queue.preview_again(number, alice.id, {"mapping": "said"})
    assert run(number).found == {"columns": "said"}
    assert look(number).options == {"confirm": True, "mapping": "said"}


def test_one_that_waits_is_stopped_at_once_and_what_is_over_cannot_be_stopped(
    app: Flask, alice: Member, steps: Steps
) -> None:
    number = begin(alice.id)
    queue.stop_job(number, alice.id)
    assert look(number).state == "stopped"
    assert work() is None
    with pytest.raises(Conflict):
        queue.stop_job(number, alice.id)


def test_a_job_is_deleted_with_its_files_but_not_while_it_is_at_work(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id, upload=zipped())
    folder = files.path_of(look(number).folder)
    assert (folder / "file.zip").stat().st_mode & 0o777 == 0o600
    at_work(number, ELSEWHERE)
    with pytest.raises(Conflict):
        queue.delete_job(number, alice.id)
    at_work(number, DEAD)
    run(number)
    queue.delete_job(number, alice.id)
    assert not folder.exists()
    with pytest.raises(NotFound):
        queue.find_job(number)
    assert db.session.execute(select(func.count()).select_from(JobOutcome)).scalar() == 0


def test_only_admins_begin_and_change_jobs_and_who_is_none_any_more_imports_nothing(
    app: Flask, alice: Member, erin: Member, steps: Steps
) -> None:
    with pytest.raises(NotAllowed):
        begin(erin.id)
    number = begin(alice.id)
    for act in (queue.stop_job, queue.go_on, queue.delete_job, queue.run_for_real):
        with pytest.raises(NotAllowed):
            act(number, erin.id)
    deactivate(alice.id, by=people.member("Dora Dunn", "admin").id)
    assert run(number).state == "failed"
    assert steps.made == set()


def test_what_people_do_with_jobs_is_on_record(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id, dry_run=True)
    run(number)
    queue.run_for_real(number, alice.id)
    queue.stop_job(number, alice.id)
    queue.go_on(number, alice.id)
    run(number)
    queue.delete_job(number, alice.id)
    acts = db.session.execute(select(AuditEntry.act).where(AuditEntry.subject == f"job:{number}")).scalars().all()
    assert acts == ["job.begin", "job.import", "job.stop", "job.go-on", "job.delete"]


def test_files_go_after_a_week_and_jobs_after_ninety_days(app: Flask, alice: Member, steps: Steps) -> None:
    number = begin(alice.id, upload=zipped(), dry_run=True)
    waiting = begin(alice.id, upload=zipped())
    job = run(number)
    folder = files.path_of(job.folder)
    assert queue.forget_old_jobs() == 0
    assert folder.exists()
    for days, gone in ((8, 0), (91, 1)):
        with transaction() as session:
            ended = now() - timedelta(days=days)
            session.execute(update(Job).where(Job.id == number).values(finished_at=ended, created_at=ended))
            session.execute(update(Job).where(Job.id == waiting).values(created_at=ended))
        if days == 91:
            with pytest.raises(Gone):
                queue.run_for_real(number, alice.id)
        assert queue.forget_old_jobs() == gone
        assert not folder.exists()
    assert files.path_of(look(waiting).folder).exists()


def test_a_folder_that_an_upload_left_behind_goes_after_a_day(app: Flask, tmp_path: Path) -> None:
    fresh, old = (files.path_of(files.new_folder()) for _ in range(2))
    moment = (now() - timedelta(days=2)).timestamp()
    os.utime(old, (moment, moment))
    queue.forget_old_jobs()
    assert (fresh.exists(), old.exists()) == (True, False)


def test_the_workers_loop_does_what_waits_and_hands_back_what_is_at_work_when_it_ends(
    app: Flask, alice: Member, steps: Steps
) -> None:
    number = begin(alice.id)
    steps.total = 100_000_000
    stop = threading.Event()
    loop = threading.Thread(target=run_jobs, args=(app, stop, Waker(app, claims.JOBS)))
    loop.start()
    wait_until(lambda: look(number).done > 0)
    second = begin(alice.id)
    assert look(second).state == "waiting"
    stop.set()
    loop.join(20)
    assert not loop.is_alive()
    assert (look(number).state, look(number).owner) == ("waiting", None)


def test_snips_are_imported_from_an_archive(app: Flask, alice: Member) -> None:
    job = run(begin(alice.id, "import.snips", zipped()))
    assert (job.state, job.counts) == ("done", {"made": 2, "refused": 1})
    assert [row[:2] for row in named(job.id)] == [("weeknotes/week-3.snip.markdown", "refused")]
    assert len(db.session.execute(select(Post.id)).all()) == 2
    assert not (files.path_of(job.folder) / "scratch").exists()


def test_a_job_whose_upload_is_not_here_says_so(app: Flask, alice: Member) -> None:
    number = begin(alice.id, "import.snips", zipped())
    files.remove_folder(look(number).folder)
    job = run(number)
    assert (job.state, job.error) == (
        "failed",
        "old.zip is not in this worker's data folder any more. Upload it again.",
    )


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_archive_is_made_in_the_background(app: Flask, alice: Member) -> None:
    job = run(begin(alice.id, "export.archive"))
    assert (job.state, job.result.endswith(".tar.gz")) == ("done", True)
    assert (files.path_of(job.folder) / job.result).stat().st_size > 1000
