"""A team's weeks in travelled time: from Monday's draft to Friday's digest, and one that nobody wrote."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.delivery.outbox import deliver_outbox
from blogapp.digest.publishing import publish
from blogapp.posts.models import Post
from blogapp.posts.rotaorder import go_away, join_rota
from blogapp.posts.turns import covering
from blogapp.posts.weektemplate import save_template
from blogapp.posts.writing import save_post
from blogapp.scheduler import timetable
from tests import people
from tests.mailbox import Mail, outbox
from tests.pages import soup
from tests.readers import subscriber
from tests.sink import Sink
from tests.worker import ME, send_all

BERLIN = ZoneInfo("Europe/Berlin")
# Week 473 begins here.
MONDAY = datetime(2018, 2, 5, tzinfo=BERLIN)
ALL = ["alice@blog.test", "bob@blog.test", "carol@blog.test", "erin@blog.test"]


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "site_epoch": date(2009, 1, 12), "site_timezone": "Europe/Berlin"}


class Team:
    """The four, their worker, and the mails that have come since one last looked."""

    def __init__(self, app: Flask, sink: Sink) -> None:
        self.app, self.sink, self.seen = app, sink, 0
        idle: Any = SimpleNamespace(wake=lambda: None)
        self.jobs = {job.name: job.call for job in timetable(idle, idle)}

    def run(self) -> list[Mail]:
        """What the worker does at such a moment, twice as two workers do. Returns the mails to members."""
        for name in ("begin week", "nudge") * 2:
            self.jobs[name]()
        deliver_outbox(ME)
        send_all()
        found, self.seen = outbox()[self.seen :], len(outbox())
        return found

    def post(self, week: int) -> Post | None:
        db.session.rollback()
        return covering(db.session(), week)

    def titles(self) -> list[tuple[str, str, str]]:
        db.session.rollback()
        posts = db.session.query(Post).order_by(Post.id)
        return [(post.title, post.author.name, post.state if post.deleted_at is None else "deleted") for post in posts]


def at(week: int, day: int, hour: int = 0, minute: int = 0) -> time_machine.travel:
    """So many days and hours after a week's Monday, on the wall's clock in Berlin."""
    moment = MONDAY + timedelta(weeks=week - 473, days=day, hours=hour, minutes=minute)
    return time_machine.travel(moment.astimezone(UTC))


@pytest.fixture
def team(app: Flask, sink: Sink, alice: Member, erin: Member, bob: Member, carol: Member) -> Team:
    """Bob, Erin, Alice, Carol, in that order; Bob is away in week 473. A reader has subscribed."""
    with at(472, 6, 12):
        for member in (bob, erin, alice, carol):
            join_rota(member.id, alice.id)
        go_away(bob.id, 473, 473, bob.id)
        save_template("Week {week}, {dates}, by {author}.\n\n<!-- add content here -->\n\n{later}\n", erin.id)
        subscriber("ann@reader.test")
    return Team(app, sink)


def test_weeks_of_a_team_of_four_of_whom_one_is_away(
    team: Team, alice: Member, erin: Member, bob: Member, carol: Member
) -> None:
    _mondays_draft(team)
    _nudged(team, erin)
    _fridays_digest(team, erin)
    _nobody_writes(team, alice)
    _joined(team, carol, alice)
    _the_record(team, bob)


def _mondays_draft(team: Team) -> None:
    with at(473, 0, 0, 1):
        assert team.run() == []
        post = team.post(473)
        assert post is not None
        assert team.titles() == [("Week 473", "Erin Eames", "draft")], "Bob is away, and Erin comes next"
        assert post.body.startswith(
            "Week 473, 5 to 9 February 2018, by Erin Eames.\n\n<!-- add content here -->\n\n{later}"
        )


def _nudged(team: Team, erin: Member) -> None:
    for day, hour, minute in ((1, 12, 0), (2, 12, 0), (3, 9, 59)):
        with at(473, day, hour, minute):
            assert team.run() == []
    with at(473, 3, 10):
        (mail,) = team.run()
        assert (mail.to, mail.subject) == (erin.email, "Week 473 is yours to write")
        post = team.post(473)
        assert post is not None
        assert mail.path("/posts/") == f"/posts/{post.id}/edit"
        assert people.log_in(team.app, erin).get(mail.path("/posts/")).status_code == 200, "one click to the draft"
    with at(473, 4, 14, 59):
        assert team.run() == []
    with at(473, 4, 15):
        assert [(mail.to, mail.subject) for mail in team.run()] == [(erin.email, "Week 473 is not published yet")]
    assert (team.sink.accepted[erin.email or ""], team.sink.total) == (2, 2), "nobody else got any"


def _fridays_digest(team: Team, erin: Member) -> None:
    with at(473, 4, 16):
        post = team.post(473)
        assert post is not None
        post = save_post(post.id, post.version, erin.id, title=post.title, body="We mended the *door*.")
        publish(post.id, post.version, erin.id)
        assert team.run() == []
        assert team.sink.accepted["ann@reader.test"] == 1
        assert b"We mended the" in team.sink.messages[-1][1]
    with at(473, 6, 23, 59):
        assert team.run() == []


def _nobody_writes(team: Team, alice: Member) -> None:
    with at(474, 0):
        assert team.run() == []
        assert team.titles()[1:] == [("Week 474", "Alice Archer", "draft")]
    for day, hour in ((3, 10), (4, 15)):
        with at(474, day, hour):
            assert [mail.to for mail in team.run()] == [alice.email]
    with at(474, 5, 12):
        post = team.post(474)
        assert post is not None
        save_post(post.id, post.version, alice.id, title=post.title, body="The roof leaks.")
        go_away(people_id(team, "Erin"), 475, 475, alice.id)


def people_id(team: Team, name: str) -> int:
    db.session.rollback()
    return db.session.query(Member.id).filter(Member.name.startswith(name)).scalar() or 0


def _joined(team: Team, carol: Member, alice: Member) -> None:
    with at(475, 0, 8, 59):
        assert team.run() == []
        assert team.titles()[2:] == [("Week 475", "Carol Cole", "draft")]
    with at(475, 0, 9):
        mails = team.run()
        assert sorted(mail.to for mail in mails) == ALL[:3], "Erin is away"
        assert {mail.subject for mail in mails} == {"There is no note about week 474"}
        (mail,) = [mail for mail in mails if mail.to == carol.email]
        old, browser = team.post(474), people.log_in(team.app, carol)
        assert old is not None
        assert mail.path("/posts/") == f"/posts/{old.id}", "Carol cannot edit it, so she reads it"
        assert "/write/weeks/474" not in mail.text
        assert mails[0].path("/write/weeks/") == "/write/weeks/474"
        before = team.titles()
        page = browser.get(mail.path("/write/rota/merge/"))
        assert "What Alice Archer wrote in “Week 474” is put before its text." in page.text
        assert team.titles() == before, "nothing happens before the button"
        answer = browser.post(mail.path("/write/rota/merge/"))
        assert answer.status_code == 303
        assert team.titles()[1:] == [
            ("Week 474", "Alice Archer", "deleted"),
            ("Weeks 474 and 475", "Carol Cole", "draft"),
        ]
        post = team.post(475)
        assert post is not None
        assert post.slug == "week-474-and-475"
        assert post.body.startswith(
            "The roof leaks.\n\n— [AA](/alice-archer)\n\nWeek 475, 19 to 23 February 2018, by Carol Cole."
        )
        assert answer.location == f"/posts/{post.id}/edit"
    with at(475, 2, 12):
        post = team.post(475)
        assert post is not None
        publish(post.id, post.version, alice.id)
        assert [(mail.purpose, mail.to) for mail in team.run()] == [("week-joined", alice.email)], "by Carol, above"
        assert team.sink.accepted["ann@reader.test"] == 2
    with at(475, 3, 10):
        assert team.run() == [], "it is written"


def _the_record(team: Team, bob: Member) -> None:
    with at(475, 4, 12):
        page = soup(people.log_in(team.app, bob).get("/write/rota"))
        scores = [" ".join(li.get_text(" ", strip=True).split()) for li in page.select(".scores > li")]
        assert [line.split(" 4")[0] for line in scores] == [
            "Alice Archer wrote 0 of 1 turn",
            "Carol Cole wrote 1 of 1 turn, and 1 of others’",
            "Erin Eames wrote 1 of 1 turn",
        ]
        rows = [" ".join(tr.get_text(" ", strip=True).split()) for tr in page.select(".record tbody tr")][:3]
        assert rows[0].startswith("475 Turn: Carol Cole Written by Carol Cole Weeks 474 and 475 , 21 February 2018")
        assert rows[1].startswith("474 Turn: Alice Archer Written by Carol Cole instead Weeks 474 and 475")
        assert rows[2].startswith("473 Turn: Erin Eames Written by Erin Eames Week 473 , 9 February 2018")
        turns = [" ".join(li.get_text(" ", strip=True).split()) for li in page.select(".turns > li")]
        assert turns[1] == "476 Bob Barker 26 February to 2 March 2018", "his turn has come round"
