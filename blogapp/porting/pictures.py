"""Pictures that a document shows, from a folder beside it: they become attachments, and the text shows those."""

import re
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from urllib.parse import unquote

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.core import files, variants
from blogapp.core.config import settings
from blogapp.core.errors import Invalid
from blogapp.core.media import DOWNLOAD, EXTENSIONS, Media, prepare
from blogapp.posts.attachments import safe_name
from blogapp.posts.models import Attachment

PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
# Documents are linked to, not attached.
DOCUMENTS = frozenset(".md .markdown .html .htm .xml .yml .yaml .toml .liquid".split())
# What may follow an address in a text; a blank may be part of an old file's name.
END = re.compile(r"[\"'<>)\]\n]")
# What an address consists of after its first part: any of them may be no longer the file's name.
PART = re.compile(r"[\s?#&][^\s?#&]*")
# No address of a file is longer, or holds more blanks.
LONGEST = 400
MOST_WORDS = 30


@dataclass(frozen=True)
class Place:
    """Where in a text an address of a picture stands, and the file it stands for."""

    start: int
    end: int
    path: Path


@dataclass(frozen=True)
class Ready:
    """A picture that is ready to be kept: cleaned, and on the disk that it is to stay on."""

    scratch: Path
    filename: str
    media: Media
    size_bytes: int
    sha256: str


@dataclass(frozen=True)
class Pictures:
    """The folder that they lie in; None: there is none, and texts keep the addresses that they have."""

    folder: Path | None = None

    def places(self, text: str, roots: tuple[str, ...]) -> tuple[list[Place], list[str]]:
        """Where the text shows files of the folder, and the addresses in it that lead to none."""
        if self.folder is None or not roots:
            return [], []
        found: list[Place] = []
        missing: list[str] = []
        pattern = re.compile("(?<![\\w/.%:-])(?:" + "|".join(re.escape(r) for r in sorted(roots, key=len)[::-1]) + ")")
        at = 0
        while match := pattern.search(text, at):
            place = self._place(text, match)
            at = match.end()
            if place is not None:
                found.append(place)
                at = place.end
            elif re.match(r"\S+\.(?i:png|jpe?g|gif|webp|avif|svg|pdf|mp4)\b", text[match.end() : match.end() + 300]):
                missing.append(text[match.start() : match.start() + 80].split()[0].rstrip(")\"'>]"))
        return found, missing

    def _place(self, text: str, root: re.Match[str]) -> Place | None:
        rest = END.split(text[root.end() : root.end() + LONGEST], maxsplit=1)[0]
        if words := list(islice(PART.finditer(rest), MOST_WORDS)):
            rest = rest[: words[-1].end()]
        while rest:
            for name in dict.fromkeys((rest, unquote(rest))):
                if path := self.file(name):
                    return Place(root.start(), root.end() + len(rest), path)
            rest = rest[: words.pop().start()] if words else ""
        return None

    def file(self, name: str) -> Path | None:
        """The regular file of that name inside the folder; no link and nothing outside of it."""
        if self.folder is None:
            return None
        parts = Path(name).parts
        if (
            Path(name).suffix.lower() in DOCUMENTS
            or not parts
            or name.endswith(("/", " "))
            or "\0" in name
            or any(p in ("..", "/") for p in parts)
        ):
            return None
        path = self.folder
        kind = 0
        try:
            for part in parts:
                path = path / part
                kind = path.lstat().st_mode
                if stat.S_ISLNK(kind):
                    return None
        except (OSError, ValueError):  # it is not there, or no file can have such a name
            return None
        return path if stat.S_ISREG(kind) else None


@contextmanager
def readied(places: list[Place], *, dry_run: bool = False) -> Iterator[tuple[dict[Path, Ready], dict[Path, str]]]:
    """Each picture cleaned and ready to be kept, beside those that cannot be, with the reason.

    Takes as long as the pictures are big, so never inside a transaction.
    """
    ready: dict[Path, Ready] = {}
    broken: dict[Path, str] = {}
    with ExitStack() as stack:
        for path in dict.fromkeys(place.path for place in places):
            try:
                one = ready[path] = _ready(path, stack.enter_context(files.scratch()))
                if not dry_run:
                    files.secure(one.scratch, one.sha256)
            except (Invalid, OSError) as error:
                broken[path] = str(error)
        yield ready, broken


def _ready(path: Path, scratch: Path) -> Ready:
    limit = settings().max_upload_mb * 1_000_000
    with path.open("rb") as stream:
        size = files.receive(stream, scratch, limit)
    if not 0 < size <= limit:
        raise Invalid("It is empty." if size == 0 else f"It is larger than {settings().max_upload_mb} MB.")
    media = prepare(scratch)
    if media.media_type == DOWNLOAD and _ending(path.name) in EXTENSIONS.values():
        raise Invalid("It says that it is a picture, and is none.")
    return Ready(scratch, _name(path.name, media), media, scratch.stat().st_size, files.fingerprint(scratch))


def _name(name: str, media: Media) -> str:
    """The name that it has, where that can stand in an address and says what the file is."""
    honest = media.media_type != DOWNLOAD and _ending(name) == EXTENSIONS.get(media.media_type)
    return name if honest and PLAIN_NAME.fullmatch(name) else safe_name(name, media.media_type)


def _ending(name: str) -> str:
    ending = name.rpartition(".")[2].lower()
    return "jpg" if ending == "jpeg" else ending


def bad_mark(path: Path) -> str:
    """What is noted of a file that is no good, so that it is tried again once it is another one."""
    return f"!{path.stat().st_size}"


def keep(session: Session, picture: Ready, by: int | None, *, dry_run: bool = False) -> Attachment:
    """The attachment with that content and name, made where there is none; in the caller's transaction."""
    query = select(Attachment).where(Attachment.sha256 == picture.sha256, Attachment.filename == picture.filename)
    found = session.execute(query.order_by(Attachment.id).limit(1)).scalar_one_or_none()
    if found is None:
        if not dry_run and not files.path_of(picture.sha256).exists():
            files.store(picture.scratch, picture.sha256)
            if picture.media.width:
                variants.wish(picture.sha256)
        found = Attachment(
            filename=picture.filename,
            media_type=picture.media.media_type,
            size_bytes=picture.size_bytes,
            sha256=picture.sha256,
            width=picture.media.width,
            height=picture.media.height,
            member_id=by,
        )
        session.add(found)
        session.flush()
    return found


def stand_in(picture: Ready) -> str:
    """An address for the time until the attachment has one: a text is rendered before the transaction."""
    return f"/files/0/{picture.sha256[:24]}-{picture.filename}"


def show_instead(text: str, places: list[Place], addresses: dict[Path, str]) -> str:
    """The text with other addresses in those places."""
    pieces, at = [], 0
    for place in places:
        if place.path in addresses:
            pieces += [text[at : place.start], addresses[place.path]]
            at = place.end
    return "".join([*pieces, text[at:]])


def show_as_before(text: str, pictures: dict[str, str]) -> str:
    """The text with the pictures that an earlier import kept, where the folder of images is not at hand now."""
    for address in sorted(pictures, key=len, reverse=True):
        if not pictures[address].startswith("!"):
            text = re.sub(rf"(?<![\w/.%:-]){re.escape(address)}(?![\w/%-])", lambda _, a=address: pictures[a], text)  # type: ignore[misc]
    return text
