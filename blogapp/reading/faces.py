"""Members' faces and the site's logo: small pictures under names that change with them, kept for ever by browsers."""

from typing import Any

from flask import abort
from flask.typing import ResponseReturnValue
from sqlalchemy import select

from blogapp.auth.faces import MEDIA_TYPE, find_face
from blogapp.auth.permissions import may
from blogapp.auth.session import current_member
from blogapp.core import files, variants
from blogapp.core.db import db
from blogapp.core.logo import site_logo
from blogapp.core.picturemarks import DIGITS
from blogapp.reading.blueprint import bp
from blogapp.reading.files import send_picture, send_variant
from blogapp.reading.queries import PUBLIC, posts


@bp.app_context_processor
def _for_templates() -> dict[str, Any]:
    return {"site_logo": site_logo, "face_address": face_address}


def face_address(person: Any, side: int) -> str:
    """Where the face of whoever has `face_of` and `face_sha256` is read, so many pixels wide."""
    return f"/media/face-{person.face_of}-{person.face_sha256[:DIGITS]}/{side}.webp"


@bp.get("/media/face-<int:member_id>-<string(length=16):digest>/<int:side>.webp")
def face(member_id: int, digest: str, side: int) -> ResponseReturnValue:
    """A member's face: public while they have a page."""
    if member_id >= 2**31 or side not in variants.FACES:
        abort(404)
    found = find_face(member_id, digest)
    if found is None:
        abort(404)
    sha256, has_page = found
    public = has_page or _has_public_post(member_id)
    if not (public or may(current_member(), "post.see")):
        abort(404)
    return send_variant(sha256, side, "webp", MEDIA_TYPE, public=public, ladder="face")


def _has_public_post(member_id: int) -> bool:
    query = select(posts.c.id).where(PUBLIC, posts.c.author_id == member_id).limit(1)
    return db.session.execute(query).first() is not None


@bp.get("/media/logo-<string(length=16):digest>.<kind>")
def logo(digest: str, kind: str) -> ResponseReturnValue:
    """The site's logo."""
    found = site_logo()
    if found is None or (digest, kind) != (found.sha256[:DIGITS], found.kind):
        abort(404)
    path = files.find(found.sha256)
    if path is None:
        abort(404)
    return send_picture(path, found.media_type, public=True)
