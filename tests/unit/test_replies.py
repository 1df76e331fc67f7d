"""A relay's reply and what becomes of the mail: one table."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.delivery.replies import LONGEST_REPLY, Outcome, Phase, Reply, Verdict, judge, parse_reply

ACCEPTED, DEFERRED, REFUSED = Verdict.ACCEPTED, Verdict.DEFERRED, Verdict.REFUSED
SLOW_DOWN, TROUBLE, IN_DOUBT = Verdict.SLOW_DOWN, Verdict.TROUBLE, Verdict.IN_DOUBT

TABLE = [
    (Phase.DOT, 250, "2.0.0", "queued", ACCEPTED),
    (Phase.DOT, 0, "", "the relay hung up", IN_DOUBT),
    (Phase.DOT, 451, "4.3.0", "try again later", DEFERRED),
    (Phase.DOT, 452, "4.3.1", "insufficient system storage", SLOW_DOWN),
    (Phase.DOT, 554, "5.6.0", "content refused", REFUSED),
    (Phase.DOT, 354, "", "what", TROUBLE),
    (Phase.BODY, 0, "", "the relay hung up", TROUBLE),
    (Phase.RCPT, 0, "", "the relay hung up", TROUBLE),
    (Phase.RCPT, 450, "4.2.1", "mailbox busy", DEFERRED),
    (Phase.RCPT, 450, "4.7.1", "you are greylisted, come again", DEFERRED),
    (Phase.RCPT, 451, "4.7.1", "Graylisting in action", DEFERRED),
    (Phase.RCPT, 450, "4.7.1", "rate exceeded", SLOW_DOWN),
    (Phase.RCPT, 452, "4.5.3", "too many recipients", SLOW_DOWN),
    (Phase.RCPT, 452, "4.5.3", "you are sending too fast", SLOW_DOWN),
    (Phase.RCPT, 452, "4.2.2", "mailbox full", DEFERRED),
    (Phase.RCPT, 550, "5.2.1", "mailbox disabled", REFUSED),
    (Phase.RCPT, 550, "5.7.1", "not wanted", REFUSED),
    (Phase.RCPT, 554, "5.7.1", "<a@b.test>: Relay access denied", TROUBLE),
    (Phase.RCPT, 550, "", "relaying denied", TROUBLE),
    (Phase.RCPT, 550, "5.7.1", "Unable to relay", TROUBLE),
    (Phase.MAIL, 421, "", "closing", SLOW_DOWN),
    (Phase.MAIL, 421, "4.7.0", "too many messages", SLOW_DOWN),
    (Phase.MAIL, 450, "4.7.1", "too many mails from you", SLOW_DOWN),
    (Phase.MAIL, 451, "4.3.0", "queue is full", TROUBLE),
    (Phase.MAIL, 530, "5.7.0", "authentication required", TROUBLE),
    (Phase.MAIL, 553, "5.1.8", "sender address rejected", TROUBLE),
    (Phase.MAIL, 552, "5.3.4", "message too big", REFUSED),
    (Phase.DATA, 354, "", "go on", TROUBLE),  # asked to judge it, something is wrong
    (Phase.DATA, 554, "5.5.1", "no valid recipients", REFUSED),
    (Phase.CONNECT, 421, "4.3.2", "too busy", TROUBLE),
    (Phase.CONNECT, 554, "", "go away", TROUBLE),
    (Phase.HELLO, 550, "", "bad name", TROUBLE),
    (Phase.TLS, 454, "4.7.0", "TLS not available", TROUBLE),
    (Phase.LOGIN, 535, "5.7.8", "bad password", TROUBLE),
    (Phase.LOGIN, 454, "4.7.0", "temporary authentication failure", TROUBLE),
]


@pytest.mark.parametrize(("phase", "code", "enhanced", "text", "verdict"), TABLE)
def test_each_reply_has_one_meaning(phase: Phase, code: int, enhanced: str, text: str, verdict: Verdict) -> None:
    outcome = judge(Reply(code, enhanced, text), phase)
    assert outcome.verdict is verdict
    assert not outcome.suppress


@pytest.mark.parametrize(
    ("phase", "enhanced", "dead"),
    [
        (Phase.RCPT, "5.1.1", True),
        (Phase.RCPT, "5.1.10", True),
        (Phase.DOT, "5.1.1", True),
        (Phase.RCPT, "5.1.0", False),
        (Phase.RCPT, "5.1.8", False),  # the sender's address
        (Phase.RCPT, "5.2.2", False),
        (Phase.RCPT, "", False),
    ],
)
def test_only_what_says_that_the_mailbox_is_dead_suppresses_it(phase: Phase, enhanced: str, dead: bool) -> None:
    assert judge(Reply(550, enhanced, "no"), phase) == Outcome(REFUSED, f"550 {enhanced} no".replace("  ", " "), dead)


@given(
    st.sampled_from(list(Phase)),
    st.one_of(st.just(0), st.integers(200, 599)),
    st.sampled_from(["", "4.7.1", "5.1.1", "5.7.1", "2.0.0"]),
    st.text(),
)
def test_nothing_but_a_2yz_to_the_final_dot_counts_as_accepted(
    phase: Phase, code: int, enhanced: str, text: str
) -> None:
    verdict = judge(Reply(code, enhanced, text), phase).verdict
    assert (verdict is ACCEPTED) == (phase is Phase.DOT and 200 <= code <= 299)
    assert (verdict is IN_DOUBT) == (phase is Phase.DOT and code == 0)
    assert verdict is not REFUSED or code >= 500


def test_replies_are_shown_without_addresses_and_not_at_length() -> None:
    assert Reply(550, "5.1.1", "<ada@reader.test>: no such user").line == "550 5.1.1 <…>: no such user"
    assert Reply(550, "", "ada@reader.test is unknown\nhere").line == "550 <…> is unknown here"
    assert len(Reply(550, "5.1.1", "word " * 400).line) == LONGEST_REPLY


@pytest.mark.parametrize(
    ("lines", "reply"),
    [
        ([b"250 2.1.5 fine"], Reply(250, "2.1.5", "fine")),
        ([b"250"], Reply(250, "", "")),
        ([b"250 2.0.0"], Reply(250, "2.0.0", "")),
        ([b"250-2.1.5 one", b"250 2.1.5 two"], Reply(250, "2.1.5", "one\ntwo")),
        ([b"250-relay.test", b"250 SIZE 100"], Reply(250, "", "relay.test\nSIZE 100")),
        ([b"550 4.1.1 a code of another class"], Reply(550, "", "4.1.1 a code of another class")),
        ([b"550 gr\xfc\xdfe"], Reply(550, "", "gr��e")),
    ],
)
def test_a_reply_is_read_line_by_line(lines: list[bytes], reply: Reply) -> None:
    assert parse_reply(lines) == reply


@pytest.mark.parametrize("lines", [[b"HTTP/1.1 400"], [b""], [b"99 no"], [b"250-a", b"251 b"], [b"650 x"]])
def test_what_is_no_reply_is_not_taken_for_one(lines: list[bytes]) -> None:
    with pytest.raises(ValueError):
        parse_reply(lines)
