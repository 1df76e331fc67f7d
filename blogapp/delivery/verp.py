"""Envelope senders that say which mail comes back (VERP), each with its own proof: an HMAC.

A digest's mail leaves as `bounces+d<sending>-<subscriber>-<proof>@…`, a single mail as `bounces+o<mail>-<proof>@…`, and
a digest may name `bounces+u<link token>@…` as the address that takes its reader off the list. Lower-case base32 (RFC
4648), since some mail servers change a local part's case; at most 64 octets (RFC 5321 §4.5.3.1.1).
"""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import NamedTuple

from blogapp.core.config import settings
from blogapp.core.keyed import has_proof, keyed, letters
from blogapp.delivery.headers import ascii_address

DIGEST = re.compile(rb"(?<![a-z0-9])d(\d{1,18})-(\d{1,18})-([a-z2-7]{16})@", re.IGNORECASE)
SINGLE = re.compile(rb"(?<![a-z0-9])o(\d{1,18})-([a-z2-7]{16})@", re.IGNORECASE)
WISH = re.compile(rb"(?<![a-z0-9])u(\d{1,18}-[a-z2-7]{26})@", re.IGNORECASE)
# Letters of a proof. 80 bits, the least that RFC 2104 §5 allows: whoever guesses has to send a mail for every guess.
PROOF = 16


class Claim(NamedTuple):
    """That something came back of the single mail `number`; only its recipient can tell whether the proof fits."""

    number: int
    proof: str


def enabled() -> bool:
    """Whether there is an address for what comes back (BLOG_BOUNCE_ADDRESS)."""
    return bool(settings().bounce_address)


def sender_for(key: bytes, sending_id: int, subscriber_id: int) -> str:
    """The envelope sender of one digest mail. Only where `enabled()`.

    Args:
        key: the site's link key.
    """
    return senders_for(key, sending_id)(subscriber_id)


def senders_for(key: bytes, sending_id: int) -> Callable[[int], str]:
    """`sender_for` one sending; some 2 µs each."""
    digest = keyed(key, f"verp:d{sending_id}-".encode())
    before, after = _around(settings().bounce_address)
    return lambda number: (
        f"{before}d{sending_id}-{number}-{letters(digest(b'%d' % number), PROOF).decode('ascii')}{after}"
    )


def read(key: bytes, address: str) -> tuple[int, int] | None:
    """The sending and the subscriber that an address speaks of; None where it has no valid proof."""
    return next(read_all(key, _bytes(address)), None)


def read_all(key: bytes, text: bytes, at_most: int = 50) -> Iterator[tuple[int, int]]:
    """The same for all such addresses in a text: a proof is one wherever it stands."""
    for _, found in zip(range(at_most), DIGEST.finditer(text), strict=False):
        sending, subscriber = int(found[1]), int(found[2])
        # The numbers as they are written: `d07-5-…` is none of ours.
        what = f"d{sending}-{subscriber}"
        if found[0].lower().startswith(f"{what}-".encode()) and _fits(key, what, found[3]):
            yield sending, subscriber


def sender_of_single(key: bytes, mail_id: int, recipient: str) -> str:
    """The envelope sender of one single mail. Only where `enabled()`.

    The recipient is part of the proof, as SQLite gives the number of a mail that is forgotten to another one.
    """
    return _address(f"o{mail_id}-{_proof(key, f'o{mail_id}-{recipient}')}")


def claims(text: bytes, at_most: int = 50) -> Iterator[Claim]:
    """The single mails that a text says it is about, none of them proven (see `fits`)."""
    for _, found in zip(range(at_most), SINGLE.finditer(text), strict=False):
        yield Claim(int(found[1]), found[2].decode().lower())


def fits(key: bytes, claim: Claim, recipient: str) -> bool:
    """Whether the mail of that number went to `recipient`, so that the claim is one of ours."""
    return _fits(key, f"o{claim.number}-{recipient}", claim.proof.encode())


def wish_address(link_token: str) -> str:
    """Where a mail takes somebody off the list. Only where `enabled()`.

    Args:
        link_token: what their unsubscribe link has in its path.
    """
    return _address(f"u{link_token}")


def read_wish(address: str) -> str:
    """The link token in such an address; "" where there is none. Its own proof is in it."""
    found = WISH.search(_bytes(address))
    return found[1].decode().lower() if found else ""


def _address(token: str) -> str:
    before, after = _around(settings().bounce_address)
    return f"{before}{token}{after}"


@lru_cache(maxsize=8)
def _around(address: str) -> tuple[str, str]:
    local, _, domain = ascii_address(address).rpartition("@")
    return f"{local}+", f"@{domain}"


def _proof(key: bytes, what: str) -> str:
    return letters(_digest(key, what), PROOF).decode("ascii")


def _fits(key: bytes, what: str, proof: bytes) -> bool:
    return has_proof(proof.decode("ascii").lower(), _digest(key, what))


def _digest(key: bytes, what: str) -> bytes:
    return keyed(key)(f"verp:{what}".encode())


def _bytes(address: str) -> bytes:
    return address.encode("utf-8", "replace")
