"""Importing other services' lists of subscribers, on both databases."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from sqlalchemy import func, select

from blogapp.audit import AuditEntry
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import NotAllowed
from blogapp.delivery.models import OutboxMail, Suppression
from blogapp.delivery.suppressions import suppress
from blogapp.porting.lists import importing as subscriber_import
from blogapp.porting.lists import preview as subscriber_preview
from blogapp.porting.lists.files import BadList
from blogapp.porting.lists.importing import SubscriberReport, import_subscribers
from blogapp.porting.lists.preview import preview_subscribers
from blogapp.porting.lists.reading import Silent, Wishes
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.privacy import forget_pending
from blogapp.subscribing.subscribers import come_back, sign_up, unsubscribe
from tests import readers, services
from tests.commands import Command
from tests.mailbox import outbox

JOINED = datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)
LEFT = datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
ASKED = Wishes(confirm=True)

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a list; returns where."""

    def write(text: str, name: str = "list.csv") -> Path:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


def plain(count: int, start: int = 0) -> str:
    return "email,status\n" + "".join(f"p{n}@example.org,active\n" for n in range(start, start + count))


def counts(report: SubscriberReport) -> dict[str, int]:
    assert sum(report.counts.values()) == report.rows
    return report.counts


def total() -> int:
    db.session.rollback()
    return db.session.execute(select(func.count()).select_from(Subscriber)).scalar_one()


def found(address: str) -> Subscriber:
    subscriber = readers.find(address)
    assert subscriber is not None
    return subscriber


def suppression(address: str) -> Suppression:
    db.session.rollback()
    return db.session.get_one(Suppression, address, populate_existing=True)


def due() -> list[datetime]:
    db.session.rollback()
    return list(db.session.execute(select(OutboxMail.due_at).order_by(OutboxMail.due_at)).scalars())


# What comes in


def test_consent_keeps_its_source_and_date_and_nobody_is_mailed(app: Flask, write: Write) -> None:
    report = import_subscribers(write(services.MAILCHIMP, "subscribed_members_export_1a2b.csv"))
    assert counts(report) == {"confirmed": 2}
    ann = found("ann@example.org")
    assert (ann.name, ann.state, ann.confirmed_at) == ("Ann Lee", "confirmed", JOINED)
    assert ann.created_at == datetime(2019, 3, 4, 10, tzinfo=UTC)
    assert ann.consent == {
        "source": "import",
        "service": "mailchimp",
        "file": "subscribed_members_export_1a2b.csv",
        "at": "2019-03-04T10:11:12Z",
        "ip": "192.0.2.7",
        "imported_at": ann.consent["imported_at"],
    }
    assert outbox() == []


def test_who_left_there_is_known_as_unsubscribed_here(app: Flask, write: Write) -> None:
    report = import_subscribers(write(services.MAILCHIMP_UNSUBSCRIBED))
    assert counts(report) == {"unsubscribed": 1, "suppressed": 1}
    bea = found("bea@example.org")
    assert (bea.state, bea.unsubscribed_at) == ("unsubscribed", LEFT)
    assert suppression("dan@example.org").reason == "complaint"
    assert readers.find("dan@example.org") is None


def test_an_address_that_bounced_there_is_suppressed_with_evidence(app: Flask, write: Write) -> None:
    eve = readers.subscriber("eve@example.org")
    report = import_subscribers(write(services.MAILCHIMP_CLEANED, "cleaned_members_export_1a2b.csv"))
    assert counts(report) == {"suppressed": 1}
    assert suppression("eve@example.org").reason == "cleaned at Mailchimp"
    assert suppression("eve@example.org").evidence == {
        "source": "import",
        "service": "mailchimp",
        "file": "cleaned_members_export_1a2b.csv",
        "at": "2020-05-06T07:08:09Z",
    }
    assert readers.reload(eve).state == "confirmed"


def test_who_never_agreed_is_left_out_until_they_are_to_be_asked(app: Flask, write: Write) -> None:
    file = write(services.BUTTONDOWN)
    report = import_subscribers(file)
    assert counts(report) == {"confirmed": 2, "unsubscribed": 1, "suppressed": 1, "never agreed": 1}
    assert readers.find("fay@example.org") is None
    assert counts(import_subscribers(file, ASKED)) == {"pending": 1, "known": 4}
    assert [mail.to for mail in outbox()] == ["fay@example.org"]


def test_a_date_that_cannot_be_read_is_counted_and_today_stands_in(app: Flask, write: Write) -> None:
    text = "email,status,created_at\nann@example.org,active,soon\nbea@example.org,active,\n"
    before = now()
    report = import_subscribers(write(text))
    assert (counts(report), report.undated) == ({"confirmed": 2}, 1)
    ann = found("ann@example.org")
    assert ann.confirmed_at is not None
    assert ann.confirmed_at >= before
    assert "at" not in ann.consent


def test_one_date_with_its_day_first_is_enough_for_the_file(app: Flask, write: Write) -> None:
    text = "email,status,created_at\nann@example.org,active,4/3/2019\nbea@example.org,active,23/3/2019\n"
    assert import_subscribers(write(text)).undated == 0
    assert found("ann@example.org").created_at == datetime(2019, 3, 4, tzinfo=UTC)


def test_rows_that_cannot_be_used_are_named_by_line_and_the_others_come_in(app: Flask, write: Write) -> None:
    rows = ('ann@example.org,"=Ann\nLee",active', "nobody,,active", "b@example.org,,vip", "c@d.org,,active,x")
    report = import_subscribers(write("\n".join(("email,name,status", *rows))))
    assert counts(report) == {"confirmed": 1, "invalid": 2, "unclear": 1}
    wrong = [(line, address) for line, address, _ in report.wrong]
    assert wrong == [(4, "nobody"), (5, "b@example.org"), (6, "c@d.org")]
    assert found("ann@example.org").name == "=Ann Lee"


# Nobody is revived


def test_who_left_or_is_suppressed_here_stays_so(app: Flask, write: Write) -> None:
    gone = readers.subscriber("p0@example.org", "unsubscribed")
    with transaction() as session:
        suppress(session, "p1@example.org", "complaint", {"reply": "this is spam"})
    file = write(plain(3))
    assert counts(import_subscribers(file)) == {"stays unsubscribed": 1, "stays suppressed": 1, "confirmed": 1}
    assert counts(import_subscribers(file, ASKED)) == {"stays unsubscribed": 1, "stays suppressed": 1, "known": 1}
    assert readers.reload(gone).state == "unsubscribed"
    assert suppression("p1@example.org").evidence == {"reply": "this is spam"}
    assert readers.find("p1@example.org") is None
    assert outbox() == []


def test_the_first_reason_of_a_suppression_stands(app: Flask, write: Write) -> None:
    with transaction() as session:
        suppress(session, "eve@example.org", "asked by mail")
    assert counts(import_subscribers(write(services.MAILCHIMP_CLEANED))) == {"known": 1}
    assert suppression("eve@example.org").reason == "asked by mail"


def test_a_later_departure_there_counts_here_and_an_earlier_one_does_not(app: Flask, write: Write) -> None:
    file = write(services.MAILCHIMP_UNSUBSCRIBED)
    number = readers.subscriber("bea@example.org", confirmed_at=JOINED)
    assert counts(import_subscribers(file)) == {"left": 1, "suppressed": 1}
    bea = readers.reload(number)
    assert (bea.state, bea.unsubscribed_at) == ("unsubscribed", LEFT)
    come_back(number)
    assert counts(import_subscribers(file)) == {"stays confirmed": 1, "known": 1}
    assert readers.reload(number).state == "confirmed"


def test_an_undated_departure_counts_where_the_consent_came_from_that_list(app: Flask, write: Write) -> None:
    here = readers.subscriber("bea@example.org")
    both = services.GHOST.replace("false,false", "true,false")
    import_subscribers(write(both))
    assert counts(import_subscribers(write(services.GHOST))) == {"known": 1, "stays confirmed": 1}
    import_subscribers(write(both.replace("bea@", "fay@")))
    assert counts(import_subscribers(write(services.GHOST.replace("bea@", "fay@")))) == {"known": 1, "left": 1}
    assert readers.reload(here).state == "confirmed"
    assert found("fay@example.org").state == "unsubscribed"


# Again, broken off, refused


def test_a_second_run_changes_nothing(app: Flask, write: Write) -> None:
    files = [
        write(services.MAILCHIMP, "subscribed_members_export.csv"),
        write(services.MAILCHIMP_UNSUBSCRIBED, "unsubscribed_members_export.csv"),
        write(services.MAILCHIMP_CLEANED, "cleaned_members_export.csv"),
        write(services.SUBSTACK, "email_list.csv"),
    ]
    for file in files:
        import_subscribers(file)
    before = readers.everything()
    for file in files:
        report = import_subscribers(file)
        assert counts(report) == {"known": report.rows}
    assert readers.everything() == before


def test_what_was_broken_off_is_mended_by_running_it_again(
    app: Flask, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_import, "CHUNK", 10)
    steps: list[tuple[int, int]] = []

    def stop(done: int, rows: int) -> None:
        steps.append((done, rows))
        if done == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_subscribers(write(plain(35)), on_progress=stop)
    assert (steps, total()) == ([(10, 35), (20, 35)], 20)
    assert counts(import_subscribers(write(plain(35)))) == {"known": 20, "confirmed": 15}
    added = db.session.execute(select(AuditEntry.detail).where(AuditEntry.act == "subscriber.add")).scalars()
    assert sum(detail["count"] for detail in added) == 35


@pytest.mark.parametrize("end", ["bea\0@example.org,active\n", 'bea@example.org,"active\n'])
def test_a_file_that_is_bad_at_its_end_is_refused_whole(app: Flask, write: Write, end: str) -> None:
    with pytest.raises(BadList, match="Line 1502 "):
        import_subscribers(write(plain(1500) + end))
    assert total() == 0


def test_a_list_that_does_not_say_who_agreed_is_refused(app: Flask, write: Write) -> None:
    file = write("email\nann@example.org\n")
    with pytest.raises(Silent):
        import_subscribers(file)
    assert preview_subscribers(file).refusal
    assert total() == 0
    assert counts(import_subscribers(file, Wishes(statuses={"": "confirmed"}))) == {"confirmed": 1}


def test_only_who_manages_subscribers_may(app: Flask, write: Write, alice: Member, erin: Member) -> None:
    file = write(plain(1))
    with pytest.raises(NotAllowed):
        import_subscribers(file, by=erin.id)
    with pytest.raises(NotAllowed):
        preview_subscribers(file, by=erin.id)
    assert total() == 0
    import_subscribers(file, by=alice.id)
    entry = db.session.execute(select(AuditEntry).where(AuditEntry.act == "subscriber.add")).scalar_one()
    assert (entry.member_id, entry.detail["service"], entry.detail["file"]) == (alice.id, "csv", "list.csv")


# Looking first

MIXED = """\
email,status,created_at,unsubscribed_at
ann@example.org,active,2019-03-04,
gone@example.org,active,2019-03-04,
barred@example.org,active,2019-03-04,
eve@example.org,bounced,,
ANN@example.org,active,2019-03-04,
ann@example.org,unsubscribed,,2020-05-06
ann@example.org,active,2019-03-04,
eve@example.org,active,2019-03-04,
nobody,active,,
fay@example.org,pending,,
"""


def test_a_preview_says_exactly_what_the_import_then_does_and_changes_nothing(
    app: Flask, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_preview, "CHUNK", 3)
    monkeypatch.setattr(subscriber_import, "CHUNK", 4)
    readers.subscriber("gone@example.org", "unsubscribed")
    with transaction() as session:
        suppress(session, "barred@example.org", "complaint")
    before = readers.everything()
    preview = preview_subscribers(write(MIXED))
    assert readers.everything() == before
    assert (preview.service, preview.delimiter, preview.refusal) == ("csv", ",", "")
    assert preview.columns == [(name, name) for name in ("email", "status", "created_at", "unsubscribed_at")]
    shown = [(line, entry.address) for line, entry in preview.samples]
    assert shown[:2] == [(2, "ann@example.org"), (3, "gone@example.org")]
    expected = {"confirmed": 1, "known": 1, "left": 1, "suppressed": 1, "invalid": 1, "never agreed": 1}
    assert counts(preview.report) == {**expected, "stays unsubscribed": 2, "stays suppressed": 2}
    report = import_subscribers(write(MIXED))
    assert (counts(report), report.wrong) == (counts(preview.report), preview.report.wrong)


# Asking


def test_everybody_can_be_asked_at_a_gentle_pace(app: Flask, write: Write) -> None:
    minute = timedelta(minutes=1)
    with time_machine.travel(NOON, tick=False):
        report = import_subscribers(write(plain(3)), ASKED, pace=60)
        assert counts(report) == {"pending": 3}
        assert due() == [NOON, NOON + minute, NOON + 2 * minute]
        assert report.last_mail_at == due()[-1]
        # Another list waits behind the first one.
        import_subscribers(write(plain(2, start=3)), ASKED, pace=60)
        assert due()[3:] == [NOON + 3 * minute, NOON + 4 * minute]
    first, *_, last = outbox()
    assert "Your address is on a list of readers of The Notebook." in " ".join(first.text.split())
    assert first.message["Date"].datetime == NOON
    assert last.message["Date"].datetime == NOON + 4 * minute


def test_who_is_asked_next_week_has_a_week_from_then_to_answer(app: Flask, write: Write) -> None:
    with time_machine.travel(NOON, tick=False):
        import_subscribers(write(plain(200)), ASKED, pace=1)
        link = outbox("p199@example.org")[0].path("/confirm/")
    with time_machine.travel(NOON + timedelta(hours=199, days=6), tick=False):
        app.test_client().post(link)
    assert found("p199@example.org").state == "confirmed"


def test_nobody_is_forgotten_before_their_month_after_the_question(app: Flask, write: Write) -> None:
    with time_machine.travel(NOON, tick=False):
        import_subscribers(write(plain(3)), ASKED, pace=1)
    with time_machine.travel(NOON + timedelta(days=30, hours=1, minutes=30), tick=False):
        assert forget_pending() == 2
    assert readers.find("p2@example.org") is not None


def test_who_answers_or_leaves_before_they_are_asked_is_not_asked(app: Flask, write: Write) -> None:
    import_subscribers(write(plain(3)), ASKED, pace=1)
    unsubscribe(found("p2@example.org").id, "page")
    assert [mail.to for mail in outbox()] == ["p0@example.org", "p1@example.org"]
    sign_up("p1@example.org")
    app.test_client().post(outbox("p1@example.org")[-1].path("/confirm/"))
    assert found("p1@example.org").state == "confirmed"
    assert [mail.subject for mail in outbox("p1@example.org")] == ["Confirm your subscription to The Notebook"]


def test_asking_is_mended_by_running_it_again_and_nobody_is_asked_twice(
    app: Flask, write: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscriber_import, "CHUNK_WITH_MAIL", 2)

    def stop(done: int, rows: int) -> None:
        raise KeyboardInterrupt

    with time_machine.travel(NOON, tick=False):
        with pytest.raises(KeyboardInterrupt):
            import_subscribers(write(plain(5)), ASKED, on_progress=stop)
        assert counts(import_subscribers(write(plain(5)), ASKED)) == {"known": 2, "pending": 3}
    assert [mail.to for mail in outbox()] == [f"p{n}@example.org" for n in range(5)]
    assert {later - earlier for earlier, later in pairwise(due())} == {timedelta(hours=1) / subscriber_import.PACE}


# The command


def test_a_dry_run_shows_the_file_and_changes_nothing(app: Flask, write: Write, blogapp: Command) -> None:
    write(services.BUTTONDOWN, "people.csv")
    before = readers.everything()
    said = blogapp("import subscribers people.csv --dry-run").stdout
    assert "Written by Buttondown, in utf-8 with commas." in said
    assert "line 2: ann@example.org, confirmed, 2019-03-04" in said
    assert "2 added, confirmed" in said
    assert "1 left out: they never agreed; --confirm asks them" in said
    assert readers.everything() == before


def test_the_command_imports_and_names_what_it_could_not(app: Flask, write: Write, blogapp: Command) -> None:
    write("email,kind\nann@example.org,vip\nnobody,vip\n", "people.csv")
    result = blogapp("import subscribers people.csv --map status=kind --status vip=confirmed", code=1)
    assert "1 added, confirmed" in result.stdout
    assert "line 3: 'nobody'" in result.stderr
    assert "blogapp: 1 of 2 rows cannot be used." in result.stderr
    assert [row["address"] for row in blogapp.json("subscriber list --json")] == ["ann@example.org"]


def test_the_command_says_how_to_say_who_agreed(app: Flask, write: Write, blogapp: Command) -> None:
    write("email\nann@example.org\n", "people.csv")
    assert "--status confirmed" in blogapp.refused("import subscribers people.csv")
    assert total() == 0


def test_the_command_prints_json(app: Flask, write: Write, blogapp: Command) -> None:
    write(services.GHOST, "members.csv")
    preview = blogapp.json("import subscribers members.csv --dry-run --json")
    assert (preview["service"], preview["report"]["counts"]) == ("ghost", {"confirmed": 1, "unsubscribed": 1})
    assert blogapp.json("import subscribers members.csv --json")["counts"] == {"confirmed": 1, "unsubscribed": 1}


def test_a_mapping_that_makes_no_sense_is_not_understood(app: Flask, write: Write, blogapp: Command) -> None:
    write(services.GHOST, "members.csv")
    for options in ("--map email", "--map mood=email", "--status happy", "--pace 0"):
        assert "Usage:" in blogapp(f"import subscribers members.csv {options}", code=2).stderr
