"""The mailbox where bounces arrive (BLOG_MAIL_IN): a Maildir folder, or one on an IMAP server.

A message is taken in first and marked afterwards, so that a crash in between loses none; what takes it in does the same
thing once. Nothing is deleted: what was understood is marked as read, the rest stays unread for people.
"""

import contextlib
import imaplib
import os
import re
import ssl
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote, urlsplit

from blogapp.core.errors import BadSetting

# For each answer of a server.
TIMEOUT_SECONDS = 20
# UIDs in the answer to one search, so that it fits the line that imaplib takes.
WINDOW = 50_000


class MailboxTrouble(Exception):
    """The mailbox cannot be read just now; `str()` says why."""


class UnreadableMessage(MailboxTrouble):
    """One message cannot be read; that says nothing of the others."""


@dataclass(frozen=True)
class Waiting:
    """A message that nobody has looked at yet."""

    key: str
    size_bytes: int


class Mailbox(Protocol):
    """What is done with either kind. All methods raise MailboxTrouble."""

    def waiting(self) -> Iterator[Waiting]: ...

    def read(self, key: str) -> bytes | None:
        """The whole message; None where somebody else has taken it away meanwhile. May raise UnreadableMessage."""
        ...

    def done(self, key: str) -> None:
        """Mark it as read."""
        ...

    def keep(self, key: str) -> None:
        """Leave it for people, and do not look again."""
        ...


def open_mailbox(url: str) -> AbstractContextManager[Mailbox]:
    """The mailbox that BLOG_MAIL_IN names.

    Raises:
        BadSetting: it says something that is not known.
        MailboxTrouble: when it is entered: it cannot be reached.
    """
    if url.startswith("maildir:"):
        return contextlib.nullcontext(Maildir(Path(unquote(urlsplit(url).path))))
    return _imap(parse_server(url))


class Maildir:
    """A folder with `new` and `cur` in it, one file a message. Renaming is atomic: it is in one or the other."""

    def __init__(self, folder: Path) -> None:
        self._new, self._cur = folder / "new", folder / "cur"

    def waiting(self) -> Iterator[Waiting]:
        """In the order in which they came, as their names begin with the time."""
        try:
            with os.scandir(self._new) as entries:
                names = sorted(e.name for e in entries if e.is_file(follow_symlinks=False) and e.name[0] != ".")
        except OSError as error:
            raise MailboxTrouble(f"{self._new}: {error.strerror}") from None
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                yield Waiting(name, (self._new / name).stat().st_size)

    def read(self, key: str) -> bytes | None:
        try:
            return (self._new / key).read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise UnreadableMessage(error.strerror or str(error)) from None

    def done(self, key: str) -> None:
        self._move(key, "S")

    def keep(self, key: str) -> None:
        self._move(key, "")

    def _move(self, key: str, flags: str) -> None:
        try:
            (self._new / key).rename(self._cur / f"{key.partition(':')[0]}:2,{flags}")
        except FileNotFoundError:
            if not self._cur.is_dir():
                raise MailboxTrouble(f"{self._cur} is not there: is this a Maildir folder?") from None
        except OSError as error:
            raise MailboxTrouble(f"{key}: {error.strerror}") from None


@dataclass(frozen=True)
class Server:
    """An IMAP server and how to talk to it; a password is only sent over a verified connection (see `parse_server`)."""

    host: str
    port: int
    implicit_tls: bool
    starttls: bool
    username: str
    password: str = field(repr=False)
    folder: str = "INBOX"


def parse_server(url: str) -> Server:
    """`imaps://user:password@host:993/INBOX`, `imap://…?starttls=required|never`; required by default.

    Raises:
        BadSetting: the URL says something that is not known.
    """
    parts = urlsplit(url)
    query = parse_qs(parts.query, keep_blank_values=True)
    starttls = query.pop("starttls", ["required"])[-1]
    known = parts.scheme in ("imap", "imaps") and starttls in ("required", "never") and not query
    if not known or not parts.hostname or not parts.username:
        raise BadSetting("BLOG_MAIL_IN should be like imaps://user:password@host/INBOX or imap://…?starttls=required")
    return Server(
        host=parts.hostname,
        port=parts.port or (993 if parts.scheme == "imaps" else 143),
        implicit_tls=parts.scheme == "imaps",
        starttls=starttls == "required",
        username=unquote(parts.username),
        password=unquote(parts.password or ""),
        folder=unquote(parts.path.strip("/")) or "INBOX",
    )


@contextmanager
def _imap(server: Server) -> Iterator[Mailbox]:
    """Logged in, with the folder open; logged out at the end."""
    with _plainly():
        context = ssl.create_default_context()
        if server.implicit_tls:
            connection: imaplib.IMAP4 = imaplib.IMAP4_SSL(
                server.host, server.port, ssl_context=context, timeout=TIMEOUT_SECONDS
            )
        else:
            connection = imaplib.IMAP4(server.host, server.port, timeout=TIMEOUT_SECONDS)
    try:
        with _plainly():
            if server.starttls and not server.implicit_tls:
                connection.starttls(context)
            connection.login(server.username, server.password)
            folder = server.folder.replace("\\", "\\\\").replace('"', '\\"')
            count = _good(connection.select(f'"{folder}"'))[0]
        yield Imap(connection, int(count or b"0"))
    finally:
        # A log-out that finds the server gone leaves the socket open.
        for end in (connection.logout, connection.shutdown):
            with contextlib.suppress(imaplib.IMAP4.error, OSError):
                end()


class Imap:
    """An open folder. Waiting is what is neither \\Seen nor \\Flagged; kept is what is flagged, which people see."""

    def __init__(self, connection: imaplib.IMAP4, count: int) -> None:
        self._connection, self._count = connection, count

    def waiting(self) -> Iterator[Waiting]:
        """The newest window first, the messages of each in their order."""
        for last in range(self._count, 0, -WINDOW):
            found = self._uid("SEARCH", f"{max(1, last - WINDOW + 1)}:{last}", "UNSEEN", "UNFLAGGED")
            for uid in (found[0] or b"").split() if found else []:
                with _plainly():
                    parts = self._connection.uid("FETCH", uid.decode(), "(RFC822.SIZE)")[1]
                answer = b" ".join(part for part in parts if part)
                if size := re.search(rb"RFC822\.SIZE (\d+)", answer):
                    yield Waiting(uid.decode(), int(size[1]))

    def read(self, key: str) -> bytes | None:
        # PEEK: only what was taken in is to count as seen.
        with _plainly():
            said, answer = self._connection.uid("FETCH", key, "(BODY.PEEK[])")
        if said != "OK":
            raise UnreadableMessage(_words(said, answer))
        return next((bytes(part[1]) for part in answer if isinstance(part, tuple)), None)

    def done(self, key: str) -> None:
        self._uid("STORE", key, "+FLAGS.SILENT", r"(\Seen)")

    def keep(self, key: str) -> None:
        self._uid("STORE", key, "+FLAGS.SILENT", r"(\Flagged)")

    def _uid(self, *words: str) -> list[Any]:
        with _plainly():
            return _good(self._connection.uid(*words))


def _good(answer: tuple[str, list[Any]]) -> list[Any]:
    if answer[0] != "OK":
        raise MailboxTrouble(_words(*answer))
    return answer[1]


def _words(said: str, answer: list[Any]) -> str:
    return f"the server says {said}: {answer!r:.200}"


@contextmanager
def _plainly() -> Iterator[None]:
    """Whatever goes wrong with a server, as MailboxTrouble."""
    try:
        yield
    except (imaplib.IMAP4.error, OSError, EOFError, ValueError) as error:
        raise MailboxTrouble(str(error) or error.__class__.__name__) from None
