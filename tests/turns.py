"""A rota for tests: who is in it, who is on turn, and workers at the same moment."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from typing import TypeVar

from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.posts.models import Post
from blogapp.posts.rotaorder import join_rota
from blogapp.posts.turns import covering, list_turns, this_week

T = TypeVar("T")
# Where that team is, and when it began.
TEAM = {"site_epoch": date(2009, 1, 12), "site_timezone": "Europe/Berlin"}
# The Wednesday of week 473 of a team that began on 12 January 2009.
WEDNESDAY = datetime(2018, 2, 7, 12, tzinfo=UTC)


def taking_turns(*members: Member) -> list[Member]:
    """They take turns in this order; the first of them manages the rota."""
    for member in members:
        join_rota(member.id, members[0].id)
    return list(members)


def to_come(count: int = 5) -> list[str]:
    """Who is on turn from the present week on, by the first letter of their name."""
    db.session.rollback()
    found = list_turns(db.session(), this_week(), count)
    return [db.session.get_one(Member, one.member_id).name[0] if one.member_id else "-" for one in found]


def the_draft(week: int = 473) -> Post:
    """The post about the week."""
    db.session.rollback()
    post = covering(db.session(), week)
    assert post is not None
    return post


def at_once(app: Flask, count: int, act: Callable[[], T]) -> list[T]:
    """What so many workers get that do the same at the same moment."""
    together = threading.Barrier(count)

    def one(_: int) -> T:
        with app.app_context():
            together.wait(10)
            try:
                return act()
            finally:
                db.session.remove()

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(one, range(count)))
