"""Envelope senders that say which mail comes back."""

from collections.abc import Iterator

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.config import EXTENSION, Settings
from blogapp.delivery import verp
from blogapp.digest.proofs import Trace, traced

KEY, OTHER = b"k" * 32, b"o" * 32
NUMBERS = st.integers(1, 2**31 - 1)


@pytest.fixture(scope="module", autouse=True)
def app() -> Iterator[None]:
    app = Flask("blogapp")
    app.extensions[EXTENSION] = Settings(bounce_address=f"{'Back' * 6}@bücher.test")
    with app.app_context():
        yield


@given(NUMBERS, NUMBERS)
def test_a_sender_is_read_back_whatever_becomes_of_its_letters(sending: int, subscriber: int) -> None:
    sender = verp.sender_for(KEY, sending, subscriber)
    local, _, domain = sender.rpartition("@")
    assert sender.isascii()
    assert len(local) <= 64
    assert domain == "xn--bcher-kva.test"
    for seen in (sender, sender.upper(), f"prvs=0123456789={sender}", f"SRS0=HHH=TT=blog.test={local}@elsewhere.test"):
        assert verp.read(KEY, seen) == (sending, subscriber)
    assert verp.read(OTHER, sender) is None
    assert verp.read(KEY, sender.replace(f"-{subscriber}-", f"-{subscriber + 1}-")) is None
    assert verp.read(KEY, sender.replace("d", "d0", 1) if "+d" not in sender else sender.replace("+d", "+d0")) is None


@given(NUMBERS, st.emails())
def test_a_single_mails_sender_holds_its_recipient(number: int, recipient: str) -> None:
    sender = verp.sender_of_single(KEY, number, recipient)
    assert len(sender.rpartition("@")[0]) <= 64
    (claim,) = verp.claims(sender.upper().encode())
    assert claim.number == number
    assert verp.fits(KEY, claim, recipient)
    assert not verp.fits(KEY, claim, f"x{recipient}")
    assert not verp.fits(OTHER, claim, recipient)
    assert verp.read(KEY, sender) is None


@given(st.lists(st.text(max_size=80), max_size=4), st.binary(max_size=300))
def test_nothing_that_is_not_ours_is_a_proof(addresses: list[str], message: bytes) -> None:
    assert traced(KEY, addresses, message) is None


def test_where_a_message_was_sent_decides() -> None:
    ann, bea = verp.sender_for(KEY, 3, 1), verp.sender_for(KEY, 3, 2)
    assert traced(KEY, [ann], bea.encode()) == Trace(1, 3)
    assert traced(KEY, ["nobody@notes.test", bea], ann.encode()) == Trace(2, 3)
    assert traced(KEY, [], f"{ann} {ann}".encode()) == Trace(1, 3)
    assert traced(KEY, [], f"{ann} {bea}".encode()) is None
