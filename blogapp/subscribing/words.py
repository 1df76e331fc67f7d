"""Acts and sources as people say them."""

from datetime import datetime

from markupsafe import Markup

from blogapp.core.web import local, moment
from blogapp.subscribing.addresses import readable
from blogapp.subscribing.blueprint import bp

ACTS = {
    "subscriber.sign_up": "asked to be subscribed",
    "subscriber.confirm": "confirmed from the mailbox",
    "subscriber.unsubscribe": "unsubscribed",
    "subscriber.come_back": "came back",
    "subscriber.frequency": "chose how often mail comes",
    "subscriber.pause": "paused",
    "subscriber.resume": "ended the pause",
    "subscriber.ask_new_address": "asked for another address",
    "subscriber.keep_address": "kept the present address",
    "subscriber.change_address": "changed the address",
    "subscriber.merge": "became one with another entry",
    "subscriber.ask": "was sent another confirmation mail by the team",
    "subscriber.suppress": "was suppressed by the team",
    "subscriber.lift": "had the suppression lifted by the team",
    "subscriber.erase": "was erased",
    "subscriber.bounce": "had a mail come back",
}
SOURCES = {
    "form": "the sign-up form",
    "admin": "added by the team",
    "command line": "added by the site’s operator",
    "import": "brought along from another list",
}
HOW = {
    "one-click": "with the mail program’s own button",
    "page": "on the page behind the link in a mail",
    "preferences": "in the preferences",
    "mail": "by mail",
    "complaint": "by reporting a mail as spam",
    "admin": "by the team",
    "hard": "because there is no such mailbox: nothing more will be sent",
    "soft": "for now",
    "often": "the third of five: nothing more will be sent",
}


bp.add_app_template_filter(readable)


@bp.app_template_filter("act_in_words")
def act_in_words(act: str, how: str = "") -> str:
    """`subscriber.unsubscribe`, `one-click` -> `unsubscribed, with the mail program’s own button`."""
    words = ACTS.get(act, act)
    return f"{words}, {HOW[how]}" if how in HOW else words


@bp.app_template_filter("source_in_words")
def source_in_words(source: str | None) -> str:
    """Where somebody came from."""
    return SOURCES.get(source or "", source or "not known")


@bp.app_template_filter("number")
def number(count: int) -> str:
    """`1500000` -> `1,500,000`."""
    return f"{count:,}"


@bp.app_template_filter("brief")
def brief(count: int) -> str:
    """`812`, `1.2k`, `15k`, `1.5M`: where there is little room."""
    for size, letter in ((1_000_000, "M"), (1000, "k")):
        if count >= size:
            parts = count / size
            return f"{parts:.1f}".removesuffix(".0") + letter if parts < 10 else f"{parts:.0f}{letter}"
    return str(count)


@bp.app_template_filter("moment_said")
def moment_said(text: str) -> Markup | str:
    """A moment that stands as text (RFC 3339), as `moment` has it; what is none stays as it is."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return moment(at) if at.tzinfo else text


@bp.app_template_filter("day_brief")
def day_brief(moment: datetime) -> str:
    """`3 May`."""
    here = local(moment)
    return f"{here.day} {here:%b}"
