"""Posts for tests, written straight into the tables."""

from datetime import UTC, datetime
from typing import Any

from blogapp.auth.models import Member
from blogapp.core.addresses import claim_slug
from blogapp.core.db import transaction
from blogapp.core.markup import render
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks

SOME_DAY = datetime(2018, 2, 12, 9, 30, tzinfo=UTC)


def article(author: Member, slug: str = "an-article", **given: Any) -> Post:
    """A published article; `kind`, `at`, `body`, `title`, `state`, … as given."""
    body = given.pop("body", "Some words.")
    at = given.pop("at", SOME_DAY)
    title = given.pop("title", slug.replace("-", " ").capitalize())
    state = given.pop("state", "published")
    rendered = render(body, title=title)
    values: dict[str, Any] = {
        "author_id": author.id, "kind": "article", "slug": slug, "title": title, "body": body, "state": state,
        "html": rendered.html, "summary": rendered.summary, "created_at": at, "updated_at": at,
        "published_at": at if state == "published" else None,
        "first_published_at": at if state == "published" else None,
        **given,
    }  # fmt: skip
    with transaction() as session:
        post = Post(**values)
        session.add(post)
        session.flush()
        claim_slug(session, slug, f"post:{post.id}")
    return post


def week(author: Member, first: int, last: int | None = None, **given: Any) -> Post:
    """A published note of a week, or of several."""
    weeks = Weeks(first, last or first)
    kind = given.pop("kind", "week")
    slug = given.pop("slug", weeks.slug)
    title = given.pop("title", weeks.title)
    return article(author, slug, kind=kind, title=title, week_from=weeks.first, week_to=weeks.last, **given)
