"""The engine over eight connections to a relay that does everything it must not, thrown with a die. No database.

What the engine says of a mail must be so: accepted, and the relay has it; nothing, deferred or refused, and the relay
has it not; in doubt, and either may be.
"""

import random
import time
from collections import Counter
from collections.abc import Iterator

import pytest

from blogapp.delivery.engine import Engine
from blogapp.delivery.envelopes import Envelope
from blogapp.delivery.relay import Relay as Address
from blogapp.delivery.replies import Verdict
from blogapp.delivery.smtp import RelayTrouble
from tests.faults.dice import throw
from tests.rogue import Rogue

CONNECTIONS, STREAMS, MAILS = 8, 30, 20


class Run:
    """A sending without a database: what is left, and what was said of each."""

    def __init__(self, dice: random.Random) -> None:
        self.dice = dice
        self.left: set[int] = set(range(STREAMS * MAILS))
        self.said: dict[int, list[Verdict]] = {number: [] for number in self.left}

    def more(self) -> Iterator[Iterator[Envelope]]:
        order = sorted(self.left)
        for begin in range(0, len(order), MAILS):
            yield (self.envelope(number) for number in order[begin : begin + MAILS])

    def envelope(self, number: int) -> Envelope:
        head = f"Subject: {number}\r\nMessage-ID: <{number}@blog.test>\r\n\r\n".encode()
        body = b"word\r\n" * self.dice.choice((1, 500))
        return Envelope(number, "a@blog.test", f"r{number}@reader.test", head + body)

    def go(self, engine: Engine) -> str:
        """Once. Why it ended early, or nothing."""
        streams, heard = self.more(), Counter[int]()
        try:
            for results in engine.run(lambda count: [one for _, one in zip(range(count), streams, strict=False)]):
                for envelope, outcome in results:
                    number = int(str(envelope.key))
                    heard[number] += 1
                    self.said[number].append(outcome.verdict)
                    assert outcome.verdict in (
                        Verdict.ACCEPTED, Verdict.DEFERRED, Verdict.REFUSED, Verdict.IN_DOUBT
                    )  # fmt: skip
                    self.left.discard(number)
        except RelayTrouble as trouble:
            return str(trouble) or "?"
        finally:
            assert set(heard.values()) <= {1}, heard
        assert not self.left, "it ended without a word about somebody"
        return ""


@pytest.mark.parametrize("seed", range(12))
def test_whatever_the_relay_does_what_the_engine_says_of_a_mail_is_so(seed: int) -> None:
    dice = random.Random(seed)
    print("seed", seed)
    mood = {"pipelining": dice.random() < 0.7, "eager": dice.random() < 0.5, "most": dice.choice((0, 0, 3))}
    rules = throw(dice, 10)
    with Rogue(*rules, **mood) as rogue:
        engine = Engine(
            Address("127.0.0.1", rogue.port, starttls="never"), CONNECTIONS, recycle_after=dice.choice((3, 20, 1000))
        )
        run, began = Run(dice), time.monotonic()
        while run.left:
            run.go(engine)
            assert time.monotonic() - began < 60, (len(run.left), rogue.state)
        engine.close()
        accepted, state = rogue.accepted, rogue.state
        assert state["blamed"] == {}, rules
        assert state["most"] <= 2 * CONNECTIONS  # some may be leaving
        for number, said in run.said.items():
            times = accepted[f"r{number}@reader.test"]
            assert times == 1 if said == [Verdict.ACCEPTED] else True, (number, said, times)
            assert times == 0 if said[0] in (Verdict.DEFERRED, Verdict.REFUSED) else True, (number, said, times)
            assert times <= 1, (number, said, times)
