"""A member's own pages: profile, password, log-ins."""

from io import BytesIO

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from blogapp.auth import browsers, profile
from blogapp.auth.blueprint import bp
from blogapp.auth.faces import remove_face, set_face
from blogapp.auth.forms import AccountForm, ChangePasswordForm, FaceForm, show_problem
from blogapp.auth.logins import end_login, end_other_logins, list_logins
from blogapp.auth.models import Member
from blogapp.auth.session import asking, current_login, log_out, members_only, tell
from blogapp.core.errors import BlogError, Conflict


@bp.route("/account", methods=["GET", "POST"])
@members_only
def account() -> ResponseReturnValue:
    """One's own profile."""
    me = asking()
    form = AccountForm(obj=me)
    if not form.validate_on_submit():
        return _account_page(form, me), 422 if form.errors else 200
    try:
        profile.edit_profile(me.id, by=me.id, **form.changes(), password=form.current_password.data)
    except Conflict as error:
        status, headers = show_problem(form, error)
        form.renew_version(me.version)
        return _account_page(form, me, saved=me), status, headers
    except BlogError as error:
        status, headers = show_problem(form, error)
        return _account_page(form, me), status, headers
    tell("Your profile is saved.")
    return redirect(url_for("auth.account"), code=303)


@bp.post("/account/face")
@members_only
def face() -> ResponseReturnValue:
    """Choose a picture of oneself."""
    me = asking()
    form = FaceForm()
    status, headers = 422, dict[str, str]()
    if form.validate_on_submit():
        try:
            upload = request.files.get("picture")
            set_face(me.id, upload.stream if upload else BytesIO(), by=me.id)
        except BlogError as error:
            status, headers = show_problem(form, error)
        else:
            tell("Your picture is saved. Readers see it from now on.")
            return redirect(url_for("auth.account"), code=303)
    return _account_page(AccountForm(formdata=None, obj=me), me, face_form=form), status, headers


@bp.post("/account/face/remove")
@members_only
def no_face() -> ResponseReturnValue:
    """Take one's picture away."""
    remove_face(asking().id, by=asking().id)
    tell("Your picture is gone. Your initials stand in its place.")
    return redirect(url_for("auth.account"), code=303)


@bp.route("/account/password", methods=["GET", "POST"])
@members_only
def password() -> ResponseReturnValue:
    """Change one's own password."""
    me = asking()
    login = current_login()
    form = ChangePasswordForm()
    status, headers = 422 if form.is_submitted() else 200, dict[str, str]()
    if form.validate_on_submit():
        try:
            keep = login.id if login is not None else None
            profile.change_password(me.id, form.current_password.data, form.password.data, keep=keep)
        except BlogError as error:
            status, headers = show_problem(form, error)
        else:
            tell("Your password is changed. All your other log-ins have ended.")
            return redirect(url_for("auth.account"), code=303)
    return render_template("auth/password.html", form=form, member=me), status, headers


@bp.get("/account/logins")
@members_only
def logins() -> ResponseReturnValue:
    """Where one is logged in."""
    return render_template(
        "auth/logins.html", logins=list_logins(asking().id), here=current_login(), in_words=browsers.in_words
    )


@bp.post("/account/logins/<int(max=2147483647):login_id>/end")
@members_only
def end_one(login_id: int) -> ResponseReturnValue:
    """End one log-in; one's own is a log-out."""
    here = current_login()
    if here is not None and here.id == login_id:
        log_out()
        return redirect("/", code=303)
    end_login(login_id, asking().id)
    tell("That log-in has ended.")
    return redirect(url_for("auth.logins"), code=303)


@bp.post("/account/logins/end-others")
@members_only
def end_others() -> ResponseReturnValue:
    """End every log-in but this one."""
    here = current_login()
    count = end_other_logins(here.id if here is not None else 0, asking().id)
    tell("There was no other log-in." if count == 0 else f"Ended {count} other log-in{'' if count == 1 else 's'}.")
    return redirect(url_for("auth.logins"), code=303)


def _account_page(
    form: AccountForm, member: Member, saved: Member | None = None, face_form: FaceForm | None = None
) -> str:
    face_form = face_form or FaceForm(formdata=None)
    return render_template("auth/account.html", form=form, member=member, saved=saved, face_form=face_form)
