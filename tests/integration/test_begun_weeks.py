"""The worker begins a week once and reminds who is on turn; a week that nobody wrote about joins the next."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from flask import Flask

from blogapp.auth.members import deactivate
from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid, NotAllowed
from blogapp.digest.publishing import delete, publish
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import add_section
from blogapp.posts.deleted import restore_post
from blogapp.posts.joining import join_next
from blogapp.posts.missed import record_missed
from blogapp.posts.models import Post
from blogapp.posts.monday import begin_week
from blogapp.posts.nudging import nudge
from blogapp.posts.queries import list_revisions
from blogapp.posts.rotachanges import skip_week
from blogapp.posts.rotaorder import go_away, join_rota
from blogapp.posts.sections import sections_of
from blogapp.posts.turnmodels import BegunWeek
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests.mailbox import outbox
from tests.turns import TEAM, WEDNESDAY, at_once, taking_turns, the_draft, to_come


@pytest.fixture
def chosen() -> dict[str, Any]:
    return TEAM


@pytest.fixture(autouse=True)
def wednesday() -> Iterator[Any]:
    with time_machine.travel(WEDNESDAY) as travel:
        yield travel


@pytest.fixture
def three(erin: Member, bob: Member, carol: Member) -> list[Member]:
    return taking_turns(erin, bob, carol)


def test_workers_at_the_same_moment_make_one_draft(app: Flask, three: list[Member]) -> None:
    made = at_once(app, 4, lambda: begin_week() is not None)
    assert sorted(made) == [False, False, False, True]
    assert begin_week() is None
    db.session.rollback()
    assert [(post.title, post.slug, post.author.name) for post in db.session.query(Post)] == [
        ("Week 473", "week-473", "Erin Eames")
    ]
    assert db.session.query(BegunWeek).count() == 1
    (first,) = list_revisions(the_draft().id)
    assert (first.member_id, "<!-- add content here -->" in first.body) == (None, True)


def test_a_worker_that_was_down_begins_the_present_week_only(three: list[Member], wednesday: Any) -> None:
    assert begin_week()
    wednesday.move_to(datetime(2018, 3, 1, 12, tzinfo=UTC))
    post = begin_week()
    assert post is not None
    assert (post.title, post.author_id) == ("Week 476", three[1].id)
    assert db.session.query(Post).count() == 2


def test_the_week_begins_at_midnight_of_the_site_s_own_time_zone(three: list[Member], wednesday: Any) -> None:
    wednesday.move_to(datetime(2018, 2, 11, 22, 59, tzinfo=UTC))
    assert begin_week().title == "Week 473"  # type: ignore[union-attr]
    wednesday.move_to(datetime(2018, 2, 11, 23, 0, tzinfo=UTC))
    assert begin_week().title == "Week 474"  # type: ignore[union-attr]


def test_a_week_that_a_post_covers_gets_no_draft(three: list[Member], wednesday: Any) -> None:
    early = create_post("week", "", "Ours.", three[2].id, weeks=Weeks(473, 474))
    assert begin_week() is None
    assert to_come(4) == ["E", "-", "B", "C"], "whose turn it was is noted, the range costs nobody another"
    wednesday.move_to(datetime(2018, 2, 12, 12, tzinfo=UTC))
    assert begin_week() is None
    delete(early.id, early.version, three[0].id)
    wednesday.move_to(datetime(2018, 2, 19, 12, tzinfo=UTC))
    gone = create_post("week", "", "No.", three[2].id, weeks=Weeks(475, 475))
    delete(gone.id, gone.version, three[2].id)
    assert begin_week() is None, "a person has deleted it"
    assert begin_week() is None
    wednesday.move_to(datetime(2018, 2, 26, 12, tzinfo=UTC))
    assert begin_week().author_id == three[2].id  # type: ignore[union-attr]


def test_no_draft_without_a_rota_or_where_it_is_said_why_there_is_no_note(alice: Member, bob: Member) -> None:
    assert begin_week() is None
    join_rota(bob.id, alice.id)
    record_missed(473, "We are at the lake.", bob.id)
    assert begin_week() is None
    assert to_come(2) == ["-", "B"]
    go_away(bob.id, 474, 474, bob.id)
    assert to_come(3) == ["-", "-", "B"]


def test_a_deleted_draft_is_not_made_again(three: list[Member]) -> None:
    post = begin_week()
    assert post is not None
    delete(post.id, post.version, three[0].id)
    assert begin_week() is None


def test_nobody_is_reminded_who_is_away_or_inactive_or_has_nothing_to_write(
    three: list[Member], alice: Member, wednesday: Any
) -> None:
    erin, bob, _ = three
    begin_week()
    wednesday.move_to(datetime(2018, 2, 8, 9, 30, tzinfo=UTC))
    go_away(erin.id, 473, 473, erin.id)
    assert nudge() == 0
    skip_week(473, erin.id)
    assert nudge() == 0, "and now it is Bob's, who was told so"
    assert [(mail.to, mail.purpose) for mail in outbox()] == [(bob.email, "turn-changed")]
    deactivate(bob.id, alice.id)
    wednesday.move_to(datetime(2018, 2, 9, 14, 30, tzinfo=UTC))
    assert nudge() == 0
    record_missed(473, "Nobody was here.", alice.id)
    wednesday.move_to(datetime(2018, 2, 12, 9, tzinfo=UTC))
    assert nudge() == 0, "it is said why"


def test_who_was_begun_late_is_not_reminded_at_once_and_who_gets_the_week_is_told_once(
    three: list[Member], wednesday: Any
) -> None:
    erin, bob, _ = three
    wednesday.move_to(datetime(2018, 2, 8, 12, tzinfo=UTC))
    begin_week()
    assert nudge() == 0
    wednesday.move_to(datetime(2018, 2, 9, 14, tzinfo=UTC))
    assert (nudge(), nudge()) == (1, 0)
    skip_week(473, erin.id)
    assert nudge() == 0
    assert [(mail.to, mail.purpose) for mail in outbox()] == [(erin.email, "week-turn"), (bob.email, "turn-changed")]


def test_a_note_about_several_weeks_has_time_until_the_friday_of_the_last(three: list[Member], wednesday: Any) -> None:
    erin, *_ = three
    post = begin_week()
    assert post is not None
    save_post(post.id, post.version, erin.id, title=post.title, body="At the lake.", weeks=Weeks(473, 474))
    for day in (9, 12, 15, 16):
        wednesday.move_to(datetime(2018, 2, day, 14, 30, tzinfo=UTC))
        assert begin_week() is None
        assert nudge() == (1 if day > 14 else 0), day
    assert [(mail.to, mail.subject) for mail in outbox()] == [
        (erin.email, "Weeks 473 and 474 are yours to write"),
        (erin.email, "Weeks 473 and 474 are not published yet"),
    ]
    wednesday.move_to(datetime(2018, 2, 19, 14, 30, tzinfo=UTC))
    begin_week()
    assert nudge() == 3
    assert {mail.subject for mail in outbox()[2:]} == {"There is no note about weeks 473 and 474"}
    assert join_next(474, erin.id).weeks == Weeks(473, 475)
    assert nudge() == 0


def test_workers_at_the_same_moment_remind_once(app: Flask, three: list[Member], wednesday: Any) -> None:
    begin_week()
    wednesday.move_to(datetime(2018, 2, 12, 9, tzinfo=UTC))
    assert sorted(at_once(app, 3, nudge)) == [0, 0, 3]


def test_a_draft_that_nobody_touched_adds_nothing_to_the_next(three: list[Member], wednesday: Any) -> None:
    erin, bob, carol = three
    old = begin_week()
    assert old is not None
    with pytest.raises(Conflict):
        join_next(473, erin.id)
    wednesday.move_to(datetime(2018, 2, 12, 9, tzinfo=UTC))
    fresh = begin_week()
    assert fresh is not None
    save_post(fresh.id, fresh.version, bob.id, title="A wet week", body="It rains.", slug="wet")
    with pytest.raises(NotAllowed):
        join_next(473, carol.id)
    joined = join_next(473, bob.id)
    assert (joined.title, joined.slug, joined.body, joined.weeks) == ("A wet week", "wet", "It rains.", Weeks(473, 474))
    with pytest.raises(Conflict):
        join_next(473, bob.id)
    with pytest.raises(Invalid):
        restore_post(old.id, erin.id)
    assert db.session.query(BegunWeek.post_id).distinct().all() == [(joined.id,)]


def test_both_texts_are_kept_and_readers_of_the_revisions_see_the_old_ones(three: list[Member], wednesday: Any) -> None:
    erin, bob, _ = three
    old = begin_week()
    assert old is not None
    save_post(old.id, old.version, erin.id, title="Week 473", body="The roof leaks.\n")
    wednesday.move_to(datetime(2018, 2, 12, 9, tzinfo=UTC))
    fresh = begin_week()
    assert fresh is not None
    template = fresh.body
    joined = join_next(473, bob.id)
    assert joined.body == f"The roof leaks.\n\n— [EE](/erin-eames)\n\n{template}"
    assert "The roof leaks" in joined.html
    assert [revision.body for revision in list_revisions(joined.id)] == [joined.body, template]
    assert list_revisions(old.id)[0].body == "The roof leaks.\n"


def test_sections_that_wait_in_the_old_draft_wait_in_the_joined_one(three: list[Member], wednesday: Any) -> None:
    erin, bob, carol = three
    old = begin_week()
    assert old is not None
    add_section(old.id, carol.id, title="About boats")
    wednesday.move_to(datetime(2018, 2, 12, 9, tzinfo=UTC))
    fresh = begin_week()
    assert fresh is not None
    add_section(fresh.id, erin.id, title="About bread")
    joined = join_next(473, bob.id)
    waiting = sections_of(db.session(), joined.id)
    assert [(one.title, one.member_id) for one in waiting] == [("About boats", carol.id), ("About bread", erin.id)]
    assert joined.html.index("About boats") < joined.html.index("About bread")


def test_two_drafts_that_not_the_same_people_may_read_are_not_joined(three: list[Member], wednesday: Any) -> None:
    erin, bob, _ = three
    old = begin_week()
    assert old is not None
    save_post(old.id, old.version, erin.id, title="", body="Among us.", readers=Circle("members"))
    wednesday.move_to(datetime(2018, 2, 12, 9, tzinfo=UTC))
    fresh = begin_week()
    assert fresh is not None
    before = fresh.body
    with pytest.raises(Conflict, match="Not the same people"):
        join_next(473, bob.id)
    db.session.rollback()
    assert fresh.body == before


def test_a_week_that_is_published_for_members_needs_no_reminder(three: list[Member], wednesday: Any) -> None:
    erin = three[0]
    post = begin_week()
    assert post is not None
    save_post(post.id, post.version, erin.id, title="", body="Among us.", readers=Circle("members"))
    publish(post.id, post.version, erin.id)
    wednesday.move_to(datetime(2018, 2, 8, 10, 30, tzinfo=UTC))
    assert nudge() == 0
