"""Variants and share images as readers get them: who may, for how long, and what there is before they are made."""

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from blogapp.auth.faces import set_face
from blogapp.auth.models import Member
from blogapp.core import variants
from blogapp.core.db import db, transaction
from blogapp.core.site import save_choices
from blogapp.digest.compose import preview
from blogapp.digest.publishing import publish, withdraw
from blogapp.posts.attachments import attach, line_for
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from blogapp.reading.queries import member_at, post_at
from blogapp.reading.sharing import share_image
from blogapp.reading.weekly import weeks_written

FOR_EVER = "private, max-age=31536000, immutable"
AVIF = re.compile(r"/media/\d+-[0-9a-f]{16}/480\.avif")


def photo() -> io.BytesIO:
    data = io.BytesIO()
    Image.effect_noise((1400, 300), 70).convert("RGB").save(data, "JPEG", quality=95)
    data.seek(0)
    return data


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    """A week's note with a photo, published."""
    made = create_post("week", "Week 7 on the water", "Soon.", bob.id, weeks=Weeks(7, 7))
    file = attach(made.id, "boat.jpg", photo(), bob.id)
    saved = save_post(made.id, made.version, bob.id, title=made.title, body=f"See {line_for(file)}")
    return publish(saved.id, saved.version, by=bob.id, with_digest=False)


def test_a_reader_gets_the_photo_at_once_and_its_variant_once_the_worker_made_it(
    reader: FlaskClient, post: Post
) -> None:
    found = AVIF.search(reader.get("/week-7").text)
    assert found is not None
    early = reader.get(found[0], buffered=True)
    assert (early.mimetype, early.headers["Cache-Control"]) == ("image/jpeg", "public, no-cache")
    assert variants.make_wished() == 1
    made = reader.get(found[0], buffered=True)
    assert (made.mimetype, made.headers["Cache-Control"]) == ("image/avif", FOR_EVER)
    assert len(made.data) < len(early.data) / 4
    assert "Set-Cookie" not in made.headers
    assert "sandbox" in made.headers["Content-Security-Policy"]
    for wrong in ("481.avif", "480.gif", "99999.jpg", "480.svg"):
        assert reader.get(found[0].replace("480.avif", wrong), buffered=True).status_code == 404
    forged = re.sub(r"-[0-9a-f]{16}", "-" + "0" * 16, found[0])
    assert reader.get(forged, buffered=True).status_code == 404


def test_a_variant_is_as_private_as_its_post(
    reader: FlaskClient, post: Post, bob: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    found = AVIF.search(reader.get("/week-7").text)
    assert found is not None
    variants.make_wished()
    withdraw(post.id, db.session.get_one(Post, post.id).version, by=bob.id)
    assert reader.get(found[0], buffered=True).status_code == 404
    inside = log_in(bob).get(found[0], buffered=True)
    assert (inside.status_code, inside.headers["Cache-Control"]) == (200, "private, no-store")


def test_feeds_keep_the_original_and_the_digest_takes_what_fits_a_mail(reader: FlaskClient, post: Post) -> None:
    for feed in ("/feed.atom", "/feed.rss", "/feed.json"):
        text = reader.get(feed).text
        assert "/files/" in text
        assert "/media/" not in text
        assert "data-picture" not in text
    html = preview(post.id).html
    found = re.search(r'src="http://blog\.test(/media/[^"]+/1200\.jpg)"', html)
    assert found is not None
    variants.make_wished()
    with Image.open(io.BytesIO(reader.get(found[1], buffered=True).data)) as picture:
        assert (picture.format, picture.width) == ("JPEG", 1200)


def path_of(address: str) -> str:
    assert address.startswith("http://blog.test/share/")
    return address.removeprefix("http://blog.test")


def test_a_share_image_is_public_while_its_post_is_and_changes_with_it(
    reader: FlaskClient, post: Post, bob: Member
) -> None:
    entry = post_at("week-7")
    assert entry is not None
    image = share_image(entry)
    answer = reader.get(path_of(image.address), buffered=True)
    assert (answer.mimetype, answer.headers["Cache-Control"]) == ("image/png", FOR_EVER)
    with Image.open(io.BytesIO(answer.data)) as picture:
        assert picture.size == (image.width, image.height) == (1200, 630)
    assert "Week 7 on the water" in image.alt
    saved = db.session.get_one(Post, post.id)
    save_post(post.id, saved.version, bob.id, title="Week 7 ashore", body="Dry.")
    assert reader.get(path_of(image.address), buffered=True).status_code == 404
    entry = post_at("week-7")
    assert entry is not None
    fresh = share_image(entry)
    assert fresh.address != image.address
    assert reader.get(path_of(fresh.address), buffered=True).status_code == 200
    withdraw(post.id, db.session.get_one(Post, post.id).version, by=bob.id)
    assert reader.get(path_of(fresh.address), buffered=True).status_code == 404


def test_the_site_its_members_and_its_archive_have_share_images_too(
    reader: FlaskClient, post: Post, bob: Member
) -> None:
    person = member_at("bob-barker")
    assert person is not None
    images = [share_image(), share_image(person), share_image(weeks=weeks_written())]
    assert len({image.address for image in images}) == 3
    for image in images:
        assert reader.get(path_of(image.address), buffered=True).status_code == 200
    set_face(bob.id, io.BytesIO(photo().getvalue()), by=bob.id)
    with transaction() as session:
        save_choices(session, {"site_title": "Другой блог"})
    person = member_at("bob-barker")
    assert person is not None
    for before, image in zip(images, [share_image(), share_image(person)], strict=False):
        assert image.address != before.address
        assert reader.get(path_of(image.address), buffered=True).status_code == 200
