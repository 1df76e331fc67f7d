"""Rules for a rogue relay, thrown with a die: a seed gives the same ones again."""

import random
from typing import Any

from tests.rogue import Rule

REFUSALS = ("550 5.1.1 no such box", "554 5.7.1 not wanted here", "451 4.4.1 later", "452 4.2.2 the box is full")
BUSY = ("450 4.7.1 too fast", "421 4.7.0 try again later", "452 4.5.3 too many at once", "421 4.3.2 enough")
NONSENSE = ("\xff\x00\x16\x03", "x" * 20_000, "999 no such code", "HTTP/1.1 400 Bad Request", "\r\n")
STEPS = ("MAIL", "RCPT", "DATA", "body", "dot", "taken")


def throw(dice: random.Random, count: int) -> list[Rule]:
    """So many faults, each now and then; none of them for good."""
    return [_one(dice, dice.choice(KINDS)) for _ in range(count)]


def _one(dice: random.Random, kind: str) -> Rule:
    rare: dict[str, Any] = {"skip": dice.randint(0, 40), "every": dice.randint(5, 60), "times": dice.randint(1, 5)}
    match kind:
        case "refusal":
            return Rule(dice.choice(("RCPT", "dot")), say=dice.choice(REFUSALS), **rare)
        case "busy":
            return Rule(dice.choice(("MAIL", "RCPT", "DATA", "dot", "greeting")), say=dice.choice(BUSY), **rare)
        case "nonsense":
            return Rule(dice.choice(("MAIL", "RCPT", "DATA", "dot", "taken")), say=dice.choice(NONSENSE), **rare)
        case "break":
            how = dice.choice(("reset", "close", "half-close"))
            return Rule(dice.choice(("greeting", "EHLO", *STEPS)), then=how, bytes=dice.randint(1, 400), **rare)
        case "late":
            return Rule(dice.choice(("greeting", *STEPS[:3], "taken")), wait=dice.uniform(0.01, 0.2), **rare)
        case _:
            return Rule(dice.choice(("MAIL", "RCPT", "DATA", "taken")), trickle=0.002, **rare)


KINDS = ("refusal", "busy", "nonsense", "break", "break", "late", "trickle")
