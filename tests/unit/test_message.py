"""Messages as bytes: what a mail program reads is what was meant, whatever was meant."""

import email
import re
from datetime import UTC, datetime
from email import policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blogapp.delivery.headers import Mailbox, mailbox, one_line, parse_mailbox, structured, unstructured
from blogapp.delivery.message import build_message

DATE = datetime(2018, 2, 9, 10, 22, 25, tzinfo=UTC)
HOSTILE = st.text(st.characters(codec="utf-8"), max_size=200) | st.sampled_from(
    [
        "x\r\nBcc: all@blog.test",
        "x\n\n<script>",
        "=?utf-8?q?=0D=0ABcc:_a@b?=",
        ".",
        "\r\n.\r\n",
        "--",
        "From a",
        "\0\x7f",
        "\x1b 0",
    ]
)


def message(**changes: Any) -> bytes:
    given: dict[str, Any] = {
        "sender": "The Notebook <notes@blog.test>",
        "to": "ada@reader.test",
        "subject": "Week 473",
        "text": "Hello\n",
        "html": "",
        "date": DATE,
        "message_id": "<1.2@blog.test>",
    }
    return build_message(**(given | changes))


def read(data: bytes) -> EmailMessage:
    return email.message_from_bytes(data, policy=policy.default)


def read_part(data: bytes, subtype: str) -> str:
    part = read(data).get_body((subtype,))
    assert part is not None
    return cast(str, part.get_content()).replace("\r\n", "\n")


def read_mailbox(data: bytes, header: str) -> tuple[str, str]:
    """Name and address as the older parser reads them (before 3.12.5 the newer one parts two encoded words)."""
    name, address = parseaddr(email.message_from_bytes(data)[header])
    return str(make_header(decode_header(name))), address


def check_wire(data: bytes) -> None:
    """What any relay may count on: CRLF only, 7-bit, body lines <= 76, no line begins with a dot."""
    assert b"\r" not in data.replace(b"\r\n", b"")
    assert b"\n" not in data.replace(b"\r\n", b"")
    data.decode("ascii")
    head, _, body = data.partition(b"\r\n\r\n")
    assert all(len(line) <= 998 for line in head.split(b"\r\n"))
    for line in body.split(b"\r\n"):
        assert len(line) <= 76
        assert not line.startswith((b".", b"From "))


def test_a_message_has_the_plain_part_first_and_each_header_once() -> None:
    data = message(html="<p>Hello</p>", reply_to="Chris <chris@blog.test>")
    check_wire(data)
    parsed = read(data)
    assert [part.get_content_type() for part in parsed.walk()] == ["multipart/alternative", "text/plain", "text/html"]
    names = [name.lower() for name in parsed]
    assert sorted(names) == sorted(set(names))
    assert parsed["Reply-To"].addresses[0].addr_spec == "chris@blog.test"
    assert parsed["Date"].datetime == DATE
    assert not parsed.defects


def test_a_mail_without_html_is_one_plain_part() -> None:
    data = message(text="Grüße\n")
    assert read(data).get_content_type() == "text/plain"
    assert read_part(data, "plain") == "Grüße\n"


def test_a_long_unsubscribe_address_is_neither_encoded_nor_broken() -> None:
    url = "https://a-rather-long-host-name.example.org/weeknotes/unsubscribe/1234567-" + "a" * 60
    data = message(headers={"List-Unsubscribe": f"<{url}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"})
    assert f"List-Unsubscribe: <{url}>\r\n".encode() in data
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in data


def test_styles_are_inlined_and_media_queries_kept() -> None:
    style = "<style>p{color:#123456}@media (prefers-color-scheme:dark){p{color:#fedcba!important}}</style>"
    html = read_part(message(html=f"<html><head>{style}</head><body><p>x</p></body></html>"), "html")
    assert '<p style="color:#123456' in html
    assert "prefers-color-scheme:dark" in html.replace(" ", "")


@pytest.mark.parametrize(
    ("text", "name", "address"),
    [
        ("notes@blog.test", "", "notes@blog.test"),
        ("The Notebook <notes@blog.test>", "The Notebook", "notes@blog.test"),
        ('"Roos, Chris" <chris@blog.test>', "Roos, Chris", "chris@blog.test"),
        (r'"The \"real\" one" <a@blog.test>', 'The "real" one', "a@blog.test"),
        ("Müller & Søn <a@blog.test>", "Müller & Søn", "a@blog.test"),
        ("日本語の名前 <a@blog.test>", "日本語の名前", "a@blog.test"),
        ("J. R. Doe <a@blog.test>", "J. R. Doe", "a@blog.test"),
    ],
)
def test_names_in_from_are_read_as_they_were_written(text: str, name: str, address: str) -> None:
    assert parse_mailbox(text) == Mailbox(name, address)
    data = message(sender=text, to=text)
    assert read_mailbox(data, "From") == read_mailbox(data, "To") == (name, address)


@pytest.mark.parametrize(
    "address", ["", "a", "a@b\r\nBcc: x@y", "a b@c", "ü@blog.test", "a@b>, <c@d", "a" * 300 + "@b"]
)
def test_what_is_no_address_addresses_nobody(address: str) -> None:
    assert mailbox(Mailbox("Ada", address)) == "undisclosed-recipients:;"


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_any_subject_is_read_as_it_was_written(subject: str) -> None:
    data = message(subject=subject)
    check_wire(data)
    parsed = read(data)
    assert parsed["Subject"] == one_line(subject)
    assert len(parsed.keys()) == 8


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_any_name_is_read_as_it_was_written(name: str) -> None:
    data = message(to=Mailbox(name, "ada@reader.test"))
    check_wire(data)
    assert read_mailbox(data, "To") == (one_line(name), "ada@reader.test")
    assert len(read(data).keys()) == 8


@settings(max_examples=40, deadline=None)
@given(HOSTILE, HOSTILE)
def test_any_text_comes_out_of_its_part_as_it_went_in(text: str, html: str) -> None:
    data = message(text=text, html=f"<p>{html}</p>")
    check_wire(data)
    lines = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", text.replace("\r\n", "\n").replace("\r", "\n"))
    assert read_part(data, "plain") in (lines, f"{lines}\n")


@settings(max_examples=40, deadline=None)
@given(HOSTILE)
def test_a_header_for_software_stays_one_header(value: str) -> None:
    head = f"X-Test: {structured(value, 8)}\r\n"
    assert re.fullmatch(r"X-Test: [ -~]*(\r\n [ -~]+)*\r\n", head)


def test_long_subjects_fold_within_76_columns() -> None:
    for subject in ("word " * 60, "Grüße aus Köln " * 20, "週報 " * 60, "a" * 300):
        for number, line in enumerate(unstructured(subject, 9).split("\r\n")):
            assert len(line) + (9 if number == 0 else 0) <= 78


def test_a_header_name_that_cannot_be_one_is_refused() -> None:
    with pytest.raises(ValueError, match="no header"):
        message(headers={"X-A\r\nBcc": "x"})
