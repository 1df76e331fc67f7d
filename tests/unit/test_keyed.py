"""The short cut to HMAC and base32 gives what the long way gives."""

import base64
import hashlib
import hmac

from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.keyed import base32, keyed


@given(st.binary(max_size=200), st.binary(max_size=200))
def test_it_is_hmac_whatever_the_key_and_the_message(key: bytes, message: bytes) -> None:
    assert keyed(key)(message) == hmac.digest(key, message, hashlib.sha256)


@given(st.binary(max_size=40))
def test_it_is_base32_without_its_padding(data: bytes) -> None:
    assert base32(data) == base64.b32encode(data).decode().rstrip("=").lower()
