"""A subscriber's own page, behind a link that only went to them: parse, call one use case, redirect or render."""

from typing import Any

from flask import Response, jsonify, redirect, render_template, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth.forms import show_problem
from blogapp.core.db import db
from blogapp.core.errors import BlogError, Gone
from blogapp.core.web import check_origin, client_address, public_form
from blogapp.delivery.suppressions import suppressed
from blogapp.subscribing import subscribers
from blogapp.subscribing.blueprint import bp
from blogapp.subscribing.forms import AddressForm, FrequencyForm, PauseForm
from blogapp.subscribing.links import NOBODY, read_preferences
from blogapp.subscribing.models import Subscriber
from blogapp.subscribing.records import find


@bp.get("/preferences/<token>")
def preferences(token: str) -> ResponseReturnValue:
    """The page."""
    try:
        return _page(token)
    except Gone:
        return render_template("subscribing/nothing_held.html", test_copy=read_preferences(token) == NOBODY)


def _page(token: str, status: int = 200, headers: dict[str, str] | None = None, **forms: Any) -> ResponseReturnValue:
    subscriber = find(read_preferences(token))
    body = render_template(
        "subscribing/preferences.html",
        token=token,
        subscriber=subscriber,
        suppression=suppressed(db.session(), subscriber.address),
        held=subscribers.data_held(subscriber.id),
        address_form=forms.get("address_form") or AddressForm(formdata=None),
        frequency_form=forms.get("frequency_form") or FrequencyForm(formdata=None, frequency=subscriber.frequency),
        pause_form=forms.get("pause_form") or PauseForm(formdata=None, length="2 weeks"),
    )
    return body, status, headers or {}


def _back(token: str) -> ResponseReturnValue:
    return redirect(url_for("subscribing.preferences", token=token), code=303)


@bp.post("/preferences/<token>/address")
@public_form
def change_address(token: str) -> ResponseReturnValue:
    """Another address, which has to agree first."""
    check_origin(null_too=True)
    form = AddressForm()
    try:
        subscribers.change_address(read_preferences(token), form.address.data or "", address_from=client_address())
    except Gone:
        raise
    except BlogError as error:
        status, headers = show_problem(form, error)
        return _page(token, status, headers, address_form=form)
    return _back(token)


@bp.post("/preferences/<token>/keep-address")
@public_form
def keep_address(token: str) -> ResponseReturnValue:
    """No other address after all."""
    check_origin(null_too=True)
    subscribers.keep_address(read_preferences(token))
    return _back(token)


@bp.post("/preferences/<token>/frequency")
@public_form
def choose_frequency(token: str) -> ResponseReturnValue:
    """Every digest, or once a month."""
    check_origin(null_too=True)
    form = FrequencyForm()
    if not form.validate():
        return _page(token, 422, frequency_form=form)
    subscribers.choose_frequency(read_preferences(token), form.frequency.data)
    return _back(token)


@bp.post("/preferences/<token>/pause")
@public_form
def pause(token: str) -> ResponseReturnValue:
    """Digests are held back for a while."""
    check_origin(null_too=True)
    form = PauseForm()
    if not form.validate():
        return _page(token, 422, pause_form=form)
    try:
        subscribers.pause(read_preferences(token), form.ends_at())
    except Gone:
        raise
    except BlogError as error:
        status, headers = show_problem(form, error)
        return _page(token, status, headers, pause_form=form)
    return _back(token)


@bp.post("/preferences/<token>/resume")
@public_form
def resume(token: str) -> ResponseReturnValue:
    """Digests again, before the pause is over."""
    check_origin(null_too=True)
    subscribers.resume(read_preferences(token))
    return _back(token)


@bp.post("/preferences/<token>/leave")
@public_form
def leave(token: str) -> ResponseReturnValue:
    """No more digests."""
    check_origin(null_too=True)
    subscribers.unsubscribe(read_preferences(token), "preferences")
    return _back(token)


@bp.post("/preferences/<token>/return", endpoint="come_back")
@public_form
def come_back(token: str) -> ResponseReturnValue:
    """Digests again, after leaving."""
    check_origin(null_too=True)
    subscribers.come_back(read_preferences(token))
    return _back(token)


@bp.get("/preferences/<token>/data.json")
def data(token: str) -> ResponseReturnValue:
    """All that is held about them, to keep."""
    response: Response = jsonify(subscribers.data_held(read_preferences(token)))
    response.headers["Content-Disposition"] = 'attachment; filename="subscription.json"'
    return response


@bp.get("/preferences/<token>/erase")
def erase(token: str) -> ResponseReturnValue:
    """What erasing means, and one button."""
    subscriber: Subscriber = find(read_preferences(token))
    return render_template(
        "subscribing/erase.html",
        token=token,
        subscriber=subscriber,
        suppression=suppressed(db.session(), subscriber.address),
    )


@bp.post("/preferences/<token>/erase", endpoint="erase_now")
@public_form
def erase_now(token: str) -> ResponseReturnValue:
    """They pressed the button."""
    check_origin(null_too=True)
    subscribers.erase(read_preferences(token))
    return _back(token)
