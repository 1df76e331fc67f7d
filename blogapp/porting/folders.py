"""Writing files into a folder, each whole or not at all, and never outside of it."""

import secrets
from pathlib import Path, PurePosixPath


class Outside(ValueError):
    """The place is not inside the folder."""


def inside(folder: Path, place: str) -> Path:
    """Where that place within the folder is.

    Raises:
        Outside: the place leads out of the folder, or through a link.
    """
    parts = PurePosixPath(place).parts
    if not parts or any(part in ("..", "/", "") or "\0" in part or "\\" in part for part in parts):
        raise Outside("its place is not inside the folder")
    target = folder
    for part in parts:
        target = target / part
        if target.is_symlink():
            raise Outside(f"{part} is a link")
    return target


def write_file(folder: Path, place: str, content: bytes) -> bool:
    """Write a file at a place within the folder, over an earlier one. Whether it says something else now.

    Raises:
        Outside: the place leads out of the folder, or through a link.
        OSError: it cannot be written.
    """
    target = inside(folder, place)
    if target.is_file() and target.read_bytes() == content:
        return False
    target.parent.mkdir(parents=True, exist_ok=True)
    draft = target.with_name(f".{secrets.token_hex(6)}.part")
    try:
        draft.write_bytes(content)
        draft.replace(target)
    finally:
        draft.unlink(missing_ok=True)
    return True
