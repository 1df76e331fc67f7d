"""Share images: where they are read, and what each shows. The address holds a hash of that, so it is kept for ever."""

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import abort
from flask.typing import ResponseReturnValue
from PIL import Image
from sqlalchemy import select

from blogapp.core import files, variants
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.site import choice
from blogapp.core.theme import site_accent
from blogapp.core.web import local, whole_url
from blogapp.reading import cards, queries
from blogapp.reading.blueprint import bp
from blogapp.reading.calendar import plain_dates, year_of
from blogapp.reading.cards import Card
from blogapp.reading.files import send_picture
from blogapp.reading.queries import Entry, Person, listed, members, posts
from blogapp.reading.weekly import Written, weeks_written

# Raised with every change to how a card is drawn.
DRAWING = 1
DIGITS = 16
NUMBER = "<int(max=2147483647):number>"


@dataclass(frozen=True)
class ShareImage:
    """What `og:image` and its companions want: a whole address, a size in pixels, and words for who cannot see it."""

    address: str
    width: int
    height: int
    alt: str


def accent() -> str:
    """The site's colour."""
    return site_accent().light.accent


@bp.app_context_processor
def _for_templates() -> dict[str, Any]:
    return {"share_image": share_image}


def share_image(about: Entry | Person | None = None, weeks: list[Written] | None = None) -> ShareImage:
    """The image of a post, of a member's page, of the archive (`weeks`: all that are written), or of the site itself.

    Draws nothing and asks the database for no more than the site's title.
    """
    site = choice("site_title")
    if isinstance(about, Entry):
        # Its date says that it is published, and its author that it is theirs.
        return _image(f"{about.id}", _post_card(about), f"{about.title}, {site}")
    if isinstance(about, Person):
        return _image(f"member-{about.id}", _member_card(about), f"{about.name}, {site}")
    if weeks:
        card = _archive_card(weeks)
        return _image("archive", card, f"{card.title}: a map of the weeks of {site}")
    return _image("site", _site_card(), site)


def _image(name: str, card: Card, alt: str) -> ShareImage:
    return ShareImage(whole_url(f"/share/{name}-{_digest(card)}.png"), cards.WIDTH, cards.HEIGHT, alt)


@lru_cache(maxsize=1024)
def _digest(card: Card) -> str:
    return hashlib.sha256(f"{DRAWING} {card!r}".encode()).hexdigest()[:DIGITS]


def _post_card(post: Entry) -> Card:
    weeks = post.weeks
    bare = weeks is not None and post.title.lower() == weeks.title.lower()
    when = ""
    if weeks is not None:
        when = plain_dates(weeks, settings().site_epoch)
    elif post.published_at is not None and post.kind != "page":
        at = local(post.published_at)
        when = f"{at.day} {at:%B %Y}"
    by = post.author if post.kind != "page" else ""
    return Card(
        site=choice("site_title"),
        accent=accent(),
        figure=_figure(weeks.first, weeks.last) if weeks else "",
        above=weeks.title.split(" ", 1)[0] if bare and weeks else "",
        title="" if bare else post.title,
        foot=" · ".join(part for part in (by, when) if part),
    )


def _figure(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first}–{last}"


def _member_card(person: Person) -> Card:
    return Card(site=choice("site_title"), accent=accent(), title=person.name, face=person.face_sha256 or "")


def _site_card() -> Card:
    return Card(site=choice("site_title"), accent=accent(), title=choice("site_title"), foot=choice("site_tagline"))


def _archive_card(weeks: list[Written]) -> Card:
    epoch = settings().site_epoch
    spans = tuple(note[:2] for note in weeks)
    since = year_of(min(first for first, _ in spans), epoch)
    return Card(site=choice("site_title"), accent=accent(), title=f"Every week since {since}", epoch=epoch, weeks=spans)


@bp.get(f"/share/{NUMBER}-<string(length=16):digest>.png")
def post_card(number: int, digest: str) -> ResponseReturnValue:
    """A post's share image: public while the post is, and as it is now."""
    post = _public_entry(number)
    return _send(f"{number}", _post_card(post) if post else None, digest)


@bp.get(f"/share/member-{NUMBER}-<string(length=16):digest>.png")
def member_card(number: int, digest: str) -> ResponseReturnValue:
    """The share image of a member's page."""
    person = _person(number)
    return _send(f"member-{number}", _member_card(person) if person else None, digest)


@bp.get("/share/archive-<string(length=16):digest>.png")
def archive_card(digest: str) -> ResponseReturnValue:
    """The share image of the archive."""
    weeks = weeks_written()
    return _send("archive", _archive_card(weeks) if weeks else None, digest)


@bp.get("/share/site-<string(length=16):digest>.png")
def site_card(digest: str) -> ResponseReturnValue:
    """The share image of the site itself."""
    return _send("site", _site_card(), digest)


def _public_entry(post_id: int) -> Entry | None:
    row = db.session.execute(listed().where(posts.c.id == post_id)).one_or_none()
    return None if row is None else Entry(*row)


def _person(member_id: int) -> Person | None:
    """The member whom everybody may know of."""
    slug = db.session.execute(select(members.c.slug).where(members.c.id == member_id)).scalar_one_or_none()
    person = queries.member_at(slug) if slug else None
    has_page = person and (person.bio_html or (person.active and person.has_come) or queries.posts_by(member_id, 1))
    return person if has_page else None


def _send(name: str, card: Card | None, digest: str) -> ResponseReturnValue:
    """Drawn when somebody first asks (some 100 ms); only what is true now, so nobody can have us draw at will."""
    if card is None or digest != _digest(card):
        abort(404)
    path = variants.keep_drawn(f"{name}-{digest}.png", lambda: cards.draw(card, _face(card.face)))
    return send_picture(path, "image/png", public=True)


def _face(sha256: str) -> Image.Image | None:
    path = files.find(sha256) if sha256 else None
    if path is None:
        return None
    with Image.open(path, formats=["WEBP"]) as picture:
        picture.load()
        return picture
