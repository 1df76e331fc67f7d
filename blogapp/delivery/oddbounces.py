"""Bounces in forms of their own, from before RFC 3464 and beside it, as flufl.bounce knows them. Never an error."""

import email
import logging
import re
from itertools import takewhile

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
    r"(?:^|[<\s\"])(?:mailer-?daemon|postmaster|mail-?daemon|mdaemon|mail(?:er)?[ _.-](?:delivery|admin|system))",
    re.IGNORECASE,
)
FAILED = re.compile(
    r"undeliver|delivery (?:status|failure|has failed|problem|report|error)|failure notice|returned mail"
    r"|mail (?:delivery )?(?:failed|failure|error|system error)|could not send",
    re.IGNORECASE,
)
AWAY = re.compile(
    r"(?:re: )?(?:auto(?:matic|mated|matische)?[ -]?(?:reply|response|antwort)|out of (?:the )?office|abwesen"
    r"|(?:on )?vacation\b|r[ée]ponse automatique|respuesta autom)",
    re.IGNORECASE,
)
# Where the mail that came back begins: what stands in it is our own.
OURS = re.compile(
    r"--.*(?:copy of|original message|below this line|returned message)"
    r"|[> ]{0,3}(?:return-path|received|message-id|dkim-signature|mime-version) ?:",
    re.IGNORECASE,
)
CODE = re.compile(r"\b[45]\d\d[ -]|\b[45]\.\d{1,3}\.\d{1,3}\b")
MOST_LINES, LONGEST_LINE, MOST_SAID = 300, 300, 600


def is_from_daemon(fields: Fields) -> bool:
    """Whether a mail server wrote it, by what it says of itself."""
    null = any(path.strip() in ("<>", "") for path in fields.all("return-path"))
    sender = bool(DAEMON.search(fields["from"][:500]))
    if sender or "x-failed-recipients" in fields:
        return True
    subject = fields["subject"][:500]
    return null and bool(FAILED.search(subject)) and not AWAY.match(subject)


def odd_bounce(message: bytes, parts: list[Part]) -> tuple[list[str], list[str], str]:
    """The addresses that failed, those that are still tried, and the reason as far as one is said."""
    failed, delayed = _ask_library(message[:LOOKED_AT])
    if not failed and not delayed:
        failed = [word.strip("<>,;") for word in parts[0].fields["x-failed-recipients"].split() if "@" in word]
    text = next((part.text for part in parts if part.kind == "text/plain"), "")
    return failed, delayed, _reason(text, [address.lower() for address in failed])


def _reason(text: str, addresses: list[str]) -> str:
    """The line with a code, and those that go on with it: after the first address, or else anywhere."""
    lines = [line[:LONGEST_LINE] for line in text.split("\n", MOST_LINES)[:MOST_LINES]]
    ours = next((number for number, line in enumerate(lines) if OURS.match(line)), len(lines))
    lines = lines[:ours]
    places = [number for number, line in enumerate(lines) if any(address in line.lower() for address in addresses)]
    near = lines[places[0] if places else 0 :]
    for some in (near, lines):
        for number, line in enumerate(some):
            if CODE.search(line):
                return " ".join([line, *takewhile(lambda line: line[:1].isspace(), some[number + 1 :])])[:MOST_SAID]
    return " ".join(near)[:MOST_SAID]


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
