"""What a section of a Hugo site says for all pages in it: `cascade` in its _index.md.

Only what keeps a page from readers is taken, and from every entry, whatever pages it aims at: better a draft too many
than one that leaks. https://gohugo.io/configuration/cascade/
"""

from pathlib import Path, PurePosixPath
from typing import Any

from blogapp.core.errors import Invalid
from blogapp.porting.files import decode, read_bytes
from blogapp.porting.services.front import split

HIDES = frozenset({"draft", "headless", "build", "_build", "expirydate", "publishdate", "private", "protected"})
SECTION = ("_index.md", "_index.html")


class Cascades:
    """Of one site; each section is read once."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._of_folder: dict[PurePosixPath, dict[str, Any]] = {}

    def over(self, path: PurePosixPath) -> dict[str, Any]:
        """What the folders above a document say for it; the nearest one counts."""
        found: dict[str, Any] = {}
        for folder in reversed(path.parents):
            if folder not in self._of_folder:
                self._of_folder[folder] = self._read(folder)
            found |= self._of_folder[folder]
        return found

    def _read(self, folder: PurePosixPath) -> dict[str, Any]:
        for name in SECTION:
            file = self._root / folder / name
            if file.is_file() and not file.is_symlink():
                try:
                    return hiding(split(decode(read_bytes(file))).values.get("cascade"))
                except Invalid:
                    return {}  # The file itself is refused by name when it is met.
        return {}


def hiding(cascade: object) -> dict[str, Any]:
    """The keys of a cascade (one, or a list of them) that keep pages from readers."""
    entries = cascade if isinstance(cascade, list) else [cascade]
    found: dict[str, Any] = {}
    for entry in entries:
        if isinstance(entry, dict):
            params = entry.get("params")
            for key, value in {**(params if isinstance(params, dict) else {}), **entry}.items():
                if str(key).lower() in HIDES:
                    found[str(key).lower()] = value
    return found
