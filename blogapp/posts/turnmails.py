"""A mail to whoever has a turn, or two weeks in one, by somebody else's decision, in the caller's transaction."""

from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.auth.permissions import may
from blogapp.core.config import settings
from blogapp.core.web import whole_url
from blogapp.delivery.outbox import queue_mail
from blogapp.posts.models import Post
from blogapp.posts.turns import covering
from blogapp.posts.weeks import Weeks
from blogapp.posts.weektemplate import in_words


def tell_turn(session: Session, week: int, member_id: int | None, by: int, how: str, *, lost: bool = False) -> None:
    """Tell a member that the week is theirs now, or no more, unless it was they who said so.

    Args:
        how: it came to that, behind the name of `by`: `passed it on to you`.
    """
    member = session.get(Member, member_id) if member_id is not None and member_id != by else None
    if member is None or not member.active or not member.email:
        return
    post, weeks = covering(session, week), Weeks(week, week)
    queue_mail(
        session,
        "turn-changed",
        member.email,
        context={
            "member": member,
            "weeks": weeks,
            "dates": in_words(weeks, settings().site_epoch),
            "lost": lost,
            "how": f"{session.get_one(Member, by).name} {how}",
            "post": post,
            "url": place_to_write(post, member) if post and not lost else whole_url("/write/rota"),
            "rota_url": whole_url("/write/rota"),
        },
        to_name=member.name,
    )


def tell_joined(session: Session, old: Post | None, post: Post, by: int, *, moved: bool) -> None:
    """Tell whose drafts they were that `post` covers the weeks of both now, unless it was they who said so.

    Args:
        old: what was put away; None: the week had no draft.
        moved: whether its text is in `post` now.
    """
    for member in dict.fromkeys([*([old.author] if old else []), post.author]):
        if member.id == by or not member.active or not member.email:
            continue
        mine = old is not None and member.id == old.author_id
        queue_mail(
            session,
            "week-joined",
            member.email,
            context={
                "member": member,
                "by": session.get_one(Member, by).name,
                "old": old,
                "post": post,
                "weeks": post.weeks,
                "moved": moved,
                "mine": mine,
                "credited": moved and mine and member.id != post.author_id,
                "can_edit": may(member, "post.edit", owner_id=post.author_id),
                "url": place_to_write(post, member),
            },
            to_name=member.name,
        )


def place_to_write(post: Post | None, member: Member) -> str:
    """One click from the mail to the draft: in the editor where they may edit it."""
    if post is None:
        return whole_url("/write/new")
    if may(member, "post.edit", owner_id=post.author_id):
        return whole_url(f"/posts/{post.id}/edit")
    return whole_url(f"/posts/{post.id}")
