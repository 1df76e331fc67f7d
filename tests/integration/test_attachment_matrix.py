"""The attachment matrix: in each state of its posts, who gets a file by which route, and who may keep the answer.

P  200, everybody's: public and validated, or kept for ever by the reader's own browser alone
o  200 for this member alone: `private, no-store`, and nothing that a cache could ask again by
-  404, the same as for an address that never was, and kept by nobody
"""

import io
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from blogapp.auth.members import deactivate
from blogapp.auth.models import Member
from blogapp.core import variants
from blogapp.core.db import db
from blogapp.core.picturemarks import DIGITS
from blogapp.digest.publishing import delete, open_to_all, publish, withdraw
from blogapp.posts.attachments import address_of, attach, bring_back_attachment, line_for, remove_attachment
from blogapp.posts.circles import Circle
from blogapp.posts.models import Attachment, Post
from blogapp.posts.writing import create_post, save_post
from blogapp.reading import sharing
from blogapp.reading.queries import Entry, listed, posts
from tests import people

PEOPLE = ("stranger", "carol", "bob", "lena", "una", "alice", "gone")
# bob wrote each post, lena is listed, una is not, carol contributes, alice is an admin, gone was made inactive while
# logged in. A subscriber is a stranger here: no route knows them.
MATRIX = """
    state                            stranger carol bob  lena una  alice gone
    draft                            -        o     o    o    o    o     -
    published                        P        P     P    P    P    P     P
    published, not shown             -        o     o    o    o    o     -
    shown, then taken out            -        o     o    o    o    o     -
    put away                         -        o     o    o    o    o     -
    withdrawn                        -        o     o    o    o    o     -
    deleted                          -        o     o    o    o    o     -
    for members, a draft             -        o     o    o    o    o     -
    for members                      -        o     o    o    o    o     -
    for members, after public        -        o     o    o    o    o     -
    for members, then opened         P        P     P    P    P    P     P
    for some, a draft                -        -     o    o    -    o     -
    for some                         -        -     o    o    -    o     -
    for some, after public           -        -     o    o    -    o     -
    for some, withdrawn              -        -     o    o    -    o     -
    for some, deleted                -        -     o    o    -    o     -
    for some, in a draft too         -        o     o    o    o    o     -
    for some, published too          P        P     P    P    P    P     P
    draft, published too             P        P     P    P    P    P     P
    published twice, once withdrawn  P        P     P    P    P    P     P
    published twice, both withdrawn  -        o     o    o    o    o     -
"""


class Maker:
    """Brings a file into each of these states."""

    def __init__(self, bob: Member, lena: Member) -> None:
        self.bob, self.number = bob.id, 0
        self.some = Circle("listed", frozenset([lena.id]))
        self.members = Circle("members")

    def make(self, state: str) -> tuple[Post, Attachment]:
        """The post, and the file that it is about."""
        self.number += 1
        post = create_post("article", f"Post {self.number}", "Words.", self.bob)
        colour = (self.number * 11, self.number * 7, 99)
        data = io.BytesIO()
        Image.new("RGB", (560, 20), colour).save(data, "PNG")
        data.seek(0)
        file = attach(post.id, "plan.png", data, self.bob)
        variants.make(file.sha256)
        return self._bring(post, file, state), file

    def _bring(self, post: Post, file: Attachment, state: str) -> Post:
        shows = state not in ("published, not shown", "put away")
        first = self.some if state.startswith("for some") else self.members if state.startswith("for m") else None
        if "after public" in state:
            post = self._publish(self._save(post, file, shows, None))
            return self._save(post, file, shows, first)
        post = self._save(post, file, shows, first)
        if state == "put away":
            remove_attachment(post.id, file.id, self.bob)
        if state in ("draft", "put away") or "draft" in state.partition(", ")[2] or state == "draft, published too":
            self._others(file, state)
            return post
        post = self._publish(post)
        if state == "shown, then taken out":
            post = self._save(post, None, False, None)
        if "then opened" in state:
            post = open_to_all(post.id, post.version, self.bob)
        self._others(file, state)
        if "withdrawn" in state:
            post = withdraw(post.id, post.version, self.bob)
        if "deleted" in state:
            post = delete(post.id, post.version, self.bob)
        return post

    def _others(self, file: Attachment, state: str) -> None:
        """Another post that has the file too."""
        if "too" not in state and "twice" not in state:
            return
        other = create_post("article", f"Other {self.number}", "Words.", self.bob)
        bring_back_attachment(other.id, file.id, self.bob)  # What was for some gets here by an act of its own only.
        other = self._save(db.session.get_one(Post, other.id), file, True, None)
        if "draft too" not in state:
            other = self._publish(other)
        if "both" in state:
            withdraw(other.id, other.version, self.bob)

    def _save(self, post: Post, file: Attachment | None, shows: bool, circle: Circle | None) -> Post:
        body = f"Words. {line_for(file)}" if file and shows else "Only words."
        return save_post(post.id, post.version, self.bob, title=post.title, body=body, readers=circle)

    def _publish(self, post: Post) -> Post:
        return publish(post.id, post.version, self.bob, with_digest=False)


def routes(file: Attachment) -> dict[str, str]:
    """Every address that gives out something of the file."""
    media = f"/media/{file.id}-{file.sha256[:DIGITS]}"
    return {
        "the file": address_of(file),
        "the picture": f"{media}/560.png",
        "a variant": f"{media}/480.avif",
        "a variant not made yet": f"{media}/480.webp",
    }


def seen(client: FlaskClient, address: str) -> str:
    """P, o or -, after a look at what the answer lets caches do; `?` and more where it is none of these."""
    with client.get(address, headers={"If-None-Match": "*", "Range": "bytes=0-9"}) as response:
        status, headers = response.status_code, response.headers
    keeps = headers.get("Cache-Control", "")
    if status == 404:
        return "-" if keeps in ("no-cache", "private, no-store") else f"? 404 {keeps}"
    validators = [name for name in ("ETag", "Last-Modified", "Expires", "Age") if name in headers]
    if keeps == "private, no-store" and not validators and status == 200:
        return "o"
    if keeps in ("public, no-cache", "private, max-age=31536000, immutable") and status in (200, 206, 304):
        return "P"
    return f"? {status} {keeps} {validators}"


def test_who_gets_a_file_in_which_state_by_which_route(
    app: Flask, alice: Member, bob: Member, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    lena, una, gone = (people.member(f"{name} Long", "author") for name in ("Lena", "Una", "Gone"))
    members = {"alice": alice, "bob": bob, "carol": carol, "lena": lena, "una": una, "gone": gone}
    clients = {name: log_in(members[name]) if name in members else app.test_client() for name in PEOPLE}
    deactivate(gone.id, by=alice.id)
    maker = Maker(bob, lena)
    wrong = []
    for line in MATRIX.strip().splitlines()[1:]:
        state, wanted = line[:37].strip(), line[37:].split()
        post, file = maker.make(state)
        (variants.path_of(file.sha256, 480, "webp")).unlink()
        for name, address in routes(file).items():
            found = [seen(clients[person], address) for person in PEOPLE]
            if found != wanted:
                wrong.append(f"{state}, {name}: {found}")
        wrong += [f"{state}, {why}" for why in _page_and_share_image(post, clients, wanted)]
    assert wrong == []


def _page_and_share_image(post: Post, clients: dict[str, FlaskClient], wanted: list[str]) -> list[str]:
    """The post's own page is seen by whoever may, and its share image by everybody or by nobody."""
    db.session.rollback()
    post = db.session.get_one(Post, post.id)
    entry = Entry(*db.session.execute(listed(posts.c.id == post.id)).one())
    card = f"/share/{post.id}-{sharing._digest(sharing._post_card(entry))}.png"
    limits, is_public, deleted = post.visibility == "listed", post.is_public, post.deleted_at is not None
    found = []
    for person, client in clients.items():
        with client.get(card) as response:
            if response.status_code != (200 if is_public else 404):
                found.append(f"the share image for {person}: {response.status_code}")
        with client.get(f"/{post.slug}") as response:
            inside = person not in ("stranger", "gone") and (not limits or person in ("bob", "lena", "alice"))
            status = 200 if is_public or (inside and not deleted) else 410 if deleted and not limits else 404
            if response.status_code != status:
                found.append(f"the page for {person}: {response.status_code}, not {status}")
            if status == 200 and not is_public and response.headers["Cache-Control"] != "private, no-store":
                found.append(f"the page for {person} may be kept")
    return found
