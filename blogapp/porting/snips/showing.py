"""The files that texts show, on the way out: at the places that they came from, or at new ones behind /images/."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import select

from blogapp.core import files
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.porting.folders import Outside, inside, write_file
from blogapp.porting.models import Source
from blogapp.porting.snips.parsing import ORIGIN, BadSnip, is_draft, parse_snip, title_of
from blogapp.porting.snips.templating import IMAGES, Listed, Translator
from blogapp.porting.snips.writing import BEFORE, OWN_FILE, OWN_PATH, old_addresses, take_apart
from blogapp.posts.models import Attachment


@dataclass
class Pictures:
    """Writes into the folder `images`; None: nobody said where files go.

    `written`: how many files; `left`: how many addresses stay as they are here; `skipped`: (place, why) of the others.
    """

    images: Path | None
    written: int = 0
    left: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)

    def bring_back(self, source: Source, format: str) -> None:
        """Write what a document's text shows at the places that the document says, where nothing is there."""
        if self.images is None or source.content is None or "/files/" not in source.body:
            return
        original = take_apart(source.content).body
        found = old_addresses(original, source.body)
        if "<%" in original:  # A helper's picture has an address only where it is said in plain words.
            said = Translator(_Kept(), format).translate(original).text
            found = old_addresses(said, source.body) | found
        for ours, theirs in found.items():
            place = _place_of(theirs)
            if place and (known := _find(OWN_FILE.match(ours))):
                self._write(place, known, over=False)

    def show(self, content: bytes) -> bytes:
        """Write the files that a text shows by the address that they have here, and let it show them behind /images/.

        One that says our whole address shows ours too.
        """
        if b"/files/" not in content:
            return content
        here = re.compile(f"(?:{re.escape(settings().base_url)}|{BEFORE}){OWN_PATH}")
        return here.sub(self._instead, content.decode("utf-8")).encode("utf-8")

    def _instead(self, match: re.Match[str]) -> str:
        known = _find(match)
        if known is None or not match["name"].startswith(known.filename):
            return match[0]
        if self.images is None:
            self.left += 1
            return match[0]
        place = f"files/{known.id}/{known.filename}"
        self._write(place, known, over=True)
        return IMAGES + place + match["name"].removeprefix(known.filename)

    def _write(self, place: str, known: Attachment, *, over: bool) -> None:
        assert self.images is not None
        try:
            content = files.find(known.sha256)
            if content is not None and (over or not inside(self.images, place).exists()):
                write_file(self.images, place, content.read_bytes())
                self.written += 1
        except Outside as error:
            self.skipped.append((place, str(error)))


class _Kept:
    """The documents that came along, as helpers ask for them: those that a picture may come of."""

    def find(self, name: str) -> Listed | None:
        query = select(Source.path, Source.content).where(Source.origin == ORIGIN, Source.name == name)
        row = db.session.execute(query).one_or_none()
        if row is None or row.content is None:
            return None
        try:
            snip = parse_snip(Path(row.path).name, row.content.decode("utf-8"))
            return Listed(name, title_of(snip), None, is_draft(snip), snip.get("image"))
        except BadSnip:
            return None

    def text_of(self, name: str) -> tuple[str, str] | None:
        return None  # What is included brings its pictures back itself.

    def folder(self, name: str) -> list[Listed]:
        return []


def _find(match: re.Match[str] | None) -> Attachment | None:
    """The file that an address of ours speaks of, if it is there."""
    if match is None or len(match["id"]) > 9:
        return None
    known = db.session.get(Attachment, int(match["id"]))
    return known if known is not None and files.exists(known.sha256) else None


def _place_of(address: str) -> str:
    """Its place behind `/images/`; nothing where it is not behind it."""
    path = unquote(re.split(r"[?#]", address)[0]).removeprefix("/")
    root = IMAGES.lstrip("/")
    return path.removeprefix(root) if path.startswith(root) else ""
