"""Signing up, confirming and leaving: parse, call one use case, redirect or render."""

import logging
from contextlib import suppress

from flask import Response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.forms import show_problem
from blogapp.core.errors import BlogError, Gone
from blogapp.core.web import check_origin, client_address, public_form
from blogapp.subscribing import links, preferences, signing_up, subscribers, words
from blogapp.subscribing.blueprint import bp
from blogapp.subscribing.forms import SignUpForm
from blogapp.subscribing.moving import moving
from blogapp.subscribing.records import find

# Modules that hang pages and filters on the blueprint are loaded with this one.
__all__ = ["bp", "preferences", "words"]
log = logging.getLogger(__name__)


@bp.route("/subscribe", methods=["GET", "POST"])
@public_form
def sign_up() -> ResponseReturnValue:
    """The page with the form; and where the form on every page goes."""
    if request.method == "GET":
        return render_template("subscribing/subscribe.html", form=SignUpForm(formdata=None))
    check_origin()
    form = SignUpForm()
    if form.website.data:
        log.info("a robot filled the field that nobody sees")
        return _asked(form.address.data or "")
    try:
        address = subscribers.sign_up(form.address.data or "", page=form.page.data or "", address_from=client_address())
    except BlogError as error:
        status, headers = show_problem(form, error)
        return render_template("subscribing/subscribe.html", form=form), status, headers
    return _asked(address)


def _asked(address: str) -> ResponseReturnValue:
    """The one answer that everybody gets."""
    return render_template("subscribing/asked.html", address=address), 200, {"Cache-Control": "no-store"}


@bp.get("/confirm/<token>")
def confirm(token: str) -> ResponseReturnValue:
    """A page with one button: programs that follow every link in a mail confirm nothing."""
    try:
        subscriber = signing_up.confirmable(token)
    except Gone as error:
        return _too_late(token, str(error))
    preferences_token = links.preferences_token(subscriber.id)
    return render_template(
        "subscribing/confirm.html", token=token, subscriber=subscriber, preferences_token=preferences_token
    )


@bp.post("/confirm/<token>", endpoint="confirm_now")
@public_form
def confirm_now(token: str) -> ResponseReturnValue:
    """They pressed the button."""
    check_origin(null_too=True)
    try:
        subscribers.confirm(token, address_from=client_address())
    except Gone as error:
        return _too_late(token, str(error))
    return redirect(url_for("subscribing.confirm", token=token), code=303)


def _too_late(token: str, why: str) -> ResponseReturnValue:
    state = signing_up.state_behind(token)
    return render_template("subscribing/too_late.html", token=token, why=why, state=state), 410


@bp.post("/confirm/<token>/again")
@public_form
def ask_again(token: str) -> ResponseReturnValue:
    """A new link for one that came too late."""
    check_origin(null_too=True)
    return _asked(subscribers.ask_again(token, address_from=client_address()))


@bp.get("/confirm-address/<token>")
def confirm_address(token: str) -> ResponseReturnValue:
    """The page with one button for a new address."""
    try:
        subscriber, address = moving(token)
    except Gone as error:
        return _too_late_to_move(token, str(error))
    preferences_token = links.preferences_token(subscriber.id)
    return render_template(
        "subscribing/confirm_address.html",
        token=token,
        address=address,
        done=address == subscriber.address,
        preferences_token=preferences_token,
    )


@bp.post("/confirm-address/<token>", endpoint="confirm_address_now")
@public_form
def confirm_address_now(token: str) -> ResponseReturnValue:
    """They pressed the button at the new address."""
    check_origin(null_too=True)
    try:
        subscribers.confirm_address(token)
    except Gone as error:
        return _too_late_to_move(token, str(error))
    return redirect(url_for("subscribing.confirm_address", token=token), code=303)


def _too_late_to_move(token: str, why: str) -> ResponseReturnValue:
    return render_template("subscribing/too_late.html", token=token, why=why, moving=True), 410


@bp.get("/unsubscribe/<token>")
def unsubscribe(token: str) -> ResponseReturnValue:
    """A page with one button, or with an undo for who pressed it."""
    subscriber_id = links.read_unsubscribe(token)
    if subscriber_id == links.NOBODY:
        return render_template("subscribing/nothing_held.html", test_copy=True)
    try:
        subscriber = find(subscriber_id)
    except Gone:
        return render_template("subscribing/nothing_held.html", test_copy=False)
    preferences_token = links.preferences_token(subscriber.id)
    return render_template(
        "subscribing/unsubscribe.html", token=token, subscriber=subscriber, preferences_token=preferences_token
    )


@bp.post("/unsubscribe/<token>", endpoint="unsubscribe_now")
@public_form
def unsubscribe_now(token: str) -> ResponseReturnValue:
    """The page's button, and the mail client's own (RFC 8058 §3.1: no cookie, no redirect, no Origin asked for)."""
    subscriber_id = links.read_unsubscribe(token)
    one_click = request.form.get("List-Unsubscribe") == "One-Click"
    with suppress(Gone):  # A test copy, or erased: nothing is sent either way.
        subscribers.unsubscribe(subscriber_id, "one-click" if one_click else "page")
    if one_click:
        return Response("You are unsubscribed.\n", mimetype="text/plain")
    return redirect(url_for("subscribing.unsubscribe", token=token), code=303)


@bp.post("/unsubscribe/<token>/undo")
@public_form
def undo(token: str) -> ResponseReturnValue:
    """Back on the list after a slip of the finger."""
    check_origin(null_too=True)
    subscriber = subscribers.come_back(links.read_unsubscribe(token))
    preferences_token = links.preferences_token(subscriber.id)
    return redirect(url_for("subscribing.preferences", token=preferences_token), code=303)
