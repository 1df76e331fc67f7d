"""A mail relay of the tests that misbehaves as it is told, in a process of its own: it takes none of our time, and a
kill of whom it talks to is nothing to it.

Listens from the moment it is made; `with Rogue(Rule(...)) as rogue:` ends it. (tests/relay.py is aiosmtpd.)
"""

import json
import socket
import subprocess
import sys
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from tests.rogue.rules import Rule

__all__ = ["Mail", "Rogue", "Rule"]


class Mail(NamedTuple):
    """One that was taken. `connection`: over which one, counted from 1."""

    recipient: str
    message_id: str
    connection: int


class Rogue:
    """The relay. `mood`: see `rules.Mood`."""

    def __init__(self, *rules: Rule, **mood: Any) -> None:
        self._ours, theirs = socket.socketpair()
        command = [sys.executable, "-S", str(Path(__file__).parent / "server.py"), str(theirs.fileno())]
        self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()], start_new_session=True)
        theirs.close()
        self._lines = self._ours.makefile("rb")
        self.change(*rules, **mood)
        self.port: int = self._ask("listen")["port"]

    def __enter__(self) -> "Rogue":
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._ours.close()
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        """For BLOG_SMTP_URL."""
        return f"smtp://127.0.0.1:{self.port}?starttls=never"

    def change(self, *rules: Rule, **mood: Any) -> None:
        """From now on these rules, and no others; of the mood only what is given."""
        self._ask("change", rules=[asdict(rule) for rule in rules], **mood)

    def leave(self) -> None:
        """Listen no more and hang up on everybody."""
        self._ask("leave")

    def come_back(self) -> None:
        """Listen again, at the same port."""
        self._ask("listen")

    def hang_up(self) -> None:
        """On everybody who is connected."""
        self._ask("hang up")

    @property
    def total(self) -> int:
        """How many mails were taken."""
        return int(self.state["total"])

    @property
    def state(self) -> dict[str, Any]:
        """`total`, `different` (recipients), `empty` (mails without a recipient or a text), `connections`, `open` ones,
        the `most` at once, `blamed` (what clients must not do), `fired` (each rule, how often)."""
        return dict(self._ask("tell"))

    def mails(self, skip: int = 0) -> list[Mail]:
        """All that were taken, in their order."""
        return [Mail(*mail) for mail in self._ask("mails", skip=skip)]

    @property
    def accepted(self) -> Counter[str]:
        """How often each recipient's mail was taken."""
        return Counter(mail.recipient for mail in self.mails())

    def _ask(self, what: str, **given: Any) -> Any:
        self._ours.sendall(json.dumps({"what": what, **given}).encode() + b"\n")
        return json.loads(self._lines.readline())
