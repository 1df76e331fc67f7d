"""Pages of `auth` for those who are not in yet: parse, call one use case, redirect or render."""

from flask import Response, redirect, render_template, request
from flask.typing import ResponseReturnValue

from blogapp.auth import account as account
from blogapp.auth import resets
from blogapp.auth.authentication import authenticate
from blogapp.auth.blueprint import DESK
from blogapp.auth.blueprint import bp as bp
from blogapp.auth.expired import kept_before, show_kept
from blogapp.auth.forms import ChoosePasswordForm, ForgotForm, LoginForm, show_problem
from blogapp.auth.links import RESET, read_link
from blogapp.auth.session import current_member, log_in, log_out, tell
from blogapp.core.errors import BlogError, Gone, NotFound
from blogapp.core.web import check_origin, client_address, private, safe_next


@bp.after_request
def keep_private(response: Response) -> Response:
    """Pages with tokens, addresses and passwords are nobody else's, and tell no other site where one was."""
    response.headers["Referrer-Policy"] = "same-origin"
    return private(response)


@bp.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    """Log in, and go on to where one wanted to go."""
    form = LoginForm(next=request.args.get("next"))
    onward = safe_next(form.next.data, DESK)
    if request.method != "POST" and current_member() is not None:
        return redirect(onward, code=303)
    kept = kept_before()
    template = "auth/expired.html" if kept else "auth/login.html"
    if not form.validate_on_submit():
        return render_template(template, form=form, kept=kept), 422 if form.errors else 200
    try:
        member = authenticate(form.email.data, form.password.data, client_address())
    except BlogError as error:
        status, headers = show_problem(form, error)
        return render_template(template, form=form, kept=kept), status, headers
    log_in(member.id, remember=form.remember.data)
    return show_kept(kept) if kept else redirect(onward, code=303)


@bp.post("/logout")
def logout() -> ResponseReturnValue:
    """Log this browser out."""
    check_origin()
    log_out()
    return redirect("/", code=303)


@bp.route("/forgot", methods=["GET", "POST"])
def forgot() -> ResponseReturnValue:
    """Ask for a link to choose a new password. The answer is the same whoever the address belongs to."""
    form = ForgotForm(email=request.args.get("email"))
    if not form.validate_on_submit():
        return render_template("auth/forgot.html", form=form), 422 if form.errors else 200
    try:
        resets.ask_for_reset(form.email.data, client_address())
    except BlogError as error:
        status, headers = show_problem(form, error)
        return render_template("auth/forgot.html", form=form), status, headers
    return render_template("auth/forgot_sent.html", email=form.email.data.strip(), hours=RESET.seconds // 3600)


@bp.route("/password/<token>", methods=["GET", "POST"])
def choose_password(token: str) -> ResponseReturnValue:
    """Where invitations and password mails lead to. Opening it changes nothing, since scanners open every link."""
    form = ChoosePasswordForm()
    try:
        purpose, known = read_link(token)
        if form.validate_on_submit():
            member = resets.choose_password(token, form.password.data)
            log_in(member.id)
            tell("Your password is set, and you are logged in.")
            return redirect(DESK, code=303)
    except (Gone, NotFound) as error:
        return render_template("auth/link_over.html", error=error, form=ForgotForm(formdata=None)), error.status
    except BlogError as error:
        status, headers = show_problem(form, error)
    else:
        status, headers = 422 if form.errors else 200, {}
    page = render_template("auth/choose_password.html", form=form, purpose=purpose, member=known)
    return page, status, headers
