"""Subscribers, for admins: the list, one of them, adding, taking away."""

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.admin.blueprint import bp
from blogapp.admin.subscriber_forms import AddForm
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.core.db import db
from blogapp.core.errors import BlogError, Gone, NotFound
from blogapp.delivery.suppressions import suppressed
from blogapp.digest.history import history
from blogapp.subscribing import managing
from blogapp.subscribing.adding import add_subscribers
from blogapp.subscribing.listing import by_month, count_states, list_subscribers
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.privacy import erase, events, who
from blogapp.subscribing.records import find

PAGE = 50
DIGESTS = 25
STATES = {
    "": "all",
    "confirmed": "confirmed",
    "pending": "not confirmed yet",
    "unsubscribed": "unsubscribed",
    "paused": "paused",
    "suppressed": "suppressed",
}


@bp.get("/admin/subscribers")
@members_only
def subscribers() -> ResponseReturnValue:
    """A page of the list, newest first; `?q=` a part of the address, `?state=`, `?before=` an id."""
    demand(asking(), "subscriber.see")
    query, state = request.args.get("q", "").strip()[:254], request.args.get("state", "")
    if state not in STATES:
        raise NotFound("There is no such state.")
    before = request.args.get("before", type=int)
    found = list_subscribers(query=query, state=state, before=before, limit=PAGE + 1)
    return render_template(
        "admin/subscribers.html",
        rows=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        query=query,
        state=state,
        states=STATES,
        before=before,
        counts=count_states(),
        # It looks at everybody: not on every page of the list.
        months=by_month() if not (query or state or before) else [],
    )


@bp.route("/admin/subscribers/add", methods=["GET", "POST"])
@members_only
def add() -> ResponseReturnValue:
    """One address or a list of them."""
    member = demand(asking(), "subscriber.manage")
    form = AddForm()
    if not form.validate_on_submit():
        return render_template("admin/subscribers_add.html", form=form), 422 if form.errors else 200
    report = add_subscribers(form.lines(), confirmed=form.confirmed.data, source="admin", by=member.id)
    return render_template("admin/subscribers_added.html", report=report, confirmed=form.confirmed.data)


@bp.get("/admin/subscribers/<int(max=2147483647):subscriber_id>")
@members_only
def subscriber(subscriber_id: int) -> ResponseReturnValue:
    """One of them: state, consent, what happened, the digests sent to them; `?before=` a sending."""
    demand(asking(), "subscriber.see")
    someone = _find(subscriber_id)
    before = request.args.get("before", type=int)
    sent = history(someone.id, before=before, limit=DIGESTS + 1)
    return render_template(
        "admin/subscribers_one.html",
        subscriber=someone,
        suppression=suppressed(db.session(), someone.address),
        events=(happened := events(someone.id)),
        names=who(happened),
        digests=sent[:DIGESTS],
        before=before,
        older=sent[DIGESTS - 1].sending_id if len(sent) > DIGESTS else None,
    )


def _find(subscriber_id: int) -> Subscriber:
    try:
        return find(subscriber_id)
    except Gone:
        raise NotFound("There is no such subscriber, or they were erased.") from None


@bp.post("/admin/subscribers/<int(max=2147483647):subscriber_id>/<any(ask, unsubscribe, suppress, erase):act>")
@members_only
def change_subscriber(subscriber_id: int, act: str) -> ResponseReturnValue:
    """One of the buttons on a subscriber's page."""
    by = demand(asking(), "subscriber.manage").id
    address = _find(subscriber_id).address
    page = url_for("admin.subscriber", subscriber_id=subscriber_id)
    try:
        if act == "ask":
            managing.ask_for(subscriber_id, by)
            tell(f"Another confirmation mail is on its way to {address}.")
        elif act == "unsubscribe":
            managing.unsubscribe_for(subscriber_id, by)
            tell(f"{address} is unsubscribed. They can come back by their own link.")
        elif act == "suppress":
            managing.suppress_address(address, managing.ASKED, by)
            tell(f"Nothing goes to {address} until you lift the suppression.")
        else:
            erase(subscriber_id, by)
            tell(f"{address} is erased.")
            page = url_for("admin.subscribers")
    except BlogError as error:
        tell(str(error))
    return redirect(page, code=303)
