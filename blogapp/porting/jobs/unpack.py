"""Unpacking what somebody uploaded: only plain files, only inside, only so much."""

import errno
import stat
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path, PurePosixPath

from blogapp.core.errors import Invalid

# More than a site of 100,000 posts with pictures has; less than fills the disk of a small server.
MOST_FILES = 400_000
MOST_BYTES = 10_000_000_000
CHUNK_BYTES = 256 * 1024
DAMAGED = "it is damaged in the archive"
_OF_THE_NAME = (errno.ENAMETOOLONG, errno.EINVAL, errno.EILSEQ)
# What computers put into archives by themselves.
LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")


def unpack(archive: Path, target: Path, refuse: Callable[[str, str], None], check: Callable[[], None]) -> None:
    """Write the files of a .zip below `target`, which is empty.

    Args:
        refuse: told of each that is no plain file, leads outside or is damaged: its name, and why.
        check: called before each file; may raise.

    Raises:
        Invalid: it is no .zip, or unpacks to too much.
    """
    try:
        opened = zipfile.ZipFile(archive)
    except (zipfile.BadZipFile, ValueError, EOFError):
        raise Invalid("This is no .zip file, or it was cut off on its way.") from None
    with opened:
        entries = opened.infolist()
        if len(entries) > MOST_FILES:
            raise Invalid(f"There are {len(entries):,} files in this archive; {MOST_FILES:,} are the most.")
        room = MOST_BYTES
        for entry in entries:
            check()
            if entry.is_dir() or set(LITTER) & set(PurePosixPath(entry.filename).parts):
                continue
            if reason := _why_not(entry):
                refuse(entry.filename, reason)
                continue
            room -= _write(opened, entry, target / PurePosixPath(entry.filename), refuse, room)


def _why_not(entry: zipfile.ZipInfo) -> str:
    path = PurePosixPath(entry.filename)
    if path.is_absolute() or ".." in path.parts or "\\" in entry.filename or not path.parts:
        return "its name leads outside of the archive"
    mode = entry.external_attr >> 16
    if stat.S_ISLNK(mode):
        return "it is a symbolic link"
    if mode and stat.S_IFMT(mode) not in (0, stat.S_IFREG):
        return "it is no regular file"
    return "it is encrypted" if entry.flag_bits & 1 else ""


def _write(
    archive: zipfile.ZipFile, entry: zipfile.ZipInfo, path: Path, refuse: Callable[[str, str], None], room: int
) -> int:
    """Write one file; returns its size. What the archive says of sizes is not believed.

    Raises:
        Invalid: there is more in it than `room`.
    """
    size = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with archive.open(entry) as source, path.open("xb") as out:
            while chunk := source.read(CHUNK_BYTES):
                size += len(chunk)
                if size > room:
                    raise Invalid(f"This archive unpacks to more than {MOST_BYTES // 1_000_000_000} GB.")
                out.write(chunk)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError):
        path.unlink(missing_ok=True)
        refuse(entry.filename, DAMAGED)
        return 0
    except (FileExistsError, NotADirectoryError):
        refuse(entry.filename, "there is another one of that name in the archive")
        return 0
    except (OSError, UnicodeEncodeError) as error:
        if isinstance(error, OSError) and error.errno not in _OF_THE_NAME:
            raise
        refuse(entry.filename, "it has a name that this machine cannot keep")
        return 0
    return size
