"""E-mail addresses as people type them, and networks as they are kept: pure functions."""

import re
from collections.abc import Iterable, Iterator
from email.utils import parseaddr
from functools import lru_cache
from ipaddress import ip_address, ip_network

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from blogapp.core.errors import Invalid

# What comes along unseen when an address is copied out of a web page or an address book.
UNSEEN = " \t\r\n\u00a0\u200b\u200c\u200d\u200e\u200f\u202a\u202c\u2066\u2069\ufeff"
# RFC 5321 §4.5.3.1.3 has 254 octets; with its domain in its own script an address may be typed a little longer.
MAX_TYPED = 320
# Within these nothing is too long, by whichever rule (RFC 5321 §4.5.3.1: 64 octets for the local part).
SHORT = 200
PLAIN_LOCAL = re.compile(r"(?=.{1,64}\Z)[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*")
# Nothing but an address of our own may stand in a mail that anybody can have sent to anybody: no dots, no query.
PAGE = re.compile(r"/(?:[a-z0-9]+(?:-[a-z0-9]+)*)?")


def normalise_address(text: str) -> str:
    """The one form in which an address is kept, compared and mailed.

    Small letters throughout: the local part may by RFC 5321 §2.4 mind its case, and nowhere does, while people type
    theirs with a capital on one day and without on the next. An internationalised domain becomes its A-label (RFC
    5890); an internationalised local part would need SMTPUTF8 (RFC 6531), which not every relay has: refused.

    Raises:
        Invalid: it is no address; the field is `address`.
    """
    typed = text.strip(UNSEEN)
    if not typed:
        raise _wrong("Type your address, like name@example.org.")
    if len(typed) > MAX_TYPED:
        raise _wrong("That is longer than an address can be (254 characters).")
    local, _, domain = typed.rpartition("@")
    # Most addresses of a long list are so, and share their domains: ten times as fast.
    if len(typed) <= SHORT and PLAIN_LOCAL.fullmatch(local) and domain.isascii() and (kept := _kept_domain(domain)):
        return f"{local}@{kept}".lower()
    try:
        valid = _validate(typed)
    except EmailNotValidError as error:
        raise _wrong(f"That address will not work. {error}") from None
    return f"{valid.ascii_local_part}@{valid.ascii_domain}".lower()


@lru_cache(maxsize=4096)
def _kept_domain(domain: str) -> str:
    """The domain as it is kept; nothing where an address of it would not work."""
    try:
        return _validate(f"a@{domain}").ascii_domain or ""
    except EmailNotValidError:
        return ""


def _validate(address: str) -> ValidatedEmail:
    # `test_environment` only lets names under .test through, which lead nowhere.
    return validate_email(address, check_deliverability=False, allow_smtputf8=False, test_environment=True)


def readable(address: str) -> str:
    """The address as its owner writes it: `ann@xn--bcher-kva.example` -> `ann@bücher.example`."""
    if "xn--" not in address:
        return address
    try:
        return validate_email(address, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        return address


def _wrong(message: str) -> Invalid:
    return Invalid(message, {"address": message})


def split_name(line: str) -> tuple[str, str]:
    """`Ann Lee <ann@example.org>` -> (`Ann Lee`, `ann@example.org`); a bare address has no name."""
    if "<" not in line:
        return "", line
    name, address = parseaddr(" ".join(line.split()))
    shown = "".join(sign for sign in name if sign.isprintable())
    return (shown[:120], address) if address else ("", line)


def split_lines(text: str) -> Iterator[str]:
    """What was pasted into one box: an address a line, or several in a line parted by commas, semicolons or blanks."""
    for line in text.splitlines():
        if line.count("@") > 1 and "<" not in line:
            yield from re.split(r"[,;\s]+", line.strip(" \t,;"))
        elif line.count("@") > 1:
            yield from re.split(r"(?<=>)\s*[,;]\s*", line.strip(" \t,;"))
        else:
            yield line.strip(" \t,;")


def numbered(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines with their number from 1; blank ones and comments (`# …`) count, and are left out."""
    for number, line in enumerate(lines, 1):
        bare = line.strip(UNSEEN)
        if bare and not bare.startswith("#"):
            yield number, bare


def network_of(address: str) -> str:
    """The /24 or /64 that an IP address is in: enough to answer for a consent, too little to find a person."""
    try:
        ip = ip_address(address)
    except ValueError:
        return ""
    mapped = getattr(ip, "ipv4_mapped", None)
    ip = mapped or ip
    return str(ip_network(f"{ip}/{24 if ip.version == 4 else 64}", strict=False))


def clean_page(page: str) -> str:
    """The path of the page that a form stood on, or nothing where it is not of the form that our pages have."""
    return page if len(page) <= 80 and PAGE.fullmatch(page) else ""
