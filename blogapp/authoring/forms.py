"""The forms of the desk: what is asked for. The rules are in the use cases."""

import re

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    HiddenField,
    IntegerField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional
from wtforms.widgets import CheckboxInput, HiddenInput

from blogapp.core.errors import Invalid
from blogapp.posts.models import KINDS
from blogapp.posts.weeks import Weeks, parse_weeks

KINDS_IN_WORDS = {
    "week": "Week: the note about a week, or about several",
    "links": "Links: what was worth reading, each signed",
    "article": "Article: anything with a title",
    "page": "Page: what stays, such as “About us”",
}


class NewForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """What a new post is to be."""

    kind = RadioField("What is it?", choices=[SelectChoice(kind, words) for kind, words in KINDS_IN_WORDS.items()])
    weeks = StringField("Week")
    title = StringField("Title")


class TickField(BooleanField):  # type: ignore[misc]  # wtforms has no types
    """A tick with a hidden field of the same name before it, so that an empty one differs from none at all."""

    def process_formdata(self, valuelist: list[str]) -> None:
        self.data = any(valuelist)


class EditForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """All of a post that can be typed.

    `version` and `base` say which post the editor was opened with; `held`: the version that somebody was shown beside
    what they typed, where both had changed the same; `auto`: nobody pressed a button.
    """

    title = StringField("Title")
    body = TextAreaField("Text")
    kind = SelectField("Kind", choices=[SelectChoice(kind, kind.capitalize()) for kind in KINDS])
    weeks = StringField("Week")
    slug = StringField("Address")
    tags = StringField("Tags")
    in_menu = TickField("In the site’s menu")
    author = SelectField("Author", coerce=int, validators=[Optional()], validate_choice=False)
    readers = RadioField("Who may read it", [Optional()], validate_choice=False)
    viewers = SelectMultipleField(
        "These members", coerce=int, validate_choice=False, option_widget=CheckboxInput(), choices=[]
    )
    correction = BooleanField("This is a correction")
    correction_note = StringField("What was wrong")
    correction_told = RadioField(
        "Those who got it by mail",
        [Optional()],
        choices=[
            SelectChoice("digest", "are told in the next digest"),
            SelectChoice("mail", "get the correction by mail now"),
        ],
        default="digest",
    )
    version = IntegerField(widget=HiddenInput(), validators=[InputRequired("Open the post again.")])
    base = HiddenField()
    held = IntegerField(widget=HiddenInput(), validators=[Optional()])
    auto = HiddenField()


def weeks_typed(form: FlaskForm) -> Weeks | None:
    """The weeks that somebody typed; None for nothing. Raises Invalid as `weeks_in` does."""
    return weeks_in(form.weeks.data or "")


def weeks_in(text: str) -> Weeks | None:
    """The weeks that a text names; None for nothing.

    Raises:
        Invalid: they are neither a number nor a range.
    """
    typed = text.strip()
    if not typed:
        return None
    try:
        return parse_weeks(typed)
    except ValueError:
        message = _what_is_wrong(typed)
        raise Invalid(message, {"weeks": message}) from None


def _what_is_wrong(typed: str) -> str:
    numbers = [int(number[:9]) for number in re.findall(r"[0-9]+", typed)]
    if any(number > 9999 for number in numbers):
        return "That week is too large: 9999 is the last."
    if len(numbers) == 2 and numbers[0] > numbers[1]:
        return f"The range runs backwards. Write {numbers[1]}-{numbers[0]}."
    return "Write the week as a number, such as 473, or 473-475 for several."


def show_problem(form: FlaskForm, error: Invalid) -> None:
    """Put what is wrong beside its field, or at the top where there is none."""
    for name, message in error.fields.items() or [("", str(error))]:
        if name in form:
            form[name].errors = [*form[name].errors, message]
        else:
            form.form_errors.append(message)
