"""What makes a good password, after NIST SP 800-63B."""

from collections.abc import Iterator

import pytest
from argon2 import PasswordHasher
from flask import Flask

from blogapp.auth import passwords
from blogapp.core.errors import Invalid

ABOUT = ("Alice Archer", "alice.archer@blog.test", "The Notebook")
QUICK = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.mark.parametrize(
    "password",
    [
        "a rainy week in june",
        "correct horse battery staple",
        "alllowercase",
        "            12 spaces around            ",
        "żółw i słoń na łące",
        "🐢🐘🐢🐘🐎🐄🐖🐏🐑🐐🐪🐫",
        "alice archer goes fishing",
        "x" * 11 + "y",
        "k" + "long " * 199,
    ],
)
def test_length_is_enough_and_any_character_will_do(password: str) -> None:
    passwords.check_password(password, ABOUT)


@pytest.mark.parametrize("password", ["", "short", "elevenchars", "💥" * 11])
def test_a_short_one_is_refused_with_its_reason(password: str) -> None:
    with pytest.raises(Invalid, match="12 characters or more") as refused:
        passwords.check_password(password, ABOUT)
    assert "password" in refused.value.fields


def test_one_that_would_take_long_to_hash_is_refused() -> None:
    with pytest.raises(Invalid, match="1000 characters at most"):
        passwords.check_password("long " * 201, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "password1234",
        "Password 1234",
        "PASS-WORD-1234",
        "qwertyuiop12",
        "iloveyou 12345",
        "aaaaaaaaaaaaaa",
        "abababababab",
        "abcabcabcabca",
        "123456789012",
        "abcdefghijklmn",
        "zyxwvutsrqpon",
    ],
)
def test_one_that_everybody_tries_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="Many people use"):
        passwords.check_password(password, ABOUT)


@pytest.mark.parametrize(
    "password",
    [
        "alice.archer@blog.test",
        "Alice Archer",
        "alicearcher!",
        "archeralice1",
        "The Notebook",
        "thenotebook2026",
        "alice@notebook",
    ],
)
def test_one_made_of_name_address_or_title_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="too close to"):
        passwords.check_password(password, ABOUT)


@pytest.fixture
def quick() -> Iterator[None]:
    """An application whose passwords are kept at next to no cost."""
    app = Flask("test")
    app.extensions[passwords.EXTENSION] = QUICK
    with app.app_context():
        yield


def test_a_kept_password_fits_itself_only_and_is_argon2id(quick: None) -> None:
    kept = passwords.hash_password("a rainy week in june")
    assert kept.startswith("$argon2id$")
    assert passwords.fits(kept, "a rainy week in june")
    assert not passwords.fits(kept, "a rainy week in July")
    assert not passwords.fits(None, "a rainy week in june")
    assert not passwords.fits("not a hash", "a rainy week in june")


def test_the_same_characters_from_another_keyboard_fit(quick: None) -> None:
    kept = passwords.hash_password("caf\u00e9 and a \ufb01sh")
    assert passwords.fits(kept, "cafe\u0301 and a fish")


def test_one_kept_at_another_cost_is_outdated(quick: None) -> None:
    assert passwords.outdated(PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash("x"))
    assert not passwords.outdated(passwords.hash_password("x"))


def test_an_application_keeps_them_at_the_cost_of_rfc_9106() -> None:
    with Flask("test").app_context():
        hasher = passwords.hasher()
    assert (hasher.time_cost, hasher.memory_cost, hasher.parallelism) == (3, 64 * 1024, 4)
