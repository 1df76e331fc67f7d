"""What a week's draft begins with: the team's template, filled in."""

import re
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.db import transaction
from blogapp.core.errors import Invalid
from blogapp.posts.naming import text_for
from blogapp.posts.turnmodels import WeekTemplate
from blogapp.posts.weeks import Weeks

LONGEST = 20_000
DEFAULT = """\
<!-- add content here -->

## This week


## Next week

"""


PLACEHOLDER = re.compile(r"\{(\w+)\}")
FILLED = ("week", "dates", "monday", "friday", "author")


def fill(template: str, weeks: Weeks, epoch: date, author: str) -> str:
    """The template with its placeholders filled in. What is none of them stays as it is."""
    monday, friday = weeks.first_day(epoch), weeks.last_day(epoch)
    values = {
        "week": weeks.figure,
        "dates": in_words(weeks, epoch),
        "monday": whole_day(monday),
        "friday": whole_day(friday),
        "author": author,
    }
    return PLACEHOLDER.sub(lambda found: values.get(found[1], found[0]), template)


def unfilled(template: str) -> list[str]:
    """What stands in braces and is no placeholder, each once: perhaps a misspelled one."""
    return list(dict.fromkeys(found[0] for found in PLACEHOLDER.finditer(template) if found[1] not in FILLED))


def in_words(weeks: Weeks, epoch: date) -> str:
    """`5 to 9 February 2018`, `29 January to 2 February 2018`, `29 December 2017 to 2 January 2018`."""
    start, end = weeks.first_day(epoch), weeks.last_day(epoch)
    if start.year != end.year:
        return f"{whole_day(start)} to {whole_day(end)}"
    month = f" {start:%B}" if start.month != end.month else ""
    return f"{start.day}{month} to {whole_day(end)}"


def whole_day(day: date) -> str:
    """`5 February 2018`."""
    return f"{day.day} {day:%B %Y}"


def week_template(session: Session) -> str:
    """What the draft of a week begins with, placeholders and all."""
    saved = session.execute(select(WeekTemplate.body)).scalar_one_or_none()
    return DEFAULT if saved is None else saved


def save_template(body: str, by: int) -> None:
    """Let drafts begin with this from next Monday on; an empty one is a draft without text.

    Raises:
        NotAllowed: `by` may not manage the rota.
        Invalid: it is too long.
    """
    body = text_for(body)
    if len(body) > LONGEST:
        message = f"The template is too long: {len(body):,} characters, and {LONGEST:,} is the most."
        raise Invalid(message, {"template": message})
    with transaction() as session:
        demand(session.get(Member, by), "rota.manage")
        session.merge(WeekTemplate(id=1, body=body))
        record(session, "rota.template", "rota", by=by)
