"""What is said of the rows of a list, on the command line and in the browser."""

from blogapp.porting.lists.importing import INVALID, NEVER_AGREED, UNCLEAR
from blogapp.subscribing.entries import Entry, Outcome

SAID = {
    Outcome.CONFIRMED: "added, confirmed",
    Outcome.PENDING: "added, not confirmed yet",
    Outcome.UNSUBSCRIBED: "added as unsubscribed, so that they stay so",
    Outcome.SUPPRESSED: "suppressed: nothing goes to them",
    Outcome.LEFT: "unsubscribed here too: they left after they agreed",
    Outcome.KNOWN: "known already",
    Outcome.STAYS_UNSUBSCRIBED: "left alone: they have unsubscribed here",
    Outcome.STAYS_SUPPRESSED: "left alone: mail to them is suppressed here",
    Outcome.STAYS_CONFIRMED: "left alone: they left elsewhere, and agreed here",
    NEVER_AGREED: "left out: they never agreed",
    UNCLEAR: "left out: it is not clear whether they agreed",
    INVALID: "left out: no address",
}


def in_words(entry: Entry) -> str:
    """`Ann Lee <ann@example.org>, confirmed, 2019-03-04`"""
    who = f"{entry.name} <{entry.address}>" if entry.name else entry.address
    at = entry.unsubscribed_at if entry.state == "unsubscribed" else entry.confirmed_at or entry.created_at
    state = f"suppressed ({entry.barred})" if entry.barred else entry.state
    return f"{who}, {state}" + (f", {at:%Y-%m-%d}" if at and not entry.barred else "")
