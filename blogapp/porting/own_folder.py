"""A folder that an export fills: made beside its place, put there once it is whole, never over a stranger's files."""

import secrets
import shutil
from pathlib import Path
from types import TracebackType

from blogapp.core.errors import Conflict, Invalid

# Lists what the export wrote, so that the next one knows what it may replace.
MARKER = ".blogapp-export"


class OwnFolder:
    """Takes files for a folder; with the end of the block they are all there, or after an error none of them.

    Raises:
        Conflict: there is something in the folder that no export wrote.
        Invalid: it cannot be written.
    """

    def __init__(self, target: Path) -> None:
        self.target = target.absolute()
        self.names: set[str] = set()

    def __enter__(self) -> "OwnFolder":
        self._check()
        try:
            self.target.parent.mkdir(parents=True, exist_ok=True)
            self._draft = self.target.with_name(f".{self.target.name}-{secrets.token_hex(4)}")
            self._draft.mkdir()
        except OSError as error:
            raise _unwritable(error) from None
        return self

    def write(self, name: str, content: bytes) -> None:
        """Put a file in."""
        self._place(name).write_bytes(content)

    def copy(self, source: Path, name: str) -> None:
        """Put a copy of a file in."""
        shutil.copyfile(source, self._place(name))

    def has(self, name: str) -> bool:
        """Whether a file of that name was put in."""
        return name in self.names

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                (self._draft / MARKER).write_text("".join(f"{name}\n" for name in sorted(self.names)), encoding="utf-8")
                self._check()
                self._swap()
        except OSError as failure:
            raise _unwritable(failure) from None
        finally:
            shutil.rmtree(self._draft, ignore_errors=True)
        if isinstance(error, OSError):
            raise _unwritable(error) from None

    def _place(self, name: str) -> Path:
        path = self._draft / name
        path.parent.mkdir(parents=True, exist_ok=True)
        self.names.add(name)
        return path

    def _check(self) -> None:
        if self.target.is_symlink() or (self.target.exists() and not self.target.is_dir()):
            raise Conflict(f"{self.target} is no folder. Name one that is empty, or not there yet.")
        if not self.target.exists() or not any(self.target.iterdir()):
            return
        marker = self.target / MARKER
        known = set(marker.read_text("utf-8").splitlines()) if marker.is_file() else set()
        for path in self.target.rglob("*"):
            name = path.relative_to(self.target).as_posix()
            if (path.is_symlink() or not path.is_dir()) and name != MARKER and name not in known:
                raise Conflict(
                    f"{path} was not written by an export. Name a folder that is empty, or move what is yours."
                )

    def _swap(self) -> None:
        """Put the new folder in the place of the old one, which steps aside for a moment."""
        if not self.target.exists():
            self._draft.rename(self.target)
            return
        aside = self._draft.with_name(f"{self._draft.name}-old")
        self.target.rename(aside)
        try:
            self._draft.rename(self.target)
        except OSError:
            aside.rename(self.target)
            raise
        shutil.rmtree(aside)


def _unwritable(error: OSError) -> Invalid:
    return Invalid(
        f"The export cannot be written: {error.filename or ''} {error.strerror or error}.".replace(":  ", ": ")
    )
