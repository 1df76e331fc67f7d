"""Passwords: what makes a good one, and how they are kept.

The rules are those of NIST SP 800-63B-4, 3.1.1.2: length counts, known and personal ones are refused, nothing is asked
of the kinds of characters. They are kept with argon2id at the cost that RFC 9106 recommends for 64 MiB of memory.
"""

import logging
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from flask import current_app

from blogapp.core.errors import Invalid

log = logging.getLogger(__name__)

SHORTEST = 12
# Long enough for anybody, short enough that hashing one is no attack.
LONGEST = 1000
# What has to be left of a password when everything known about the member is taken out of it.
OWN_PART = 8
EXTENSION = "blogapp.password_hasher"

# The first ones that are tried everywhere, of those that are long enough; compared without blanks and capitals.
COMMON = frozenset(
    """
    password1234 password12345 password123456 passwordpassword password123123 password2024 password2025 password2026
    mypassword123 mypassword1234 thisismypassword passw0rd1234 p@ssw0rd1234 p@ssword1234 p@ssw0rd12345 changeme1234
    changemenow1 letmein12345 letmeinplease letmeinletmein welcome12345 welcome123456 iloveyou1234 iloveyou12345
    iloveyouiloveyou iloveyouforever qwertyuiop12 qwertyuiop123 qwertyuiop1234 qwertyqwerty qwerty123456 qwerty1234567
    qwertyuiopasdfghjkl qwertyuiopasdf asdfghjkl123 asdfghjkl1234 zxcvbnm12345 1qaz2wsx3edc 1q2w3e4r5t6y 1q2w3e4r5t6y7u
    1q2w3e4r5t6y7u8i qazwsxedcrfv qazwsxedc123 q1w2e3r4t5y6 123456789012 1234567890123 12345678901234 123456789012345
    1234567890123456 0123456789012 012345678910 123456789abc 123456789qwe 123456qwerty 1234567890qwerty abc123456789
    abcdefghijkl abcdefghijklm abcdefghijklmnop abcdefghijklmnopqrstuvwxyz abcd12345678 a1b2c3d4e5f6 aa1234567890
    098765432109 987654321098 9876543210987 111222333444 121212121212 123123123123 123321123321 112233445566
    administrator administrator1 adminadminadmin adminadmin123 admin1234567 admin12345678 rootrootroot supersecret1
    supersecret123 mysecretpassword secretpassword secretsecret trustno1trustno1 monkeymonkey dragondragon
    footballfootball baseballbaseball sunshine1234 princess1234 liverpoolfc1 manchesterunited chelseafc1234 arsenal12345
    starwars1234 startrek1234 superman1234 batman123456 pokemon12345 spiderman1234 michaeljackson jesuschrist1
    jesusislord1 computer1234 internet1234 facebook1234 google123456 basketball12 volkswagen12 christopher1 unbelievable
    """.split()
)


def hasher() -> PasswordHasher:
    """The running application's; the tests put a quick one in its place."""
    kept: PasswordHasher = current_app.extensions.setdefault(EXTENSION, PasswordHasher())
    return kept


def hash_password(password: str) -> str:
    """The password as it is kept."""
    return hasher().hash(_as_bytes(password))


def fits(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one that was kept. Takes as long when none is kept as when one is."""
    if password_hash is None:
        hash_password(password)
        return False
    try:
        return hasher().verify(password_hash, _as_bytes(password))
    except VerifyMismatchError:
        return False
    except InvalidHashError:
        log.warning("a member's password hash is not one of argon2's")
        return False


def outdated(password_hash: str) -> bool:
    """Whether it was kept at another cost than passwords are now."""
    return hasher().check_needs_rehash(password_hash)


def check_password(password: str, about: Iterable[str | None]) -> None:
    """Hold a new password against the rules.

    Args:
        about: what everybody knows about the member: address, name, the site's title.

    Raises:
        Invalid: it breaks one; the message says which. The field is `password`.
    """
    if problem := _problem(password, about):
        raise Invalid(problem, {"password": problem})


def _problem(password: str, about: Iterable[str | None]) -> str | None:
    if len(password) < SHORTEST:
        return f"Use {SHORTEST} characters or more. A few words in a row are easy to remember."
    if len(password) > LONGEST:
        return f"Use {LONGEST} characters at most."
    plain = _squash(password)
    if plain in COMMON or _is_a_pattern(plain):
        return "Many people use this password, so it is among the first to be tried. Choose another one."
    rest = plain
    for word in sorted(_known_words(about), key=len, reverse=True):
        rest = rest.replace(word, "")
    if rest != plain and len(rest) < OWN_PART:
        return "This is too close to your name, your address or the name of the site. Choose another one."
    return None


def _squash(text: str) -> str:
    """Small letters without blanks and the signs that people put between words."""
    return re.sub(r"[\s._,;:!?'\"+-]+", "", unicodedata.normalize("NFKC", text).casefold())


def _is_a_pattern(plain: str) -> bool:
    """One to three characters over and over, or one unbroken run like 123456789… or abcdef…"""
    for size in (1, 2, 3):
        if plain == (plain[:size] * len(plain))[: len(plain)]:
            return True
    steps = {(ord(b) - ord(a)) for a, b in pairwise(plain)}
    return steps in ({1}, {-1})


def _known_words(about: Iterable[str | None]) -> set[str]:
    words: set[str] = set()
    for text in about:
        pieces = re.split(r"[\s@._+-]+", text or "")
        words.update(_squash(piece) for piece in (text or "", *pieces))
    return {word for word in words if len(word) >= 4}


def _as_bytes(password: str) -> bytes:
    # NIST SP 800-63B-4, 3.1.1.2: the same password from another keyboard is the same.
    return unicodedata.normalize("NFKC", password).encode()
