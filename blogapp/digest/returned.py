"""What came back after the mail server had taken it: the seam to the table of bounces, which another part owns.

Until that table is here nothing has come back.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy.orm import Session


class Bounce(NamedTuple):
    """A mail that came back, or that was complained about: when, and in the other server's words."""

    at: datetime
    words: str


def bounced(session: Session, sending_ids: Sequence[int]) -> dict[int, int]:
    """How many of each sending came back."""
    return {}


def bounces_of(session: Session, subscriber_id: int, sending_ids: Sequence[int]) -> dict[int, Bounce]:
    """What came back from one subscriber, by sending."""
    return {}
