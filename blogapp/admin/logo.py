"""The site's logo, as an admin chooses it in the browser."""

from io import BytesIO
from typing import IO

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import FileField

from blogapp.admin.blueprint import bp
from blogapp.audit import record
from blogapp.auth.forms import MemberForm, show_problem
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.core import files
from blogapp.core.config import settings
from blogapp.core.db import transaction
from blogapp.core.errors import BlogError
from blogapp.core.logo import save_logo, shrink, wrong


class LogoForm(MemberForm):
    """A picture for the head of every page."""

    logo = FileField("Logo")


def set_logo(stream: IO[bytes], by: int) -> None:
    """Make a picture the site's logo; readers see it at once.

    Raises:
        NotAllowed: `by` may not change the site's settings.
        Invalid: it is empty, too big, or no picture that pages show. The field is `logo`.
    """
    with files.scratch() as path:
        limit_mb = settings().max_upload_mb
        size = files.receive(stream, path, limit_mb * 1_000_000)
        if not 0 < size <= limit_mb * 1_000_000:
            raise wrong("Choose a picture first." if size == 0 else f"It is too big: {limit_mb} MB are the most.")
        logo = shrink(path)
        with transaction() as session:
            demand(session.get(Member, by), "site.settings")
            record(session, "site.set_logo", "site", by=by)
            save_logo(session, logo, path)
        files.make_sure(logo.sha256)


def remove_logo(by: int) -> None:
    """Have the title alone at the head of every page. Raises NotAllowed."""
    with transaction() as session:
        demand(session.get(Member, by), "site.settings")
        record(session, "site.remove_logo", "site", by=by)
        save_logo(session, None)


@bp.route("/admin/site/logo", methods=["GET", "POST"])
@members_only
def logo() -> ResponseReturnValue:
    """See the logo, or choose another one."""
    demand(asking(), "site.settings")
    form = LogoForm()
    status, headers = 422 if form.is_submitted() else 200, dict[str, str]()
    if form.validate_on_submit():
        try:
            upload = request.files.get("logo")
            set_logo(upload.stream if upload else BytesIO(), asking().id)
        except BlogError as error:
            status, headers = show_problem(form, error)
        else:
            tell("The logo is saved. Readers see it from now on.")
            return redirect(url_for("admin.logo"), code=303)
    return render_template("admin/logo.html", form=form), status, headers


@bp.post("/admin/site/logo/remove")
@members_only
def no_logo() -> ResponseReturnValue:
    """Take the logo away."""
    remove_logo(asking().id)
    tell("The logo is gone. The title stands in its place.")
    return redirect(url_for("admin.logo"), code=303)
