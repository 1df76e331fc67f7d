"""Is mail leaving? What waits and why, where it goes, how the last digests fared. For admins."""

from dataclasses import dataclass

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blogapp.admin.blueprint import bp
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only
from blogapp.core.config import settings
from blogapp.core.errors import Conflict
from blogapp.core.heartbeat import alive
from blogapp.delivery.dkimkeys import signing_domain
from blogapp.delivery.relay import Relay, parse_relay
from blogapp.delivery.waiting import waiting
from blogapp.digest.controls import resume_sending_now
from blogapp.digest.figures import recent
from blogapp.digest.instance import WAY_OUT, held
from blogapp.digest.underway import resting, under_way
from blogapp.subscribing.listing import count_suppressed

DIGESTS = 12
LOCAL = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True)
class Way:
    """Where mail goes and how it is kept from others' eyes; never with a password."""

    server: str
    safety: str
    tone: str


@bp.get("/admin/mail")
@members_only
def mail() -> ResponseReturnValue:
    """The page."""
    demand(asking(), "subscriber.see")
    return render_template(
        "admin/mail.html",
        worker=alive("worker"),
        held=held(),
        way_out=WAY_OUT,
        sendings=under_way(),
        resting=resting(),
        single=waiting(),
        way=way_of(parse_relay(settings().smtp_url)),
        sender=settings().mail_from,
        selectors=[entry.partition(":")[0] for entry in settings().dkim_keys],
        signing_domain=signing_domain(settings()),
        bounces_to=settings().bounce_address,
        digests=recent(DIGESTS),
        suppressed=count_suppressed(),
    )


@bp.post("/admin/mail/<int:sending_id>/resume")
@members_only
def resume_mail(sending_id: int) -> ResponseReturnValue:
    """Have a paused catch-up or correction try again now; a digest's button is on its post's page."""
    try:
        resume_sending_now(sending_id, asking().id)
    except Conflict as conflict:
        flash(str(conflict))
    else:
        flash("The mail server is tried again now.")
    return redirect(url_for("admin.mail"), 303)


def way_of(relay: Relay) -> Way:
    """A relay in words."""
    safety, tone = {
        "required": ("encrypted (STARTTLS), and it has to prove who it is", "good"),
        "opportunistic": ("encrypted where it offers that", "warn"),
        "never": ("not encrypted: right only for a server on this machine or a private network", "warn"),
    }[relay.starttls]
    if relay.implicit_tls:
        safety, tone = "encrypted (TLS), and it has to prove who it is", "good"
    elif relay.starttls == "never" and relay.host in LOCAL:
        safety, tone = "not encrypted, and need not be: it is on this machine", "good"
    return Way(f"{relay.host}, port {relay.port}", safety, tone)
