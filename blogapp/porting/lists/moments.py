"""Dates as lists of subscribers write them: pure."""

import re
from datetime import UTC, datetime, timedelta

# `2021-03-04 10:11:12.123 +0000 UTC`: how Go prints a moment, and listmonk exports it.
GO_ZONE = re.compile(r"([+-]\d{4}) [A-Z+\-0-9]{3,5}$")
SLASHED = re.compile(
    r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})(?:,? +(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?([AaPp])\.?[Mm]\.?)?)?$"
)
WRITTEN = ("%b %d, %Y", "%B %d, %Y", "%b %d, %Y %I:%M %p", "%B %d, %Y %I:%M %p", "%d %b %Y", "%d %B %Y")
# There was no list of e-mail readers before; a later date is a mistake.
EARLIEST = datetime(1990, 1, 1, tzinfo=UTC)
LEEWAY = timedelta(days=1)


def read_moment(text: str, latest: datetime, *, day_first: bool = False) -> datetime | None:
    """The moment that a cell names, in UTC where it names no zone; None where it is none that can be.

    Args:
        latest: the present; what is a little later is taken for it, what is much later is a mistake.
        day_first: `3/4/2019` is in April (else in March, as in the United States).
    """
    try:
        moment = _read(text.strip(), day_first)
    except (ValueError, OverflowError):
        return None
    if moment is None:
        return None
    moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(moment, latest) if EARLIEST <= moment <= latest + LEEWAY else None


def tells_day_first(text: str) -> bool:
    """Whether a date can only be read with its day first: `13/4/2019`, or `4.3.2019` for its dots."""
    if "/" not in text and "." not in text[:3]:
        return False
    found = SLASHED.match(text.strip())
    return found is not None and (int(found[1]) > 12 or "." in text[:3])


def _read(text: str, day_first: bool) -> datetime | None:
    try:
        return datetime.fromisoformat(GO_ZONE.sub(r"\1", text))
    except ValueError:
        pass
    if text.isascii() and text.isdigit() and len(text) in (10, 13):
        return datetime.fromtimestamp(int(text[:10]), tz=UTC)
    if found := SLASHED.match(text):
        return _slashed(found, day_first)
    for form in WRITTEN:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  # the caller says which zone
        except ValueError:
            continue
    return None


def _slashed(found: re.Match[str], day_first: bool) -> datetime:
    first, second, year, hour, minute, second_of = (int(part or 0) for part in found.groups()[:6])
    day, month = (first, second) if day_first else (second, first)
    if found[7]:
        hour = hour % 12 + (12 if found[7] in "Pp" else 0)
    return datetime(year, month, day, hour, minute, second_of)  # noqa: DTZ001  # as above
