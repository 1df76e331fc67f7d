"""A message as it leaves: RFC 5322 bytes with CRLF, the plain part first, everything 7-bit.

Both kinds of mail are built here: single ones, and a digest whose personal places are still marks (`template.py`).
"""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime

import css_inline

from blogapp.delivery.headers import (
    Mailbox,
    ascii_address,
    is_address,
    mailbox,
    parse_mailbox,
    structured,
    unstructured,
)
from blogapp.delivery.quoted import quoted_printable, with_marks

HEADER_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,60}")
# Headers that people read; all others are for software and never encoded.
FOR_PEOPLE = frozenset({"subject", "comments", "keywords"})
_INLINER = css_inline.CSSInliner(keep_at_rules=True, minify_css=True, load_remote_stylesheets=False)


def build_message(
    *,
    sender: Mailbox | str,
    to: Mailbox | str,
    subject: str,
    text: str,
    html: str = "",
    headers: Mapping[str, str] | None = None,
    reply_to: Mailbox | str | None = None,
    date: datetime,
    message_id: str,
    marks: Iterable[str] = (),
) -> bytes:
    """The whole message.

    Args:
        sender, to, reply_to: `Name <address>`, an address, or a Mailbox; names in any script.
        html: a document; its style sheet is inlined, media queries stay. Empty: the mail has the plain part only.
        headers: further ones, by name. Their words are never encoded, so the URLs in them stay usable.
        message_id: with its angle brackets.
        marks: what stands for personal values; each comes to stand between soft line breaks, and as it is in `to`.

    Raises:
        ValueError: a header's name is none, one of its words is longer than a line, or we ourselves have no address.
    """
    marks = tuple(marks)
    lines = [
        _header("From", _known(sender, 6)),
        _header("To", to if isinstance(to, str) and to in marks else mailbox(_box(to), 4)),
    ]
    if reply_to:
        lines.append(_header("Reply-To", _known(reply_to, 10)))
    lines.append(_header("Subject", unstructured(subject, 9)))
    lines.append(_header("Date", format_datetime(date)))
    lines.append(_header("Message-ID", structured(message_id, 12)))
    for name, value in (headers or {}).items():
        encode = unstructured if name.lower() in FOR_PEOPLE else structured
        lines.append(_header(name, encode(value, len(name) + 2)))
    lines.append("MIME-Version: 1.0\r\n")
    return ("".join(lines) + _body(text, inline_styles(html) if html else "", marks)).encode("ascii")


def inline_styles(html: str) -> str:
    """The document with its style sheet moved to where it applies; what only a sheet can say (@media) stays."""
    return _INLINER.inline(html)


def _header(name: str, value: str) -> str:
    if not HEADER_NAME.fullmatch(name):
        raise ValueError(f"no header is called {name!r}")
    return f"{name}: {value}\r\n"


def _box(given: Mailbox | str) -> Mailbox:
    return parse_mailbox(given) if isinstance(given, str) else given


def _known(given: Mailbox | str, used: int) -> str:
    """One of our own mailboxes: nobody would be the wrong answer."""
    if not is_address(ascii_address(_box(given).address)):
        raise ValueError(f"{_box(given).address!r} is no address that a header can hold")
    return mailbox(_box(given), used)


def _body(text: str, html: str, marks: tuple[str, ...]) -> str:
    """The MIME headers, the empty line and the parts."""
    if not html:
        return _part("plain", text, marks)
    # `=_` cannot occur in quoted-printable, so no text can end the part that it is in (RFC 2045 §6.7).
    boundary = "=_" + hashlib.sha256(f"{text}\0{html}".encode("utf-8", "replace")).hexdigest()[:32]
    parts = "".join(f"--{boundary}\r\n{_part(*part, marks)}\r\n" for part in (("plain", text), ("html", html)))
    return f'Content-Type: multipart/alternative; boundary="{boundary}"\r\n\r\n{parts}--{boundary}--\r\n'


def _part(subtype: str, text: str, marks: tuple[str, ...]) -> str:
    pattern = re.compile(f"({'|'.join(map(re.escape, marks))})")
    body = with_marks(text, pattern) if marks else quoted_printable(text)
    head = f'Content-Type: text/{subtype}; charset="utf-8"\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n'
    return head + body + ("" if body.endswith("\r\n") else "\r\n")
