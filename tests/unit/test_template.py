"""A frozen message spliced per recipient: fast, and no value can become more than a value."""

import html as html_module
import re
import timeit
from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blogapp.delivery.headers import Mailbox, mailbox, one_line, parse_mailbox
from blogapp.delivery.message import build_message
from blogapp.delivery.template import Places, Template
from tests.unit.test_message import HOSTILE, check_wire, read, read_mailbox, read_part

DATE = datetime(2018, 2, 9, tzinfo=UTC)
PLAIN = {"to": "Ada <ada@reader.test>", "id": "12.345.abc", "token": "345-abcdefgh", "address": "ada@reader.test"}


def frozen(padding: str = "") -> Template:
    """A message with nine personal places, as the digest has them."""
    places = Places()
    mark = places.mark
    message = build_message(
        sender="The Notebook <notes@blog.test>",
        to=mark("to", "mailbox"),
        subject="Week 473",
        text=f"{padding}To {mark('address', 'text')}\nhttps://blog.test/unsubscribe/{mark('token', 'url')}\n"
        f"https://blog.test/preferences/{mark('token', 'url')}\n.{mark('address', 'text')}.\n",
        html=f'<p>{padding}To {mark("address", "html")}, <a href="https://blog.test/u/{mark("token", "url")}">leave</a>'
        f' or <a href="https://blog.test/p/{mark("token", "url")}">change</a></p>',
        headers={"List-Unsubscribe": f"<https://blog.test/unsubscribe/{mark('token', 'token')}>"},
        date=DATE,
        message_id=f"<{mark('id', 'token')}@blog.test>",
        marks=places.marks.values(),
    )
    return Template(message, places.marks)


TEMPLATE = frozen()


def parts(data: bytes) -> tuple[str, str]:
    return read_part(data, "plain"), read_part(data, "html")


def whole_text(values: Mapping[str, str]) -> str:
    address = re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", re.sub(r"[\r\n]+", " ", values["address"]))
    token = quote(values["token"], safe="@+")
    links = f"https://blog.test/unsubscribe/{token}\nhttps://blog.test/preferences/{token}\n"
    return f"To {address}\n{links}.{address}.\n"


def test_a_spliced_message_says_to_whom_it_goes() -> None:
    data = frozen().splice(PLAIN)
    check_wire(data)
    parsed = read(data)
    assert parsed["To"] == "Ada <ada@reader.test>"
    assert parsed["Message-ID"] == "<12.345.abc@blog.test>"
    assert parsed["List-Unsubscribe"] == "<https://blog.test/unsubscribe/345-abcdefgh>"
    plain, rich = parts(data)
    assert plain == whole_text(PLAIN)
    assert 'To ada@reader.test, <a href="https://blog.test/u/345-abcdefgh">leave</a>' in rich


def test_marks_stand_alone_between_soft_line_breaks_whatever_is_before_them() -> None:
    for width in range(0, 80, 3):
        template = frozen("é" * (width // 3) + "x" * (width % 3) + " ")
        body = template.message.partition(b"\r\n\r\n")[2].decode()
        for place, mark in template.places.items():
            if place.rpartition(".")[2] in ("text", "html", "url"):
                around = re.findall(rf"(.*)\r\n(.*{mark}.*)\r\n", body)
                assert around
                assert all(before.endswith("=") and line == f"{mark}=" for before, line in around)


@settings(max_examples=40, deadline=None)
@given(name=HOSTILE, address=HOSTILE)
def test_no_value_adds_a_header_or_changes_what_is_around_it(name: str, address: str) -> None:
    template = TEMPLATE
    values = {"to": f"{name} <{address}>", "id": "1.2", "token": "345-abc", "address": address}
    data = template.splice(values)
    check_wire(data)
    assert read(data).keys() == read(template.splice(PLAIN)).keys()
    plain, rich = parts(data)
    assert plain == whole_text(values)
    spelt = html_module.escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]", "", re.sub(r"[\r\n]+", " ", address)))
    before, after = parts(template.splice({**PLAIN, "address": "MARK", "token": "345-abc"}))[1].split("MARK")
    assert rich == before + spelt + after


@settings(max_examples=40, deadline=None)
@given(name=HOSTILE)
def test_any_name_reads_in_to_as_it_was_given(name: str) -> None:
    expected = parse_mailbox(f"{name} <ada@reader.test>")
    data = TEMPLATE.splice({**PLAIN, "to": f"{name} <ada@reader.test>"})
    assert read_mailbox(data, "To") == (one_line(expected.name), "ada@reader.test")


@settings(max_examples=40, deadline=None)
@given(token=st.text(st.characters(codec="utf-8"), min_size=1, max_size=60))
def test_a_header_takes_only_tokens(token: str) -> None:
    template = TEMPLATE
    if re.fullmatch(r"[A-Za-z0-9._~-]+", token):
        assert f"/unsubscribe/{token}>".encode() in template.splice({**PLAIN, "token": token})
    elif "@" not in token and "+" not in token:
        with pytest.raises(ValueError, match="token"):
            template.splice({**PLAIN, "token": token})


def test_the_short_way_for_plain_mailboxes_agrees_with_the_long_one() -> None:
    template = frozen()
    for text in (
        "ada@reader.test",
        "Ada Lovelace <ada.l+x@reader.test>",
        "Ada <a@b>",
        "a@b>",
        "<a@b",
        "x@y@z",
        "a..b@c",
    ):
        spliced = template.splice({**PLAIN, "to": text})
        assert f"\r\nTo: {mailbox(parse_mailbox(text), 4)}\r\n".encode() in spliced
    assert mailbox(Mailbox("", "a..b@c")) == "undisclosed-recipients:;"


def test_marks_differ_from_sending_to_sending() -> None:
    assert not set(frozen().places.values()) & set(frozen().places.values())


def test_a_template_survives_the_database() -> None:
    template = frozen()
    again = Template.from_json(template.message, template.to_json())
    assert again.splice(PLAIN) == template.splice(PLAIN)


def test_a_missing_value_is_an_error_and_not_a_gap() -> None:
    with pytest.raises(KeyError):
        frozen().splice({k: v for k, v in PLAIN.items() if k != "address"})


def test_splicing_costs_microseconds() -> None:
    template = frozen("word " * 4000)
    best = min(timeit.repeat(lambda: template.splice(PLAIN), number=500, repeat=7)) / 500
    # Measured at 3 µs with 2 x 20 kB of text; the bound leaves room for a busy machine.
    assert best < 60e-6
