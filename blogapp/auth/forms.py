"""The forms of members: what is asked for. The rules are in the use cases."""

import re
from typing import Any

from flask_wtf import FlaskForm
from wtforms import (
    BooleanField,
    EmailField,
    FileField,
    HiddenField,
    IntegerField,
    PasswordField,
    SelectField,
    StringField,
    TextAreaField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, ValidationError
from wtforms.widgets import HiddenInput

from blogapp.core.errors import BlogError, Invalid, TooMany

ROLES_IN_WORDS = {
    "contributor": "Contributor: writes drafts, which others publish",
    "author": "Author: writes, and publishes their own posts",
    "editor": "Editor: edits and publishes everybody’s posts",
    "admin": "Admin: also manages members, subscribers and settings",
}

# NUL, which PostgreSQL refuses, and its like; not those that count as blanks.
UNPRINTABLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f]")
ROLE_CHOICES = [SelectChoice(role, words) for role, words in ROLES_IN_WORDS.items()]


class MemberForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """A form whose token error says what to do, and whose texts hold nothing that no database can keep."""

    def validate(self, extra_validators: object = None) -> bool:
        """As always, but with words for a token that does not fit and for signs that nobody types."""
        good: bool = super().validate(extra_validators)
        for field in self:
            if isinstance(field.data, str) and UNPRINTABLE.search(field.data) and not isinstance(field, PasswordField):
                field.errors, good = [*field.errors, "There is a sign in it that cannot be shown. Type it anew."], False
        if "csrf_token" in self and self.csrf_token.errors:
            self.csrf_token.errors = []
            self.form_errors = ["This page stood open for too long, or your browser refuses cookies. Send it again."]
        return good


class LoginForm(MemberForm):
    """Address and password."""

    email = EmailField("E-mail address", [InputRequired("Give your e-mail address.")])
    password = PasswordField("Password", [InputRequired("Give your password.")])
    remember = BooleanField("Stay logged in on this device for 30 days")
    next = HiddenField()


class ForgotForm(MemberForm):
    """Whose password was forgotten."""

    email = EmailField("E-mail address", [InputRequired("Give your e-mail address.")])


class ChoosePasswordForm(MemberForm):
    """A new password; once, since it can be looked at and asked for again."""

    password = PasswordField("New password", [InputRequired("Choose a password.")])


class ChangePasswordForm(MemberForm):
    """The present password and a new one."""

    current_password = PasswordField("Present password", [InputRequired("Give your present password.")])
    password = PasswordField("New password", [InputRequired("Choose a new password.")])


class ProfileForm(MemberForm):
    """What is said about a member."""

    version = IntegerField(widget=HiddenInput())
    name = StringField("Name", [InputRequired("Give a name.")])
    slug = StringField("Address of the page", [InputRequired("Give an address for the page.")])
    bio = TextAreaField("About")
    email = EmailField("E-mail address")

    def validate_version(self, value: IntegerField) -> None:
        """A hidden field that is missing is nobody's typing error."""
        if value.data is None:
            raise ValidationError("The form is not complete. Load the page again.")

    def changes(self) -> dict[str, Any]:
        """What was typed, as `edit_profile` takes it."""
        names = ("version", "name", "slug", "bio", "email")
        return {name: self[name].data if self[name].data is not None else "" for name in names}

    def renew_version(self, version: int) -> None:
        """After a conflict: whoever sends the form again has seen what is saved now."""
        self.version.raw_data, self.version.data = None, version


class AccountForm(ProfileForm):
    """One's own profile; a new e-mail address needs the password."""

    current_password = PasswordField("Password")


class FaceForm(MemberForm):
    """A picture of oneself."""

    picture = FileField("Your picture")


class InviteForm(MemberForm):
    """Somebody new."""

    name = StringField("Name", [InputRequired("Give a name.")])
    email = EmailField("E-mail address", [InputRequired("Give an e-mail address.")])
    role = SelectField("Role", choices=ROLE_CHOICES, default="author")


class AddressForm(MemberForm):
    """Where to invite a member who has no address yet."""

    email = EmailField("E-mail address", [InputRequired("Give an e-mail address.")])


class RoleForm(MemberForm):
    """What a member may do."""

    role = SelectField("Role", choices=ROLE_CHOICES)


def show_problem(form: FlaskForm, error: BlogError) -> tuple[int, dict[str, str]]:
    """Put what a use case refused beside the fields that it is about. Returns the HTTP status and headers."""
    about = error.fields if isinstance(error, Invalid) else {}
    for name, message in about.items():
        if name in form:
            form[name].errors = [*form[name].errors, message]
    if not any(name in form for name in about):
        form.form_errors = [*form.form_errors, in_words(error)]
    return error.status, {"Retry-After": str(error.retry_after)} if isinstance(error, TooMany) else {}


def in_words(error: BlogError) -> str:
    """The refusal, and for too many tries when to come back."""
    if not isinstance(error, TooMany):
        return str(error)
    minutes = -(-error.retry_after // 60)
    return f"{error} Try again in {minutes} minute{'' if minutes == 1 else 's'}."
