"""What is said over one connection, without the connection."""

from blogapp.delivery.dialogue import Dialogue
from blogapp.delivery.envelopes import Envelope, Options
from blogapp.delivery.replies import Verdict

BODY = b"Subject: x\r\n\r\nhello\r\n"


def opened() -> Dialogue:
    """The relay waits for the body of the first envelope."""
    dialogue = Dialogue(Options(pipelining=True))
    dialogue.write(Envelope(1, "a@blog.test", "r1@reader.test", BODY))
    assert dialogue.feed(b"250 fine\r\n250 fine\r\n354 go on\r\n") == []
    return dialogue


def test_a_250_before_the_whole_message_has_left_accepts_nothing() -> None:
    dialogue = opened()
    body, _ = dialogue.write(None)
    dialogue.whole = False
    assert dialogue.feed(b"250 2.0.0 taken already\r\n") == []
    assert "before the message had ended" in dialogue.over
    ((envelope, outcome),) = dialogue.broken(dialogue.over, len(body) - 1)
    assert (envelope.key, outcome.verdict) == (1, Verdict.TROUBLE)


def test_a_refusal_before_the_whole_message_has_left_is_one() -> None:
    dialogue = opened()
    dialogue.write(None)
    dialogue.whole = False
    ((_, outcome),) = dialogue.feed(b"552 5.3.4 too large\r\n")
    assert (outcome.verdict, dialogue.over) == (Verdict.REFUSED, "")


def test_answers_may_come_in_any_pieces() -> None:
    dialogue = Dialogue(Options(pipelining=True))
    said = b"250-one\r\n250 two\r\n250 fine\r\n354 go on\r\n"
    dialogue.write(Envelope(1, "a@blog.test", "r1@reader.test", BODY))
    assert [dialogue.feed(said[i : i + 1]) for i in range(len(said))] == [[]] * len(said)
    dialogue.write(Envelope(2, "a@blog.test", "r2@reader.test", BODY))
    assert [v.verdict for _, v in dialogue.feed(b"250 taken\r\n450 4.2.1 later\r\n503 no\r\n503 no\r\n")] == [
        Verdict.ACCEPTED,
        Verdict.TROUBLE,
    ]
