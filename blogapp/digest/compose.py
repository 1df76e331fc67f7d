"""The digest as a message: composed once per sending, then spliced per subscriber (`delivery/template.py`)."""

import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.errors import Invalid, NotFound
from blogapp.core.picturemarks import for_mail
from blogapp.core.site import choice
from blogapp.core.tokens import link_token
from blogapp.core.web import local, whole_url
from blogapp.delivery import verp
from blogapp.delivery.headers import Mailbox, ascii_address, is_address, phrase
from blogapp.delivery.message import build_message
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.outbox import queue_message, site_mailbox
from blogapp.delivery.template import Places, Template
from blogapp.digest.also import also_new
from blogapp.digest.article import mail_article
from blogapp.digest.parts import parts_that_fit
from blogapp.digest.proofs import message_name
from blogapp.digest.words import Letter, dates, own_title, subject, teaser
from blogapp.posts.models import Post
from blogapp.subscribing.links import NOBODYS_TOKEN

# Somebody who is nobody, for previews (RFC 2606 keeps the domain free).
SAMPLE = Mailbox("", "reader@example.org")


@dataclass(frozen=True)
class Composed:
    """A digest ready to be spliced. `also`: the titles of what else it tells of.

    `shortened`: the post is too long for a mail; its beginning and a link are there.
    """

    subject: str
    template: Template
    also: list[str]
    shortened: bool


@dataclass(frozen=True)
class Preview:
    """What a reader would get. `size_bytes`: the whole message as it leaves."""

    subject: str
    html: str
    text: str
    size_bytes: int
    also: list[str]
    shortened: bool


def compose(session: Session, post_id: int, *, date: datetime, test: bool = False) -> Composed:
    """The digest of a post as it is now, personal places still open. Reads only; some 60 ms.

    Args:
        date: of the message; what else is new is counted back from it.
        test: a copy for a member to look at.

    Raises:
        NotFound: there is no such post.
    """
    post = session.get(Post, post_id)
    if post is None or post.deleted_at is not None:
        raise NotFound("There is no such post.")
    places = Places()
    letter = Letter(post.title, post.html, post.summary, post.weeks)
    context = _context(session, post, letter, places, date) | {"test": test}
    widths = {attachment.id: attachment.width for attachment in post.attachments if attachment.width}
    article = mail_article(for_mail(post.html), settings().base_url, f"p{post.id}-", widths)
    parts = parts_that_fit(article, context)
    title = ("[Test] " if test else "") + context["subject"]
    sender = site_mailbox()
    message = build_message(
        sender=sender,
        to=places.mark("to", "mailbox"),
        subject=title,
        text=parts.text,
        html=parts.html,
        reply_to=_reply_to(post.author),
        headers=_list_headers(places),
        date=local(date),
        message_id=f"<{places.mark('message_id', 'token')}@{ascii_address(sender.address).rpartition('@')[2]}>",
        marks=places.marks.values(),
    )
    also = [other.title for other in context["also"]]
    return Composed(title, Template(message, places.marks), also, parts.shortened)


def personal_values(key: bytes, sending_id: int, subscriber_id: int, address: str, name: str = "") -> dict[str, str]:
    """What `Template.splice` needs for one subscriber. The same sending and subscriber give the same bytes.

    Args:
        key: the site's link key.
    """
    return {
        "to": f"{name} <{address}>" if name else address,
        "address": address,
        "message_id": message_name(key, sending_id, subscriber_id),
        "unsubscribe": link_token(key, "unsubscribe", subscriber_id),
        "preferences": link_token(key, "preferences", subscriber_id),
    }


def nobodys_values(box: Mailbox) -> dict[str, str]:
    """The same for somebody who is no subscriber: links that change nothing."""
    return {
        "to": f"{box.name} <{box.address}>" if box.name else box.address,
        "address": box.address,
        "message_id": f"test.{secrets.token_hex(8)}",
        "unsubscribe": NOBODYS_TOKEN,
        "preferences": NOBODYS_TOKEN,
    }


def preview(post_id: int) -> Preview:
    """The digest of a post, draft or not, as a reader would get it now. The caller has asked for permission.

    Raises:
        NotFound: there is no such post.
    """
    composed = compose(db.session(), post_id, date=now())
    data = composed.template.splice(nobodys_values(SAMPLE))
    message = message_from_bytes(data, policy=policy.default)
    html, text = (message.get_body((kind,)) for kind in ("html", "plain"))
    assert html is not None
    assert text is not None
    return Preview(
        subject=composed.subject,
        html=html.get_content(),
        text=text.get_content().replace("\r\n", "\n"),
        size_bytes=len(data),
        also=composed.also,
        shortened=composed.shortened,
    )


def send_test_copy(post_id: int, by: int) -> OutboxMail:
    """Mail the digest of a post to the member who asks, as readers would get it now.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not have one of this post.
        Invalid: the member has no address.
    """
    session = db.session()
    post = session.get(Post, post_id)
    if post is None or post.deleted_at is not None:
        raise NotFound("There is no such post.")
    member = demand(session.get(Member, by), "digest.test", owner_id=post.author_id, public=post.is_public)
    if not member.email:
        raise Invalid("You have no e-mail address here yet, so there is nowhere to send a copy to.")
    address, name = member.email, member.name
    # Composed before the transaction begins: rendering holds nobody up.
    composed = compose(session, post_id, date=now(), test=True)
    message = composed.template.splice(nobodys_values(Mailbox(name, address)))
    with transaction() as writing:
        mail = queue_message(writing, "test-copy", address, composed.subject, message)
        record(writing, "digest.test", f"post:{post_id}", by=by)
        return mail


def _context(session: Session, post: Post, letter: Letter, places: Places, date: datetime) -> dict[str, Any]:
    """What the templates of both parts show."""
    title, weeks = own_title(letter), post.weeks
    also, more = also_new(session, post.id, date)
    if weeks:
        epoch = settings().site_epoch
        when = dates(weeks.first_day(epoch), weeks.last_day(epoch))
    else:
        day = local(post.first_published_at or date).date()
        when = dates(day, day)
    return {
        "subject": subject(letter),
        "preheader": teaser(letter),
        "summary": letter.summary,
        "site_title": choice("site_title"),
        "url": whole_url(f"/{post.slug}"),
        "week": {"word": "Week" if len(weeks) == 1 else "Weeks", "figure": weeks.figure} if weeks else None,
        "title": title,
        "heading": f"{weeks.title}: {title}" if weeks and title else weeks.title if weeks else title,
        "dates": when,
        "author": post.author.name,
        "replies": _reply_to(post.author) is not None,
        "also": also,
        "more": more,
        "address": {"html": places.mark("address", "html"), "text": places.mark("address", "text")},
        "unsubscribe": places.mark("unsubscribe", "url"),
        "preferences": places.mark("preferences", "url"),
    }


def _reply_to(author: Member) -> Mailbox | None:
    """Replies go to the author, while there is one who reads them."""
    usable = author.active and author.email and is_address(ascii_address(author.email))
    return Mailbox(author.name, author.email or "") if usable else None


def _list_headers(places: Places) -> dict[str, str]:
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
