"""Mails to readers: composed once per sending, then spliced per subscriber (`delivery/template.py`)."""

import re
import secrets
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email import message_from_bytes, policy

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Invalid, NotFound
from blogapp.core.tokens import link_tokens
from blogapp.core.web import local
from blogapp.delivery.headers import Mailbox, ascii_address
from blogapp.delivery.message import build_message
from blogapp.delivery.models import OutboxMail
from blogapp.delivery.outbox import queue_message, site_mailbox
from blogapp.delivery.template import Places, Template
from blogapp.digest.also import also_new
from blogapp.digest.groups import group_of
from blogapp.digest.letters import (
    by_age,
    frame,
    letter_of_many,
    letter_of_one,
    list_headers,
    piece_of,
    read_posts,
)
from blogapp.digest.models import Digest
from blogapp.digest.parts import Parts, catch_up_that_fits, parts_that_fit
from blogapp.digest.proofs import message_names
from blogapp.digest.replies import reply_to
from blogapp.digest.told import Told, untold
from blogapp.posts.circles import sees
from blogapp.posts.models import Post
from blogapp.subscribing.links import NOBODYS_TOKEN

# Somebody who is nobody, for previews (RFC 2606 keeps the domain free).
SAMPLE = Mailbox("", "reader@example.org")
OWN_ID = re.compile(rb"^Message-ID: <[^<>@\s]+@([^<>@\s]+)>", re.MULTILINE)


@dataclass(frozen=True)
class Composed:
    """A mail ready to be spliced. `also`: the titles of what else it tells of. `told`: the corrections that it tells.

    `shortened`: a post is too long for a mail; its beginning and a link are there.
    """

    subject: str
    template: Template
    also: list[str]
    shortened: bool
    told: tuple[int, ...] = ()


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
    return compose_posts(session, [post_id], date=date, test=test)


def compose_posts(
    session: Session,
    post_ids: Sequence[int],
    *,
    date: datetime,
    new: Collection[int] | None = None,
    kind: str = "digest",
    told: Sequence[Told] | None = None,
    test: bool = False,
) -> Composed:
    """One mail with several posts, in that order.

    Args:
        new: those that leave now; the others were missed before. None: all of them.
        kind: the sending's.
        told: the corrections to tell of. None: those that the next digest tells of.
    """
    places = Places()
    posts = read_posts(session, post_ids)
    pieces = by_age([piece_of(session, post, date) for post in posts])
    told = untold(session, date) if told is None else told
    also, more = also_new(session, post_ids, date)
    context = frame(places, posts) | {
        "also": also, "more": more, "corrections": told, "monthly": kind == "catch-up", "test": test,
    }  # fmt: skip
    if len(pieces) == 1:
        context |= letter_of_one(pieces[0])
        parts = parts_that_fit(pieces[0].article, context)
    else:
        context |= letter_of_many(pieces, post_ids if new is None else new, kind)
        parts = catch_up_that_fits([(piece.facts, piece.article) for piece in pieces], context)
    subject = ("[Test] " if test else "") + context["subject"]
    template = _message(places, subject, parts, posts[0].author, date)
    numbers = tuple(correction.id for correction in told)
    return Composed(subject, template, [other.title for other in also], parts.shortened, numbers)


def compose_correction(session: Session, post_id: int, note: str, original: bytes, *, date: datetime) -> Composed:
    """The corrected post, threaded to the mail that was wrong.

    Args:
        original: the frozen message of the sending that it goes after.
    """
    places = Places()
    (post,) = read_posts(session, [post_id])
    piece = piece_of(session, post, date)
    context = frame(places, [post]) | letter_of_one(piece) | {"note": note, "test": False, "monthly": False}
    context["subject"] = f"Correction: {context['subject']}"
    parts = parts_that_fit(piece.article, context, "correction")
    domain = OWN_ID.search(original)
    earlier = f"<{places.mark('in_reply_to', 'token')}@{domain[1].decode('ascii') if domain else 'localhost'}>"
    threaded = {"In-Reply-To": earlier, "References": earlier}
    template = _message(places, context["subject"], parts, post.author, date, threaded)
    return Composed(context["subject"], template, [], parts.shortened)


def _message(
    places: Places,
    subject: str,
    parts: Parts,
    author: Member,
    date: datetime,
    headers: Mapping[str, str] | None = None,
) -> Template:
    sender = site_mailbox()
    message = build_message(
        sender=sender,
        to=places.mark("to", "mailbox"),
        subject=subject,
        text=parts.text,
        html=parts.html,
        reply_to=reply_to(author),
        headers=list_headers(places) | dict(headers or {}),
        date=local(date),
        message_id=f"<{places.mark('message_id', 'token')}@{ascii_address(sender.address).rpartition('@')[2]}>",
        marks=places.marks.values(),
    )
    return Template(message, places.marks)


def personal_values(
    key: bytes, sending_id: int, subscriber_id: int, address: str, name: str = "", original_id: int | None = None
) -> dict[str, str | bytes]:
    """What `Template.splice` needs for one subscriber. The same sending and subscriber give the same bytes.

    Args:
        key: the site's link key.
        original_id: the sending that a correction goes after.
    """
    return values_for(key, sending_id, original_id)(subscriber_id, address, name)


def values_for(
    key: bytes, sending_id: int, original_id: int | None = None
) -> Callable[[int, str, str], dict[str, str | bytes]]:
    """`personal_values` for the recipients of one sending: id, address, name."""
    message_id, in_reply_to = message_names(key, sending_id), message_names(key, original_id or 0)
    unsubscribe, preferences = link_tokens(key, "unsubscribe"), link_tokens(key, "preferences")

    def values(subscriber_id: int, address: str, name: str) -> dict[str, str | bytes]:
        found: dict[str, str | bytes] = {
            "to": f"{name} <{address}>" if name else address,
            "address": address,
            "message_id": message_id(subscriber_id),
            "unsubscribe": unsubscribe(subscriber_id),
            "preferences": preferences(subscriber_id),
        }
        if original_id is not None:
            found["in_reply_to"] = in_reply_to(subscriber_id)
        return found

    return values


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
    session = db.session()
    composed = compose_posts(session, _in_one_mail(session, post_id), date=now())
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


def _in_one_mail(session: Session, post_id: int) -> tuple[int, ...]:
    """The post, with those whose digests wait to leave together with its own."""
    number = session.scalar(select(Digest.id).where(Digest.post_id == post_id, Digest.state == "waiting"))
    group = group_of(session, number) if number is not None else None
    return group.posts if group else (post_id,)


def send_test_copy(post_id: int, by: int) -> OutboxMail:
    """Mail the digest of a post to the member who asks, as readers would get it now.

    Raises:
        NotFound: there is no such post.
        NotAllowed: `by` may not have one of this post.
        Invalid: the member has no address.
    """
    session = db.session()
    post = session.get(Post, post_id)
    if post is None or post.deleted_at is not None or not sees(session, post, session.get(Member, by)):
        raise NotFound("There is no such post.")
    member = demand(session.get(Member, by), "digest.test", owner_id=post.author_id, public=post.is_public)
    if post.is_limited:
        raise Invalid("This post is for members only: no mail shows it.")
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
