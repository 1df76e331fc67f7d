"""Which mail of ours a message is about, by what nobody else can have written: our sender, Message-ID or link."""

import hmac
import re
from binascii import hexlify
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from blogapp.core import tokens
from blogapp.core.errors import NotFound
from blogapp.core.keyed import keyed
from blogapp.delivery import verp

MESSAGE_ID = re.compile(rb"(?<![\w.])(\d{1,18})\.(\d{1,18})\.([0-9a-f]{16})@")
LINK = re.compile(rb"/unsubscribe/(\d{1,18}-[a-z2-7]{26})(?![a-z0-9])", re.IGNORECASE)
AT_MOST = 50


@dataclass(frozen=True)
class Trace:
    """The subscriber that a message is about, and the sending where that is known."""

    subscriber_id: int
    sending_id: int | None


def message_name(key: bytes, sending_id: int, subscriber_id: int) -> str:
    """What stands before the @ of a digest mail's Message-ID."""
    return message_names(key, sending_id)(subscriber_id).decode("ascii")


def message_names(key: bytes, sending_id: int) -> Callable[[int], bytes]:
    """`message_name` for one sending, in ASCII."""
    digest = keyed(key, f"message:{sending_id}:".encode())

    def name(number: int) -> bytes:
        written = b"%d" % number
        return b"%d.%b.%b" % (sending_id, written, hexlify(digest(written)[:8]))

    return name


def traced(key: bytes, addresses: Sequence[str], message: bytes) -> Trace | None:
    """The digest mail that a message is about; None where nothing proves it, or it speaks of several subscribers.

    Where it was sent decides; else all that stands in it has to be of one mind.

    Args:
        addresses: where it was sent, the surest first.
        message: its bytes; some MB at most.
    """
    for address in addresses:
        if found := verp.read(key, address):
            return Trace(found[1], found[0])
    traces = {*_by_sender(key, message), *_by_message_id(key, message)}
    by_link = set(_by_link(key, message))
    people = by_link | {trace.subscriber_id for trace in traces}
    if len(people) != 1:
        return None
    return Trace(people.pop(), max((trace.sending_id or 0 for trace in traces), default=0) or None)


def wished(key: bytes, addresses: Sequence[str]) -> int | None:
    """Whom a mail wants taken off the list, as it was sent to the address that does that."""
    for token in filter(None, map(verp.read_wish, addresses)):
        if number := _link_number(key, token):
            return number
    return None


def _by_sender(key: bytes, message: bytes) -> Iterator[Trace]:
    for sending, subscriber in verp.read_all(key, message):
        yield Trace(subscriber, sending)


def _by_message_id(key: bytes, message: bytes) -> Iterator[Trace]:
    for _, found in zip(range(AT_MOST), MESSAGE_ID.finditer(message), strict=False):
        sending, subscriber = int(found[1]), int(found[2])
        if hmac.compare_digest(f"{message_name(key, sending, subscriber)}@".encode(), found[0]):
            yield Trace(subscriber, sending)


def _by_link(key: bytes, message: bytes) -> Iterator[int]:
    for _, found in zip(range(AT_MOST), LINK.finditer(message), strict=False):
        if number := _link_number(key, found[1].decode()):
            yield number


def _link_number(key: bytes, token: str) -> int | None:
    try:
        return tokens.read_link_token(key, "unsubscribe", token)
    except NotFound:
        return None
