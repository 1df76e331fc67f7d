"""Bounces in forms of their own, from before RFC 3464 and beside it, as flufl.bounce knows them. Never an error."""

import email
import logging
import re

import flufl.bounce

from blogapp.delivery.mimeparts import Fields, Part

log = logging.getLogger(__name__)
# It tells of every pattern that it tries, and of its own mistakes with hostile mail; ours is the one line below.
logging.getLogger("flufl.bounce").setLevel(logging.CRITICAL + 1)

# What it may look at: the library's parser asks every line of every part that it stands in.
LOOKED_AT = 128 * 1024
MOST_NESTED = 12
NESTS = re.compile(rb"boundary|message/", re.IGNORECASE)
DAEMON = re.compile(
    r"(?:^|[<\s\"])(?:mailer-?daemon|postmaster|mail-?daemon|mail(?:er)?[ _.-](?:delivery|administrator|system)|mdaemon)",
    re.IGNORECASE,
)
FAILED = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|problem|report|error)|failure notice|returned mail"
    r"|mail (?:delivery )?(?:failed|failure|error|system error)|could not send",
    re.IGNORECASE,
)
# Where the mail that came back begins: what stands in it is our own.
OURS = re.compile(
    r"^(?:-{2,}[^\n]*(?:copy of|original message|below this line|returned message)"
    r"|[> ]{0,3}(?:return-path|received|message-id|dkim-signature|mime-version)[ ]?:)",
    re.IGNORECASE | re.MULTILINE,
)
REASON = re.compile(r"[^\n]*(?:\b[45]\d\d[ -]|\b[45]\.\d{1,3}\.\d{1,3}\b)[^\n]*(?:\n[ \t]+[^\n]+)*")
LONGEST_TEXT = 20_000


def is_from_daemon(fields: Fields) -> bool:
    """Whether a mail server wrote it, by what it says of itself."""
    null = any(path.strip() in ("<>", "") for path in fields.all("return-path"))
    sender = bool(DAEMON.search(fields["from"][:500]))
    return sender or "x-failed-recipients" in fields or (null and bool(FAILED.search(fields["subject"][:500])))


def odd_bounce(message: bytes, parts: list[Part]) -> tuple[list[str], list[str], str]:
    """The addresses that failed, those that are still tried, and the reason as far as one is said."""
    failed, delayed = _ask_library(message[:LOOKED_AT])
    if not failed and not delayed:
        failed = [word.strip("<>,;") for word in parts[0].fields["x-failed-recipients"].split() if "@" in word]
    text = next((part.text for part in parts if part.kind == "text/plain"), "")[:LONGEST_TEXT]
    if ours := OURS.search(text):
        text = text[: ours.start()]
    # Near the address, or else anywhere, the line with a code says why.
    places = [place for address in failed if (place := text.lower().find(address.lower())) >= 0]
    near = text[min(places, default=0) :]
    reason = REASON.search(near) or REASON.search(text)
    return failed, delayed, reason[0] if reason else near[:600]


def _ask_library(message: bytes) -> tuple[list[str], list[str]]:
    if len(NESTS.findall(message)) > MOST_NESTED:
        return [], []
    try:
        delayed, failed = flufl.bounce.all_failures(email.message_from_bytes(message))
    except Exception:  # Its patterns meet whatever anybody sends.
        log.info("a message could not be looked at for a bounce", exc_info=True)
        return [], []
    return _addresses(failed), _addresses(delayed)


def _addresses(found: frozenset[bytes] | frozenset[str]) -> list[str]:
    texts = (one if isinstance(one, str) else one.decode("utf-8", "replace") for one in found)
    return sorted(text for text in texts if "@" in text)[:20]
