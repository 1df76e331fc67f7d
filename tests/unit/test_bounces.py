"""What comes back is understood, and nothing that comes back can do harm."""

import base64
import time
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from blogapp.delivery.bounces import Kind, judge, read_report
from blogapp.delivery.mimeparts import take_apart
from tests import bounced
from tests.bounced import Sent

SENT = Sent()
HARD = [bounced.postfix, bounced.exchange, bounced.gmail, bounced.exim, bounced.qmail]


@pytest.mark.parametrize("write", HARD)
def test_a_mailbox_that_is_not_there_is_a_hard_bounce(write: Callable[[Sent], bytes]) -> None:
    report = read_report(write(SENT))
    assert (report.kind, report.recipients) == (Kind.HARD, frozenset({"ann@reader.test"}))
    assert report.status.startswith("5.1.1")
    assert "@" not in report.diagnostic
    assert SENT.sender in report.addressed_to


@pytest.mark.parametrize(
    ("status", "said", "kind"),
    [
        ("5.1.1", "550 5.1.1 no such user", Kind.HARD),
        ("5.1.2", "Host or domain name not found", Kind.HARD),
        ("5.1.10", "no mail here (null MX)", Kind.HARD),
        ("5.2.1", "550 5.2.1 The email account that you tried to reach is disabled", Kind.HARD),
        ("5.2.1", "550 5.2.1 The user is receiving mail at a rate that prevents additional messages", Kind.SOFT),
        ("5.0.0", "550 5.1.1 Mailbox unknown", Kind.HARD),
        ("5.0.0", "554 delivery error: dd This user doesn't have a yahoo.test account", Kind.HARD),
        ("5.0.0", "550 Requested action not taken: mailbox unavailable", Kind.SOFT),
        ("", "550 User unknown", Kind.HARD),
        ("5.2.2", "552 5.2.2 over quota", Kind.SOFT),
        ("5.1.1", "550 5.1.1 mailbox full", Kind.SOFT),
        ("5.1.8", "550 5.1.8 bad sender's domain", Kind.SOFT),
        ("5.7.1", "550 5.7.1 message rejected as spam by content policy", Kind.SOFT),
        ("5.1.0", "550 5.1.0 blocked: see our policy", Kind.SOFT),
        ("5.7.26", "550 5.7.26 unauthenticated mail (DMARC)", Kind.SOFT),
        ("5.3.4", "552 5.3.4 too large", Kind.SOFT),
        ("5.4.1", "550 5.4.1 Recipient address rejected: Access denied", Kind.SOFT),
        ("4.4.1", "connect to mx.reader.test[192.0.2.1]:25: Connection timed out", Kind.SOFT),
        ("4.4.7", "given up: user unknown", Kind.SOFT),
        ("nonsense", "", Kind.SOFT),
    ],
)
def test_hard_is_only_what_says_that_the_mailbox_is_not_there(status: str, said: str, kind: Kind) -> None:
    assert judge(status, said)[0] is kind


def test_what_the_mail_itself_says_is_no_reason() -> None:
    report = read_report(bounced.exim(SENT, "452 4.2.2 try later"))
    assert report.kind is Kind.SOFT
    assert read_report(bounced.qmail(SENT, "Sorry. (#5.7.1)")).kind is Kind.SOFT
    assert read_report(bounced.full(SENT)).kind is Kind.SOFT


@pytest.mark.parametrize(
    ("action", "kind"),
    [
        ("delayed", Kind.DELAYED),
        ("delivered", Kind.DELIVERED),
        ("relayed", Kind.DELIVERED),
        ("expanded", Kind.DELIVERED),
    ],
)
def test_a_mail_that_is_late_or_has_arrived_is_no_bounce(action: str, kind: Kind) -> None:
    fields = f"Final-Recipient: rfc822;ann@reader.test\nAction: {action}\nStatus: 4.0.0"
    assert read_report(bounced.dsn(SENT, fields)).kind is kind


def test_the_final_recipient_is_whose_mail_came_back() -> None:
    fields = "Original-Recipient: rfc822;team@reader.test\nFinal-Recipient: rfc822;<Ex@R.test>\nStatus: 5.1.1"
    assert read_report(bounced.dsn(SENT, fields)).recipients == {"ex@r.test"}
    fields = "Original-Recipient: rfc822;ann+2Blists@bücher.test\nAction: failed (permanent)\nStatus: 5.1.1 (gone)"
    report = read_report(bounced.dsn(SENT, fields))
    assert report.kind is Kind.HARD
    assert report.recipients == {"ann+lists@xn--bcher-kva.test", "ann+2blists@xn--bcher-kva.test"}
    fields = "Final-Recipient: rfc822;ann+4dogs@reader.test\nAction: failed\nStatus: 5.1.1"
    assert "ann+4dogs@reader.test" in read_report(bounced.dsn(SENT, fields)).recipients


@pytest.mark.parametrize(
    ("status", "diagnostic", "kind"),
    [
        ("5.1.1", "550 5.1.1 <ann@spam-policy.test>: user unknown, see https://mail.test/content", Kind.HARD),
        ("5.1.1", "550 5.1.1 user unknown at mx.spam.storage.test", Kind.HARD),
        ("5.1.1", "550 5.1.1 user unknown by our policy", Kind.HARD),
        ("5.1.1", "550 5.1.1 blocked by our policy", Kind.SOFT),
        ("5.0.0", "550 user unknown, or blocked by policy", Kind.SOFT),
        ("5.0.0", "550 version 5.12.1 says: no such user", Kind.HARD),
    ],
)
def test_words_in_names_of_hosts_and_beside_a_dead_mailbox_say_nothing_of_us(
    status: str, diagnostic: str, kind: Kind
) -> None:
    fields = f"Final-Recipient: rfc822;ann@reader.test\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; "
    assert read_report(bounced.dsn(SENT, fields + diagnostic)).kind is kind


def test_an_automatic_answer_that_quotes_a_failure_in_its_subject_is_no_bounce() -> None:
    message = b"Return-Path: <>\r\nFrom: ann@reader.test\r\nSubject: Automatic reply: Undeliverable: Week 7\r\n\r\n"
    assert read_report(message + b"550 5.1.1 user unknown <ann@reader.test>\r\n").kind is Kind.AUTOMATIC


def test_a_complaint_is_one_in_either_form_and_praise_is_none() -> None:
    assert read_report(bounced.complaint(SENT)).kind is Kind.COMPLAINT
    assert read_report(bounced.complaint(SENT)).recipients == {"ann@reader.test"}
    assert read_report(bounced.complaint(SENT, redacted=True)).kind is Kind.COMPLAINT
    assert read_report(bounced.outlook_complaint(SENT)).kind is Kind.COMPLAINT
    for kind in ("not-spam", "auth-failure", "virus", ""):
        assert read_report(bounced.complaint(SENT, kind)).kind is Kind.AUTOMATIC


@pytest.mark.parametrize(
    "head", ["Auto-Submitted: auto-replied", "X-Autoreply: yes", "Precedence: bulk", "X-Autorespond: "]
)
def test_automatic_answers_are_no_bounces_whatever_they_say(head: str) -> None:
    message = f"From: ann@reader.test\r\n{head}\r\n\r\n550 5.1.1 user unknown <ann@reader.test>\r\n".encode()
    assert read_report(message).kind is Kind.AUTOMATIC
    assert read_report(bounced.vacation(SENT)).kind is Kind.AUTOMATIC
    assert read_report(bounced.out_of_office(SENT)).kind is Kind.AUTOMATIC


def test_a_letter_is_for_people() -> None:
    assert read_report(bounced.letter("bounces@notes.test", "550 5.1.1 user unknown")).kind is Kind.UNKNOWN
    assert read_report(b"").kind is Kind.UNKNOWN


def test_base64_and_quoted_printable_are_no_hiding_places() -> None:
    message = bounced.postfix(SENT)
    start = message.index(b"Reporting-MTA")
    end = message.index(b"\r\n--=_b1", start)
    for name, coded in (("base64", _base64(message[start:end])), ("quoted-printable", message[start:end])):
        head = f"delivery-status\r\nContent-Transfer-Encoding: {name}\r\n\r\n".encode()
        changed = message[:start].removesuffix(b"delivery-status\r\n\r\n") + head + coded + message[end:]
        assert read_report(changed).kind is Kind.HARD


def _base64(data: bytes) -> bytes:
    return base64.encodebytes(data).rstrip()


LINES = st.sampled_from(
    [
        b"Content-Type: multipart/report; boundary=b", b'Content-Type: multipart/mixed; boundary="b"', b"--b", b"--b--",
        b"Content-Type: message/delivery-status", b"Content-Type: message/feedback-report", b"", b"Action: failed",
        b"Content-Type: message/rfc822", b"Content-Transfer-Encoding: base64", b"Final-Recipient: rfc822; a@b.c",
        b"Content-Transfer-Encoding: quoted-printable", b"Final-Recipient:", b"Action:", b"Status: 5.1.1",
        b"Status: 9.9.9", b"From: MAILER-DAEMON@x.y", b"Subject: =?x?q?=00?=", b"Feedback-Type: abuse", b" folded",
        b"X-Failed-Recipients: a@b.c", b"Return-Path: <>", b"<a@b.c>:", b"\0", b"\xff\xfe", b"Cc: <a@b.c",
        b"Diagnostic-Code: smtp; 550", b"Hi. This is the qmail-send program",
        b"Content-Type: text/plain; charset=no-such",
        b"--- Below this line is a copy of the message.",
    ]
)  # fmt: skip
HOSTILE = st.lists(LINES | st.binary(max_size=60), max_size=40).map(b"\r\n".join) | st.binary(max_size=2000)


@settings(max_examples=200, deadline=None)
@given(HOSTILE)
@example(b"From: postmaster\n\n" + b"Content-Type: multipart/mixed; boundary=\n" * 40)
def test_no_message_is_an_error(message: bytes) -> None:
    report = read_report(message)
    assert report.kind in Kind
    assert len(report.diagnostic) <= 200
    assert report.diagnostic.isprintable()


def _nested(depth: int, kind: bytes) -> bytes:
    levels = (b"Content-Type: " + kind + b"; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(depth))
    return b"From: MAILER-DAEMON@x.test\nReturn-Path: <>\n" + b"".join(levels)


@pytest.mark.parametrize(
    "message",
    [
        _nested(20_000, b"multipart/mixed"),
        b"From: MAILER-DAEMON@x.test\n" + b"Content-Type: message/rfc822\n\n" * 40_000,
        b"From: MAILER-DAEMON@x.test\nContent-Type: multipart/mixed; boundary=b\n\n" + b"--b\n" * 400_000,
        b"From: MAILER-DAEMON@x.test\n\n" + b"a@b.c: 550 " * 200_000,
        b"From: MAILER-DAEMON@x.test\n\n" + b"-" * 2_000_000,
        b"To: " + b"x" * 2_000_000,
        b"To: a@b.c\n" * 200_000,
        b" \n" * 1_000_000,
        b"From: MAILER-DAEMON@x.test\n\n<" + b"a@" * 1_000_000,
        b"Content-Type: message/delivery-status\n\n" + b"Final-Recipient: rfc822;a@b.c\nStatus: 5.1.1\n\n" * 40_000,
        b"Content-Type: message/delivery-status\nContent-Transfer-Encoding: base64\n\n" + b"QUFB" * 500_000,
        b"\0" * 50_000_000,
    ],
    ids=["nested", "embedded", "parts", "addresses", "dashes", "long-to", "many-to", "blank", "ats",
         "blocks", "base64", "50-MB"],
)  # fmt: skip
def test_a_message_made_to_take_long_does_not(message: bytes) -> None:
    began = time.process_time()
    read_report(message)
    assert time.process_time() - began < 3
    assert len(take_apart(message[: 2 << 20])) <= 40
