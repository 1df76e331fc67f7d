"""The forms about subscribers: what is asked for."""

from wtforms import BooleanField, StringField, TextAreaField
from wtforms.validators import InputRequired, Length, ValidationError

from blogapp.auth.forms import MemberForm
from blogapp.subscribing.addresses import split_lines

# Each address may want a mail written while the browser waits; longer lists are for the command line.
MOST_LINES = 1000


class AddForm(MemberForm):
    """Addresses, and whether their owners agreed already."""

    addresses = TextAreaField("Addresses", [InputRequired("Give an address.")])
    confirmed = BooleanField("They agreed already, and I can show it: subscribe them without a confirmation mail")

    def lines(self) -> list[str]:
        """The addresses one by one."""
        return list(split_lines(self.addresses.data or ""))

    def validate_addresses(self, field: TextAreaField) -> None:
        """Not more than fit into one request."""
        if len(self.lines()) > MOST_LINES:
            raise ValidationError(
                f"These are more than {MOST_LINES} lines. For a long list use `blogapp subscriber add -` on the server."
            )


class SuppressForm(MemberForm):
    """An address that must not be mailed."""

    address = StringField("E-mail address", [InputRequired("Give an address.")])
    reason = StringField("Why", [InputRequired("Say why, in a few words."), Length(max=120)])
