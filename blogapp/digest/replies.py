"""Whom a reader's reply reaches: the author by answering, whoever signed something by their signature."""

from collections.abc import Sequence
from urllib.parse import quote

from sqlalchemy.orm import Session

from blogapp.auth.models import Member
from blogapp.core.config import settings
from blogapp.core.listing import in_a_row
from blogapp.delivery.headers import Mailbox, ascii_address, is_address
from blogapp.posts.credits import members_at, signer
from blogapp.posts.models import Post
from blogapp.posts.signatures import Signature, answered, signatures_in


def reply_to(author: Member) -> Mailbox | None:
    """Replies go to the author, while there is one who reads them."""
    usable = author.active and author.email and is_address(ascii_address(author.email))
    return Mailbox(author.name, author.email or "") if usable else None


def answered_by_mail(session: Session, post: Post, html: str) -> str:
    """The post's HTML for a mail: each signature is a mail to who signed, as far as they read any."""
    base_url = settings().base_url
    members = members_at(session, (one.slug for one in signatures_in(html, base_url)))

    def address(one: Signature) -> str | None:
        member = signer(one, members)
        box = reply_to(member) if member is not None else None
        return None if box is None else _letter(box, post.title)

    return answered(html, base_url, address)


def _letter(box: Mailbox, title: str) -> str:
    """RFC 6068. Nothing is left in it that HTML would have to escape."""
    local, _, host = ascii_address(box.address).rpartition("@")
    return f"mailto:{quote(local, safe='')}@{quote(host, safe='')}?subject={quote(f'Re: {title}', safe='')}"


def signers_to_write_to(posts: Sequence[Post]) -> list[Member]:
    """Who signed something in these posts and reads mail, each once."""
    found = {member.id: member for post in posts for member in post.signers if reply_to(member) is not None}
    return list(found.values())


def byline(post: Post) -> str:
    """`Alice Archer, with Chris Roos and Bob Barker`."""
    others = in_a_row([member.name for member in post.contributors])
    return f"{post.author.name}, with {others}" if others else post.author.name
