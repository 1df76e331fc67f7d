"""The HTML of a post, made when it is saved, and the files that it shows."""

import re
from collections.abc import Iterable

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.core.config import settings
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.markup import ATTRIBUTE, PIPELINE, Rendered, render
from blogapp.core.media import EXTENSIONS
from blogapp.core.picturemarks import Mark
from blogapp.core.sanitise import TAG
from blogapp.posts.glossary import freeze, keep_glossary, resolving
from blogapp.posts.links import keep_links
from blogapp.posts.models import Attachment, Post, post_attachments
from blogapp.posts.searching import index_again

OWN_FILE = re.compile(r'(?:^|[\s,"])/files/(\d{1,18})/')
RENEWED = (Post.title, Post.body, Post.format, Post.html, Post.summary, Post.state, Post.version)
IMAGE_SOURCE = re.compile(r'\ssrc="(?:[^"]*)/files/(\d{1,18})/[^"]*"')


def show_rendered(session: Session, post: Post, rendered: Rendered) -> list[Attachment]:
    """Make `rendered` what readers see of the post. Returns the files that it shows, for `link_files`."""
    attachments = _find(session, files_in(rendered.html))
    post.html = fit_images(rendered.html, attachments)
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


def _find(session: Session, numbers: set[int]) -> list[Attachment]:
    query = select(Attachment).where(Attachment.id.in_(numbers))
    return list(session.execute(query).scalars()) if numbers else []


def link_files(session: Session, post_id: int, shown: list[Attachment]) -> None:
    """Note which files the post's text shows; one that was put away is back, one that is shown no more stays listed."""
    links = post_attachments
    numbers = {attachment.id for attachment in shown}
    of_post = links.c.post_id == post_id
    known = set(session.execute(select(links.c.attachment_id).where(of_post)).scalars())
    session.execute(update(links).where(of_post).values(shown=links.c.attachment_id.in_(numbers)))
    for number in sorted(numbers - known):
        session.execute(insert(links).values(post_id=post_id, attachment_id=number, shown=True))
    for attachment in shown:
        attachment.removed_at = None


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
    return sum(_renew(number) for number in db.session.execute(query).scalars().all())


def _renew(post_id: int) -> bool:
    query = select(*RENEWED).where(Post.id == post_id)
    before = db.session.execute(query).one()
    public = before.state == "published"
    references = resolving(post_id, before.body, as_it_is=public)
    rendered = render(before.body, title=before.title, format=before.format, references=references)
    with transaction() as session:
        row = session.execute(query.with_for_update()).one_or_none()
        if row is None or row.version != before.version:
            return False  # Purged, or saved a moment ago and so rendered by this pipeline.
        attachments = _find(session, files_in(rendered.html))
        html = fit_images(rendered.html, attachments)
        link_files(session, post_id, attachments)
        renewed = {"html": html, "summary": rendered.summary, "pipeline": PIPELINE}
        session.execute(update(Post).where(Post.id == post_id).values(renewed))
        post = session.get_one(Post, post_id, populate_existing=True)
        keep_links(session, post)
        keep_glossary(session, post)
        changed = (html, rendered.summary) != (row.html, row.summary)
        if changed:
            record(session, "post.render", f"post:{post_id}", by=None)
            if row.state == "published":
                index_again(session, post_id)
                bump_version(session)
        return changed
