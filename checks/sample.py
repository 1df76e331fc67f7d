"""A site of its own to look at: the demo's team and posts, the hard ones of torture.py, a reader's and mails' state."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from sqlalchemy import select

from blogapp.app import create_app
from blogapp.auth.models import Member
from blogapp.core import config
from blogapp.core.db import db, transaction
from blogapp.digest.publishing import publish
from blogapp.posts.missed import record_missed
from blogapp.posts.models import Post
from blogapp.posts.writing import create_post, save_post
from checks.torture import POSTS
from demo import team
from demo.folder import open_folder
from demo.launcher import Demo

TAGS = ["hard", "typography", "right to left", "a tag of more words than anybody would give to anything"]
# The demo has no note about it.
MISSED_WEEK = 463


def hard_day() -> date:
    """When the newest of the hard posts is from."""
    return datetime.now(UTC).date() - timedelta(days=60)


@contextmanager
def sample_site(folder: Path, port: int) -> Iterator[Demo]:
    """The running site with its mail catcher; made fresh in `folder`, ended on the way out."""
    today = datetime.now(UTC).date()
    demo = Demo(open_folder(folder, fresh=True, today=today), port)
    try:
        demo.start()
        _torture(demo, today)
        yield demo
    finally:
        demo.stop()


def _torture(demo: Demo, today: date) -> None:
    """Publish the hard posts, dated so that the demo's own stay in front."""
    app = create_app(config.load(demo.environment(), dotenv=None))
    with app.app_context():
        by = db.session.execute(select(Member.id).where(Member.email == team.AUTHOR.email)).scalar_one()
        editor = db.session.execute(select(Member.id).where(Member.role == "admin")).scalars().first()
        assert editor is not None
        for n, (slug, (title, body)) in enumerate(POSTS.items()):
            post = create_post("article", title, body, by, slug=slug)
            post = save_post(post.id, post.version, by, title=title, body=body, tags=TAGS[: 1 + n % len(TAGS)])
            post = publish(post.id, post.version, editor, with_digest=False)
            if n == 0:
                post = save_post(
                    post.id, post.version, by, title=title, body=body + "\n\nAdded.", correction="It lacked an end."
                )
            at = datetime(today.year, today.month, today.day, 9, tzinfo=UTC) - timedelta(days=60 + 3 * n)
            with transaction() as session:
                kept = session.get_one(Post, post.id)
                kept.published_at = kept.updated_at = kept.first_published_at = at
        record_missed(MISSED_WEEK, "The building had no power, and the café had no table for four", editor)
        db.session.remove()
        db.engine.dispose()
