"""What goes on the wire for one mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.errors import BadSetting
from blogapp.delivery.envelopes import BadEnvelope, Envelope, Options, mail_commands, wire_address, with_dot
from blogapp.delivery.relay import parse_relay

BODY = b"Subject: x\r\n\r\nhello\r\n"


def lines(envelope: Envelope, options: Options) -> list[bytes]:
    return mail_commands(envelope, options)[0].splitlines(keepends=True)


def received(data: bytes) -> bytes:
    """What a receiver makes of it (RFC 5321 §4.5.2)."""
    assert data.endswith(b"\r\n.\r\n")
    got = [line[1:] if line.startswith(b".") else line for line in data[:-3].split(b"\r\n")]
    return b"\r\n".join(got)


def test_a_plain_mail_asks_for_nothing_special() -> None:
    got = lines(Envelope(1, "a@b.test", "c@d.test", BODY), Options(utf8=True, eight_bit=True))
    assert got == [b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<c@d.test>\r\n", b"DATA\r\n"]


def test_size_is_said_where_the_relay_reads_it_and_a_mail_too_large_is_not_sent() -> None:
    options = Options.from_ehlo("relay.test\nSIZE 100")
    assert lines(Envelope(1, "a@b.test", "c@d.test", BODY), options)[0] == b"MAIL FROM:<a@b.test> SIZE=21\r\n"
    with pytest.raises(BadEnvelope, match=r"552 5\.3\.4"):
        mail_commands(Envelope(1, "a@b.test", "c@d.test", b"x" * 101), options)


def test_an_idn_domain_goes_as_its_a_label_and_needs_no_smtputf8() -> None:
    assert wire_address("ada@bücher.test") == "ada@xn--bcher-kva.test"
    assert wire_address("ada@straße.test") == "ada@xn--strae-oqa.test"  # IDNA 2008, not "strasse"
    got = lines(Envelope(1, "a@b.test", "ada@bücher.test", BODY), Options(utf8=True))
    assert got[:2] == [b"MAIL FROM:<a@b.test>\r\n", b"RCPT TO:<ada@xn--bcher-kva.test>\r\n"]


def test_a_local_part_in_another_script_needs_smtputf8() -> None:
    envelope = Envelope(1, "a@b.test", "zoë@d.test", BODY)
    assert lines(envelope, Options(utf8=True))[0] == b"MAIL FROM:<a@b.test> SMTPUTF8\r\n"
    with pytest.raises(BadEnvelope, match=r"5\.6\.7"):
        mail_commands(envelope, Options())


def test_eight_bit_text_needs_8bitmime() -> None:
    envelope = Envelope(1, "a@b.test", "c@d.test", "Grüße\r\n".encode())
    assert lines(envelope, Options(eight_bit=True))[0] == b"MAIL FROM:<a@b.test> BODY=8BITMIME\r\n"
    with pytest.raises(BadEnvelope, match=r"5\.6\.3"):
        mail_commands(envelope, Options())


@pytest.mark.parametrize("address", ["a@b.test>\r\nDATA", "a b@c.test", "a@", "@b.test", "<a@b.test>", "nobody"])
def test_no_address_can_begin_another_command(address: str) -> None:
    with pytest.raises(BadEnvelope):
        wire_address(address)


@given(st.lists(st.sampled_from([b".", b"a", b"..", b"\r\n", b"\r\n.\r\n", b" "]), max_size=12))
def test_dots_arrive_as_they_were(parts: list[bytes]) -> None:
    message = b"".join(parts)
    assert received(with_dot(message)) == (message if message.endswith(b"\r\n") else message + b"\r\n")


@given(st.lists(st.sampled_from([b".", b"a", b"\r", b"\n", b"\r\n", b"\n.\n", b"\r.\r"]), max_size=12))
def test_no_message_can_end_before_its_end(parts: list[bytes]) -> None:
    data = with_dot(b"".join(parts))
    assert b"\r\n.\r\n" not in data[:-1]
    assert data.replace(b"\r\n", b"").count(b"\n") == data.replace(b"\r\n", b"").count(b"\r") == 0


def test_what_the_relay_offers_is_read_whatever_its_spelling() -> None:
    text = "relay.test\npipelining\nSIZE\n8BITMIME\nAUTH PLAIN LOGIN\nAUTH=CRAM-MD5\nSMTPUTF8\nSTARTTLS\nSIZE 0"
    offered = Options.from_ehlo(text)
    assert offered == Options(True, True, True, True, True, 0, frozenset({"PLAIN", "LOGIN", "CRAM-MD5"}))


def test_a_relays_address_says_how_to_talk_to_it() -> None:
    relay = parse_relay("smtp://ada:p%40ss@mail.test:587")
    assert (relay.host, relay.port, relay.username, relay.password) == ("mail.test", 587, "ada", "p@ss")
    assert (relay.starttls, relay.verified) == ("required", True)
    assert (parse_relay("smtps://mail.test").port, parse_relay("smtps://mail.test").verified) == (465, True)
    assert (parse_relay("smtp://mail.test").port, parse_relay("smtp://mail.test").verified) == (25, False)
    assert "p@ss" not in repr(relay)


@pytest.mark.parametrize(
    "url",
    [
        "smtp://mail.test?starttls=perhaps",
        "smtp://mail.test?tls=1",
        "smtp://mail.test/path",
        "http://mail.test",
        "smtp://",
        "smtp://ada:pass@mail.test?starttls=opportunistic",
    ],
)
def test_an_address_that_would_be_misunderstood_is_refused(url: str) -> None:
    with pytest.raises(BadSetting):
        parse_relay(url)
