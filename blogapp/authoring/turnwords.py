"""The rota as its page shows it: each week with who is on turn and why. Words from plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session

from blogapp.core.config import settings
from blogapp.core.listing import in_a_row
from blogapp.posts.missed import reason_for
from blogapp.posts.models import Post
from blogapp.posts.rota import Turn
from blogapp.posts.turnrecord import Score
from blogapp.posts.turns import AHEAD, covering, list_turns
from blogapp.posts.weeks import LAST_WEEK, Weeks
from blogapp.posts.weektemplate import fill, in_words

SHOWN = 9


@dataclass(frozen=True)
class Line:
    """A week of the list: its turn, why, its note or draft, and whether something can be decided about it."""

    turn: Turn
    dates: str
    why: str
    post: Post | None
    reason: str = ""

    @property
    def week(self) -> int:
        return self.turn.week

    @property
    def settled(self) -> bool:
        """Nothing is to be decided any more: it is written, or nobody's."""
        return self.turn.member_id is None or (self.post is not None and self.post.state == "published")


def lines(session: Session, first: int, names: Mapping[int, str]) -> list[Line]:
    """The present week and those to come."""
    found = []
    for turn in list_turns(session, first, SHOWN):
        post, reason = covering(session, turn.week), reason_for(turn.week)
        found.append(Line(turn, dates(turn.week), why(turn, names, post, reason), post, reason))
    return found


def next_draft(template: str, lines: Sequence[Line], names: Mapping[int, str]) -> tuple[str, str] | None:
    """The title and the text of the next draft that the worker makes; None while nobody is on turn."""
    for line in lines[1:]:
        if line.turn.member_id is not None and line.post is None:
            weeks = Weeks(line.week, line.week)
            return weeks.title, fill(template, weeks, settings().site_epoch, names[line.turn.member_id])
    return None


def why(turn: Turn, names: Mapping[int, str], post: Post | None = None, reason: str = "") -> str:
    """Why they are on turn, where it is not simply the order; why nobody is."""
    if turn.free:
        if reason:
            return f"no note: {reason}"
        return f"covered by “{post.title}”" if post is not None else ""
    if turn.member_id is None:
        return f"{_are_away(turn.passed, names)}; nobody is on turn" if turn.passed else "nobody is in the rota yet"
    if turn.change is not None and turn.change.other_week is not None:
        return f"swapped with week {turn.change.other_week}"
    if turn.change is not None:
        return "it was passed on to them"
    return f"{_are_away(turn.passed, names)}" if turn.passed else ""


def _are_away(passed: Sequence[int], names: Mapping[int, str]) -> str:
    return f"{in_a_row([names[one] for one in passed])} {'is' if len(passed) == 1 else 'are'} away"


def dates(week: int) -> str:
    """`5 to 9 February 2018`."""
    return in_words(Weeks(week, week), settings().site_epoch)


def week_choices(first: int) -> list[tuple[int, str]]:
    """The weeks that something can be decided about, for a <select>: `473, 5 February`."""
    found = []
    for week in range(first, min(first + AHEAD, LAST_WEEK) + 1):
        monday = Weeks(week, week).first_day(settings().site_epoch)
        found.append((week, f"{week}, {monday.day} {monday:%B}"))
    return found


MARKS = {"kept": "own turn, written", "turn": "own turn, not written", "wrote": "written for somebody else", "": ""}


def chart_words(score: Score, first: int) -> list[tuple[int, str, str]]:
    """A member's weeks as the chart draws them: number, mark, what it means."""
    return [(first + number, mark, MARKS[mark]) for number, mark in enumerate(score.marks)]
