"""The pictures of members that an import brings along: their faces here."""

from dataclasses import replace
from pathlib import Path
from shutil import copyfile
from typing import TYPE_CHECKING

from sqlalchemy import select, update

from blogapp.audit import record
from blogapp.auth import faces
from blogapp.auth.models import Member
from blogapp.core import files
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.errors import Invalid
from blogapp.porting.documents import Person
from blogapp.porting.known import Known, find_known
from blogapp.porting.models import Source
from blogapp.porting.report import Outcome

if TYPE_CHECKING:
    from blogapp.porting.importing import Run


def with_face(outcome: Outcome, person: Person, run: "Run") -> Outcome:
    """Make the picture of an imported member their face, and say so.

    One that a member chose or removed here since stays so; an import that runs again brings what was missing before.
    """
    path = run.pictures.file(person.face) if person.face else None
    known = find_known(person.origin, person.slug)
    if path is None or known is None or known.member_id is None:
        return outcome
    try:
        mark = _mark(path)
        if not _is_wanted(known, known.member_id, mark):
            return outcome
        _give(known, known.member_id, path, mark, run.by)
    except (Invalid, OSError) as error:
        return replace(outcome, warnings=(*outcome.warnings, f"{person.face} is no good: {error}"))
    return replace(outcome, result="changed") if outcome.result == "unchanged" else outcome


def _mark(path: Path) -> str:
    if path.stat().st_size > settings().max_upload_mb * 1_000_000:
        raise Invalid(f"it is larger than {settings().max_upload_mb} MB.")
    return files.fingerprint(path)


def _is_wanted(known: Known, member_id: int, mark: str) -> bool:
    """Whether the member has no face of their own choice, and this file was not brought before."""
    face = db.session.execute(select(Member.face_sha256).where(Member.id == member_id)).scalar_one()
    db.session.rollback()
    before = known.facts.get("face")
    if before is None:
        return face is None
    return bool(before["file"] != mark and before["made"] == face)


def _give(known: Known, member_id: int, picture: Path, mark: str, by: int | None) -> None:
    with files.scratch() as path:
        copyfile(picture, path)
        sha256 = faces.cut(path)
        with transaction() as session:
            faces.put(session, member_id, path, sha256)
            facts = {**known.facts, "face": {"file": mark, "made": sha256}}
            session.execute(update(Source).where(Source.id == known.id).values(facts=facts))
            record(session, "member.set_face", f"member:{member_id}", by=by, imported=True)
    faces.make_sizes(sha256)
