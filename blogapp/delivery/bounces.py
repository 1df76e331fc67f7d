"""What comes back, read: bounces (RFC 3464), complaints (RFC 5965), automatic answers (RFC 3834). Pure, never an error.

Says what a message is and whom it speaks of, not whether it may be believed: that takes a proof (`verp.py`).
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from blogapp.delivery.headers import ascii_address
from blogapp.delivery.mimeparts import Fields, Part, take_apart
from blogapp.delivery.oddbounces import AWAY, is_from_daemon, odd_bounce
from blogapp.delivery.replies import ADDRESS as ANY_ADDRESS
from blogapp.delivery.replies import LONGEST_REPLY

# What is behind it is not looked at: reports come first, and the mail that came back last.
LARGEST = 2 * 1024 * 1024


class Kind(StrEnum):
    """What a message is."""

    HARD = "hard"  # a bounce: there is no such mailbox
    SOFT = "soft"  # a bounce for any other reason: full, away, or something about us
    COMPLAINT = "complaint"
    AUTOMATIC = "automatic"  # an automatic answer, or a receipt
    DELAYED = "delayed"  # it is tried again
    DELIVERED = "delivered"
    WISH = "wish to leave"  # by the address that it was sent to, so only for who can read that
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Report:
    """What a message says.

    Args:
        recipients: the addresses that it says it is about, in the form of `comparable`; empty where it says none.
        status: an enhanced status code (RFC 3463), "" where none is said.
        diagnostic: the reason in the words of whoever refused it, without addresses.
        addressed_to: where the message itself was sent, the surest first.
    """

    kind: Kind
    recipients: frozenset[str] = frozenset()
    status: str = ""
    diagnostic: str = ""
    addressed_to: tuple[str, ...] = ()


# RFC 3463 §3.2 and §3.3: the mailbox, or its domain, is not there. Not 5.1.7 and 5.1.8, which are about the sender.
GONE = re.compile(r"5\.1\.(?:[0-4]|6|10)|5\.2\.1")
# Codes that say no more than "no".
VAGUE = re.compile(r"|[45]\.0\.\d+|5\.[1-7]\.0|5\.[57]\.[01]")
CODE = re.compile(r"(?<![\d.])([245]\.[0-7]\.\d{1,3})(?![\d.])")
# Only ever asked about a few hundred characters.
NO_SUCH_MAILBOX = re.compile(
    r"user (?:is )?unknown|unknown (?:user|recipient|local|mailbox|address)|unrouteable"
    r"|no such (?:user|recipient|mailbox|address|person|account)|no mailbox here|invalid (?:recipient|mailbox|user)"
    r"|not a (?:valid|known) (?:user|mailbox|recipient)|does(?:n't| not) have an? .{0,40}account"
    r"|(?:user|mailbox|recipient|account|address|addressee|domain)\b.{0,60}?"
    r"(?:not (?:be )?found|n.t be found|n.t exist|not exist|disabled|inactive|no longer)",
    re.IGNORECASE | re.DOTALL,
)
# Something else than the mailbox's death, whatever the code says.
FULL = re.compile(r"quota|mailbox (?:is )?full|full mailbox|storage|receiving mail (?:at a rate|too)", re.IGNORECASE)
ABOUT_US = re.compile(
    r"\b(?:spam|block(?:ed|ing|list(?:ed)?)?|black-?list(?:ed)?|reputation|polic(?:y|ies)|dmarc|spf|dkim|virus|content)\b",
    re.IGNORECASE,
)
# What has such words in it without saying anything: addresses, URLs, names of hosts.
NAMES = re.compile(r"\S+@\S+|\bhttps?://\S+|\b(?:[a-z0-9-]+\.)+[a-z]{2,}\b")
ACTIONS = {"delayed": Kind.DELAYED, "delivered": Kind.DELIVERED, "relayed": Kind.DELIVERED, "expanded": Kind.DELIVERED}
# RFC 5965 §7.3. Not `not-spam`, nor reports about authentication (RFC 6591) and viruses: nobody wants to leave there.
COMPLAINTS = frozenset({"abuse", "fraud", "other", "opt-out", "opt-out-list"})
ADDRESSED = ("delivered-to", "x-original-to", "envelope-to", "x-envelope-to", "x-rcpt-to", "to", "resent-to", "cc")
AUTOMATIC = (
    "x-autoreply",
    "x-autorespond",
    "x-autoresponder",
    "x-auto-response-suppress",
    "x-ms-exchange-inbox-rules-loop",
)
ADDRESS = re.compile(r"[^\s<>,;:\"()]{1,255}@[^\s<>,;:\"()]{1,255}")
MOST_ADDRESSES = 50


def read_report(message: bytes) -> Report:
    """Read any message; of a very large one its first 2 MB."""
    parts = take_apart(message[:LARGEST])
    top = parts[0].fields
    to = addressed_to(top)
    for reader in (_complaint, _status, _receipt):
        if (found := reader(parts)) is not None:
            return Report(found.kind, found.recipients, found.status, found.diagnostic, to)
    if not is_from_daemon(top):
        return Report(Kind.AUTOMATIC if _is_automatic(top) else Kind.UNKNOWN, addressed_to=to)
    failed, delayed, reason = odd_bounce(message[:LARGEST], parts)
    recipients = frozenset(map(comparable, failed or delayed))
    if failed:
        kind, status = judge("", reason)
        return Report(kind, recipients, status, plain(reason), to)
    return Report(Kind.DELAYED if delayed else Kind.UNKNOWN, recipients, "", plain(reason), to)


def judge(status: str, diagnostic: str) -> tuple[Kind, str]:
    """Whether a failure is a hard or a soft bounce, and the code that says so.

    Hard is only what says that the mailbox is not there: its address is never mailed again.
    """
    code = (CODE.search(status) or [""])[0]
    if VAGUE.fullmatch(code) and (better := CODE.search(diagnostic)):
        code = better[1]
    said = NAMES.sub(" ", diagnostic)
    if code.startswith("4") or FULL.search(said):
        return Kind.SOFT, code
    gone, no_such = GONE.fullmatch(code), NO_SUCH_MAILBOX.search(diagnostic)
    if ABOUT_US.search(said):
        return Kind.HARD if gone and no_such else Kind.SOFT, code
    return Kind.HARD if gone or (no_such and VAGUE.fullmatch(code)) else Kind.SOFT, code


def is_about_us(status: str, diagnostic: str) -> bool:
    """Whether a bounce says something of us (a block list, a spam filter, a policy) and nothing of the mailbox."""
    said = NAMES.sub(" ", diagnostic)
    policy = re.match(r"[45]\.7\.", status) or ABOUT_US.search(said)
    return bool(policy and not FULL.search(said))


def addressed_to(fields: Fields) -> tuple[str, ...]:
    """Where a message was sent: the envelope's recipient as a mail server noted it, then what its writer wrote."""
    values = [value for name in ADDRESSED for value in fields.all(name)][:MOST_ADDRESSES]
    return tuple(dict.fromkeys(address for value in values for address in ADDRESS.findall(value)))[:MOST_ADDRESSES]


def comparable(address: str) -> str:
    """An address in the form in which two are compared: lower-case, its domain in ASCII."""
    return ascii_address(address.strip().strip("<>").lower())


def plain(text: str) -> str:
    """A reason in one line, without addresses, as `replies.Reply.line` has it."""
    printable = "".join(c if c.isprintable() else " " for c in text[: 10 * LONGEST_REPLY])
    return " ".join(ANY_ADDRESS.sub("<…>", printable).split())[:LONGEST_REPLY]


def _complaint(parts: list[Part]) -> Report | None:
    """From a feedback report (RFC 5965), or from Outlook.com's older form, which has none."""
    for part in parts:
        if part.kind == "message/feedback-report":
            said = _merged(part.blocks())
            recipients = frozenset(map(comparable, ADDRESS.findall(said["original-rcpt-to"])))
            kind = Kind.COMPLAINT if said["feedback-type"].strip().lower() in COMPLAINTS else Kind.AUTOMATIC
            return Report(kind, recipients, "", plain(said["feedback-type"]))
    if parts[0].fields["subject"].lower().startswith("complaint about message from"):
        for original in (part for part in parts if part.kind == "message/rfc822"):
            address = Part(original.body).fields["x-hmxmroriginalrecipient"]
            if address:
                return Report(Kind.COMPLAINT, frozenset({comparable(address)}), "", "abuse")
    return None


def _status(parts: list[Part]) -> Report | None:
    """From a delivery status notification: of several recipients the one that fared worst."""
    found = [
        _recipient(fields)
        for part in parts
        if part.kind in ("message/delivery-status", "message/global-delivery-status")
        for fields in part.blocks()
        if "action" in fields or "final-recipient" in fields
    ]
    worst = (Kind.HARD, Kind.SOFT, Kind.DELAYED, Kind.DELIVERED)
    return min(found, key=lambda report: worst.index(report.kind), default=None)


def _recipient(fields: Fields) -> Report:
    # Where an alias or a forwarding led elsewhere, the final one is what failed.
    recipients = _typed(fields["final-recipient"]) or _typed(fields["original-recipient"])
    status, diagnostic = fields["status"], _untyped(fields["diagnostic-code"])
    action = (fields["action"].split(maxsplit=1) or [""])[0].lower()
    fallback = {"2": Kind.DELIVERED, "4": Kind.DELAYED}.get(status.strip()[:1])
    kind, code = judge(status, diagnostic)
    kind = ACTIONS.get(action, kind if action == "failed" or fallback is None else fallback)
    return Report(kind, recipients, code, plain(diagnostic))


def _receipt(parts: list[Part]) -> Report | None:
    """A disposition notification (RFC 8098): somebody's mail program says that they read it, or threw it away."""
    kinds = ("message/disposition-notification", "message/global-disposition-notification")
    return Report(Kind.AUTOMATIC) if any(part.kind in kinds for part in parts) else None


def _is_automatic(fields: Fields) -> bool:
    submitted = fields["auto-submitted"].partition(";")[0].strip().lower()
    precedence = fields["precedence"].strip().lower()
    return (
        submitted not in ("", "no")
        or any(name in fields for name in AUTOMATIC)
        or precedence in ("bulk", "junk", "list", "auto_reply")
        or bool(AWAY.match(fields["subject"]))
    )


def _merged(blocks: Iterable[Fields]) -> Fields:
    return next((fields for fields in blocks if "feedback-type" in fields), Fields(b""))


def _typed(value: str) -> frozenset[str]:
    """`rfc822; <ann+2Blists@example.org>` -> `ann+lists@example.org` (RFC 3464 §2.3.1, xtext of RFC 3461 §4).

    And the address as it stands there: only an original recipient is xtext, and not every server knows that.
    """
    decode: Callable[[re.Match[str]], str] = lambda found: chr(int(found[1], 16))  # noqa: E731
    kind, mark, address = value.partition(";")
    found = ADDRESS.search(address if mark else kind)
    if not found:
        return frozenset()
    return frozenset({comparable(found[0]), comparable(re.sub(r"\+([0-7][0-9A-F])", decode, found[0]))})


def _untyped(value: str) -> str:
    kind, mark, rest = value.partition(";")
    return rest.strip() if mark and len(kind) < 20 else value
