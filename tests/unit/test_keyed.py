"""The short cut to HMAC and base32 gives what the long way gives."""

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.keyed import base32, has_proof, keyed, letters


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_it_is_hmac_whatever_the_key_and_the_message(key: bytes, message: bytes) -> None:
    assert keyed(key)(message) == hmac.digest(key, message, hashlib.sha256)


@given(st.binary(max_size=40))
def test_it_is_base32_without_its_padding(data: bytes) -> None:
    assert base32(data) == base64.b32encode(data).decode().rstrip("=").lower()


@given(st.binary(min_size=32, max_size=32), st.sampled_from([16, 26]))
def test_a_proof_holds_in_both_spellings_and_no_letter_may_differ(digest: bytes, count: int) -> None:
    now, formerly = letters(digest, count).decode(), base32(digest[: count * 5 // 8])
    assert len(now) == len(formerly) == count
    for proof in (now, formerly):
        assert has_proof(proof, digest)
        for at in range(count):
            assert not has_proof(proof[:at] + ("a" if proof[at] != "a" else "b") + proof[at + 1 :], digest)


def test_each_letter_of_a_proof_is_as_likely_as_any_other() -> None:
    assert letters(bytes(range(256)), 256) == letters(bytes(range(32)), 32) * 8
    assert len(set(letters(bytes(range(32)), 32))) == 32
