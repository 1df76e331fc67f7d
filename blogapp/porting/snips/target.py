"""The folder that an export writes into: over what is known here, never over what somebody wrote there since."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select

from blogapp.core import files
from blogapp.core.db import db
from blogapp.porting.folders import Outside, inside, write_file
from blogapp.porting.models import Source
from blogapp.posts.models import Revision

# What the last export wrote, place -> SHA-256: the database knows only what came in.
INDEX = ".blogapp-export.json"
CHANGED = "the file has changed since it was imported; import it first"
BOTH = "changed on both sides; put the two texts together first"


@dataclass
class Target:
    """`written`: what this export and earlier ones wrote, place -> SHA-256."""

    folder: Path
    written: dict[str, str]

    def write(self, place: str, content: bytes, source: Source | None) -> str:
        """Write a document. Returns why not, where the file that is there says what nobody here has read.

        Raises:
            OSError: it cannot be written.
        """
        try:
            path = inside(self.folder, place)
            there = files.fingerprint(path) if path.is_file() else ""
        except Outside as error:
            return str(error)
        ours = hashlib.sha256(content).hexdigest()
        if there not in ("", ours):
            both = source is not None and there == source.beside_sha256
            if both and not _put_together(source):
                return BOTH
            if not both and there != self.written.get(place) and (source is None or there != source.sha256):
                return CHANGED
        write_file(self.folder, place, content)
        self.written[place] = ours
        return ""


def _put_together(source: Source | None) -> bool:
    """Whether somebody has saved the post since the file's text was kept beside it."""
    query = select(Revision.beside).where(Revision.post_id == (source.post_id if source else None))
    newest = db.session.execute(query.order_by(Revision.number.desc()).limit(1)).scalar_one_or_none()
    return newest is False


@contextmanager
def opened(folder: Path) -> Iterator[Target]:
    """The folder, made where it is not there; what was written into it is noted at the end, whatever happens."""
    folder.mkdir(parents=True, exist_ok=True)
    target = Target(folder, _read(folder))
    try:
        yield target
    finally:
        noted = json.dumps(target.written, indent=0, sort_keys=True, ensure_ascii=False)
        write_file(folder, INDEX, noted.encode("utf-8"))


def _read(folder: Path) -> dict[str, str]:
    """
    Raises:
        Outside: it is a link.
    """
    try:
        found = json.loads(inside(folder, INDEX).read_bytes())
    except (FileNotFoundError, ValueError) as error:
        if isinstance(error, Outside):
            raise
        return {}
    return {str(place): str(sha256) for place, sha256 in found.items()} if isinstance(found, dict) else {}
