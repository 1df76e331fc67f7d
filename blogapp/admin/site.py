"""The site's title, tagline and footer, as an admin chooses them in the browser."""

from typing import Any

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from wtforms import StringField, TextAreaField
from wtforms.validators import DataRequired, Length

from blogapp.admin.blueprint import bp
from blogapp.audit import record
from blogapp.auth.forms import MemberForm
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.core.db import transaction
from blogapp.core.site import CHOICES, choice, save_choices


def _length(name: str) -> Length:
    return Length(max=CHOICES[name], message=f"At most {CHOICES[name]} characters.")


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) if text else text


class SiteForm(MemberForm):
    """What readers see of the site itself."""

    site_title = StringField("Title", [DataRequired("Give the site a title."), _length("site_title")], [_one_line])
    site_tagline = StringField("Tagline", [_length("site_tagline")], [_one_line])
    footer = TextAreaField("Footer", [_length("footer")], [_one_line])


def choose(values: dict[str, str], by: int) -> None:
    """Save what was chosen; readers see it at once. Raises NotAllowed."""
    with transaction() as session:
        demand(session.get(Member, by), "site.settings")
        record(session, "site.choose", "site", by=by, names=sorted(values))
        save_choices(session, values)


@bp.route("/admin/site", methods=["GET", "POST"])
@members_only
def site() -> ResponseReturnValue:
    """Title, tagline, footer."""
    demand(asking(), "site.settings")
    form = SiteForm(data={name: choice(name) for name in CHOICES})
    if not form.validate_on_submit():
        return render_template("admin/site.html", form=form), 422 if form.errors else 200
    chosen: dict[str, Any] = {name: form[name].data or "" for name in CHOICES}
    choose(chosen, asking().id)
    tell("Saved. Readers see it from now on.")
    return redirect(url_for("admin.site"), code=303)
