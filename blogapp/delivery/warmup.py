"""The warm-up of a new sender's address: how many mails may leave on which day. Pure.

Mailbox providers watch strangers. Their advice, and that of the large mailers, comes down to: begin with some hundred a
day, never send more than twice as many as on the largest day before, for a month or two. Days without mail earn
nothing, which matters to a team that writes once a week.
"""

from datetime import date, timedelta

FIRST_DAY = 500
GROWTH = 2
# After so many days nothing is limited any more.
LASTS = timedelta(days=60)


def limit_of(begins_on: date | None, day: date, most: int) -> int | None:
    """How many mails may leave on that day; None: any number.

    Args:
        begins_on: when the warm-up begins; None: there is none.
        most: how many were accepted on its largest day so far, that day itself left out.
    """
    if begins_on is None or not begins_on <= day < begins_on + LASTS:
        return None
    return max(FIRST_DAY, GROWTH * most)


def warm_up_plan(
    begins_on: date | None, first: date, total: int, *, most: int = 0, used: int = 0
) -> list[tuple[date, int]]:
    """On which days a sending to `total` readers leaves, and how many mails on each; one day where nothing limits it.

    Args:
        first: the day on which it begins.
        most: how many were accepted on the largest day of the warm-up before that.
        used: how many have left on the first day already.
    """
    days: list[tuple[date, int]] = []
    day, left = first, total
    while left > 0:
        limit = limit_of(begins_on, day, most)
        count = left if limit is None else min(left, max(limit - used, 0))
        if count:
            days.append((day, count))
        most, used, left, day = max(most, used + count), 0, left - count, day + timedelta(days=1)
    return days
