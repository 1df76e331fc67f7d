"""A week that nobody wrote about joins the next one: its draft then covers both."""

from dataclasses import dataclass
from html import escape

from sqlalchemy import update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand, may
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.errors import Conflict, NotAllowed, NotFound
from blogapp.core.markup import Rendered, render, without_title
from blogapp.posts.composing import closed
from blogapp.posts.finding import keep_findable
from blogapp.posts.glossary import resolving
from blogapp.posts.models import Post
from blogapp.posts.naming import automatic_slug, check_weeks, free_slug, lock_names, move_to
from blogapp.posts.notes import move_notes
from blogapp.posts.plans import forget_plan, is_planned
from blogapp.posts.queries import find_post, newest_revision
from blogapp.posts.rendering import link_files, show_rendered, show_sections
from blogapp.posts.revisions import keep_revision
from blogapp.posts.sections import move_sections
from blogapp.posts.sharelinks import end_links
from blogapp.posts.signatures import signature, signatures_in
from blogapp.posts.turnmails import tell_joined
from blogapp.posts.turnmodels import BegunWeek
from blogapp.posts.turns import covering, this_week
from blogapp.posts.weeks import LAST_WEEK, Weeks
from blogapp.posts.writing import has_automatic_slug


@dataclass(frozen=True)
class Pair:
    """The draft of a week (None: there is none), and that of the next one, which is to cover both."""

    old: Post | None
    fresh: Post
    weeks: Weeks
    body: str

    @property
    def moved(self) -> bool:
        """Whether the old draft has a text that goes into the other one."""
        return self.body != self.fresh.body


def find_pair(week: int) -> Pair:
    """What `join_next` would join.

    Raises:
        NotFound: there is no such week.
        Conflict: it cannot be: a note is published or planned, there is no draft of the next week, or one covers both
            already.
    """
    if not 0 <= week < LAST_WEEK:
        raise NotFound("There is no such week.")
    return _pair(db.session(), week)


def may_put_away(member: Member | None, pair: Pair) -> bool:
    """Whether the old draft is theirs to put into the next: they may edit it, or its weeks are over without a note.

    A week that was missed is a question to the whole team, and whoever writes next may answer it.
    """
    old = pair.old
    if old is None or may(member, "post.edit", owner_id=old.author_id):
        return True
    return old.week_to is not None and old.week_to < this_week()


def join_next(week: int, by: int) -> Post:
    """Let the next week's draft cover this week too, with this one's text before its own; this one's draft is deleted.

    Nothing is lost, and what was deleted is there for 30 days; its links are ended.

    Raises:
        NotFound, Conflict: as for `find_pair`; somebody saved one of the two at the same moment.
        NotAllowed: `by` may not edit the next week's draft, or not take this week's (`may_put_away`).
    """
    seen = find_pair(week)
    versions = _versions(seen)
    body, format = seen.body, seen.fresh.format
    references = resolving(seen.fresh.id, body)
    rendered = render(body, format=format, references=references)  # Before the transaction: others may write meanwhile.
    with transaction() as session, session.no_autoflush:
        # Posts before names, as everybody locks them; what is not to be joined any more is found out below.
        for number in sorted({seen.fresh.id} | ({seen.old.id} if seen.old else set())):
            session.get(Post, number, with_for_update={"of": Post}, populate_existing=True)
        lock_names(session)
        pair = _pair(session, week)
        fresh = find_post(session, pair.fresh.id, by=by)
        member = demand(session.get(Member, by), "post.edit", owner_id=fresh.author_id)
        if _versions(pair) != versions:
            raise Conflict("Somebody saved one of the two drafts at the same moment. Nothing was changed; look again.")
        if not may_put_away(member, pair):
            raise NotAllowed(
                "That week is not over, and its draft is somebody else's. An editor or an admin can do it."
            )
        moved = pair.moved  # Below, the other draft gets the text.
        if pair.old is not None:
            _put_away(session, pair.old, by)
            move_sections(session, pair.old.id, fresh.id)
            move_notes(session, pair.old.id, fresh.id)
        _widen(session, fresh, pair.weeks)
        _say(session, fresh, body, rendered, by)
        session.flush()
        begun = update(BegunWeek).where(BegunWeek.week.between(pair.weeks.first, pair.weeks.last))
        session.execute(begun.values(post_id=fresh.id))
        record(session, "week.join", f"post:{fresh.id}", by=by, week=week, deleted=pair.old.id if pair.old else None)
        tell_joined(session, pair.old, fresh, by, moved=moved)
    show_sections(fresh.id)
    return fresh


def _pair(session: Session, week: int) -> Pair:
    old, fresh = covering(session, week), covering(session, week + 1)
    if old is not None and old.state == "published":
        raise Conflict(f"Week {week} has a note: “{old.title}”.")
    if fresh is None:
        raise Conflict(f"There is no draft of week {week + 1} yet. It is there on its Monday.")
    if old is not None and old.id == fresh.id:
        raise Conflict(f"“{fresh.title}” covers both weeks already.")
    if fresh.state == "published":
        raise Conflict(f"“{fresh.title}” is published. Change its weeks in the editor.")
    if old is not None and old.visibility != fresh.visibility:
        raise Conflict("Not the same people may read the two drafts. Put them together in the editor.")
    if old is not None and is_planned(session, old):
        raise Conflict(f"“{old.title}” is to be published by itself. If it is not to be, say so on its page first.")
    first = old.week_from if old is not None and old.week_from is not None else week
    weeks = Weeks(first, fresh.week_to or week + 1)
    return Pair(old, fresh, weeks, _together(session, old, fresh))


def _together(session: Session, old: Post | None, fresh: Post) -> str:
    """Both texts; a draft that nobody has touched since the worker made it has none of its own."""
    if old is None or not old.body.strip() or _untouched(session, old):
        return fresh.body
    if old.format != fresh.format:
        raise Conflict("One of the two is written in HTML. Put them together in the editor.")
    return f"{_signed(old, fresh)}\n\n{fresh.body}"


def _signed(old: Post, fresh: Post) -> str:
    """The old text; where somebody else becomes its post's author, with who wrote it, so that they are credited."""
    text, author = old.body.rstrip(), old.author
    signed = any(one.slug == author.slug for one in signatures_in(old.html, settings().base_url))
    if old.author_id == fresh.author_id or signed:
        return text
    if old.format == "html":
        return f'{text}\n\n<p>— <a href="/{author.slug}">{escape(author.initials or author.name)}</a></p>'
    return f"{closed(text)}\n\n{signature(author.initials, author.name, author.slug)}"


def _untouched(session: Session, post: Post) -> bool:
    """Whether it says what the worker made it say, and nothing else."""
    newest = newest_revision(session, post.id)
    return newest is not None and newest.number == 1 and newest.member_id is None and newest.body == post.body


def _versions(pair: Pair) -> tuple[object, ...]:
    return (pair.old.id, pair.old.version) if pair.old else None, pair.fresh.id, pair.fresh.version


def _put_away(session: Session, old: Post, by: int) -> None:
    old.delete(now())
    end_links(session, old.id)
    forget_plan(session, old)
    record(session, "post.delete", f"post:{old.id}", by=by)
    if old.first_published_at is not None:
        bump_version(session)  # 404 becomes 410
    session.flush()  # Its week is free from here on.


def _widen(session: Session, post: Post, weeks: Weeks) -> None:
    """Let it cover the weeks; a title and an address that nobody chose follow."""
    followed, titled = has_automatic_slug(post), post.weeks is not None and post.title == post.weeks.title
    post.week_from, post.week_to = weeks.first, weeks.last
    check_weeks(session, post)
    post.title = weeks.title if titled else post.title
    if followed and post.first_published_at is None:
        move_to(session, post, free_slug(session, automatic_slug(post.kind, weeks, post.title), f"post:{post.id}"))


def _say(session: Session, post: Post, body: str, rendered: Rendered, by: int) -> None:
    """Keep text, HTML and a revision of its own."""
    at = now()
    post.body, post.updated_at = body, at
    link_files(session, post.id, show_rendered(session, post, without_title(rendered, post.title)))
    keep_revision(session, post, by, at, fresh=True)
    keep_findable(session, post)
