"""The tables of the rota: who is in it, what was decided, which weeks the worker has begun."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime


class RotaMember(Base):
    """A member's place in the order; positions are in order, and may have gaps."""

    __tablename__ = "rota_members"

    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), primary_key=True, autoincrement=False)
    position: Mapped[int]
    from_week: Mapped[int] = mapped_column(default=0)

    member: Mapped[Member] = relationship(lazy="joined")


class RotaAway(Base):
    """A member's absence, both weeks included."""

    __tablename__ = "rota_aways"
    __table_args__ = (CheckConstraint("last_week >= first_week", name="weeks_in_order"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"), index=True)
    first_week: Mapped[int]
    last_week: Mapped[int]

    member: Mapped[Member] = relationship(lazy="joined")


class RotaChange(Base):
    """Who takes a week instead of whom the order says: after a swap with `other_week`, or a skip (NULL)."""

    __tablename__ = "rota_changes"

    week: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    other_week: Mapped[int | None]


class BegunWeek(Base):
    """A week that the worker has begun, once: whose turn it was, and the draft that it made or found.

    `place_id`: whose turn it was by the order, which goes on after them. `made`: the worker made the draft.
    """

    __tablename__ = "begun_weeks"

    week: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    member_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    place_id: Mapped[int] = mapped_column(ForeignKey("members.id"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id", ondelete="SET NULL"), index=True)
    made: Mapped[bool] = mapped_column(default=True)
    begun_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class Nudge(Base):
    """A reminder about a week that was written, so that it is written once."""

    __tablename__ = "nudges"

    week: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


class WeekTemplate(Base):
    """What the draft of a week begins with; one row, and none as long as nobody has changed it."""

    __tablename__ = "week_template"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False, default=1)
    body: Mapped[str]
