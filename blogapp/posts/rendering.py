"""The HTML of a post, made when it is saved, and the files that it shows."""

import re
from collections.abc import Iterable

from sqlalchemy import ColumnElement, exists, insert, or_, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.config import settings
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.markup import ATTRIBUTE, PIPELINE, Rendered, render
from blogapp.core.media import EXTENSIONS
from blogapp.core.picturemarks import Mark
from blogapp.core.sanitise import TAG
from blogapp.posts.circles import LISTED_ONLY
from blogapp.posts.credits import keep_credits
from blogapp.posts.glossary import freeze, keep_glossary, resolving
from blogapp.posts.links import keep_links
from blogapp.posts.models import Attachment, Post, post_attachments
from blogapp.posts.notes import follow_edit
from blogapp.posts.searching import index_again
from blogapp.posts.sections import TRIES, text_of

OWN_FILE = re.compile(r'(?:^|[\s,"])/files/(\d{1,18})/')
RENEWED = (Post.title, Post.body, Post.format, Post.html, Post.summary, Post.state, Post.version)
IMAGE_SOURCE = re.compile(r'\ssrc="(?:[^"]*)/files/(\d{1,18})/[^"]*"')


def show_rendered(session: Session, post: Post, rendered: Rendered) -> list[Attachment]:
    """Make `rendered` what readers see of the post. Returns the files that it shows, for `link_files`."""
    attachments = _find(session, files_in(rendered.html), post.id)
    html = fit_images(rendered.html, attachments)
    follow_edit(session, post.id, post.html, html)
    post.html = html
    post.summary = rendered.summary
    post.pipeline = PIPELINE
    freeze(post, rendered)
    return attachments


def files_in(html: str) -> set[int]:
    """The ids of this site's attachments that sanitised HTML shows or links to."""
    tags = "\n".join(TAG.findall(html)).replace(f'"{settings().base_url}/files/', '"/files/')
    return {int(number) for number in OWN_FILE.findall(tags)}


def fit_images(html: str, attachments: Iterable[Attachment]) -> str:
    """Say how big our own pictures are, so that the page does not jump while they load, and what they are.

    The mark is put in after the cleaner, which lets no author's through. A page makes of it what `core/picturemarks.py`
    says; feeds and mails leave it out.
    """
    known = {a.id: a for a in attachments if a.width and a.height}

    def fit(tag: re.Match[str]) -> str:
        source = IMAGE_SOURCE.search(tag[0]) if tag[0].startswith("<img") else None
        attachment = known.get(int(source[1])) if source else None
        if attachment is None:
            return tag[0]
        assert attachment.width
        assert attachment.height
        mark = Mark(attachment.id, attachment.sha256, attachment.width, EXTENSIONS[attachment.media_type])
        return f"{tag[0][:-1]}{_missing_sizes(tag[0], attachment.width, attachment.height)}{mark.attribute}>"

    return TAG.sub(fit, html) if known else html


def _missing_sizes(tag: str, width: int, height: int) -> str:
    """The sizes that the author left out: both, or the other one to theirs."""
    given = {name: value for name, value in ATTRIBUTE.findall(tag) if name in ("width", "height")}
    if not given:
        return f' width="{width}" height="{height}"'
    if len(given) == 2 or not all(re.fullmatch(r"[1-9]\d{0,4}", value) for value in given.values()):
        return ""
    if "width" in given:
        return f' height="{max(1, round(int(given["width"]) * height / width))}"'
    return f' width="{max(1, round(int(given["height"]) * width / height))}"'


def _find(session: Session, numbers: set[int], post_id: int | None) -> list[Attachment]:
    if not numbers:
        return []
    query = select(Attachment).where(Attachment.id.in_(numbers), may_show(post_id))
    return list(session.execute(query).scalars())


def may_show(post_id: int | None) -> ColumnElement[bool]:
    """The files that a post may show, as a condition: its own, those of posts that every member knows, fresh ones.

    Whoever saves or publishes is not asked what they may see: the address may have been put in by somebody who guessed
    it. So a file that only posts for a few have stays with them, until somebody attaches it to this post.
    """
    links = post_attachments.c
    of_posts = exists().where(links.attachment_id == Attachment.id, links.post_id == Post.id)
    known = of_posts.where(or_(Post.id == (post_id or 0), ~LISTED_ONLY))
    # What an import has just brought is no post's yet; what a purged post left behind is put away, and nobody's again.
    no_ones = ~of_posts & Attachment.removed_at.is_(None)
    return known | no_ones


def link_files(session: Session, post_id: int, shown: list[Attachment]) -> None:
    """Note which files the post's text shows; one that was put away is back, one that is shown no more stays listed."""
    links = post_attachments
    numbers = _held(session, shown)
    of_post = links.c.post_id == post_id
    rows = session.execute(select(links.c.attachment_id, links.c.shown).where(of_post))
    before = {row.attachment_id: row.shown for row in rows}
    changed = [number for number, was_shown in before.items() if was_shown != (number in numbers)]
    if changed:
        session.execute(update(links).where(of_post, links.c.attachment_id.in_(changed)).values(shown=~links.c.shown))
    for number in sorted(numbers - before.keys()):
        session.execute(insert(links).values(post_id=post_id, attachment_id=number, shown=True))
    away = (Attachment.id.in_(numbers), Attachment.removed_at.is_not(None))
    session.execute(update(Attachment).where(*away).values(removed_at=None))


def _held(session: Session, shown: list[Attachment]) -> set[int]:
    """The ids of those that are there still, held until the transaction ends: nobody sweeps or puts away what is held.

    In their order and before anything that hangs on them, so that no two wait for each other; two who show the same
    file do not wait at all.
    """
    if not shown:
        return set()
    query = select(Attachment.id).where(Attachment.id.in_([attachment.id for attachment in shown]))
    query = query.order_by(Attachment.id).with_for_update(read=True, key_share=True)
    return set(session.execute(query).scalars())


def render_again(post_id: int | None = None, *, outdated_only: bool = False) -> int:
    """Renew the HTML of one post or of all, each in a transaction of its own. Returns how many came out differently.

    Who has an editor open notices nothing: the post's version stays.

    Args:
        outdated_only: leave out those that this pipeline made.
    """
    query = select(Post.id).order_by(Post.id)
    if post_id is not None:
        query = query.where(Post.id == post_id)
    if outdated_only:
        query = query.where(Post.pipeline != PIPELINE)
    return sum(_renew(number) is True for number in db.session.execute(query).scalars().all())


def show_sections(post_id: int) -> None:
    """Renew a draft's HTML after its sections changed. Of those who change them at once the last one shows all."""
    for _ in range(TRIES):
        if _renew(post_id, quietly=True) is not None:
            return


def _renew(post_id: int, *, quietly: bool = False) -> bool | None:
    """Whether it came out differently; None where it was saved, or got a section, while it was rendered.

    Args:
        quietly: somebody's act, on record already, made it necessary.
    """
    query = select(*RENEWED).where(Post.id == post_id)
    db.session.rollback()  # Look at the present.
    before = db.session.execute(query).one_or_none()
    if before is None:
        return False
    text = text_of(db.session(), post_id, before.body)
    references = resolving(post_id, text, as_it_is=before.state == "published")
    rendered = render(text, title=before.title, format=before.format, references=references)
    with transaction() as session:
        row = session.execute(query.with_for_update()).one_or_none()
        if row is None:
            return False
        if row.version != before.version or text_of(session, post_id, row.body) != text:
            return None  # By this pipeline, and whoever did so shows it.
        attachments = _find(session, files_in(rendered.html), post_id)
        html = fit_images(rendered.html, attachments)
        link_files(session, post_id, attachments)
        follow_edit(session, post_id, row.html, html)
        renewed = {"html": html, "summary": rendered.summary, "pipeline": PIPELINE}
        session.execute(update(Post).where(Post.id == post_id).values(renewed))
        post = session.get_one(Post, post_id, populate_existing=True)
        keep_links(session, post)
        credited = keep_credits(session, post)
        keep_glossary(session, post)
        changed = (html, rendered.summary) != (row.html, row.summary)
        if changed and not quietly:
            record(session, "post.render", f"post:{post_id}", by=None)
        if changed and row.state == "published":
            index_again(session, post_id)
        if (changed or credited) and row.state == "published":
            bump_version(session)
        return changed
