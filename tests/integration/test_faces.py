"""Members' faces and the site's logo: who may change them, what is kept of them, and who sees them."""

import io
import os
import re
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from sqlalchemy import select

from blogapp.admin.logo import remove_logo, set_logo
from blogapp.auth.faces import remove_face, set_face
from blogapp.auth.members import deactivate
from blogapp.auth.models import Member
from blogapp.core import files
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.errors import Invalid, NotAllowed
from blogapp.core.logo import site_logo
from blogapp.core.site import site_version
from blogapp.digest.publishing import publish
from blogapp.porting.importing import import_snips
from blogapp.posts import sweeping
from blogapp.posts.writing import create_post
from tests import people

LOGO = r'<img class="logo" src="(?P<src>[^"]+)" width="160" height="40" alt="The Notebook">'
FOR_EVER = "private, max-age=31536000, immutable"


def portrait(size: tuple[int, int] = (300, 500), kind: str = "JPEG") -> io.BytesIO:
    picture = Image.new("RGB", size, "teal")
    ImageDraw.Draw(picture).ellipse((size[0] // 4, size[1] // 4, size[0] // 2, size[1] // 2), fill="peru")
    exif = Image.Exif()
    exif[0x010E] = "in the kitchen"
    data = io.BytesIO()
    picture.save(data, kind, exif=exif)
    data.seek(0)
    return data


def face_on(page: str) -> str | None:
    found = re.search(r'<img class="face[^"]*" src="([^"]+)"', page)
    return found[1] if found else None


def test_a_face_is_cut_to_a_square_and_stands_beside_what_its_member_wrote(
    app: Flask, reader: FlaskClient, bob: Member
) -> None:
    post = create_post("article", "Boats", "They float.", bob.id)
    publish(post.id, post.version, by=bob.id, with_digest=False)
    assert ">BB</span>" in reader.get("/boats").text
    before = site_version()
    browser = people.log_in(app, bob)
    answer = browser.post("/account/face", data={"picture": (portrait(), "me.jpg")})
    assert answer.status_code == 303
    assert site_version() > before
    address = face_on(reader.get("/boats").text)
    assert address is not None
    small = reader.get(address, buffered=True)
    assert small.headers["Cache-Control"] == FOR_EVER
    assert "Set-Cookie" not in small.headers
    with Image.open(io.BytesIO(small.data)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (48, 48))
    assert b"kitchen" not in reader.get(address.replace("/48.", "/384."), buffered=True).data
    assert face_on(reader.get("/bob-barker").text) is not None
    for wrong in (address.replace("/48.", "/47."), re.sub(r"-[0-9a-f]{16}", "-" + "0" * 16, address)):
        assert reader.get(wrong, buffered=True).status_code == 404
    assert browser.post("/account/face/remove").status_code == 303
    assert reader.get(address, buffered=True).status_code == 404
    assert face_on(reader.get("/boats").text) is None


def test_whose_page_nobody_sees_shows_their_face_to_members_only(
    app: Flask, reader: FlaskClient, alice: Member, bob: Member
) -> None:
    set_face(bob.id, portrait(), by=bob.id)
    address = face_on(reader.get("/bob-barker").text)
    assert address is not None
    deactivate(bob.id, by=alice.id)
    assert reader.get(address, buffered=True).status_code == 404
    own = people.log_in(app, alice).get(address, buffered=True)
    assert (own.status_code, own.headers["Cache-Control"]) == (200, "private, no-store")


def test_nobody_gives_others_a_face_but_who_manages_members(alice: Member, bob: Member, erin: Member) -> None:
    with pytest.raises(NotAllowed):
        set_face(bob.id, portrait(), by=erin.id)
    set_face(bob.id, portrait(), by=alice.id)
    with pytest.raises(NotAllowed):
        remove_face(bob.id, by=erin.id)


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"", "Choose a picture"), (b"%PDF-1.4 words", "no picture"), (b"\xff\xd8\xff\xe0 nonsense", "no picture|broken"),
     (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", "HEIC")],
)  # fmt: skip
def test_what_is_no_picture_is_refused_and_changes_nothing(app: Flask, bob: Member, content: bytes, words: str) -> None:
    answer = people.log_in(app, bob).post("/account/face", data={"picture": (io.BytesIO(content), "me.jpg")})
    assert answer.status_code == 422
    assert re.search(words, answer.text)
    assert db.session.get_one(Member, bob.id).face_sha256 is None


def test_faces_and_the_logo_are_not_swept_away(alice: Member, bob: Member) -> None:
    set_face(bob.id, portrait(), by=bob.id)
    set_logo(portrait((400, 100), "PNG"), alice.id)
    logo = site_logo()
    face = db.session.get_one(Member, bob.id).face_sha256
    assert logo is not None
    assert face is not None
    kept = [files.path_of(face), files.path_of(logo.sha256)]
    orphan = files.path_of("ab" * 32)
    orphan.parent.mkdir(exist_ok=True)
    orphan.write_bytes(b"nobody's")
    week_ago = (now() - timedelta(days=7)).timestamp()
    for path in (*kept, orphan):
        os.utime(path, (week_ago, week_ago))
    sweeping.sweep_files(now() - timedelta(days=30))
    assert [path.exists() for path in (*kept, orphan)] == [True, True, False]


def test_a_logo_stands_in_place_of_the_title_and_keeps_its_name(app: Flask, reader: FlaskClient, alice: Member) -> None:
    browser = people.log_in(app, alice)
    answer = browser.post("/admin/site/logo", data={"logo": (portrait((2000, 500), "PNG"), "logo.png")})
    assert answer.status_code == 303
    tag = re.search(LOGO, reader.get("/").text)
    assert tag is not None
    sent = reader.get(tag["src"], buffered=True)
    assert (sent.headers["Cache-Control"], sent.mimetype) == (FOR_EVER, "image/png")
    with Image.open(io.BytesIO(sent.data)) as picture:
        assert picture.size == (640, 160)
    remove_logo(alice.id)
    assert reader.get(tag["src"], buffered=True).status_code == 404
    assert "<img" not in reader.get("/").text


def test_an_svg_is_refused_as_a_logo_with_the_reason(alice: Member) -> None:
    with pytest.raises(Invalid, match="SVG"):
        set_logo(io.BytesIO(b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg"/>'), alice.id)
    assert site_logo() is None


def test_an_import_brings_the_faces_of_members_and_takes_none_back(app: Flask, tmp_path: Path) -> None:
    (tmp_path / "people").mkdir()
    (tmp_path / "people/ann-ames.snip.markdown").write_text("Ann builds boats.\n\n:image: images/people/ann.jpg\n")
    import_snips([tmp_path])
    ann = db.session.execute(select(Member).where(Member.slug == "ann-ames")).scalar_one()
    assert ann.face_sha256 is None
    (tmp_path / "images/people").mkdir(parents=True)
    (tmp_path / "images/people/ann.jpg").write_bytes(portrait().getvalue())
    assert import_snips([tmp_path]).count("changed") == 1
    db.session.expire_all()
    brought = db.session.get_one(Member, ann.id).face_sha256
    assert brought is not None
    assert import_snips([tmp_path]).count("unchanged") == 1
    remove_face(ann.id, by=ann.id)
    assert import_snips([tmp_path]).count("unchanged") == 1
    assert db.session.get_one(Member, ann.id).face_sha256 is None
    (tmp_path / "images/people/ann.jpg").write_bytes(b"\xff\xd8\xff broken")
    set_face(ann.id, portrait((99, 99)), by=ann.id)
    own = db.session.get_one(Member, ann.id).face_sha256
    import_snips([tmp_path])
    db.session.expire_all()
    assert db.session.get_one(Member, ann.id).face_sha256 == own
