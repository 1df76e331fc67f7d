"""An honest record: whose turn each week was, and who wrote about it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.posts.circles import LISTED_ONLY
from blogapp.posts.missed import MissedWeek
from blogapp.posts.models import Post
from blogapp.posts.turnmodels import BegunWeek


@dataclass(frozen=True)
class Told:
    """A week as it went: who was on turn and who wrote, if anybody; the note, or why there is none."""

    week: int
    member_id: int | None = None
    writer_id: int | None = None
    post_id: int | None = None
    title: str = ""
    slug: str = ""
    published_at: datetime | None = None
    reason: str = ""

    @property
    def kept(self) -> bool:
        """Whether whose turn it was wrote."""
        return self.member_id is not None and self.member_id == self.writer_id


@dataclass
class Score:
    """What one member has written of their own turns, of others’, and of weeks that were nobody’s."""

    member_id: int
    turns: int = 0
    wrote: int = 0
    others: int = 0
    nobodys: int = 0
    marks: list[str] = field(default_factory=list)

    @property
    def words(self) -> str:
        """`wrote 12 of 14 turns, and 5 of others’`."""
        own = f"wrote {self.wrote} of {self.turns} {'turn' if self.turns == 1 else 'turns'}"
        more = [f"{self.others} of others’"] if self.others else []
        more += [f"{self.nobodys} that {'was' if self.nobodys == 1 else 'were'} nobody’s"] if self.nobodys else []
        if not self.turns:
            return f"wrote {' and '.join(more)}, and had no turn" if more else "had no turn, and wrote none"
        return ", ".join([own, *more[:-1], *(f"and {one}" for one in more[-1:])])


def read_record(session: Session, last: int, count: int) -> list[Told]:
    """The `count` weeks up to `last`, the oldest first."""
    first = max(0, last - count + 1)
    begun = dict(
        session.execute(select(BegunWeek.week, BegunWeek.member_id).where(BegunWeek.week.between(first, last))).all()
    )
    columns = (Post.id, Post.title, Post.slug, Post.author_id, Post.published_at, Post.week_from, Post.week_to)
    query = select(*columns).where(Post.kind == "week", Post.state == "published", ~LISTED_ONLY)
    notes = {
        week: post
        for post in session.execute(query.where(Post.week_from <= last, Post.week_to >= first))
        for week in range(post.week_from or 0, (post.week_to or 0) + 1)
    }
    gaps = select(MissedWeek.week, MissedWeek.reason).where(MissedWeek.week.between(first, last))
    reasons = dict(session.execute(gaps).all())
    found = []
    for week in range(first, last + 1):
        post = notes.get(week)
        if post is None:
            found.append(Told(week, begun.get(week), reason=reasons.get(week, "")))
        else:
            note = (post.author_id, post.id, post.title, post.slug, post.published_at)
            found.append(Told(week, begun.get(week), *note))
    return found


def count_turns(weeks: Sequence[Told], members: Iterable[Member], present: int) -> list[Score]:
    """How each member did; the present week counts as soon as its note is published.

    Members who are not in the record have no line.
    """
    done = [one for one in weeks if one.week < present or one.writer_id is not None]
    scores = [_score(member.id, done) for member in members]
    return [one for one in scores if one.turns or one.others or one.nobodys]


def _score(member_id: int, weeks: Sequence[Told]) -> Score:
    score = Score(member_id)
    for one in weeks:
        mine, wrote = one.member_id == member_id, one.writer_id == member_id
        score.turns += mine
        score.wrote += mine and wrote
        score.others += wrote and not mine and one.member_id is not None
        score.nobodys += wrote and one.member_id is None
        score.marks.append("kept" if mine and wrote else "turn" if mine else "wrote" if wrote else "")
    return score
