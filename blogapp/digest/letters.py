"""What the templates of a digest show: of each post that is in it, and of the mail as a whole."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from blogapp.core.config import settings
from blogapp.core.errors import NotFound
from blogapp.core.listing import in_a_row
from blogapp.core.picturemarks import for_mail
from blogapp.core.site import choice
from blogapp.core.web import local, whole_url
from blogapp.delivery import verp
from blogapp.delivery.headers import phrase
from blogapp.delivery.template import Places
from blogapp.delivery.tree import Element
from blogapp.digest.article import mail_article
from blogapp.digest.replies import answered_by_mail, byline, reply_to, signers_to_write_to
from blogapp.digest.words import Letter, dates, figure_of, names_of, own_title, subject, teaser
from blogapp.posts.models import Post


@dataclass(frozen=True)
class Piece:
    """One post of a mail: what is shown of it, and its article."""

    post: Post
    letter: Letter
    facts: dict[str, Any]
    article: Element


def read_posts(session: Session, post_ids: Sequence[int]) -> list[Post]:
    """The posts in that order.

    Raises:
        NotFound: one of them is not there.
    """
    found = [session.get(Post, number) for number in post_ids]
    posts = [post for post in found if post is not None and post.deleted_at is None]
    if len(posts) < len(found):
        raise NotFound("There is no such post.")
    return posts


def piece_of(session: Session, post: Post, date: datetime) -> Piece:
    """A post as a mail shows it."""
    letter = Letter(post.title, post.html, post.summary, post.weeks)
    title, weeks = own_title(letter), post.weeks
    if weeks:
        epoch = settings().site_epoch
        when = dates(weeks.first_day(epoch), weeks.last_day(epoch))
    else:
        day = local(post.first_published_at or date).date()
        when = dates(day, day)
    facts = {
        "anchor": f"post-{post.id}",
        "summary": letter.summary,
        "url": whole_url(f"/{post.slug}"),
        "week": {"word": "Week" if len(weeks) == 1 else "Weeks", "figure": weeks.figure} if weeks else None,
        "title": title,
        "heading": f"{weeks.title}: {title}" if weeks and title else weeks.title if weeks else title,
        "dates": when,
        "author": byline(post),
    }
    widths = {attachment.id: attachment.width for attachment in post.attachments if attachment.width}
    html = answered_by_mail(session, post, for_mail(post.html))
    return Piece(post, letter, facts, mail_article(html, settings().base_url, f"p{post.id}-", widths))


def by_age(pieces: Sequence[Piece]) -> list[Piece]:
    """The same pieces, each told its age among them: 0 is the newest."""
    newest_first = sorted(pieces, key=lambda piece: (piece.post.first_published_at is None, _published(piece)))[::-1]
    for age, piece in enumerate(newest_first):
        piece.facts["age"] = age
    return list(pieces)


def _published(piece: Piece) -> tuple[float, int]:
    at = piece.post.first_published_at
    return (at.timestamp() if at else 0.0, piece.post.id)


def frame(places: Places, posts: Sequence[Post]) -> dict[str, Any]:
    """What every mail to readers has: the site, whom a reply reaches, the links at the foot.

    Args:
        posts: what it carries; a reply goes to the author of the first.
    """
    author = posts[0].author
    return {
        "site_title": choice("site_title"),
        "replies": author.name if reply_to(author) is not None else "",
        "also_replies": in_a_row([one.name for one in signers_to_write_to(posts) if one.id != author.id], "or"),
        "address": {"html": places.mark("address", "html"), "text": places.mark("address", "text")},
        "unsubscribe": places.mark("unsubscribe", "url"),
        "preferences": places.mark("preferences", "url"),
    }


def letter_of_one(piece: Piece) -> dict[str, Any]:
    """What a mail of one post shows beyond its frame."""
    return piece.facts | {"subject": subject(piece.letter), "preheader": teaser(piece.letter)}


def letter_of_many(pieces: Sequence[Piece], new: Collection[int], kind: str) -> dict[str, Any]:
    """The same for a mail of several.

    Args:
        new: the posts that leave now; the others were missed.
    """
    fresh = [piece for piece in pieces if piece.post.id in new]
    missed = [piece for piece in pieces if piece.post.id not in new]
    head = fresh or missed
    weeks = [piece.post.weeks for piece in head if piece.post.weeks]
    figure = figure_of(weeks) if len(weeks) == len(head) else ""
    return {
        "figure": {"word": "Week" if figure.isdigit() else "Weeks", "figure": figure} if figure else None,
        "heading": names_of([piece.letter for piece in head]),
        "intro": _intro(len(fresh), len(missed), kind),
        "subject": _subject(head, len(missed) if fresh else 0),
        "preheader": " · ".join(piece.facts["title"] or teaser(piece.letter) for piece in pieces[:3]),
    }


def _subject(head: Sequence[Piece], missed: int) -> str:
    """`Week 475: Moving house (and 2 you missed)`, `Weeks 898 and 899: Moving house`."""
    if len(head) == 1:
        words = subject(head[0].letter)
    else:
        newest = max(head, key=lambda piece: (piece.post.week_to or 0, piece.post.id)).letter
        own = own_title(newest) if newest.weeks else ""
        words = names_of([piece.letter for piece in head]) + (f": {own}" if own else "")
    return f"{words} (and {missed} you missed)" if missed else words


def _intro(fresh: int, missed: int, kind: str) -> str:
    if kind == "catch-up":
        return f"What was published since your last mail: {fresh + missed} notes, the newest first."
    if missed:
        many = "one that" if missed == 1 else f"{missed} that"
        return f"The newest first, with {many} did not reach you before."
    return "Published within minutes of each other, so they come as one mail."


def list_headers(places: Places) -> dict[str, str]:
    """RFC 2369, 2919, 8058 and 3834. A mailto stands beside the https address where mail can come in."""
    host = re.sub(r"[^a-z0-9.-]+", "-", (urlsplit(settings().base_url).hostname or "localhost").lower()).strip("-.")
    token = places.mark("unsubscribe", "token")
    ways = [f"<{whole_url('/unsubscribe/')}{token}>"]
    if verp.enabled():
        ways.append(f"<mailto:{verp.wish_address(token)}?subject=unsubscribe>")
    return {
        "List-Id": f"{phrase(choice('site_title'), 9)} <digest.{host}>",
        "List-Unsubscribe": ", ".join(ways),
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        "List-Post": "NO",
        "Auto-Submitted": "auto-generated",
    }
