"""Subscribers, and what may become of them."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from blogapp.core.clock import now
from blogapp.core.db import Base, UTCDateTime
from blogapp.core.errors import Conflict, Invalid

PAUSED = text("paused_until IS NOT NULL")
CONFIRMED, LEFT = text("confirmed_at IS NOT NULL"), text("unsubscribed_at IS NOT NULL")
MONTHLY = text("frequency = 'monthly'")
# How often somebody wants mail.
FREQUENCIES = ("every", "monthly")
# Who comes back within a day has only slipped: what left meanwhile is still owed to them.
SLIP = timedelta(days=1)
LONGEST_PAUSE = timedelta(days=2 * 366)


class Subscriber(Base):
    """Somebody who gave an address. Mailed only while `confirmed` (double opt-in), not paused and not suppressed.

    Ids are never used again (AUTOINCREMENT): batches and links in old mails name them. An erased subscriber's row is
    deleted; what must survive, a suppression, is kept apart.
    """

    __tablename__ = "subscribers"
    __table_args__ = (
        CheckConstraint("state IN ('pending', 'confirmed', 'unsubscribed')", name="state"),
        CheckConstraint("state <> 'confirmed' OR confirmed_at IS NOT NULL", name="confirmed_has_date"),
        CheckConstraint("frequency IN ('every', 'monthly')", name="frequency"),
        Index("ix_subscribers_state_id", "state", "id"),
        # Few are paused; the pages that count and list them should not look at everybody.
        Index("ix_subscribers_paused_until", "paused_until", sqlite_where=PAUSED, postgresql_where=PAUSED),
        # Who joined or left since the last digest.
        Index("ix_subscribers_confirmed_at", "confirmed_at", sqlite_where=CONFIRMED, postgresql_where=CONFIRMED),
        Index("ix_subscribers_unsubscribed_at", "unsubscribed_at", sqlite_where=LEFT, postgresql_where=LEFT),
        Index("ix_subscribers_monthly", "id", sqlite_where=MONTHLY, postgresql_where=MONTHLY),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    address: Mapped[str] = mapped_column(unique=True)
    name: Mapped[str] = mapped_column(default="")
    state: Mapped[str] = mapped_column(default="pending")
    created_at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)
    confirmed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    unsubscribed_at: Mapped[datetime | None] = mapped_column(UTCDateTime)
    paused_until: Mapped[datetime | None] = mapped_column(UTCDateTime)
    # Every digest, or once a month what there was.
    frequency: Mapped[str] = mapped_column(default="every", server_default="every")
    # A digest that had left altogether before this moment is not owed to them.
    owed_from: Mapped[datetime] = mapped_column(UTCDateTime, default=now, server_default="1970-01-01 00:00:00")
    # Where they want to be moved to; nothing goes there but the mail that asks for a confirmation.
    new_address: Mapped[str | None]
    # Where and how the consent was given: {"source": "form" | "command line" | "import", "page": "/week-473"}
    consent: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)

    @property
    def paused(self) -> bool:
        """Whether digests are held back from them for now; a pause ends by itself."""
        return self.paused_until is not None and self.paused_until > now()

    def confirm(self, at: datetime, **evidence: Any) -> None:
        """They said yes from their own mailbox."""
        self.state, self.confirmed_at, self.owed_from = "confirmed", at, at
        self.unsubscribed_at = self.paused_until = None
        self.consent = {**self.consent, **evidence}

    def unsubscribe(self, at: datetime) -> None:
        """They want no more."""
        self.state, self.unsubscribed_at = "unsubscribed", at
        self.paused_until = self.new_address = None

    def come_back(self, at: datetime, **evidence: Any) -> None:
        """They changed their mind about leaving.

        `confirmed_at` stays what it was: who undoes a slip of the finger still gets the digest that is on its way, and
        is owed what left meanwhile.
        """
        slipped = self.confirmed_at is not None and not self.away_longer_than(SLIP, at)
        owed_from = self.owed_from if slipped else at
        self.confirm(self.confirmed_at or at, **evidence)
        self.owed_from = owed_from

    def pause(self, until: datetime, at: datetime) -> None:
        """Hold digests back until then; the first one after it brings what was missed.

        Raises:
            Conflict: they do not get any.
            Invalid: the date is not ahead, or more than two years ahead. The field is `until`.
        """
        if self.state != "confirmed":
            raise Conflict("There is nothing to pause: no digests go to this address.")
        if until <= at:
            raise _bad_date("Choose a date that is still to come.")
        if until > at + LONGEST_PAUSE:
            raise _bad_date("A pause can last up to two years. To stop for longer, unsubscribe.")
        self.paused_until = until

    def away_longer_than(self, length: timedelta, at: datetime) -> bool:
        """Whether they have been away for longer than that."""
        return self.unsubscribed_at is not None and at - self.unsubscribed_at > length

    def left_after(self, at: datetime) -> bool:
        """Whether they unsubscribed after `at`, so that what was asked for before is no longer wanted."""
        return self.unsubscribed_at is not None and self.unsubscribed_at > at


class Bounce(Base):
    """That a mail to a subscriber came back, or that they reported it as spam. Goes with the subscriber.

    `sending_id` is a plain number, so that this floor knows no sendings; NULL for single mails and where only the
    subscriber is known. `status`: RFC 3463, as far as one was said; `diagnostic` in the words of whoever refused it.
    """

    __tablename__ = "bounces"
    __table_args__ = (
        CheckConstraint("kind IN ('hard', 'soft', 'complaint')", name="kind"),
        UniqueConstraint("sending_id", "subscriber_id", "kind"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    sending_id: Mapped[int | None]
    subscriber_id: Mapped[int] = mapped_column(ForeignKey("subscribers.id", ondelete="CASCADE"), index=True)
    kind: Mapped[str]
    status: Mapped[str] = mapped_column(default="")
    diagnostic: Mapped[str] = mapped_column(default="")
    at: Mapped[datetime] = mapped_column(UTCDateTime, default=now)


def _bad_date(message: str) -> Invalid:
    return Invalid(message, {"until": message})
