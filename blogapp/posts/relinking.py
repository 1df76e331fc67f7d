"""Giving a label another address or name in every post that uses it: first a look at what changes, then the act.

The act is in steps of a few posts, each a transaction of its own. Whoever is stopped half-way sees the rest when they
ask again, because what is done no longer needs it.
"""

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.dialect.blocks import reference_id
from blogapp.core.dialect.references import LONGEST_LABEL, change_references, references_in
from blogapp.core.errors import Conflict, Invalid
from blogapp.core.markup import Rendered, render
from blogapp.posts.finding import keep_findable
from blogapp.posts.glossary import links, resolving
from blogapp.posts.models import Post
from blogapp.posts.queries import find_post
from blogapp.posts.rendering import link_files, show_rendered
from blogapp.posts.revisions import keep_revision
from blogapp.posts.sections import check_text, text_of

# So many posts a transaction: a fraction of what a writer may hold the database for.
A_STEP = 5
LONGEST_ADDRESS = 2_000
SAVED_MEANWHILE = "A post was saved since you looked at what would change. {} Look at it again."


@dataclass(frozen=True)
class Wish:
    """What is wanted of a label: another address for those that have `old_url` ("": whatever they have), or a name."""

    label: str
    old_url: str = ""
    new_url: str = ""
    new_label: str = ""


@dataclass(frozen=True)
class Change:
    """What it makes of a post. `frozen`: what the post keeps of others' addresses, then."""

    post_id: int
    version: int
    title: str
    state: str
    before: str
    after: str
    frozen_before: dict[str, str]
    frozen: dict[str, str]


@dataclass(frozen=True)
class Plan:
    """All that it changes; `mark` says whether it is still what somebody looked at."""

    wish: Wish
    changes: list[Change] = field(default_factory=list)

    @property
    def mark(self) -> str:
        seen = [(self.wish.__dict__), [(change.post_id, change.version, change.after) for change in self.changes]]
        return hashlib.sha256(json.dumps(seen, sort_keys=True).encode()).hexdigest()


def plan_change(wish: Wish) -> Plan:
    """What would change, post by post; nothing is written.

    Raises:
        Invalid: the new address or label is none, or a post has that label for something else.
    """
    wish = _checked(wish)
    changes: list[Change] = []
    taken: list[str] = []
    for row in _using(wish):
        change = _change(row, wish)
        if wish.new_label and _has_other(row, wish):
            taken.append(f"“{row.title}”")
        elif change is not None:
            changes.append(change)
    if taken:
        named = ", ".join(taken[:3]) + (f" and {len(taken) - 3} more" if len(taken) > 3 else "")
        message = (
            f"[{wish.new_label}] leads elsewhere already in {named}. Choose another label, or change that one first."
        )
        raise Invalid(message, {"new_label": message})
    return Plan(wish, changes)


def change_everywhere(wish: Wish, mark: str, by: int) -> int:
    """Do what `plan_change` showed. Returns in how many posts. Nothing is mailed; published pages change at once.

    Args:
        mark: of the plan that the person looked at.

    Raises:
        NotAllowed: `by` may not.
        Invalid: as for `plan_change`.
        Conflict: a post was saved since; what was done before that stays, and the rest can be asked for again.
    """
    demand(db.session.get(Member, by), "link.manage")
    plan = plan_change(wish)
    if plan.mark != mark:
        raise Conflict(SAVED_MEANWHILE.format("Nothing was changed."))
    done = 0
    for start in range(0, len(plan.changes), A_STEP):
        step = plan.changes[start : start + A_STEP]
        rendered = [_rendered(change) for change in step]
        try:
            _take_step(plan.wish, list(zip(step, rendered, strict=True)), by)
        except Conflict:
            so_far = f"{done} of {len(plan.changes)} posts have changed." if done else "Nothing was changed."
            raise Conflict(SAVED_MEANWHILE.format(so_far)) from None
        done += len(step)
    return done


def _rendered(change: Change) -> tuple[str, Rendered]:
    """All that the post says then, before the transaction. A public post gets nothing new from others."""
    text = text_of(db.session(), change.post_id, change.after)
    references = {} if change.state == "published" else resolving(None, text)
    return text, render(text, title=change.title, references={**references, **change.frozen})


def _take_step(wish: Wish, step: list[tuple[Change, tuple[str, Rendered]]], by: int) -> None:
    with transaction() as session, session.no_autoflush:
        demand(session.get(Member, by), "link.manage")
        for change, (text, rendered) in step:
            _apply(session, wish, change, text, rendered, by)
        bump_version(session)


def _apply(session: Session, wish: Wish, change: Change, text: str, rendered: Rendered, by: int) -> None:
    post, at = find_post(session, change.post_id, by=by), now()
    post.check_version(change.version)
    check_text(session, post.id, change.after, text)
    post.body, post.frozen, post.updated_at = change.after, change.frozen, at
    link_files(session, post.id, show_rendered(session, post, rendered))
    revision = keep_revision(session, post, by, at, fresh=True)
    detail = {"label": wish.label, "url": wish.new_url, "new_label": wish.new_label}
    record(session, "post.relink", f"post:{post.id}", by=by, revision=revision.number, **detail)
    keep_findable(session, post)


def _checked(wish: Wish) -> Wish:
    label, new = reference_id(wish.label.strip()), reference_id(wish.new_label.strip())
    url = wish.new_url.strip()
    if bool(url) == bool(new):
        message = "Type a new address or a new label, one of the two."
        raise Invalid(message, {"new_url": message})
    if url and (len(url) > LONGEST_ADDRESS or any(c.isspace() or c in "<>\"'" or not c.isprintable() for c in url)):
        message = f"An address has no blanks, quotes or angle brackets, and at most {LONGEST_ADDRESS:,} characters."
        raise Invalid(message, {"new_url": message})
    if url and not _leads_somewhere(url):
        message = "An address begins with https:// or http://, with mailto:, or with / for a page of this site."
        raise Invalid(message, {"new_url": message})
    if new and (
        len(new) > LONGEST_LABEL or new.startswith("^") or any(c in "[]\\`" or not c.isprintable() for c in new)
    ):
        message = f"A label has no brackets, backslashes or backticks, and at most {LONGEST_LABEL} characters."
        raise Invalid(message, {"new_label": message})
    if new == label or (url and url == wish.old_url):
        message = "That is what it says already."
        raise Invalid(message, {"new_label" if new else "new_url": message})
    return Wish(label, wish.old_url, url, new)


def _leads_somewhere(url: str) -> bool:
    """Whether readers can follow it; of any other address only the words would be left."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if parts.scheme in ("http", "https"):
        return bool(parts.hostname)
    return parts.scheme == "mailto" or (url.startswith("/") and not url.startswith("//"))


def _using(wish: Wish) -> Iterator[Any]:
    """The posts that may use the label: public ones by the glossary, others by their text."""
    public = select(links.c.post_id).where(links.c.label == wish.label)
    hidden = or_(Post.state != "published", Post.visibility != "public")
    columns = (Post.id, Post.version, Post.title, Post.state, Post.body, Post.frozen)
    query = select(*columns).where(
        Post.deleted_at.is_(None), Post.format == "markdown", or_(Post.id.in_(public), hidden)
    )
    yield from db.session.execute(query.order_by(Post.published_at.desc(), Post.id.desc())).all()


def _change(row: Any, wish: Wish) -> Change | None:
    def address(label: str, url: str) -> str:
        return wish.new_url if label == wish.label and wish.old_url in ("", url) else url

    frozen, before = dict(row.frozen), dict(row.frozen)
    if wish.new_url:
        after = change_references(row.body, address=address)
        if wish.label in frozen:
            frozen[wish.label] = address(wish.label, frozen[wish.label])
    else:
        after = change_references(row.body, label={wish.label: wish.new_label})
        if wish.label in frozen:
            frozen[wish.new_label] = frozen.pop(wish.label)
    if (after, frozen) == (row.body, before):
        return None
    return Change(row.id, row.version, row.title, row.state, row.body, after, before, frozen)


def _has_other(row: Any, wish: Wish) -> bool:
    """Whether the post has the new label already, with another address than the old label's."""
    found = references_in(row.body)
    known = {**row.frozen, **found.defined}
    uses = {use.label for use in found.uses} | known.keys()
    return wish.label in uses and wish.new_label in uses and known.get(wish.label) != known.get(wish.new_label)
