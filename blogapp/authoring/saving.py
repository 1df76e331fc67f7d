"""Saving what was typed in the editor, together with what others saved meanwhile.

A save carries the post as the editor was opened with. Where somebody has saved since, both changes are put together;
where both changed the same, nothing is saved, and whoever saved second is shown both and chooses.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from blogapp.authoring.circles import circle_chosen
from blogapp.authoring.forms import EditForm, weeks_in
from blogapp.authoring.together import TEXTS, Together, put_together, read_base
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid
from blogapp.posts.circles import Circle, circle_of
from blogapp.posts.models import Post, Revision
from blogapp.posts.naming import text_for
from blogapp.posts.queries import newest_revision, read_post
from blogapp.posts.tags import names_typed, tags_of
from blogapp.posts.weeks import parse_weeks
from blogapp.posts.writing import save_post

# So often somebody else may save between our look and our own save, before we say so.
TRIES = 5


class Clashing(Conflict):
    """Both changed the same: what they wrote is in `together`, and `post` is what was saved meanwhile."""

    def __init__(self, together: Together, post: Post, newest: Revision | None) -> None:
        super().__init__(f"{who(newest)} changed the same words. Nothing is lost: look at both and choose.")
        self.together, self.post, self.newest = together, post, newest


class StateChanged(Conflict):
    """It was published or withdrawn while somebody typed: saving means something else now."""


@dataclass(frozen=True)
class Typed:
    """What the editor sent, and the post as it was opened with."""

    fields: dict[str, str]
    version: int
    base: dict[str, str] | None
    auto: bool = False
    correction: str | None = None


@dataclass(frozen=True)
class Saved:
    """The post as it is now. `others`: whose changes are in it, too (`Erin Eames’s changes`); "" for nobody's.

    `taken`: the fields that hold something of theirs.
    """

    post: Post
    fields: dict[str, str]
    others: str = ""
    taken: Sequence[str] = ()


def who(revision: Revision | None) -> str:
    """Whose text that is, as the beginning of a sentence."""
    return revision.member.name if revision and revision.member else "Somebody else"


def fields_of(post: Post) -> dict[str, str]:
    """The post as the editor's fields show it."""
    return {
        **_circle_fields(circle_of(db.session(), post)),
        "title": post.title,
        "body": post.body,
        "kind": post.kind,
        "weeks": post.weeks.figure if post.weeks else "",
        "slug": post.slug,
        "tags": ", ".join(tags_of(post.id)),
        "author": str(post.author_id),
        "in_menu": "1" if post.in_menu else "",
    }


def _circle_fields(circle: Circle) -> dict[str, str]:
    return {"readers": circle.visibility, "viewers": " ".join(map(str, sorted(circle.members)))}


def base_of(post: Post) -> str:
    """What the form carries along to tell later what was changed in it, and whether the post was public then."""
    return json.dumps({**fields_of(post), "state": _standing(post)}, ensure_ascii=False)


def _standing(post: Post) -> str:
    """Whether saving is seen, and by whom."""
    return "public" if post.is_public else post.state


def with_state(given: str, post: Post) -> str:
    """What the form carried along, for somebody who has been told whether the post is public now."""
    base = read_base(given)
    return given if base is None else json.dumps({**base, "state": _standing(post)}, ensure_ascii=False)


def read_typed(form: EditForm, correction: str | None) -> Typed:
    """What the form says, written as `fields_of` writes it; what was not sent is left out.

    Raises:
        Invalid: a tag is none.
    """
    kind = form.kind.data or ""
    fields = {
        "title": " ".join((form.title.data or "").split()),
        "body": text_for(form.body.data or ""),
        "kind": kind,
        "weeks": _weeks(form.weeks.data or "") if kind in ("week", "links") else "",
        "slug": (form.slug.data or "").strip().strip("/").lower(),
    }
    if form.tags.raw_data:
        fields["tags"] = ", ".join(names_typed(form.tags.data or ""))
    if "author" in form and form.author.data:
        fields["author"] = str(form.author.data)
    if kind == "page" and form.in_menu.raw_data:
        fields["in_menu"] = "1" if form.in_menu.data else ""
    if (circle := circle_chosen(form)) is not None:
        fields |= _circle_fields(circle)
    return Typed(fields, form.version.data, read_base(form.base.data or ""), bool(form.auto.data), correction)


def _weeks(text: str) -> str:
    try:
        return parse_weeks(text).figure
    except ValueError:
        return text.strip()


def save(post_id: int, typed: Typed, by: int) -> Saved:
    """Save what was typed, together with what others saved since the editor was opened.

    Raises:
        Clashing: both changed the same.
        StateChanged: it was published or withdrawn meanwhile; or it is published and nobody pressed a button.
        NotFound, NotAllowed, Invalid: as for `save_post`.
        Conflict: others save all the time.
    """
    for _ in range(TRIES):
        post = _as_it_is(post_id)
        theirs = fields_of(post)
        given = replace(typed, fields=_words_only(typed, theirs)) if typed.auto else typed
        together = _meanwhile(post, given, theirs)
        fields = together.fields if together else given.fields
        if typed.auto and post.state == "published" and any(fields[name] != theirs[name] for name in fields):
            raise StateChanged("This post is published: what you type is live once you save it yourself.")
        others = _whose(together, newest_revision(db.session(), post_id), by)
        version = post.version
        try:
            saved = _save(post, replace(given, fields=fields), by)
        except Conflict:
            if _as_it_is(post_id).version == version:
                raise  # It is about something else.
            continue
        return Saved(saved, fields_of(saved), others, together.taken if together else ())
    raise Conflict("Others save this post all the time. Nothing was saved; your text is still here. Try again.")


def _words_only(typed: Typed, theirs: dict[str, str]) -> dict[str, str]:
    """What saves itself: title and text. A week or an address that is half typed waits for its button."""
    begun = typed.base or theirs
    return {name: value if name in TEXTS else begun.get(name, theirs[name]) for name, value in typed.fields.items()}


def _whose(together: Together | None, newest: Revision | None, by: int) -> str:
    """Whose changes came in with a save, as the beginning of a sentence; "" for nobody's."""
    if together is None or not together.taken:
        return ""
    if not any(name in TEXTS for name in together.taken):
        return "Somebody else’s changes"  # Of settings no revision tells.
    return "Your changes in another window" if newest and newest.member_id == by else f"{who(newest)}’s changes"


def settle(post_id: int, typed: Typed, held: int, choices: list[str], by: int) -> Saved:
    """Save what was typed with each clash settled as chosen: `mine`, `theirs` or `both`.

    Args:
        held: the version that the person was shown beside what they typed.

    Raises:
        Clashing: it was saved again since, or a choice is missing.
        StateChanged, and others, as for `save`.
    """
    post = _as_it_is(post_id)
    _check_standing(post, typed)
    together = put_together(typed.base, typed.fields, fields_of(post))
    newest = newest_revision(db.session(), post_id)
    if post.version != held:
        raise Clashing(together, post, newest)
    try:
        fields = together.settled(choices)
    except ValueError:
        raise Clashing(together, post, newest) from None
    try:
        saved = _save(post, replace(typed, fields=fields), by, overwrites=True)
    except Conflict:
        raise Clashing(together, _as_it_is(post_id), newest) from None
    return Saved(saved, fields_of(saved), _whose(together, newest, by))


def _as_it_is(post_id: int) -> Post:
    """The post as it is in the database now, whatever this request has seen of it before."""
    db.session.rollback()
    return read_post(post_id)


def _meanwhile(post: Post, typed: Typed, theirs: dict[str, str]) -> Together | None:
    """What was typed together with what others saved; None where nobody did.

    The version alone does not tell: an open editor that was told of their changes leaves alone what somebody is at.
    """
    begun = typed.base or {}
    if post.version == typed.version and all(begun.get(name, value) == value for name, value in theirs.items()):
        return None
    _check_standing(post, typed)
    together = put_together(typed.base, typed.fields, theirs)
    if together.clashes:
        raise Clashing(together, post, newest_revision(db.session(), post.id))
    return together


def _check_standing(post: Post, typed: Typed) -> None:
    """
    Raises:
        StateChanged: it was published or withdrawn since the editor was opened.
    """
    if typed.base is not None and typed.base["state"] != _standing(post):
        now_it_is = "published" if post.state == "published" else "a draft again"
        live = " and live for readers" if post.is_public else ""
        raise StateChanged(
            f"This post is {now_it_is} since you opened it. Your text is still here, and not saved; "
            f"save again, and it is saved{live}."
        )


def _save(post: Post, typed: Typed, by: int, *, overwrites: bool = False) -> Post:
    fields = typed.fields
    kind, slug, author = fields["kind"], fields["slug"], fields.get("author")
    in_menu, tags = fields.get("in_menu"), fields.get("tags")
    if author is not None and not author.isdecimal():
        raise Invalid("There is no such member.", {"author": "There is no such member."})
    return save_post(
        post.id,
        post.version,
        by,
        title=fields["title"],
        body=fields["body"],
        slug=None if slug in ("", post.slug) else slug,
        weeks=weeks_in(fields["weeks"]) if kind in ("week", "links") else None,
        kind=kind,
        author_id=int(author) if author else None,
        overwrites=overwrites,
        in_menu=bool(in_menu) if in_menu is not None and kind == "page" else None,
        tags=names_typed(tags) if tags is not None else None,
        correction=typed.correction,
        readers=_circle(fields) if "readers" in fields else None,
    )


def _circle(fields: dict[str, str]) -> Circle:
    return Circle(fields["readers"], frozenset(map(int, fields.get("viewers", "").split())))
