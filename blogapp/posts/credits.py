"""Whom readers are told of beside a post's author: who signed something in it, found in what it shows."""

from collections.abc import Iterable, Mapping

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect
from blogapp.core.config import settings
from blogapp.posts.models import Post, post_credits
from blogapp.posts.signatures import Signature, signatures_in


def keep_credits(session: Session, post: Post) -> bool:
    """Note who signed something in what the post shows, in the caller's transaction. Whether that changed.

    A page has no byline, and nobody to be named in it.
    """
    found = signatures_in(post.html, settings().base_url) if post.kind != "page" else []
    wanted = signers(found, members_at(session, (one.slug for one in found)))
    at = post.published_at if post.is_public else None
    known = select(post_credits.c.member_id, post_credits.c.published_at).where(post_credits.c.post_id == post.id)
    rows = session.execute(known.order_by(post_credits.c.position)).all()
    if [tuple(row) for row in rows] == [(number, at) for number in wanted]:
        return False
    session.execute(delete(post_credits).where(post_credits.c.post_id == post.id))
    if wanted:
        placed = enumerate(wanted, 1)
        of_post = {"post_id": post.id, "published_at": at}
        session.execute(insert(post_credits), [{**of_post, "member_id": one, "position": n} for n, one in placed])
    session.expire(post, ["signers"])
    return True


def signers(found: Iterable[Signature], members: Mapping[str, Member]) -> list[int]:
    """The members that signed, each once, in the order of the text."""
    numbers = (member.id for one in found if (member := signer(one, members)) is not None)
    return list(dict.fromkeys(numbers))


def signer(one: Signature, members: Mapping[str, Member]) -> Member | None:
    """Who signed so; None where it is a mere link."""
    member = members.get(one.slug)
    return member if member is not None and (one.plainly or one.words == member.initials) else None


def members_at(session: Session, slugs: Iterable[str]) -> dict[str, Member]:
    """Slug -> member; a former address of theirs, too, which old signatures still lead to."""
    wanted = set(slugs)
    if not wanted:
        return {}
    found = {one.slug: one for one in session.execute(select(Member).where(Member.slug.in_(wanted))).scalars()}
    if missing := wanted - found.keys():
        moved = select(Redirect.path, Member).join(Member, Member.slug == Redirect.target)
        found |= {row.path: row.Member for row in session.execute(moved.where(Redirect.path.in_(missing)))}
    return found
