"""Members' faces: a square picture each, or none; then the page shows their initials."""

from contextlib import suppress
from pathlib import Path
from typing import IO

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.members import demand_manager, get_member
from blogapp.auth.models import Member
from blogapp.core import files, imaging, variants
from blogapp.core.config import settings
from blogapp.core.db import bump_version, db, take_turns, transaction
from blogapp.core.errors import Invalid
from blogapp.core.media import prepare

# What is kept: the largest that a page asks for. It is WebP, whatever came.
SIDE = variants.FACES[-1]
MEDIA_TYPE = "image/webp"


def set_face(member_id: int, stream: IO[bytes], by: int | None) -> None:
    """Make the middle of a picture a member's face, over the one they have.

    Raises:
        NotAllowed: it is somebody else's, and `by` may not manage members.
        Invalid: it is empty, too big, or no picture. The field is `picture`.
    """
    with files.scratch() as path:
        limit_mb = settings().max_upload_mb
        size = files.receive(stream, path, limit_mb * 1_000_000)
        if not 0 < size <= limit_mb * 1_000_000:
            raise _wrong("Choose a picture first." if size == 0 else f"It is too big: {limit_mb} MB are the most.")
        sha256 = cut(path)
        with transaction() as session:
            if by != member_id:
                demand_manager(session, by)
            get_member(session, member_id)
            put(session, member_id, path, sha256)
            record(session, "member.set_face", f"member:{member_id}", by=by)
    make_sizes(sha256)


def remove_face(member_id: int, by: int | None) -> None:
    """Show a member's initials from now on. Raises NotAllowed."""
    with transaction() as session:
        if by != member_id:
            demand_manager(session, by)
        get_member(session, member_id)
        session.execute(update(Member).where(Member.id == member_id).values(face_sha256=None))
        record(session, "member.remove_face", f"member:{member_id}", by=by)
        bump_version(session)


def cut(path: Path) -> str:
    """Make the file the square that is kept of it, on the disk for good. Returns its hash. Never in a transaction.

    Raises:
        Invalid: it is no picture, or a broken one. The field is `picture`.
    """
    try:
        if prepare(path).width is None:
            raise Invalid("This is no picture: choose a JPEG, PNG, WebP, AVIF or GIF.")
        path.write_bytes(imaging.square(path, SIDE))
    except Invalid as error:
        raise _wrong(str(error)) from None
    sha256 = files.fingerprint(path)
    files.secure(path, sha256)
    return sha256


def put(session: Session, member_id: int, path: Path, sha256: str) -> None:
    """Make the square at `path` the member's face, in the caller's transaction."""
    take_turns(session)  # As sweeping does: no content vanishes while somebody chooses the same.
    files.store(path, sha256)
    # Not through the member: their version is of what the profile's form says, which may stand open.
    session.execute(update(Member).where(Member.id == member_id).values(face_sha256=sha256))
    bump_version(session)


def make_sizes(sha256: str) -> None:
    """Have the sizes of a face made; they are small, so at once. What fails comes with the first reader's wish."""
    files.make_sure(sha256)
    with suppress(OSError):
        variants.make(sha256, faces=True)


def find_face(member_id: int, digest: str) -> tuple[str, bool] | None:
    """(hash, whether the member has a page that everybody sees) of the face whose hash begins so; None: not theirs."""
    query = select(Member.face_sha256, Member.active, Member.password_hash.is_not(None).label("has_come"))
    row = db.session.execute(query.where(Member.id == member_id)).one_or_none()
    if row is None or not row.face_sha256 or not row.face_sha256.startswith(digest):
        return None
    return row.face_sha256, bool(row.active and row.has_come)


def _wrong(message: str) -> Invalid:
    return Invalid(message, {"picture": message})
