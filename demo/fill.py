"""Filling a new demo: the team, their posts as if written over the past weeks, the rota, a few readers.

The posts are snips in demo/content and come in by the same import as anybody's; only their dates are worked out first,
from the week's number and the day that the file gives (`:created_at: week 472, Friday 16:35`).
"""

import io
import re
import tempfile
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from sqlalchemy import select

from blogapp.auth.members import add_member
from blogapp.auth.models import Member
from blogapp.auth.profile import edit_profile
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.markup import render
from blogapp.porting.importing import import_snips
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post, Revision
from blogapp.posts.rendering import link_files, show_rendered
from blogapp.posts.weeks import Weeks
from blogapp.subscribing.adding import add_subscribers
from blogapp.subscribing.signing_up import sign_up
from demo.pictures import PICTURES
from demo.team import CONFIRMED, PASSWORD, PENDING, TEAM, more_readers
from demo.week import add_to_the_draft, take_turns

CONTENT = Path(__file__).parent / "content"
DAYS = "Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split()
WHEN = re.compile(r"(?m)^:created_at: week (\d+), (\w+day) (\d\d):(\d\d)$")
PICTURE = re.compile(r"picture:([\w.-]+)")
# Published in the program rather than brought along: so the next digest mentions it below the week's post.
PUBLISHED_HERE = ("how-we-decide-things", "week-472-links")


def fill(epoch: date, zone: ZoneInfo, readers: int, say: Callable[[str], None]) -> None:
    """Make everything, in an application context on an empty database."""
    say("the team")
    for person in TEAM:
        member = add_member(person.name, person.email, role=person.role, password=PASSWORD)
        edit_profile(
            member.id,
            member.version,
            name=person.name,
            email=person.email,
            slug=person.slug,
            bio=person.bio,
            by=member.id,
        )
    say("their notes")
    _import_content(epoch, zone)
    _add_pictures()
    _mark_published_here()
    take_turns(epoch, zone)
    add_to_the_draft()
    say("their readers")
    add_readers(readers)
    sign_up(PENDING, page="/week-472")


def add_readers(count: int) -> None:
    """Confirmed subscribers, as many as wanted in all; those who are there already stay as they are."""
    wanted = [*CONFIRMED, *more_readers(count)][:count]
    add_subscribers(wanted, confirmed=True, source="demo")


def _import_content(epoch: date, zone: ZoneInfo) -> None:
    with tempfile.TemporaryDirectory() as folder:
        for file in sorted(CONTENT.glob("*.md")):
            (Path(folder) / file.name).write_text(
                dated(file.read_text(encoding="utf-8"), epoch, zone), encoding="utf-8"
            )
        report = import_snips([folder])
    if report.refused:
        lines = "\n".join(f"{outcome.path}: {outcome.reason}" for outcome in report.refused)
        raise RuntimeError(f"the demo's own content was refused:\n{lines}")


def dated(text: str, epoch: date, zone: ZoneInfo) -> str:
    """The file with a real date where it says `week 472, Friday 16:35`."""

    def real(match: re.Match[str]) -> str:
        week, day = int(match[1]), DAYS.index(match[2])
        on = Weeks(week, week).first_day(epoch) + timedelta(days=day)
        at = datetime.combine(on, time(int(match[3]), int(match[4])), zone)
        return f":created_at: {at:%Y-%m-%d %H:%M:%S %z}"

    changed, count = WHEN.subn(real, text)
    if count != 1:
        raise ValueError(f"no date like `week 472, Friday 16:35` in a file of the demo: {text[:60]!r}")
    return changed


def _add_pictures() -> None:
    """Attach each picture that a post shows as `picture:name.png`, and put its address there."""
    shown = db.session.execute(select(Post.id, Post.author_id, Post.body).where(Post.body.contains("(picture:"))).all()
    for post_id, author_id, body in shown:
        places = {}
        for name in PICTURE.findall(body):
            kept = attach(post_id, name, io.BytesIO(PICTURES[name]()), author_id)
            places[name] = f"/files/{kept.id}/{kept.filename}"
        with transaction() as session:
            post = session.get_one(Post, post_id)
            changed_at = post.updated_at
            post.body = PICTURE.sub(lambda match, at=places: at[match[1]], post.body)  # type: ignore[misc]
            link_files(session, post_id, show_rendered(session, post, render(post.body, title=post.title)))
            post.updated_at = changed_at
            # As if it had been written with its picture: no second revision.
            for revision in session.execute(select(Revision).where(Revision.post_id == post_id)).scalars():
                revision.body = post.body
            bump_version(session)


def _mark_published_here() -> None:
    with transaction() as session:
        for post in session.execute(select(Post).where(Post.slug.in_(PUBLISHED_HERE))).scalars():
            post.published_here = True
        bump_version(session)


def draft_of(slug: str) -> int | None:
    """The id of the post of that address, if it is still a draft."""
    query = select(Post.id).where(Post.slug == slug, Post.state == "draft", Post.deleted_at.is_(None))
    return db.session.execute(query).scalar_one_or_none()


def can_log_in(email: str) -> bool:
    """Whether that member is still there and has the demo's address."""
    query = select(Member.id).where(Member.email == email, Member.active)
    return db.session.execute(query).first() is not None
