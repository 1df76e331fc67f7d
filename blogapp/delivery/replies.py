"""What a relay's reply means: one pure function, `judge`. No network, no database, no clock."""

import re
from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What becomes of a mail."""

    ACCEPTED = "accepted"  # the relay has it, and answers for it
    DEFERRED = "deferred"  # not now: again later
    REFUSED = "refused"  # never
    SLOW_DOWN = "slow down"  # the relay is too busy for us: the same mail again, slower
    TROUBLE = "trouble"  # the relay cannot be used at all: nothing is wrong with the mail
    IN_DOUBT = "in doubt"  # the connection broke after the final dot: sent, or not


class Phase(StrEnum):
    """What a reply answers (RFC 5321 §4.3.2)."""

    CONNECT = "connecting"
    HELLO = "EHLO"
    TLS = "STARTTLS"
    LOGIN = "AUTH"
    RESET = "RSET"
    LONE = "a lone dot"
    MAIL = "MAIL"
    RCPT = "RCPT"
    DATA = "DATA"
    BODY = "the message"  # before the final dot had left in full
    DOT = "the final dot"


# Before the first MAIL nothing concerns any one mail.
SETTING_UP = frozenset({Phase.CONNECT, Phase.HELLO, Phase.TLS, Phase.LOGIN})
# RFC 3463 §3.2: what these say is about the mailbox, and stays true.
DEAD_MAILBOX = re.compile(r"5\.1\.(?:1|2|3|6|10)")
# A relay's own log-in and policy demands (RFC 4954 §6, RFC 3207): every mail would get the same answer.
RELAY_DEMANDS = frozenset({530, 534, 535, 538})
NO_RELAYING = re.compile(
    r"relay(?:ing)? (?:access )?(?:is )?(?:denied|not permitted|not allowed|prohibited)"
    r"|unable to relay|not (?:permitted|allowed) to relay",
    re.IGNORECASE,
)
TOO_FAST = re.compile(r"too (?:fast|many|much)|rate.?limit|throttl|slow down|try .*slower|frequency", re.IGNORECASE)
# RFC 3463 §3.4: its system is full, takes nothing just now, or is not set up well. 452 alone says the first.
BUSY = frozenset({"4.3.1", "4.3.2", "4.3.5"})
GREYLISTED = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@:;,]+>?")
LONGEST_REPLY = 200


@dataclass(frozen=True)
class Reply:
    """A relay's answer. `code` 0: none came, the connection broke and `text` says how."""

    code: int
    enhanced: str = ""
    text: str = ""

    @property
    def line(self) -> str:
        """For people and for counting the like together: without addresses, at most 200 characters."""
        parts = [str(self.code) if self.code else "", self.enhanced, ADDRESS.sub("<…>", self.text)]
        return " ".join(" ".join(part for part in parts if part).split())[:LONGEST_REPLY]


@dataclass(slots=True)
class Outcome:
    """What becomes of one mail. `suppress`: its address is dead, never mail it again."""

    verdict: Verdict
    reply: str = ""
    suppress: bool = False


def accepted(line: bytes) -> Outcome:
    """What a 250 to a final dot means; the short way, taken for nearly every mail."""
    if b"@" in line or b"  " in line:
        return judge(parse_reply([line.rstrip(b"\r")]), Phase.DOT)
    return Outcome(Verdict.ACCEPTED, line.decode("utf-8", "replace").strip()[:LONGEST_REPLY])


def judge(reply: Reply, phase: Phase) -> Outcome:
    """Turn a reply into what becomes of the mail (or, before the first MAIL, of the connection)."""
    if phase is Phase.DOT and 200 <= reply.code <= 299:
        return Outcome(Verdict.ACCEPTED, reply.line)
    if reply.code == 0:
        verdict = Verdict.IN_DOUBT if phase is Phase.DOT else Verdict.TROUBLE
        return Outcome(verdict, f"{reply.line or 'the connection broke'} (at {phase})")
    if is_about_us(reply, phase):
        return Outcome(Verdict.TROUBLE, f"{reply.line} (at {phase})")
    if asks_for_less(reply):
        return Outcome(Verdict.SLOW_DOWN, reply.line)
    if reply.code >= 500:
        dead = phase in (Phase.RCPT, Phase.DOT) and bool(DEAD_MAILBOX.fullmatch(reply.enhanced))
        return Outcome(Verdict.REFUSED, reply.line, suppress=dead)
    return Outcome(Verdict.DEFERRED, reply.line)


def is_about_us(reply: Reply, phase: Phase) -> bool:
    """Whether every other mail would get the same answer, so that no recipient may be given up for it."""
    if phase in SETTING_UP or not 400 <= reply.code <= 599:
        return True
    if phase is Phase.MAIL and reply.code >= 500 and reply.code != 552:
        return True  # They do not like our sender. (552: this message is too large.)
    if phase is Phase.MAIL and reply.code < 500 and not asks_for_less(reply):
        return True  # No recipient has been named yet: it is busy with itself (452 4.3.1, its disk is full).
    return reply.code in RELAY_DEMANDS or (reply.code >= 500 and bool(NO_RELAYING.search(reply.text)))


def asks_for_less(reply: Reply) -> bool:
    """Whether the relay wants fewer or slower mails: 421, 4.7.x, or 45x with words to that effect; or has no room.

    Greylisting (also 4.7.x) is about one recipient and goes by itself when the mail comes again later.
    """
    if not 400 <= reply.code <= 499 or GREYLISTED.search(reply.text):
        return False
    if reply.enhanced in BUSY or (reply.code == 452 and not reply.enhanced):
        return True
    return reply.code == 421 or reply.enhanced.startswith("4.7.") or bool(TOO_FAST.search(reply.text))


def parse_reply(lines: list[bytes]) -> Reply:
    """The lines of one reply, without their line ends.

    Raises:
        ValueError: they are no SMTP reply (RFC 5321 §4.2).
    """
    codes = {line[:3] for line in lines}
    if len(codes) != 1 or not re.fullmatch(rb"[2-5][0-9]{2}", lines[0][:3]):
        raise ValueError(f"no SMTP reply: {lines[0][:80]!r}")
    texts = [line[4:].decode("utf-8", "replace").strip() for line in lines]
    # RFC 2034 §4: the same code begins every line.
    enhanced = re.match(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+|$)", texts[0])
    if enhanced and enhanced[1][0] == chr(lines[0][0]):
        texts = [text.removeprefix(enhanced[1]).strip() for text in texts]
        return Reply(int(lines[0][:3]), enhanced[1], "\n".join(texts))
    return Reply(int(lines[0][:3]), "", "\n".join(texts))
