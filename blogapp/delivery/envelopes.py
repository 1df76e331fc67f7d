"""What goes on the wire for one mail: addresses, commands, the body and its final dot. Pure."""

import re
from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from email_validator import EmailNotValidError, validate_email

# What may stand between the angle brackets (RFC 5321 §4.1.2), so that no address can begin another command.
PLAIN_ADDRESS = re.compile(r"[^\s<>\x00-\x20\x7f]+@[A-Za-z0-9.\-\[\]:_]+")
# Two of them as nearly all are, looked at in one go.
USUAL_PAIR = re.compile(r"[!-;=?-~]+@[A-Za-z0-9.-]+ [!-;=?-~]+@[A-Za-z0-9.-]+")
BARE_LINE_END = re.compile(rb"(?<!\r)\n|\r(?!\n)")
LEADING_DOT = re.compile(rb"^\.", re.MULTILINE)


class BadEnvelope(Exception):
    """This relay can never take this mail. `str()` is a reply line, for people."""


@dataclass(slots=True)
class Envelope:
    """One message for one recipient. `key` is the caller's; `message` is RFC 5322 bytes.

    A kind that makes its message only when it is sent overrides `wire`.
    """

    key: Hashable
    sender: str
    recipient: str
    message: bytes = b""
    seven_bit: bool = False  # known to be: it need not be looked at

    @property
    def is_void(self) -> bool:
        """Whether it is not to be sent any more, by this engine at least: it is dropped without an outcome."""
        return False

    def wire(self) -> Sequence[bytes]:
        """What follows DATA, in pieces: the message and its final dot. Asked for once a try.

        Raises:
            BadEnvelope: no message can be made for this recipient.
        """
        return (with_dot(self.message),)


@dataclass(frozen=True)
class Options:
    """What the relay said it can do (EHLO keywords). `size`: the largest message in bytes; 0: no limit said."""

    pipelining: bool = False
    starttls: bool = False
    eight_bit: bool = False
    utf8: bool = False
    sizes: bool = False
    size: int = 0
    auth: frozenset[str] = frozenset()

    @classmethod
    def from_ehlo(cls, text: str) -> "Options":
        """From the text of the reply; its first line is the relay's name (RFC 5321 §4.1.1.1)."""
        words = [line.upper().replace("AUTH=", "AUTH ").split() for line in text.split("\n")[1:] if line.strip()]
        offered = {line[0]: line[1:] for line in words}
        limit = (offered.get("SIZE") or ["0"])[0]
        return cls(
            pipelining="PIPELINING" in offered,
            starttls="STARTTLS" in offered,
            eight_bit="8BITMIME" in offered,
            utf8="SMTPUTF8" in offered,
            sizes="SIZE" in offered,
            size=int(limit) if limit.isdigit() else 0,
            auth=frozenset(word for line in words if line[0] == "AUTH" for word in line[1:]),
        )


DOT = b".\r\n"


def mail_commands(envelope: Envelope, options: Options) -> tuple[bytes, Sequence[bytes], int]:
    """MAIL, RCPT and DATA, a line each, with what the relay's options allow or need; what follows DATA, in pieces; and
    how many bytes these are.

    Raises:
        BadEnvelope: no message can be made, it is too large, or in letters that this relay cannot carry.
    """
    body = envelope.wire()
    whole = sum(map(len, body))
    sender, recipient = envelope.sender, envelope.recipient
    usual = USUAL_PAIR.fullmatch(f"{sender} {recipient}")
    if not usual:
        sender, recipient = wire_address(sender), wire_address(recipient)
    parameters = ""
    if options.sizes:
        size = whole - len(DOT)
        if size > options.size > 0:
            raise BadEnvelope(f"552 5.3.4 the message is larger than the relay takes ({options.size} bytes)")
        parameters = f" SIZE={size}"
    if not (envelope.seven_bit or all(piece.isascii() for piece in body)):
        if not options.eight_bit:
            raise BadEnvelope("554 5.6.3 the message has 8-bit characters, which the relay cannot carry")
        parameters += " BODY=8BITMIME"
    if not usual and not (sender.isascii() and recipient.isascii()):
        if not options.utf8:
            raise BadEnvelope("553 5.6.7 the address has letters that the relay cannot carry (no SMTPUTF8)")
        parameters += " SMTPUTF8"  # Only then: it keeps relays without it from taking the mail (RFC 6531 §3.6)
    return f"MAIL FROM:<{sender}>{parameters}\r\nRCPT TO:<{recipient}>\r\nDATA\r\n".encode(), body, whole


def wire_address(address: str) -> str:
    """The address as it goes on the wire: a domain in any script as its A-label. Empty: the null sender.

    Raises:
        BadEnvelope: it is no address.
    """
    if not address or PLAIN_ADDRESS.fullmatch(address):
        return address
    local, _, domain = address.rpartition("@")
    try:
        label = validate_email(f"x@{domain}", check_deliverability=False, test_environment=True).ascii_domain
    except EmailNotValidError:
        label = ""
    whole = f"{local}@{label}"
    if not PLAIN_ADDRESS.fullmatch(whole):
        raise BadEnvelope("553 5.1.3 this is no address that mail can be sent to")
    return whole


def with_dot(message: bytes) -> bytes:
    """The message as DATA wants it: CRLF line ends only, dots stuffed, the final dot (RFC 5321 §4.5.2).

    Our own messages need none of it (leading dots are =2E); a bare line end in somebody's text could smuggle another
    message past a relay that counts it as an end.
    """
    if message.count(b"\n") != message.count(b"\r\n") or message.count(b"\r") != message.count(b"\r\n"):
        message = BARE_LINE_END.sub(b"\r\n", message)
    if message.startswith(b".") or b"\n." in message:
        message = LEADING_DOT.sub(b"..", message)
    return message + (b".\r\n" if message.endswith(b"\r\n") else b"\r\n.\r\n")
