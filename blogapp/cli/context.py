"""What the commands share: the application they run in, and the member they act as."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import click
from flask import Flask
from sqlalchemy import select

from blogapp.app import create_app
from blogapp.auth.members import find_member
from blogapp.auth.models import Member
from blogapp.core import config, migrate
from blogapp.core.db import db
from blogapp.core.errors import NotFound

F = TypeVar("F", bound=Callable[..., Any])


@contextmanager
def inside(*, any_schema: bool = False) -> Iterator[Flask]:
    """The application of the environment's settings, inside its context; its connections are closed at the end.

    Raises:
        BadSetting: a setting cannot be used.
        OldSchema: the database has to be upgraded first (unless `any_schema`).
    """
    app = create_app(config.load())
    with app.app_context():
        try:
            if not any_schema:
                migrate.check_schema()
            yield app
        finally:
            db.session.remove()
            db.engine.dispose()


def acting(command: F) -> F:
    """Give a command the option `--as EMAIL`, passed on as `as_member`."""
    text = "Act as this member (e-mail, slug or id).  [default: the first active admin]"
    return click.option("--as", "as_member", metavar="EMAIL", help=text)(command)


def member_id(as_member: str | None) -> int:
    """Whose act this is: the member named by `--as`, else the first active admin.

    Raises:
        NotFound: there is no such member, or no admin yet; the message says what to run.
    """
    if as_member:
        return find_member(as_member).id
    if (admin := first_admin()) is None:
        raise NotFound("There is no active admin yet. Run `blogapp member add NAME EMAIL --role admin`.")
    return admin


def first_admin() -> int | None:
    """The id of the longest-standing active admin."""
    query = select(Member.id).where(Member.role == "admin", Member.active).order_by(Member.id)
    return db.session.execute(query.limit(1)).scalar_one_or_none()
