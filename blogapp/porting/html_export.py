"""The way out as HTML: a line of JSON for each document, or a file each."""

import html
import json
from collections.abc import Iterator
from pathlib import Path
from typing import IO, NamedTuple

from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.markup import absolute, render
from blogapp.core.picturemarks import without_marks
from blogapp.porting.folders import Outside, write_file
from blogapp.porting.models import Source
from blogapp.porting.snips.parsing import ORIGIN
from blogapp.porting.snips.reading import ERB
from blogapp.porting.snips.writing import take_apart
from blogapp.posts.models import Post

PAGE = 200
# A file that stands by itself; the site's own pages are not copied.
FRAME = (
    '<!doctype html>\n<html lang="{lang}">\n<meta charset="utf-8">\n<title>{title}</title>\n<h1>{title}</h1>\n{html}\n'
)


class Page(NamedTuple):
    """A text as HTML. `name` is the document's, `slug` what it is read at here; no two have the same."""

    name: str
    slug: str
    title: str
    html: str


def each_html(*, as_shown: bool = False, drafts: bool = False) -> Iterator[Page]:
    """Each document and each member's text.

    As it was written, to hold our Markdown against another program's: the whole text with its first heading, pictures
    at the addresses that the document gives them, template tags as text unless the document says `erb: true`.

    Args:
        as_shown: what readers see instead.
        drafts: those too that readers do not see.
    """
    after = 0
    wanted = Post.deleted_at.is_(None) if drafts else (Post.state == "published") & (Post.visibility == "public")
    query = select(Post.id, Post.slug, Post.title, Post.body, Post.html, Post.format, Source.name.label("name"),
                   Source.content, Source.body.label("was"))  # fmt: skip
    query = query.outerjoin(Source, (Source.post_id == Post.id) & (Source.origin == ORIGIN)).where(wanted)
    while rows := db.session.execute(query.where(Post.id > after).order_by(Post.id).limit(PAGE)).all():
        for row in rows:
            text = without_marks(row.html) if as_shown else render(_as_written(row), format=row.format).html
            yield Page(row.name or row.slug, row.slug, row.title, text)
        after = rows[-1].id
    people = select(Member.slug, Member.name, Member.bio, Member.bio_html).where(Member.bio != "").order_by(Member.id)
    for person in db.session.execute(people):
        text = person.bio_html if as_shown else render(person.bio).html
        yield Page(person.slug, person.slug, person.name, text)


def _as_written(row: object) -> str:
    content, body, was = getattr(row, "content"), getattr(row, "body"), getattr(row, "was")  # noqa: B009
    if content is None or body != was or ERB.search(content):
        return str(body)
    return take_apart(content).body


def write_lines(out: IO[str], *, as_shown: bool = False, drafts: bool = False) -> int:
    """A line each: `{"name": …, "html": …}`. Returns how many."""
    count = 0
    for count, page in enumerate(each_html(as_shown=as_shown, drafts=drafts), 1):  # noqa: B007
        out.write(json.dumps({"name": page.name, "html": page.html}, ensure_ascii=False) + "\n")
    return count


def write_pages(folder: Path, language: str, *, drafts: bool = False) -> tuple[int, list[tuple[str, str]]]:
    """A file each, as readers see it. Returns how many, and (name, reason) of each that was not written.

    Raises:
        OSError: one cannot be written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    count = 0
    skipped: list[tuple[str, str]] = []
    base = settings().base_url
    for page in each_html(as_shown=True, drafts=drafts):
        shown = absolute(page.html, base)
        text = FRAME.format(lang=html.escape(language), title=html.escape(page.title), html=shown)
        try:
            write_file(folder, f"{page.slug}.html", text.encode("utf-8"))
            count += 1
        except Outside as error:
            skipped.append((f"{page.slug}.html", str(error)))
    return count, skipped
