"""Addresses that must not be mailed, and the list as a file, for admins."""

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Response, redirect, render_template, request, stream_with_context, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import Row

from blogapp.admin.blueprint import bp
from blogapp.admin.spreadsheets import harmless
from blogapp.admin.subscriber_forms import SuppressForm
from blogapp.auth.forms import show_problem
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.core.clock import iso, now
from blogapp.core.errors import BlogError
from blogapp.subscribing import managing
from blogapp.subscribing.listing import each_subscriber, list_suppressions

PAGE = 50
HEAD = (
    "address", "name", "state", "suppressed", "since", "confirmed", "unsubscribed", "paused until",
    "source", "page", "network",
)  # fmt: skip


@bp.route("/admin/subscribers/suppressed", methods=["GET", "POST"])
@members_only
def suppressions() -> ResponseReturnValue:
    """The list by address; `?after=` an address. POST puts one on it."""
    member = demand(asking(), "subscriber.see")
    form = SuppressForm(reason=managing.ASKED)
    status, headers = 422 if form.is_submitted() else 200, dict[str, str]()
    if form.validate_on_submit():
        try:
            address = managing.suppress_address(form.address.data, form.reason.data, member.id)
        except BlogError as error:
            status, headers = show_problem(form, error)
        else:
            tell(f"Nothing goes to {address} until you lift the suppression.")
            return redirect(url_for("admin.suppressions"), code=303)
    found = list_suppressions(after=request.args.get("after", ""), limit=PAGE + 1)
    more = found[PAGE - 1].address if len(found) > PAGE else None
    return render_template("admin/suppressions.html", form=form, rows=found[:PAGE], more=more), status, headers


@bp.post("/admin/subscribers/suppressed/lift")
@members_only
def lift() -> ResponseReturnValue:
    """Let an address be mailed again."""
    address = request.form.get("address", "")
    managing.lift_suppression(address, asking().id)
    tell(f"{address} may be mailed again.")
    subscriber_id = request.form.get("subscriber", type=int)
    if subscriber_id:
        return redirect(url_for("admin.subscriber", subscriber_id=subscriber_id), code=303)
    return redirect(url_for("admin.suppressions"), code=303)


@bp.post("/admin/subscribers/export")
@members_only
def export() -> ResponseReturnValue:
    """All of them as a CSV file (RFC 4180), streamed; a POST, because it is put on record."""
    managing.note_export(asking().id)
    response = Response(stream_with_context(_csv()), mimetype="text/csv")
    response.headers["Content-Disposition"] = f'attachment; filename="subscribers-{now():%Y-%m-%d}.csv"'
    return response


def _csv() -> Iterator[str]:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    writer.writerow(HEAD)
    for row in each_subscriber():
        writer.writerow([harmless(cell) for cell in _cells(row)])
        if buffer.tell() > 65536:
            yield buffer.getvalue()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue()


def _cells(row: Row[Any]) -> Iterator[str]:
    yield from (row.address, row.name, row.state, "yes" if row.suppressed else "no")
    for moment in (row.created_at, row.confirmed_at, row.unsubscribed_at, row.paused_until):
        yield iso(moment) if moment else ""
    yield from (str(row.consent.get(key) or "") for key in ("source", "page", "network"))
