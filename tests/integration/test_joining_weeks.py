"""Whose week may be put into the next note, by whom, and what the draft that is put away loses."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.errors import Conflict, NotAllowed
from blogapp.digest import scheduling
from blogapp.digest.models import Schedule
from blogapp.digest.publishing import publish
from blogapp.digest.scheduling import publish_due, schedule, schedule_of
from blogapp.posts.deleted import restore_post
from blogapp.posts.joining import join_next
from blogapp.posts.models import Post
from blogapp.posts.sharelinks import share
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests import pages
from tests.mailbox import outbox
from tests.turns import TEAM, WEDNESDAY

# WEDNESDAY is in week 473.
LATER = WEDNESDAY + timedelta(weeks=1)


@pytest.fixture
def chosen() -> dict[str, Any]:
    return TEAM


@pytest.fixture(autouse=True)
def wednesday() -> Iterator[Any]:
    with time_machine.travel(WEDNESDAY) as travel:
        yield travel


@pytest.fixture
def old(app: Flask, bob: Member) -> Post:
    """Bob's draft of the present week."""
    return create_post("week", "", "The roof leaks.", bob.id, weeks=Weeks(473, 473))


def next_week(author: Member) -> Post:
    return create_post("week", "", "It rains.", author.id, weeks=Weeks(474, 474))


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def test_nobody_takes_a_draft_that_is_not_theirs_while_its_week_lasts(
    old: Post, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    next_week(carol)
    with pytest.raises(NotAllowed):
        join_next(473, carol.id)
    client = log_in(carol)
    page = client.get("/write/rota/merge/473").text
    assert "Let it cover both weeks" not in page
    assert "Week 473 is not over, and “Week 473” is Bob Barker’s. An editor can do it." in page
    assert client.post("/write/rota/merge/473").status_code == 403
    assert fresh(old).deleted_at is None


@pytest.mark.parametrize("weeks", [Weeks(472, 472), Weeks(472, 473)])
def test_a_week_that_is_over_is_anybodys_who_writes_the_next_and_a_longer_one_when_all_of_it_is(
    app: Flask, bob: Member, carol: Member, wednesday: Any, weeks: Weeks
) -> None:
    missed = create_post("week", "", "The roof leaks.", bob.id, weeks=weeks)
    post = create_post("week", "", "It rains.", carol.id, weeks=Weeks(weeks.last + 1, weeks.last + 1))
    if weeks.last == 473:
        with pytest.raises(NotAllowed):
            join_next(weeks.last, carol.id)
        wednesday.move_to(LATER)
    assert join_next(weeks.last, carol.id).body == "The roof leaks.\n\n— [BB](/bob-barker)\n\nIt rains."
    assert (fresh(missed).deleted_at is not None, fresh(post).weeks) == (True, Weeks(472, weeks.last + 1))


def test_who_may_edit_both_joins_them_before_the_week_is_over(old: Post, bob: Member, erin: Member) -> None:
    post = next_week(erin)
    with pytest.raises(NotAllowed):
        join_next(473, bob.id)
    assert join_next(473, erin.id).id == post.id
    assert fresh(old).deleted_at is not None


@pytest.mark.parametrize("over", [False, True])
def test_a_draft_that_is_to_be_published_by_itself_is_put_away_by_nobody(
    old: Post, bob: Member, carol: Member, erin: Member, wednesday: Any, over: bool,
    log_in: Callable[[Member], FlaskClient],
) -> None:  # fmt: skip
    schedule(old.id, old.version, bob.id, LATER + timedelta(hours=1), with_digest=True)
    next_week(carol)
    if over:
        wednesday.move_to(LATER)
    for who in (erin, carol) if over else (erin,):
        with pytest.raises(Conflict, match="“Week 473” is to be published by itself"):
            join_next(473, who.id)
    page = log_in(erin).get("/write/rota/merge/473").text
    assert "“Week 473” is to be published by itself" in page
    assert "Let it cover both weeks" not in page
    wednesday.move_to(LATER + timedelta(hours=2))
    assert publish_due() == 1
    assert fresh(old).is_public


def test_what_is_put_away_ends_its_links_and_its_plan_for_good(
    old: Post, bob: Member, erin: Member, reader: FlaskClient, wednesday: Any
) -> None:
    link = share(old.id, bob.id, 30)
    schedule(old.id, old.version, bob.id, now() + timedelta(hours=1), with_digest=True)
    wednesday.move_to(WEDNESDAY + timedelta(hours=2))
    scheduling._stop(old.id, "It was not to be.")
    post = next_week(erin)
    joined = join_next(473, erin.id)
    assert joined.id == post.id
    save_post(joined.id, fresh(joined).version, erin.id, title="", body="It rains.", weeks=Weeks(474, 474))
    restore_post(old.id, bob.id)
    assert reader.get(f"/shared/{link.token}").status_code == 410
    assert schedule_of(old.id) is None
    assert db.session.execute(select(Schedule)).all() == []


def test_who_wrote_the_week_that_joins_is_credited(old: Post, bob: Member, carol: Member, erin: Member) -> None:
    next_week(carol)
    post = join_next(473, erin.id)
    assert fresh(post).body == "The roof leaks.\n\n— [BB](/bob-barker)\n\nIt rains."
    publish(post.id, fresh(post).version, erin.id)
    assert [member.name for member in fresh(post).contributors] == ["Bob Barker"]


def test_who_is_only_linked_to_in_the_text_is_not_taken_for_signed(
    app: Flask, bob: Member, carol: Member, erin: Member
) -> None:
    create_post("week", "", "See [Bob](/bob-barker) about it.", bob.id, weeks=Weeks(473, 473))
    next_week(carol)
    assert "— [BB](/bob-barker)" in fresh(join_next(473, erin.id)).body


def test_ones_own_two_weeks_and_a_text_that_is_signed_are_signed_no_further(
    app: Flask, bob: Member, carol: Member, erin: Member
) -> None:
    create_post("week", "", "Mine.", carol.id, weeks=Weeks(472, 472))
    create_post("week", "", "It leaks. — [Bob](/bob-barker)", bob.id, weeks=Weeks(473, 473))
    next_week(carol)
    assert fresh(join_next(473, erin.id)).body == "It leaks. — [Bob](/bob-barker)\n\nIt rains."
    assert fresh(join_next(472, erin.id)).body.startswith("Mine.\n\nIt leaks.")


def test_whose_weeks_they_are_gets_a_mail_when_somebody_else_joins_them(
    old: Post, bob: Member, carol: Member, erin: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    next_week(carol)
    join_next(473, erin.id)
    to_bob, to_carol = sorted(outbox(), key=lambda mail: mail.to)
    assert (to_bob.to, to_bob.subject) == (bob.email, "Weeks 473 and 474 are one note now")
    assert "Erin Eames put the draft “Week 473” into the next one" in " ".join(to_bob.text.split())
    assert "before the rest, signed by you." in " ".join(to_bob.text.split())
    assert "leave a note beside the paragraph: Carol Cole writes it." in " ".join(to_bob.text.split())
    assert (to_carol.to, to_carol.purpose) == (carol.email, "week-joined")
    assert "signed by you" not in to_carol.text
    assert "Your own draft" not in to_carol.text
    page = log_in(bob).get(to_bob.path("/posts/"))
    assert "The roof leaks." in page.text
    assert pages.soup(page).select_one(".noted textarea") is not None, "Bob can do as the mail says"


def test_who_joins_their_own_weeks_gets_no_mail_and_an_empty_draft_is_called_empty(
    app: Flask, bob: Member, carol: Member, erin: Member
) -> None:
    create_post("week", "", "Mine.", carol.id, weeks=Weeks(472, 472))
    create_post("week", "", "", bob.id, weeks=Weeks(473, 473))
    next_week(carol)
    join_next(473, erin.id)
    assert all("It had no text of its own yet." in mail.text for mail in outbox())
    assert len(outbox()) == 2
    join_next(472, carol.id)
    assert len(outbox()) == 2


def test_whose_draft_covers_a_week_without_a_draft_by_somebody_s_decision_gets_a_mail_too(
    app: Flask, carol: Member, erin: Member
) -> None:
    next_week(carol)
    join_next(473, erin.id)
    (mail,) = outbox()
    words = " ".join(mail.text.split())
    assert (mail.to, mail.subject) == (carol.email, "Weeks 473 and 474 are one note now")
    assert "let your draft “Weeks 473 and 474” cover the week before it, too. That one had no draft." in words
