"""Adding many at once: counted, flat, and nobody revived."""

import gc
import tracemalloc
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import event, func, select

from blogapp.audit import AuditEntry
from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.core.errors import NotAllowed
from blogapp.delivery.suppressions import suppress
from blogapp.subscribing import adding
from blogapp.subscribing.adding import CHUNK, CHUNK_WITH_MAIL, NAMED
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.subscribers import add_subscribers, count_states, each_subscriber, list_subscribers
from tests import readers
from tests.mailbox import outbox


def count() -> int:
    return db.session.execute(select(func.count()).select_from(Subscriber)).scalar_one()


def test_who_agreed_already_is_confirmed_at_once_and_not_mailed(app: Flask) -> None:
    lines = ["ann@example.org", "", "# the old list", "Bob Lee <BOB@example.org>"]
    report = add_subscribers(lines, confirmed=True, source="command line")
    assert (report.added, report.known, report.invalid) == (2, 0, 0)
    ann, bob = readers.find("ann@example.org"), readers.find("bob@example.org")
    assert ann is not None
    assert bob is not None
    assert (ann.state, bob.state, bob.name) == ("confirmed", "confirmed", "Bob Lee")
    assert ann.consent["source"] == "command line"
    assert outbox() == []


def test_who_has_not_agreed_is_asked_once(app: Flask) -> None:
    add_subscribers(["Ann Lee <ann@example.org>"], confirmed=False, source="command line")
    report = add_subscribers(["ann@example.org"], confirmed=False, source="command line")
    assert (report.added, report.known) == (0, 1)
    (mail,) = outbox()
    assert (mail.to, mail.purpose) == ("ann@example.org", "confirmation")
    assert mail.message["To"] == "Ann Lee <ann@example.org>"
    assert "people who run the site" in mail.text
    ann = readers.find("ann@example.org")
    assert ann is not None
    assert ann.state == "pending"
    app.test_client().post(mail.path("/confirm/"))
    assert readers.reload(ann.id).state == "confirmed"


def test_nobody_is_revived(app: Flask) -> None:
    gone = readers.subscriber("gone@example.org", "unsubscribed")
    waiting = readers.subscriber("waiting@example.org", "pending")
    barred = readers.subscriber("barred@example.org", "pending")
    with transaction() as session:
        suppress(session, "barred@example.org", "complaint")
        suppress(session, "stranger@example.org", "no such mailbox")
    names = ("gone", "waiting", "barred", "stranger", "new", "NEW")
    report = add_subscribers([f"{name}@example.org" for name in names], confirmed=True, source="import")
    assert (report.added, report.known, report.unsubscribed, report.suppressed) == (1, 3, 1, 1)
    assert readers.reload(gone).state == "unsubscribed"
    assert readers.reload(waiting).state == "pending"
    assert readers.reload(barred).state == "pending"
    assert readers.find("stranger@example.org") is None


def test_bad_lines_are_named_with_their_number_and_the_list_is_capped(app: Flask) -> None:
    lines = ["ann@example.org", "no address", "", *["x" * 500] * (NAMED + 5)]
    report = add_subscribers(lines, confirmed=True, source="import")
    assert (report.added, report.invalid, len(report.wrong)) == (1, NAMED + 6, NAMED)
    number, line, why = report.wrong[0]
    assert (number, line) == (2, "no address")
    assert "@-sign" in why
    assert len(report.wrong[1][1]) == 80


def test_a_second_run_goes_on_where_the_first_broke_off(app: Flask) -> None:
    def breaks() -> Iterator[str]:
        yield from (f"p{n}@example.org" for n in range(CHUNK + 10))
        raise ConnectionError

    with pytest.raises(ConnectionError):
        add_subscribers(breaks(), confirmed=True, source="import")
    assert count() == CHUNK
    report = add_subscribers((f"p{n}@example.org" for n in range(CHUNK + 10)), confirmed=True, source="import")
    assert (report.added, report.known, count()) == (10, CHUNK, CHUNK + 10)
    entries = db.session.execute(select(AuditEntry).where(AuditEntry.act == "subscriber.add")).scalars().all()
    assert sum(entry.detail["count"] for entry in entries) == count()


def test_every_chunk_is_a_transaction_of_its_own(app: Flask) -> None:
    sizes: list[int] = []
    before = 0

    def committed(_: object) -> None:
        nonlocal before
        with db.engine.connect() as connection:
            total = connection.execute(select(func.count()).select_from(Subscriber)).scalar_one()
        sizes.append(total - before)
        before = total

    event.listen(db.session, "after_commit", committed)
    try:
        add_subscribers((f"a{n}@example.org" for n in range(2 * CHUNK + 1)), confirmed=True, source="import")
        add_subscribers((f"b{n}@example.org" for n in range(CHUNK_WITH_MAIL + 1)), confirmed=False, source="import")
    finally:
        event.remove(db.session, "after_commit", committed)
    grown = [size for size in sizes if size]  # Savepoints commit too, and nobody else sees what they did.
    assert grown == [CHUNK, CHUNK, 1, CHUNK_WITH_MAIL, 1]


@pytest.fixture
def collecting_as_usual() -> Iterator[None]:
    """Cycles are collected as often as Python does it by itself; the tests do it less often (see conftest.py)."""
    threshold = gc.get_threshold()
    gc.set_threshold(700, 10, 10)
    yield
    gc.set_threshold(*threshold)


# What takes the memory is this program; one database shows it.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_memory_stays_flat(app: Flask, monkeypatch: pytest.MonkeyPatch, collecting_as_usual: None) -> None:
    monkeypatch.setattr(adding, "CHUNK", 100)
    peaks = []
    for name, chunks in (("warm", 10), ("few", 40), ("many", 160)):
        tracemalloc.start()
        add_subscribers((f"{name}{n}@example.org" for n in range(chunks * 100)), confirmed=True, source="import")
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # 12,000 more addresses would take 1,400 kB if anything held on to them. What moves is when cycles are collected.
    assert peaks[2] < peaks[1] + 700_000, peaks


def test_a_member_who_may_not_is_refused_and_adds_nobody(app: Flask, erin: Member) -> None:
    with pytest.raises(NotAllowed):
        add_subscribers(["ann@example.org"], confirmed=True, source="admin", by=erin.id)
    assert count() == 0


def test_the_list_is_paged_by_what_the_last_page_ended_with(app: Flask) -> None:
    add_subscribers((f"p{n}@example.org" for n in range(25)), confirmed=True, source="import")
    seen, before = [], None
    while page := list_subscribers(before=before, limit=10):
        seen += [row.id for row in page]
        before = page[-1].id
    assert seen == sorted(seen, reverse=True)
    assert len(set(seen)) == 25
    assert [row.id for row in each_subscriber()] == sorted(seen)


def test_the_search_takes_a_part_of_an_address_as_it_is_typed(app: Flask) -> None:
    add_subscribers(
        ["ann_lee@example.org", "annxlee@example.org", "bob@100%.example.org"], confirmed=True, source="import"
    )
    assert [row.address for row in list_subscribers(query=" ANN_L ")] == ["ann_lee@example.org"]
    assert list_subscribers(query="%") == []
    assert len(list_subscribers(query="example.org")) == 2


def test_states_are_counted(app: Flask) -> None:
    for number, state in enumerate(("pending", "confirmed", "confirmed", "unsubscribed")):
        readers.subscriber(f"p{number}@example.org", state)
    with transaction() as session:
        suppress(session, "p1@example.org", "complaint")
        suppress(session, "stranger@example.org", "complaint")
    counts = count_states()
    assert (counts.pending, counts.confirmed, counts.unsubscribed) == (1, 2, 1)
    assert (counts.paused, counts.suppressed) == (0, 1)
    assert [row.address for row in list_subscribers(state="suppressed")] == ["p1@example.org"]
    assert len(list_subscribers(state="confirmed")) == 2
