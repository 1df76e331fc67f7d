"""The site's one row: the version that ends cached pages, the key under links in mails, choices made in the browser."""

import secrets
from datetime import datetime
from typing import Any

from flask import g, has_request_context
from sqlalchemy import JSON, BigInteger, CheckConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import Base, UTCDateTime, bump_version, db, new_nonce


class Site(Base):
    """One row, made by the first migration.

    `link_key` lives in the database so that every host, and a restored archive, honours the links in old mails.
    `nonce` and `changed_at` are written whenever `version` is raised: a random number, so that a version which comes
    again after a restore is known from the first of its number; and the moment, of all that readers can see.
    """

    __tablename__ = "site"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version: Mapped[int] = mapped_column(default=1)
    nonce: Mapped[int] = mapped_column(BigInteger, default=new_nonce)
    changed_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    link_key: Mapped[str] = mapped_column(default=lambda: secrets.token_hex(32))
    instance: Mapped[str] = mapped_column(default=lambda: secrets.token_hex(16))
    choices: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


# What an admin may choose in the browser; it wins over the environment. name -> greatest length in characters
CHOICES = {
    "site_title": 80,
    "site_tagline": 160,
    "footer": 400,
    "footer_links": 6000,
    "site_accent": 9,
    "outside_pictures": 4,
}


def site_row(session: Session | None = None) -> Site:
    """The site's row, read now."""
    return (session or db.session()).execute(select(Site)).scalar_one()


def site_version() -> int:
    """The number that every write which readers can see raises; 5 µs on SQLite (measured)."""
    return db.session.execute(select(Site.version)).scalar_one()


def last_change() -> datetime:
    """When anything that readers can see last changed, even by going away."""
    return db.session.execute(select(Site.changed_at)).scalar_one()


def link_key() -> bytes:
    """The key under the links in mails."""
    return bytes.fromhex(db.session.execute(select(Site.link_key)).scalar_one())


def choice(name: str) -> str:
    """What an admin chose in the browser, else the setting of that name, else nothing."""
    chosen = _choices().get(name)
    return str(chosen if chosen is not None else getattr(settings(), name, ""))


def _choices() -> dict[str, Any]:
    """What was chosen; read once a request, as every page shows several of them."""
    if not has_request_context():
        return dict(db.session.execute(select(Site.choices)).scalar_one())
    if "choices" not in g:
        g.choices = db.session.connection().execute(CHOSEN).scalar_one()
    chosen: dict[str, Any] = g.choices
    return chosen


# Built once: that costs more than asking.
CHOSEN = select(Site.__table__.c.choices)


def save_choices(session: Session, values: dict[str, str]) -> None:
    """Keep what an admin chose in the browser (names as in CHOICES); the caller has asked for permission."""
    site = session.execute(select(Site).with_for_update()).scalar_one()
    site.choices = {**site.choices, **{k: v for k, v in values.items() if k in CHOICES}}
    bump_version(session)
    if has_request_context():
        g.pop("choices", None)
