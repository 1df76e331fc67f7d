"""What readers see of the site itself, as an admin chooses it in the browser: its words and its looks."""

from typing import Any

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from wtforms import ColorField, HiddenField, SelectField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice
from wtforms.validators import DataRequired, Length

from blogapp.admin.blueprint import bp
from blogapp.audit import record
from blogapp.auth.forms import MemberForm
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.auth.session import asking, members_only, tell
from blogapp.core.colours import accent, contrast, parse_colour
from blogapp.core.config import settings
from blogapp.core.db import transaction
from blogapp.core.footer import parse_links
from blogapp.core.overrides import troubles
from blogapp.core.site import CHOICES, choice, save_choices
from blogapp.core.theme import site_accent

OUTSIDE = [SelectChoice("ask", "Ask before they are fetched"), SelectChoice("show", "Show them with the page")]


def _length(name: str) -> Length:
    return Length(max=CHOICES[name], message=f"At most {CHOICES[name]} characters.")


def _one_line(text: str | None) -> str | None:
    return " ".join(text.split()) if text else text


class SiteForm(MemberForm):
    """What readers see of the site itself."""

    site_title = StringField("Title", [DataRequired("Give the site a title."), _length("site_title")], [_one_line])
    site_tagline = StringField("Tagline", [_length("site_tagline")], [_one_line])
    footer = TextAreaField("Footer", [_length("footer")], [_one_line])
    footer_links = TextAreaField("Footer links", [_length("footer_links")])
    outside_pictures = SelectField("Pictures from other hosts", choices=OUTSIDE)
    site_accent = StringField("Accent colour", filters=[_one_line])
    # The same colour twice: whichever of the two no longer is what was shown has been chosen.
    accent_picked = ColorField("Accent colour, picked")
    accent_shown = HiddenField()

    def validate_footer_links(self, field: TextAreaField) -> None:
        try:
            parse_links(field.data or "")
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def validate_site_accent(self, field: StringField) -> None:
        typed, shown, picked = field.data or "", self.accent_shown.data, self.accent_picked.data
        if request.form.get("go") == "default":
            typed = ""
        elif typed == shown and picked and picked != shown:
            typed = picked
        try:
            field.data = parse_colour(typed or settings().site_accent)
        except ValueError as error:
            raise ValidationError(f"{error}. Empty is the default.") from None

    def choices(self) -> dict[str, str]:
        """As they are kept. The default accent is kept as nothing, so that it follows the setting."""
        values = {name: self[name].data or "" for name in CHOICES}
        if values["site_accent"] == parse_colour(settings().site_accent):
            values["site_accent"] = ""
        return values


def choose(values: dict[str, str], by: int) -> None:
    """Save what was chosen; readers see it at once. Raises NotAllowed."""
    with transaction() as session:
        demand(session.get(Member, by), "site.settings")
        record(session, "site.choose", "site", by=by, names=sorted(values))
        save_choices(session, values)


@bp.route("/admin/site", methods=["GET", "POST"])
@members_only
def site() -> ResponseReturnValue:
    """Words, links and colours; a preview of the colours, which saves nothing."""
    demand(asking(), "site.settings")
    form = SiteForm(data={name: choice(name) for name in CHOICES} | {"site_accent": site_accent().chosen})
    if not form.validate_on_submit():
        return _page(form, 422 if form.errors else 200)
    if request.form.get("go"):
        return _page(form, 200, previewed=True)
    choose(form.choices(), asking().id)
    tell("Saved. Readers see it from now on.")
    return redirect(url_for("admin.site"), code=303)


def _page(form: SiteForm, status: int, *, previewed: bool = False) -> ResponseReturnValue:
    """The form with swatches of the colour in it; of the saved one where that is none."""
    shown = site_accent() if form.site_accent.errors else accent(form.site_accent.data or site_accent().chosen)
    form.accent_picked.data = form.accent_shown.data = shown.chosen
    themes: list[tuple[str, Any]] = [("Light", shown.light), ("Dark", shown.dark)]
    shown_too = {"themes": themes, "contrast": contrast, "troubles": troubles(), "previewed": previewed}
    return render_template("admin/site.html", form=form, **shown_too), status
