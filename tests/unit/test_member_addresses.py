"""Members' e-mail addresses."""

import pytest

from blogapp.auth import address
from blogapp.core.errors import Invalid


def test_what_is_too_long_for_an_address_is_refused_before_anything_looks_at_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(address, "validate_email", lambda *_, **__: pytest.fail("it was looked at"))
    with pytest.raises(Invalid, match="longer"):
        address.normalise_email("a" * 321)
