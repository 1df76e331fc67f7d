"""Tokens in links: members' (timed, itsdangerous) and subscribers' (short HMACs that never expire).

A subscriber's link must work from a mail that is years old and costs one HMAC when a digest is spliced, so it carries
only the id and a truncated HMAC (RFC 2104; 128 bits as RFC 2104 §5 allows).
"""

import hmac
from datetime import datetime
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from blogapp.core.config import settings
from blogapp.core.errors import Gone, NotFound
from blogapp.core.keyed import keyed, proof26


class _DatedSigner(TimestampSigner):
    """Signs as of a given moment: a link in a mail that leaves next week should not be a week old by then."""

    def __init__(self, *args: Any, epoch_seconds: int, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._epoch_seconds = epoch_seconds

    def get_timestamp(self) -> int:
        return self._epoch_seconds


def sign(purpose: str, data: Any, *, at: datetime | None = None) -> str:
    """A timed, URL-safe token over `data` (JSON), good for one purpose only.

    Args:
        at: when its age begins; it is good for nothing before that. None: now.
    """
    dated: dict[str, Any] = {}
    if at is not None:
        dated = {"signer": _DatedSigner, "signer_kwargs": {"epoch_seconds": int(at.timestamp())}}
    return URLSafeTimedSerializer(settings().secret_key, salt=f"blogapp.{purpose}", **dated).dumps(data)


def read(purpose: str, token: str, max_age_seconds: int) -> Any:
    """What was signed.

    Raises:
        Gone: the token was real and is too old.
        NotFound: it is not one of ours, or of another purpose.
    """
    try:
        return URLSafeTimedSerializer(settings().secret_key, salt=f"blogapp.{purpose}").loads(token, max_age_seconds)
    except SignatureExpired:
        raise Gone("This link has expired.") from None
    except BadSignature:
        raise NotFound("This link is not complete, or not one of ours.") from None


def link_token(key: bytes, purpose: str, number: int) -> str:
    """`<number>-<26 characters of lower-case base32>`: who the link speaks for, and the proof."""
    return f"{number}-{proof26(keyed(key)(f'{purpose}:{number}'.encode()))}"


def read_link_token(key: bytes, purpose: str, token: str) -> int:
    """The number a link token speaks for; case does not matter (some mail clients change it).

    Raises:
        NotFound: the proof does not fit.
    """
    number, _, _ = token.partition("-")
    if number.isascii() and number.isdigit() and len(number) <= 18:
        if hmac.compare_digest(link_token(key, purpose, int(number)).encode(), token.lower().encode()):
            return int(number)
    raise NotFound("This link is not complete, or not one of ours.")
