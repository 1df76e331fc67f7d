"""The rota: what the team decides about weeks and its order, and the page that does all of it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import time_machine
from flask.testing import FlaskClient

from blogapp.auth.members import deactivate
from blogapp.auth.models import Member
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Conflict, Invalid, NotAllowed, NotFound
from blogapp.posts.circles import Circle
from blogapp.posts.models import Post
from blogapp.posts.monday import begin_week
from blogapp.posts.rotachanges import skip_week, swap_weeks, undo_change
from blogapp.posts.rotaorder import come_back, go_away, join_rota, leave_rota, move_in_rota
from blogapp.posts.turns import list_aways
from blogapp.posts.weektemplate import LONGEST, save_template
from blogapp.posts.writing import save_post
from tests.mailbox import outbox
from tests.pages import soup, text
from tests.turns import TEAM, WEDNESDAY, taking_turns, the_draft, to_come


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


def test_what_is_decided_about_the_week_that_is_begun_hands_its_draft_over(three: list[Member]) -> None:
    erin, bob, carol = three
    begin_week()
    assert to_come() == ["E", "B", "C", "E", "B"]
    assert skip_week(473, erin.id) == bob.id
    assert (the_draft().author_id, to_come()) == (bob.id, ["B", "C", "E", "B", "C"])
    skip_week(473, erin.id)
    assert (the_draft().author_id, to_come()) == (carol.id, ["C", "E", "B", "C", "E"])
    undo_change(473, erin.id)
    assert (the_draft().author_id, to_come()) == (erin.id, ["E", "B", "C", "E", "B"])
    swap_weeks(475, 473, erin.id)
    assert (the_draft().author_id, to_come()) == (carol.id, ["C", "B", "E", "E", "B"])
    for week in (473, 475):
        with pytest.raises(Conflict):
            skip_week(week, erin.id)
    with pytest.raises(Conflict):
        swap_weeks(475, 474, erin.id)
    undo_change(475, erin.id)
    assert (the_draft().author_id, to_come()) == (erin.id, ["E", "B", "C", "E", "B"])
    with pytest.raises(Conflict):
        undo_change(475, erin.id)


def test_a_draft_that_was_made_one_for_a_few_stays_its_author_s_when_the_week_is_passed_on(three: list[Member]) -> None:
    erin, bob, _ = three
    post = begin_week()
    assert post is not None
    save_post(post.id, post.version, erin.id, title="", body="Quiet words.", readers=Circle("listed"))
    assert skip_week(473, erin.id) == bob.id
    db.session.rollback()
    assert db.session.get_one(Post, post.id).author_id == erin.id
    assert all("Quiet" not in mail.text and f"/posts/{post.id}" not in mail.text for mail in outbox())


def test_a_swap_taken_back_gives_nothing_to_who_has_left(three: list[Member], alice: Member) -> None:
    erin, bob, carol = three
    begin_week()
    swap_weeks(473, 475, alice.id)
    assert the_draft().author_id == carol.id
    deactivate(erin.id, alice.id)
    undo_change(473, alice.id)
    assert the_draft().author_id == bob.id


def test_who_has_a_week_by_somebody_else_s_decision_gets_a_mail(three: list[Member], alice: Member) -> None:
    erin = three[0]
    begin_week()
    skip_week(473, alice.id)
    swap_weeks(474, 475, erin.id)
    undo_change(474, alice.id)
    skip_week(476, alice.id)
    undo_change(476, alice.id)
    assert [(mail.to, mail.subject) for mail in outbox()] == [
        ("bob@blog.test", "Week 473 is yours to write"),
        ("erin@blog.test", "Week 473 is not yours any more"),
        ("carol@blog.test", "Week 475 is yours to write"),
        ("carol@blog.test", "Week 474 is yours to write"),
        ("erin@blog.test", "Week 475 is yours to write"),
        ("carol@blog.test", "Week 476 is yours to write"),
        ("bob@blog.test", "Week 476 is not yours any more"),
        ("bob@blog.test", "Week 476 is yours to write"),
        ("carol@blog.test", "Week 476 is not yours any more"),
    ]
    first, gone, second, *_ = (" ".join(mail.text.split()) for mail in outbox())
    assert "5 to 9 February 2018, is your turn now: Alice Archer passed it on to you. Its draft is there:" in first
    assert f"http://blog.test/posts/{the_draft().id}/edit" in first
    assert "is not your turn any more: Alice Archer passed it on to Bob Barker. There is nothing for you to do." in gone
    assert "/edit" not in gone
    assert "Erin Eames swapped it for week 474. Its draft will be there on that Monday" in second


def test_a_week_that_is_written_is_not_handed_over(three: list[Member]) -> None:
    erin, *_ = three
    begin_week()
    with transaction() as session:
        session.get_one(Post, the_draft().id).publish(WEDNESDAY)
        bump_version(session)
    with pytest.raises(Conflict):
        skip_week(473, erin.id)
    with pytest.raises(Conflict):
        swap_weeks(473, 474, erin.id)


def test_who_may_decide_and_what_cannot_be(three: list[Member], bob: Member) -> None:
    erin, _, carol = three
    acts: list[Callable[[], object]] = [
        lambda: join_rota(bob.id, bob.id),
        lambda: leave_rota(carol.id, bob.id),
        lambda: move_in_rota(carol.id, 1, bob.id),
        lambda: skip_week(474, bob.id),
        lambda: swap_weeks(474, 475, bob.id),
        lambda: undo_change(474, bob.id),
        lambda: save_template("x", bob.id),
        lambda: go_away(carol.id, 474, 475, bob.id),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    go_away(carol.id, 475, 475, carol.id)
    (away,) = list_aways(db.session(), 473)
    with pytest.raises(NotAllowed):
        come_back(away.id, bob.id)
    for wrong in (
        lambda: go_away(bob.id, 476, 475, bob.id),
        lambda: go_away(bob.id, 470, 472, bob.id),
        lambda: go_away(bob.id, -1, 10_000, bob.id),
        lambda: skip_week(472, erin.id),
        lambda: skip_week(526, erin.id),
        lambda: swap_weeks(473, 475, erin.id),  # Erin's both, as Carol is away
        lambda: swap_weeks(477, 475, erin.id),  # Carol is away in 475
        lambda: save_template("x" * (LONGEST + 1), erin.id),
        lambda: join_rota(9999, erin.id),
        lambda: join_rota(carol.id, erin.id, from_week=10_000),
    ):
        with pytest.raises(Invalid):
            wrong()
    unknown: list[Callable[[], object]] = [
        lambda: come_back(9999, erin.id),
        lambda: leave_rota(9999, erin.id),
        lambda: go_away(99, 474, 474, erin.id),
    ]
    for act in unknown:
        with pytest.raises(NotFound):
            act()
    with pytest.raises(Conflict):
        join_rota(carol.id, erin.id)
    come_back(away.id, carol.id)
    assert to_come(3) == ["E", "B", "C"]


def test_the_order_changes_and_members_come_and_go(three: list[Member], alice: Member) -> None:
    erin, bob, carol = three
    begin_week()
    join_rota(alice.id, erin.id, from_week=478)
    assert to_come(8) == ["E", "B", "C", "E", "B", "C", "A", "E"]
    move_in_rota(carol.id, -1, erin.id)
    move_in_rota(erin.id, -1, erin.id)
    assert to_come(4) == ["E", "C", "B", "E"]
    leave_rota(carol.id, erin.id)
    assert to_come(4) == ["E", "B", "E", "B"]
    deactivate(bob.id, alice.id)
    assert to_come(6) == ["E", "E", "E", "E", "E", "A"]


def test_the_page_does_all_of_it_without_javascript(
    alice: Member, three: list[Member], log_in: Callable[[Member], FlaskClient]
) -> None:
    browser = log_in(alice)
    assert 'href="/write/rota"' in browser.get("/write").text
    page = browser.post("/write/rota/members", data={"member": alice.id, "from_week": "475"})
    assert (page.status_code, page.location) == (303, "/write/rota#order")
    browser.post(f"/write/rota/members/{alice.id}", data={"go": "up"})
    browser.post("/write/rota/swap", data={"week": "473", "other": "474"})
    browser.post("/write/rota/skip", data={"week": "475"})
    browser.post("/write/rota/aways", data={"first_week": "476", "last_week": "477"})
    browser.post("/write/rota/template", data={"template": "# {week}\n\n{dates}"})
    shown = soup(browser.get("/write/rota"))
    lines = [" ".join(li.get_text(" ", strip=True).split()) for li in shown.select(".turns > li")]
    assert lines[:4] == [
        "473 Bob Barker swapped with week 474 This week, 5 to 9 February 2018 Take back",
        "474 Erin Eames swapped with week 473 12 to 16 February 2018 Take back",
        "475 Carol Cole it was passed on to them 19 to 23 February 2018 Pass on Take back",
        "476 Erin Eames 26 February to 2 March 2018 Pass on",
    ]
    assert text(browser.get("/write/rota"), "#away li").startswith("Alice Archer, weeks 476 to 477 until 9 March 2018")
    wrong = browser.post("/write/rota/aways", data={"member": three[1].id, "first_week": "480", "last_week": "478"})
    assert wrong.status_code == 422
    kept = soup(wrong)
    assert "Week 478 is before week 480" in kept.select_one("#away .error").get_text()  # type: ignore[union-attr]
    assert [o["value"] for o in kept.select("#away option[selected]")] == [str(three[1].id), "480", "478"]
    long = "x" * (LONGEST + 1)
    assert long in browser.post("/write/rota/template", data={"template": long}).text, "what was typed stays"
    assert "# {week}" in browser.get("/write/rota").text
    assert text(browser.get("/write/rota"), "#next-draft pre") == "# 474 12 to 16 February 2018"
    misspelled = browser.post(
        "/write/rota/template", data={"template": "{weak} {week} {x} {weak}"}, follow_redirects=True
    )
    assert text(misspelled, "#template .state") == "{weak} and {x} are not filled in."
    browser.post("/write/rota/template", data={"template": "# {week}\n\n{dates}"})
    plain = log_in(three[2]).get("/write/rota").text
    assert "Pass on" not in plain
    assert "I am away from" in plain
    assert begin_week().body == "# 473\n\n5 to 9 February 2018"  # type: ignore[union-attr]
