"""The mails that the catcher took: one file each, so that a restart finds them, and a summary of each in memory."""

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email import policy
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path


@dataclass(frozen=True)
class Mail:
    """What the list shows. `sender` and `recipients` are the envelope's (SMTP's MAIL FROM and RCPT TO)."""

    number: int
    subject: str
    written_by: str
    sender: str
    recipients: tuple[str, ...]
    received_at: datetime
    size: int
    one_click: str | None


class Mailbox:
    """Keeps mails under a folder; safe to use from several threads."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self._changed = threading.Condition()
        self._stamp = 0
        self._mails: dict[int, Mail] = {}
        for facts in sorted(folder.glob("*.json")):
            self._find_again(facts)
        self._next = max(self._mails, default=0) + 1

    def add(self, sender: str, recipients: Sequence[str], message: bytes) -> Mail:
        """Keep a message as it came."""
        with self._changed:
            number = self._next
            self._next += 1
        received_at = datetime.now(UTC)
        self._path(number, "eml").write_bytes(message)
        facts = {"from": sender, "to": list(recipients), "at": received_at.isoformat()}
        # After the message: a mail whose facts are not there is one that was never taken.
        self._path(number, "json").write_text(json.dumps(facts), encoding="utf-8")
        mail = summarise(number, sender, recipients, received_at, message)
        with self._changed:
            self._mails[number] = mail
            self._note_change()
        return mail

    def newest(self, limit: int) -> list[Mail]:
        """The last `limit` mails, newest first."""
        with self._changed:
            return [self._mails[number] for number in sorted(self._mails, reverse=True)[:limit]]

    def __len__(self) -> int:
        with self._changed:
            return len(self._mails)

    def get(self, number: int) -> Mail | None:
        with self._changed:
            return self._mails.get(number)

    def message(self, number: int) -> bytes | None:
        """The message as it came, or None where there is none of that number."""
        try:
            return self._path(number, "eml").read_bytes()
        except FileNotFoundError:
            return None

    def delete_all(self) -> int:
        """Forget every mail; returns how many there were."""
        with self._changed:
            gone, self._mails = list(self._mails), {}
            for number in gone:
                self._path(number, "json").unlink(missing_ok=True)
                self._path(number, "eml").unlink(missing_ok=True)
            self._note_change()
        return len(gone)

    @property
    def stamp(self) -> int:
        """A number that is another one whenever the list is."""
        with self._changed:
            return self._stamp

    def wait(self, stamp: int, seconds: float) -> int:
        """Wait until the list is another than at `stamp`, or `seconds` have passed; returns the stamp of now."""
        with self._changed:
            self._changed.wait_for(lambda: self._stamp != stamp, timeout=seconds)
            return self._stamp

    def _note_change(self) -> None:
        self._stamp += 1
        self._changed.notify_all()

    def _path(self, number: int, ending: str) -> Path:
        return self.folder / f"{number:06}.{ending}"

    def _find_again(self, facts_path: Path) -> None:
        try:
            number = int(facts_path.stem)
            facts = json.loads(facts_path.read_text(encoding="utf-8"))
            message = self._path(number, "eml").read_bytes()
            at = datetime.fromisoformat(facts["at"])
            self._mails[number] = summarise(number, facts["from"], facts["to"], at, message)
        except (ValueError, KeyError, OSError):
            # Half a mail: the demo was killed between the two files, or somebody looked after them by hand.
            facts_path.unlink(missing_ok=True)


def parse(message: bytes, *, headers_only: bool = False) -> EmailMessage:
    """The message with its parts (never raises: what is malformed shows as far as it can be read)."""
    parsed = BytesParser(policy=policy.default).parsebytes(message, headersonly=headers_only)
    assert isinstance(parsed, EmailMessage)
    return parsed


def header(message: EmailMessage, name: str) -> str:
    """A header's text, or nothing; a malformed one as far as it can be read."""
    try:
        return " ".join(str(message.get(name, "")).split())
    except (MessageError, ValueError, IndexError, AttributeError):
        return ""


def part(message: EmailMessage, subtype: str) -> str | None:
    """The text of the first `text/<subtype>` part that is no attachment."""
    for piece in message.walk():
        if piece.get_content_type() == f"text/{subtype}" and not piece.is_attachment():
            try:
                return str(piece.get_content())
            except (LookupError, UnicodeError, KeyError):
                raw = piece.get_payload(decode=True)
                return raw.decode("utf-8", "replace") if isinstance(raw, bytes) else None
    return None


def one_click(message: EmailMessage) -> str | None:
    """The address to which a mail client posts to unsubscribe (RFC 8058), if the mail offers one."""
    if header(message, "List-Unsubscribe-Post").replace(" ", "").lower() != "list-unsubscribe=one-click":
        return None
    for candidate in header(message, "List-Unsubscribe").split(","):
        address = candidate.strip().removeprefix("<").removesuffix(">").replace(" ", "")
        if address.startswith(("https://", "http://")):
            return address
    return None


def summarise(number: int, sender: str, recipients: Sequence[str], at: datetime, message: bytes) -> Mail:
    """What the list shows of a message."""
    parsed = parse(message, headers_only=True)
    subject = header(parsed, "Subject") or "(no subject)"
    written_by = header(parsed, "From") or sender
    return Mail(number, subject, written_by, sender, tuple(recipients), at, len(message), one_click(parsed))
