"""The sending of mails over one connection, without the connection: bytes in, outcomes and bytes to write out.

Pipelined where the relay offers it (RFC 2920), step by step where not. One write carries a message's body, its final
dot and the next message's MAIL, RCPT and DATA, so that a message costs one round trip. smtplib cannot do that. Two
things drive it: `smtp.py`, blocking, one connection; and `engine.py`, a loop over many.
"""

import re
from collections import deque
from collections.abc import Sequence

from blogapp.delivery.envelopes import DOT, Envelope, Options, mail_commands
from blogapp.delivery.replies import Outcome, Phase, Reply, accepted, judge, parse_reply
from blogapp.delivery.wire import LONGEST_LINE, MOST_LINES

Result = tuple[Envelope, Outcome]
OPENING = (Phase.MAIL, Phase.RCPT, Phase.DATA)
# What a relay says to nearly every write: to a message, and to the opening of the next one.
ALL_WELL = re.compile(rb"(250 [^\r\n]{0,500})\r?\n(?:250 [^\r\n]{0,500}\r?\n){2}354 [^\r\n]{0,500}\r?\n")
ALL_ASKED = deque((Phase.DOT, *OPENING))
USUAL = (b"250", b"354")


class Dialogue:
    """What has been said over an open, greeted connection, and what may be said next.

    `write` when nothing is `awaited`; `feed` what arrives; `broken` when the connection is no more. Each envelope given
    to `write` gets exactly one outcome from these; TROUBLE means that it has certainly not been accepted.
    """

    def __init__(self, options: Options, buffer: bytes = b"") -> None:
        self.options = options
        self.accepted = 0
        self.over = ""  # why nothing more can be said: the relay took leave (421), or speaks no SMTP
        self.body_size = 0  # of the last write, how many bytes at its beginning are a message and its dot
        self.whole = True  # these have left; what is said before accepts nothing
        self._awaited: deque[Phase] = deque()
        self._commands: list[tuple[Phase, bytes]] = []  # still to be said
        self._sent: Envelope | None = None  # its body has left, its final dot is unanswered
        self._opening: Envelope | None = None  # its MAIL has left
        self._open: Envelope | None = None  # the relay waits for its body
        self._body: Sequence[bytes] = ()
        self._size = 0
        self._refusal: Outcome | None = None
        self._reset = False  # a transaction that failed after MAIL: RSET before the next one
        self._buffer = buffer
        self._lines: list[bytes] = []

    @property
    def awaited(self) -> Phase | None:
        """What the relay has still to answer first; None: it is our turn."""
        return self._awaited[0] if self._awaited else None

    @property
    def busy(self) -> bool:
        """Whether an envelope has got no outcome yet."""
        return self._sent is not None or self._opening is not None or self._open is not None

    @property
    def in_flight(self) -> bool:
        """Whether a body has left that the relay has not answered for."""
        return self._sent is not None

    @property
    def takes_more(self) -> bool:
        """Whether `write` may be given another envelope now."""
        if self._awaited or self._opening is not None or self.over:
            return False
        return self._open is None or self.options.pipelining

    def write(self, upcoming: Envelope | None) -> tuple[Sequence[bytes], bytes]:
        """What to write next: the open body, in pieces, and behind it, where that may be, the first commands of
        `upcoming`.

        Raises:
            BadEnvelope: `upcoming` can never be sent over this connection; nothing else has changed.
        """
        commands, body, size = mail_commands(upcoming, self.options) if upcoming is not None else (b"", (), 0)
        written: Sequence[bytes] = ()
        self.body_size = 0
        if self._open is not None:
            written = self._body
            self.body_size = self._size
            self._sent, self._open = self._open, None
            self._awaited.append(Phase.DOT)
        if upcoming is not None:
            self._opening, self._refusal = upcoming, None
            self._body, self._size = body, size
            if self.options.pipelining and not (self._commands or self._reset):
                self._awaited.extend(OPENING)
                return written, commands
            if self._reset:
                self._commands.append((Phase.RESET, b"RSET\r\n"))
                self._reset = False
            self._commands.extend(zip(OPENING, commands.splitlines(keepends=True), strict=True))
        return written, self._next_commands(bool(written))

    def _next_commands(self, after_body: bool) -> bytes:
        """As many as may be said at once."""
        if self.options.pipelining:
            said = list(self._commands)
        elif self._commands and not after_body:
            said = [self._commands[0]]
        else:
            return b""
        del self._commands[: len(said)]
        self._awaited.extend(phase for phase, _ in said)
        return b"".join(line for _, line in said)

    def feed(self, data: bytes) -> list[Result]:
        """Hear what has arrived; the envelopes whose fate that decides. Look at `over` afterwards."""
        if self._awaited == ALL_ASKED and self.whole and not (self._buffer or self._lines):
            if well := ALL_WELL.fullmatch(data):
                return self._all_well(well[1])
        results: list[Result] = []
        lines = (self._buffer + data).split(b"\n") if self._buffer else data.split(b"\n")
        self._buffer = lines.pop()
        for line in lines:
            if self.over:
                break
            self._hear_line(line, results)
        if len(self._buffer) > LONGEST_LINE:
            self.over = self.over or "the relay's answer has no end"
        return results

    def broken(self, why: str, written: int = 0) -> list[Result]:
        """The connection is no more; what that means for each envelope without an outcome.

        Args:
            written: how many bytes of the last write may have left.
        """
        results: list[Result] = []
        if self._sent is not None:
            phase = Phase.DOT if written >= self.body_size else Phase.BODY
            results.append((self._sent, judge(Reply(0, "", why), phase)))
        for envelope in (self._opening, self._open):
            if envelope is not None:
                known = self._refusal if envelope is self._opening else None
                results.append((envelope, known or judge(Reply(0, "", why), Phase.MAIL)))
        self._sent = self._opening = self._open = None
        self._awaited.clear()
        self._commands.clear()
        return results

    def _all_well(self, line: bytes) -> list[Result]:
        """Hear four good answers at once: as `_hear_line` hears them, one by one."""
        assert self._sent is not None
        results = [(self._sent, accepted(line))]
        self.accepted += 1
        self._awaited.clear()
        self._sent, self._open, self._opening = None, self._opening, None
        return results

    def _hear_line(self, line: bytes, results: list[Result]) -> None:
        first = line[:3]
        if line[3:4] == b"-" or self._lines or len(line) > LONGEST_LINE:
            self._lines.append(line.rstrip(b"\r"))
            if len(self._lines) > MOST_LINES or len(line) > LONGEST_LINE:
                self.over = "the relay's answer has no end"
            if line[3:4] == b"-" or self.over:
                return
            lines, self._lines = self._lines, []
        elif first in USUAL and self._awaited and self._refusal is None:
            # The usual answers, taken the short way.
            phase = self._awaited[0]
            if first == b"250" and (phase is Phase.MAIL or phase is Phase.RCPT):
                self._awaited.popleft()
                return
            if first == b"250" and phase is Phase.DOT and self.whole and self._sent is not None:
                self._awaited.popleft()
                self.accepted += 1
                results.append((self._sent, accepted(line)))
                self._sent = None
                return
            if first == b"354" and phase is Phase.DATA:
                self._awaited.popleft()
                self._open, self._opening = self._opening, None
                return
            lines = [line.rstrip(b"\r")]
        else:
            lines = [line.rstrip(b"\r")]
        try:
            self._hear(parse_reply(lines), results)
        except ValueError as error:
            self.over = str(error)

    def _hear(self, reply: Reply, results: list[Result]) -> None:
        if reply.code == 421:
            self.over = reply.line
        if not self._awaited:
            self.over = self.over or f"the relay spoke out of turn: {reply.line}"
            return
        if self._awaited[0] is Phase.DOT and not self.whole and 200 <= reply.code <= 299:
            self.over = f"the relay answered before the message had ended: {reply.line}"
            return
        phase = self._awaited.popleft()
        if phase is Phase.DOT:
            self._hear_of_body(reply, results)
        elif phase is not Phase.LONE:
            self._hear_of_opening(reply, phase, results)

    def _hear_of_body(self, reply: Reply, results: list[Result]) -> None:
        assert self._sent is not None
        outcome = judge(reply, Phase.DOT)
        self.accepted += 200 <= reply.code <= 299
        results.append((self._sent, outcome))
        self._sent = None

    def _hear_of_opening(self, reply: Reply, phase: Phase, results: list[Result]) -> None:
        fine = reply.code == 354 if phase is Phase.DATA else 200 <= reply.code <= 299
        if not fine and self._refusal is None and phase is not Phase.RESET:
            self._refusal = judge(reply, phase)
        if fine and self._refusal is None:
            if phase is Phase.DATA:
                self._open, self._opening = self._opening, None
            return
        if self.over or not self.options.pipelining or phase is Phase.DATA:
            self._leave_transaction(reply, results)

    def _leave_transaction(self, last: Reply, results: list[Result]) -> None:
        """After a refusal. A DATA that was on its way may have got a 354 all the same: a lone dot answers it, and
        whatever is said to that counts for nobody (RFC 2920 §3.1)."""
        if self._refusal is None:
            return  # Only RSET was not liked.
        assert self._opening is not None
        results.append((self._opening, self._refusal))
        self._opening, self._refusal, self._body = None, None, ()
        self._commands.clear()
        self._awaited.clear()
        if last.code == 354:
            self._commands.append((Phase.LONE, DOT))
        else:
            self._reset = True
