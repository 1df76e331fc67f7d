"""Who a digest would go to, in words."""

from dataclasses import dataclass
from datetime import datetime

from blogapp.authoring.wording import people, since
from blogapp.digest.audience import PAUSED, SUPPRESSED, UNCONFIRMED, UNSUBSCRIBED
from blogapp.digest.outlook import Outlook

# What admins ask the list of subscribers for, to see who that is.
STATES = {UNCONFIRMED: "pending", UNSUBSCRIBED: "unsubscribed", PAUSED: "paused", SUPPRESSED: "suppressed"}


@dataclass(frozen=True)
class Reach:
    """`left_out`: words and the state that the list of subscribers knows it by ("": none); `since`: what changed since
    the last digest; `warning`: it changed so much that publishing asks once more."""

    line: str
    left_out: list[tuple[str, str]]
    since: str
    warning: str


def reach_of(outlook: Outlook, at: datetime) -> Reach:
    """An outlook as sentences."""
    verb = "gets" if outlook.count < 2 else "get"
    line = (
        f"{people(outlook.count).capitalize()} {verb} the digest." if outlook.count else "Nobody gets the digest yet."
    )
    left_out = [
        (f"{number:,} {reason}", STATES.get(reason, ""))
        for reason, number in sorted(outlook.audience.excluded.items())
        if number
    ]
    return Reach(line, left_out, _since(outlook, at), outlook.warning if outlook.asks else "")


def _since(outlook: Outlook, at: datetime) -> str:
    """`Since the last digest (Tuesday): +12 joined, −3 unsubscribed.`"""
    if outlook.before is None:
        return "It is the first digest."
    changes = ", ".join(outlook.changes) or "nobody joined or left"
    return f"Since the last digest ({since(outlook.before.at, at)}): {changes}."
