"""Beginning a job with files that somebody uploads for it."""

from collections.abc import Mapping
from typing import IO, Any

from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.db import db
from blogapp.core.errors import Invalid
from blogapp.porting.jobs import files
from blogapp.porting.jobs.kinds import Kind
from blogapp.porting.jobs.queue import PORT, begin_job

IMAGES = (".zip",)


def upload_and_begin(
    kind: Kind, by: int, uploads: Mapping[str, tuple[str, IO[bytes]]], options: Mapping[str, Any]
) -> int:
    """Keep the uploads and begin the job: as a preview, where its kind knows one. Returns its id.

    Args:
        uploads: `file` and perhaps `images`: each the name that it had, and its content.

    Raises:
        NotAllowed: `by` may not import.
        Invalid: the file is missing, empty or of another kind; `fields` names which.
        TooBig: it is larger than can be uploaded.
    """
    demand(db.session.get(Member, by), PORT)
    db.session.rollback()  # Receiving takes as long as the disk likes: hold no snapshot meanwhile.
    if "file" not in uploads:
        raise Invalid("Choose a file first.", {"file": "Choose a file first."})
    folder = files.new_folder()
    try:
        kept = {
            name: files.receive(folder, name, filename, stream, IMAGES if name == "images" else kind.takes)
            for name, (filename, stream) in uploads.items()
        }
        return begin_job(kind.name, by, folder=folder, options={**options, "files": kept}, dry_run=kind.previews)
    except BaseException:
        files.remove_folder(folder)
        raise
