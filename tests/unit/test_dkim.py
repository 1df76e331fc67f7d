"""Signatures: a receiver (dkimpy) finds that they hold for what was sent, and for nothing else."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blogapp.core.config import Settings
from blogapp.core.errors import BadSetting, BlogError
from blogapp.delivery.dkim import SIGNED, SignedTemplate, Signer, relaxed_body, signer
from blogapp.delivery.dkimkeys import DkimKey, load_keys, new_key, signing_domain
from blogapp.delivery.envelopes import with_dot
from blogapp.delivery.message import build_message
from blogapp.delivery.template import Places, Template
from tests.conftest import make_settings
from tests.dkimkeys import DOMAIN, keep, key, verified

RSA, ED = key("rsa"), key("ed25519")
LISTED = {
    "List-Id": "The Notebook <digest.blog.test>",
    "List-Unsubscribe": f"<https://blog.test/unsubscribe/{'7-abc' * 30}>",
    "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    "Auto-Submitted": "auto-generated",
}
MESSAGE = build_message(
    sender="The Notebook <notes@blog.test>",
    to="Ada <ada@reader.test>",
    subject="Week 473: " + "bread, and what else there was " * 4,
    text="Hello\n\n  two blanks  \nand a tab\t.\n\n\n",
    html="<p>Hello</p>\n",
    headers=LISTED,
    date=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
    message_id="<1.2@blog.test>",
)

# openssl genrsa -traditional 768: no program makes one as short by accident any more.
SHORT = """\
-----BEGIN RSA PRIVATE KEY-----
MIIBygIBAAJhAMAG8qoyLAznAq0AeEi9UtgI9vV7lOS5HmfWDc73YyBDHf9tMSud
OSFCtgYaFlfXMybb5SoD7T3BYWkCfbSSdj5Lfafh5R2fOexMGL1M/QlJrZN4J3Nc
oOLX5cqCYF2YRwIDAQABAmAVCm3agkbbXxCm/i8v4TbLnyfYPCNTcIlJXWYD8I13
AoOt8jv6CG8zGskxH/ikxVqP4uPSQ/B8FfY4PHsaOenvyH9E1ZUG+nFFtCfcTnb0
drx0FsoMHrP8NG8TeeUMOBkCMQDj/OWclGwqa+c6tpGFjYntGvYMIZWCgo8t5Ujg
oqc86R/Odtewe4FN5ygHVgJ85TMCMQDXnvI/5/kkgEgWB6Q3rneKLYiGAp/ML02D
x0J+pUyacWtEVkKAuPpnC1yMjyIW2J0CMQC9kmXiYs/mHj7w5SnvoRdU3pxEzhAh
qyofAY4tq1HgJgBajxseFjQYcOMp5my/KV0CMD+Y0BbtUtzjQV/ODS+nM/b7iyML
rxpIcXKG2SQFmVyMS3kygBb7eE/gWAHVTdazOQIwShQsdfSwKkdU53egzPFsWzd+
vu1NM1D3rNRtm4Wd/gBeKGIQPRg1bGhkuhmQQ722
-----END RSA PRIVATE KEY-----
"""


def with_setting(folder: Path, *keys: str, **chosen: str) -> Settings:
    return make_settings(folder, dkim_keys=keys, **chosen)


@pytest.mark.parametrize("keys", [[RSA], [ED], [RSA, ED]], ids=["rsa", "ed25519", "both"])
def test_a_receiver_finds_that_each_signature_holds(keys: Sequence[DkimKey]) -> None:
    signed = Signer(DOMAIN, keys)(MESSAGE)
    assert signed.endswith(MESSAGE)
    assert verified(signed, *keys) == [True] * len(keys)
    added = signed.removesuffix(MESSAGE)
    assert all(len(line) <= 78 for line in added.split(b"\r\n"))
    assert b" l=" not in added


def test_every_header_that_counts_is_named_once_more_than_it_is_there() -> None:
    signed = Signer(DOMAIN, [RSA])(MESSAGE)
    (names,) = re.findall(rb"\r\n h=([^;]*);", signed)
    named = re.sub(rb"\s", b"", names).split(b":")
    head = MESSAGE.partition(b"\r\n\r\n")[0].lower()
    for name in SIGNED:
        there = len(re.findall(rb"^" + name + rb":", head, re.MULTILINE))
        assert named.count(name) == there + 1, name


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"From: ", b"Subject: You have won\r\nFrom: "),
        (b"From: ", b"Reply-To: mallory@evil.test\r\nFrom: "),
        (b"From: ", b"List-Unsubscribe: <https://evil.test/>\r\nFrom: "),
        (b"From: ", b"Content-Type: text/html\r\nFrom: "),
        (b"From: ", b"From: Mallory <mallory@evil.test>\r\nFrom: "),
        (b"To: Ada", b"To: Eve"),
        (b"<p>Hello</p>", b"<p>Hallo</p>"),
        (b"--\r\n", b"--\r\nBuy this.\r\n"),
    ],
)
def test_a_signed_message_that_was_changed_no_longer_holds(before: bytes, after: bytes) -> None:
    signed = Signer(DOMAIN, [RSA, ED])(MESSAGE)
    head, _, rest = signed.rpartition(b"\r\nFrom: ")
    changed = head + b"\r\n" + (b"From: " + rest).replace(before, after, 1)
    assert changed != signed
    assert verified(changed, RSA, ED) == [False, False]


def test_what_relays_may_change_does_no_harm() -> None:
    signed = Signer(DOMAIN, [RSA])(MESSAGE)
    on_the_way = b"Received: from a by b;\r\n\tMon, 23 Nov 2026 09:30:00 +0000\r\n" + signed + b"\r\n\r\n"
    assert verified(on_the_way.replace(b"Subject: Week", b"SUBJECT:\tWeek"), RSA) == [True]


def test_the_same_message_gets_the_same_bytes_at_every_try() -> None:
    sign = Signer(DOMAIN, [RSA, ED])
    assert sign(MESSAGE) == sign(MESSAGE)


LINE_ENDS = st.sampled_from([b"\r\n", b"\n", b"\r", b"\r\n\r\n"])
BODY = st.lists(st.sampled_from([b" ", b"  ", b"\t", b"a", b".", b"=20", b"\xc3\xa9", b"\x0b", b"\0"]) | LINE_ENDS)
VALUE = st.text("ab =?<>;\t", max_size=30).map(str.encode)
FOLDED = st.lists(VALUE, min_size=1, max_size=3).map(b"\r\n ".join)
NAME = st.sampled_from([b"Subject", b"TO", b"reply-to", b"X-Own", b"List-Id"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAME, FOLDED), max_size=6), BODY.map(b"".join))
def test_whatever_is_signed_holds_as_it_goes_over_the_wire(fields: list[tuple[bytes, bytes]], body: bytes) -> None:
    head = b"From: a@blog.test\r\n" + b"".join(name + b": " + value + b"\r\n" for name, value in fields)
    signed = Signer(DOMAIN, [ED])(head + b"\r\n" + body)
    received = re.sub(rb"^\.", b"", with_dot(signed).removesuffix(b".\r\n"), flags=re.MULTILINE)
    assert received == signed
    assert verified(signed, ED) == [True]


PLACES = Places()
TEMPLATE = Template(
    build_message(
        sender="The Notebook <notes@blog.test>",
        to=PLACES.mark("to", "mailbox"),
        subject="Week  473",
        text="Hello  NAME \tNAME\n\n  {}\n\n".replace("NAME", PLACES.mark("name", "text")).format(
            PLACES.mark("token", "url")
        ),
        html=f"<p>{PLACES.mark('name', 'html')}  and</p>\t\n",
        headers={"List-Id": PLACES.mark("token", "token"), "X-Own": PLACES.mark("free", "token")},
        date=datetime(2026, 11, 23, 9, 30, tzinfo=UTC),
        message_id=f"<{PLACES.mark('token', 'token')}@blog.test>",
        marks=PLACES.marks.values(),
    ),
    PLACES.marks,
)
WORDS = st.text("aB .@é\t=\n\u2003", max_size=90) | st.sampled_from(["a" * 80, "Ada", "Ada  Lovelace", " a ", ""])


@settings(max_examples=60, deadline=None)
@given(WORDS, WORDS | st.just("Ada Lovelace <ada@reader.test>"), st.sampled_from(["7.a", "t" * 100]))
def test_a_spliced_mail_is_signed_as_any_other(name: str, to: str, token: str) -> None:
    values = {"name": name, "to": to, "token": token, "free": "-"}
    sign = Signer(DOMAIN, [ED])
    assert SignedTemplate(sign, TEMPLATE).splice(values) == sign(TEMPLATE.splice(values))


def test_a_plain_readers_mail_is_not_taken_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    signed = SignedTemplate(Signer(DOMAIN, [ED]), TEMPLATE)
    monkeypatch.setattr(Signer, "__call__", None)
    values = {"name": "ada@reader.test", "to": "Ada Lovelace <ada@reader.test>", "token": "7.a-b", "free": "-"}
    assert verified(signed.splice(values), ED) == [True]


@pytest.mark.parametrize("body", [b"", b"\r\n", b"\r\n\r\n", b" \r\n\t\r\n"])
def test_a_body_of_nothing_is_signed_as_empty(body: bytes) -> None:
    assert relaxed_body(body) == b""


def test_the_settings_name_keys_of_both_kinds_and_the_sender_gives_the_domain(tmp_path: Path) -> None:
    chosen = with_setting(tmp_path, f"sel-rsa:{keep(RSA, tmp_path)}", f"sel-ed25519:{keep(ED, tmp_path).name}")
    sign = signer(chosen)
    assert sign is not None
    assert verified(sign(MESSAGE), RSA, ED) == [True, True]
    assert signer(chosen) is sign  # read once
    assert signer(with_setting(tmp_path)) is None


def test_the_domain_is_spelt_as_dns_spells_it(tmp_path: Path) -> None:
    assert signing_domain(with_setting(tmp_path, mail_from="a@Bücher.test")) == "xn--bcher-kva.test"
    assert signing_domain(with_setting(tmp_path, dkim_domain="Mail.Blog.test.")) == "mail.blog.test"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("no-colon", "should be like blog-2026:dkim/blog-2026.pem"),
        ("a b:x.pem", "should be like blog-2026:dkim/blog-2026.pem"),
        ("x:missing.pem", "cannot read"),
        ("x:open.pem", "everybody on this machine can read"),
        ("x:words.pem", "holds no RSA or Ed25519 private key"),
        ("x:short.pem", "1024"),
    ],
)
def test_a_key_that_cannot_be_used_is_said_in_one_line(tmp_path: Path, entry: str, said: str) -> None:
    keep(ED, tmp_path, 0o644).rename(tmp_path / "open.pem")
    words, short = tmp_path / "words.pem", tmp_path / "short.pem"
    words.write_text("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n")
    short.write_text(SHORT)
    for path in (words, short):
        path.chmod(0o600)
    with pytest.raises(BadSetting, match=r"^BLOG_DKIM_KEYS[^\n]*$") as refusal:
        signer(with_setting(tmp_path, entry))
    assert said in str(refusal.value)


def test_a_selector_has_one_key(tmp_path: Path) -> None:
    path = keep(ED, tmp_path)
    with pytest.raises(BadSetting, match="twice"):
        load_keys(DOMAIN, (f"s:{path}", f"S:{path}"), tmp_path)


@pytest.mark.parametrize("kind", ["rsa", "ed25519"])
def test_a_new_key_is_its_owners_alone_and_is_never_written_over(tmp_path: Path, kind: str) -> None:
    made = new_key(with_setting(tmp_path), kind, "Blog-2026")
    assert made.path.stat().st_mode & 0o777 == 0o600
    assert made.path.parent.stat().st_mode & 0o777 == 0o700
    before = made.path.read_bytes()
    with pytest.raises(BlogError, match="there already"):
        new_key(with_setting(tmp_path), kind, "blog-2026")
    assert made.path.read_bytes() == before
    (read,) = load_keys(DOMAIN, ("blog-2026:dkim/blog-2026.pem",), tmp_path)
    assert read.public == made.public
    assert all(len(part) <= 255 for part in made.record(DOMAIN).strings)


@pytest.mark.parametrize("selector", ["", "../x", "a b", "-a", "a.", "a" * 64, "é"])
def test_a_selector_that_no_name_can_have_is_refused(tmp_path: Path, selector: str) -> None:
    with pytest.raises(BlogError, match="selector"):
        new_key(with_setting(tmp_path), "ed25519", selector)
    assert not (tmp_path / "dkim").exists()
