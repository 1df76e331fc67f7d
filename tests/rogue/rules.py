"""What a rogue relay does otherwise than usual, and when. Only the standard library: its process knows no more."""

from dataclasses import dataclass, field
from typing import Any

# What can be answered, in the order in which it comes. `body`: before anything of it was read; `dot`: the whole mail
# is there and not taken yet; `taken`: it is taken, and the answer is still to be given.
PHASES = ("greeting", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "body", "dot", "taken", "RSET", "QUIT")


@dataclass
class Rule:
    """At `at`, if everything else that is given holds: say this, so late, and then end so.

    Args:
        at: one of PHASES.
        to: only for these recipients: whole addresses, or `@domain`.
        connection: only on these connections, counted from 1 over all.
        message: only with the so-manieth mail of its connection, counted from 1.
        skip, times, every: not the first `skip` matches, then `times` of them at most (0: all), each `every`-th one.
        say: instead of the usual answer, without the last line end; anything, by latin-1. None: the usual one.
        wait: seconds before it.
        trickle: seconds between any two of its bytes.
        glue: keep it until there is another answer, and say both at once.
        then: "" go on; else without an answer unless `say` is given: "close" (what was said does arrive), "reset",
            "half-close" (say nothing more, take everything), "silence" (neither), "garbage" (what is no SMTP and no
            TLS, then close). A 421 closes by itself.
        bytes: at `body`: how much of it to read first.
    """

    at: str
    to: tuple[str, ...] = ()
    connection: tuple[int, ...] = ()
    message: tuple[int, ...] = ()
    skip: int = 0
    times: int = 0
    every: int = 1
    say: str | None = None
    wait: float = 0.0
    trickle: float = 0.0
    glue: bool = False
    then: str = ""
    bytes: int = 1
    seen: int = field(default=0, compare=False)
    fired: int = field(default=0, compare=False)

    def __post_init__(self) -> None:
        assert self.at in PHASES, self.at
        assert self.then in ("", "close", "reset", "half-close", "silence", "garbage"), self.then

    def fires(self, recipient: str, connection: int, message: int) -> bool:
        """Whether this is its moment; counts."""
        if self.to and recipient not in self.to and recipient[recipient.find("@") :] not in self.to:
            return False
        if (self.connection and connection not in self.connection) or (self.message and message not in self.message):
            return False
        self.seen += 1
        due = self.seen - self.skip
        if due < 1 or due % self.every or (self.times and self.fired >= self.times):
            return False
        self.fired += 1
        return True


@dataclass
class Mood:
    """How the relay is as a whole; may change at any time.

    Args:
        delay: seconds before the answer to each mail taken.
        hold_from: once it has taken so many mails, no answer to a mail for as long as this stands; 0: never.
        eager: answers 354 to DATA even after a refused RCPT, as RFC 2920 §3.1 allows.
        most: so many connections at once, 421 for the next one; 0: all that come.
        size: what EHLO says of it; 0: nothing.
        login: name and password that are asked for before the first MAIL.
        certificate: a PEM file; offers STARTTLS. `implicit_tls`: begins with it (not changed afterwards).
    """

    rules: list[Rule] = field(default_factory=list)
    delay: float = 0.0
    hold_from: int = 0
    pipelining: bool = True
    eager: bool = False
    most: int = 0
    size: int = 0
    login: tuple[str, str] | None = None
    certificate: str = ""
    implicit_tls: bool = False

    def change(self, **given: Any) -> None:
        """As JSON brings it."""
        for name, value in given.items():
            setattr(self, name, [Rule(**rule) for rule in value] if name == "rules" else value)
