"""Tokens in links: members' (timed, itsdangerous) and subscribers' (short HMACs that never expire).

A subscriber's link must work from a mail that is years old and costs one HMAC when a digest is spliced, so it carries
only the id and a truncated HMAC (RFC 2104; 128 bits as RFC 2104 §5 allows).
"""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from itsdangerous import BadSignature, SignatureExpired, TimestampSigner, URLSafeTimedSerializer

from blogapp.core.config import settings
from blogapp.core.errors import Gone, NotFound
from blogapp.core.keyed import has_proof, keyed, letters

# A number as it is written, without zeros before it.
LINK_TOKEN = re.compile(r"(0|[1-9][0-9]{0,17})-([a-z2-7]{26})")


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
    """`<number>-<26 small letters and figures>`: who the link speaks for, and the proof."""
    return link_tokens(key, purpose)(number).decode("ascii")


def link_tokens(key: bytes, purpose: str) -> Callable[[int], bytes]:
    """`link_token` for one purpose, in ASCII."""
    digest = keyed(key, f"{purpose}:".encode())

    def token(number: int) -> bytes:
        name = b"%d" % number
        return b"%b-%b" % (name, letters(digest(name), 26))

    return token


def read_link_token(key: bytes, purpose: str, token: str) -> int:
    """The number a link token speaks for; case does not matter (some mail clients change it).

    Raises:
        NotFound: the proof does not fit.
    """
    found = LINK_TOKEN.fullmatch(token.lower())
    if found and has_proof(found[2], keyed(key)(f"{purpose}:{found[1]}".encode())):
        return int(found[1])
    raise NotFound("This link is not complete, or not one of ours.")
