"""The forms of subscribers: what is asked for. They carry no cookie, so no token either: `core.web.check_origin`."""

import calendar
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from flask_wtf import FlaskForm
from wtforms import DateField, EmailField, HiddenField, RadioField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.validators import InputRequired, Optional

from blogapp.core.clock import now
from blogapp.core.config import settings

UNTIL = "until a date"


class PublicForm(FlaskForm):  # type: ignore[misc]  # flask-wtf has no types
    """A form for people without a log-in."""

    class Meta:
        csrf = False


class SignUpForm(PublicForm):
    """An address. `website` is for robots: nobody sees it, so whoever fills it in is none of us."""

    address = EmailField("Your e-mail address")
    page = HiddenField()
    website = StringField("Leave this empty")


class AddressForm(PublicForm):
    """Another address."""

    address = EmailField("New e-mail address")


class FrequencyForm(PublicForm):
    """How often mail comes."""

    frequency = RadioField(
        "How often",
        [InputRequired("Choose one.")],
        choices=[
            SelectChoice("every", "Every digest, when it is published"),
            SelectChoice("monthly", "Once a month, all of it in one mail"),
        ],
    )


class PauseForm(PublicForm):
    """For how long digests are held back."""

    length = RadioField(
        "For how long",
        [InputRequired("Choose for how long.")],
        choices=["2 weeks", "1 month", "3 months", UNTIL],
    )
    until = DateField("Date on which digests begin again", [Optional()])

    def validate(self, extra_validators: object = None) -> bool:
        """The date is needed where it was chosen, and then a readable one."""
        super().validate(extra_validators)
        if self.length.data != UNTIL:
            self.until.errors = []
        elif self.until.data is None:
            self.until.errors = ["Give the date as day, month and year."]
        elif self.until.data.year < 2000:  # Too far back to be counted from in every time zone.
            self.until.errors = ["Choose a date that is still to come."]
        return not self.errors

    def ends_at(self) -> datetime:
        """When the pause ends: as that day begins where the site is."""
        zone = ZoneInfo(settings().site_timezone)
        today = now().astimezone(zone).date()
        days = {
            "2 weeks": today + timedelta(weeks=2),
            "1 month": months_on(today, 1),
            "3 months": months_on(today, 3),
        }
        day = days.get(self.length.data, self.until.data)
        return datetime.combine(day, time(), zone).astimezone(UTC)


def months_on(day: date, months: int) -> date:
    """The same day some months later, or that month's last: 30 November + 3 months is 28 or 29 February."""
    index = day.year * 12 + day.month - 1 + months
    year, month = index // 12, index % 12 + 1
    return date(year, month, min(day.day, calendar.monthrange(year, month)[1]))
