"""The team's rota as if it had run for ten weeks, and a section that waits in the week's draft."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.posts.contributing import add_section
from blogapp.posts.models import Post
from blogapp.posts.rotaorder import join_rota
from blogapp.posts.turnmodels import BegunWeek, Nudge
from blogapp.posts.weeks import Weeks
from demo.team import DRAFT, TEAM

SINCE, LAST = 464, 473
# Nadia had that week by the order, and passed it on to Priya.
PASSED_ON = {473: 2}
SECTION = {
    "title": "Forty packets a week, by post",
    "url": "https://seedbook.example/by-post",
    "body": "The library at Low Bank now lends seeds by letter. *Every* envelope comes back with a story in it.",
}


def take_turns(epoch: date, zone: ZoneInfo) -> None:
    """Put the team in an order that has gone round since week 464."""
    order = list(db.session.execute(select(Member.id).order_by(Member.id)).scalars())
    for member_id in order:
        join_rota(member_id, order[0])
    with transaction() as session:
        for week in range(SINCE, LAST + 1):
            turn = order[PASSED_ON.get(week, (week - LAST) % len(order))]
            covers = (Post.kind == "week", Post.week_from <= week, Post.week_to >= week)
            monday = datetime.combine(Weeks(week, week).first_day(epoch), time(), zone)
            session.add(
                BegunWeek(
                    week=week,
                    member_id=turn,
                    place_id=turn,
                    post_id=session.execute(select(Post.id).where(*covers).limit(1)).scalar_one_or_none(),
                    begun_at=monday + timedelta(minutes=1),
                )
            )
        # The demo is about publishing it, so nobody is asked what became of it.
        session.add(Nudge(week=LAST, kind="question"))


def add_to_the_draft() -> None:
    """What Ewan found worth reading."""
    by = db.session.execute(select(Member.id).where(Member.slug == TEAM[3].slug)).scalar_one()
    draft = db.session.execute(select(Post.id).where(Post.slug == DRAFT)).scalar_one()
    add_section(draft, by, **SECTION)
