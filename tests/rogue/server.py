"""The rogue relay's process: asyncio, nothing but the standard library, so that it is up in a moment.

It counts a mail before it answers, knows nothing of its clients' lives, and notes what a client does that RFC 5321 and
2920 forbid. `python server.py FD`: a socket on which it is told, a line of JSON each, what to do.
"""

import asyncio
import base64
import json
import logging
import signal
import socket
import ssl
import struct
import sys
from typing import Any

from rules import Mood, Rule  # type: ignore[import-not-found]  # its own folder is its path

LIMIT = 1 << 20
LINGER = 1.0


class HungUp(Exception):
    """The connection is over."""


class Session:
    """One connection."""

    def __init__(self, relay: "Relay", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.relay, self.reader, self.writer = relay, reader, writer
        self.number, self.message = relay.connections, 0
        self.buffer, self.glued = bytearray(), b""
        self.recipient, self.open, self.trusted, self.doomed = "", False, False, False

    async def run(self) -> None:
        """Serve until it ends."""
        mood, relay = self.relay.mood, self.relay
        try:
            if mood.most and len(relay.sessions) > mood.most:
                await self.answer("greeting", "421 4.3.2 too many connections from you")
            await self.answer("greeting", "220 rogue.test ESMTP")
            while True:
                await self.obey((await self.line()).decode("utf-8", "replace").strip())
        except (HungUp, OSError, asyncio.IncompleteReadError):
            pass
        finally:
            self.writer.transport.abort()

    # In

    async def more(self) -> None:
        data = await self.reader.read(1 << 16)
        if not data:
            raise HungUp
        self.buffer += data

    async def line(self) -> bytes:
        while (end := self.buffer.find(b"\r\n")) < 0:
            if len(self.buffer) > 4096:
                self.relay.blame("a command line without an end")
                raise HungUp
            await self.more()
        line = bytes(self.buffer[:end])
        del self.buffer[: end + 2]
        return line

    async def body(self) -> bytes:
        """All up to the final dot."""
        begun = 0
        while True:
            if self.buffer.startswith(b".\r\n"):
                end = 0
                break
            if (end := self.buffer.find(b"\r\n.\r\n", begun)) >= 0:
                end += 2
                break
            begun = max(len(self.buffer) - 4, 0)
            await self.more()
        found = bytes(self.buffer[:end])
        del self.buffer[: end + 3]
        return found

    # Out

    async def answer(self, phase: str, usual: str) -> str:
        """Say what there is to say, in the way that the rules have it. Returns what was said."""
        return await self.act(self.rule(phase), usual)

    def rule(self, phase: str) -> Rule | None:
        return self.relay.rule(phase, self.recipient, self.number, self.message)

    async def act(self, rule: Rule | None, usual: str) -> str:
        if rule is None:
            rule = Rule("greeting")
        said = usual if rule.say is None else rule.say
        if rule.wait:
            await asyncio.sleep(rule.wait)
        if rule.say is not None or not rule.then:
            await self.say(said, rule)
        then = rule.then or ("close" if said.startswith("421") else "")
        if then:
            await self.end(then)
        return said

    async def say(self, said: str, rule: Rule) -> None:
        data = self.glued + said.encode("latin-1") + b"\r\n"
        self.glued = b""
        if rule.glue:
            self.glued = data
            return
        step = 1 if rule.trickle else len(data)
        for begin in range(0, len(data), step):
            self.writer.write(data[begin : begin + step])
            if rule.trickle:
                await asyncio.sleep(rule.trickle)
        await self.writer.drain()

    async def end(self, how: str) -> None:
        if how == "reset":
            own: socket.socket = self.writer.get_extra_info("socket")
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise HungUp
        if how == "silence":
            self.writer.transport.pause_reading()  # type: ignore[attr-defined]
            self.relay.sessions.pop(asyncio.current_task())  # type: ignore[arg-type]  # it will not see when we go
            await self.relay.over.wait()
            raise HungUp
        if how == "garbage":
            await asyncio.sleep(0.2)  # into the handshake, not before it
            self.writer.write(b"\x16\x03\xff nothing of the kind \x00" * 20)
        if self.writer.can_write_eof():
            self.writer.write_eof()
        # What is still on its way to us would turn our end into a reset, which takes back what we said.
        async with asyncio.timeout(None if how == "half-close" else LINGER):
            while await self.reader.read(1 << 16):
                pass
        raise HungUp

    # The dialogue

    async def obey(self, line: str) -> None:
        verb, mood = line.partition(" ")[0].upper(), self.relay.mood
        if self.buffer and (not mood.pipelining or verb in ("DATA", "EHLO", "STARTTLS", "AUTH", "QUIT")):
            self.relay.blame(f"something came behind {verb} before its answer")
        if verb in ("EHLO", "HELO"):
            await self.answer("EHLO", self.offers() if verb == "EHLO" else "250 rogue.test")
        elif verb == "STARTTLS":
            await self.answer("STARTTLS", "220 2.0.0 go on")
            await self.writer.start_tls(context(mood.certificate))
        elif verb == "AUTH":
            given = base64.b64decode(line.split(" ")[-1]).decode().split("\0")[1:]
            self.trusted = given == list(mood.login or ())
            await self.answer("AUTH", "235 2.7.0 welcome" if self.trusted else "535 5.7.8 no such log-in")
        elif verb == "MAIL":
            await self.mail()
        elif verb == "RCPT":
            self.recipient = line.partition("<")[2].rpartition(">")[0]
            said = await self.answer("RCPT", "250 2.1.5 fine" if self.open else "503 5.5.1 MAIL first")
            self.doomed = not said.startswith("2")
        elif verb == "DATA":
            await self.data()
        elif verb in ("RSET", "NOOP"):
            self.open, self.recipient = self.open and verb == "NOOP", ""
            await self.answer("RSET", "250 2.0.0 fine")
        elif verb == "QUIT":
            await self.answer("QUIT", "221 2.0.0 bye")
            await self.end("close")
        else:
            self.relay.blame(f"an unknown command: {line[:40]!r}")
            await self.answer("RSET", "500 5.5.2 what")

    def offers(self) -> str:
        mood = self.relay.mood
        offered = ["rogue.test", "8BITMIME", "ENHANCEDSTATUSCODES"]
        offered += ["PIPELINING"] * mood.pipelining + [f"SIZE {mood.size}"] * bool(mood.size)
        offered += ["AUTH PLAIN"] * bool(mood.login)
        offered += ["STARTTLS"] * bool(mood.certificate and not mood.implicit_tls)
        return "".join(f"250-{word}\r\n" for word in offered[:-1]) + f"250 {offered[-1]}"

    async def mail(self) -> None:
        if self.open:
            self.relay.blame("MAIL within a transaction")
        self.message, self.recipient = self.message + 1, ""
        usual = "250 2.1.0 fine" if self.trusted or not self.relay.mood.login else "530 5.7.0 log in first"
        self.open = (await self.answer("MAIL", usual)).startswith("2")
        self.doomed = True

    async def data(self) -> None:
        usual = "354 go on" if self.open and (not self.doomed or self.relay.mood.eager) else "503 5.5.1 nobody"
        if not (await self.answer("DATA", usual)).startswith("354"):
            return
        if (rule := self.rule("body")) is not None:
            while len(self.buffer) < rule.bytes and b"\n.\r\n" not in self.buffer:
                await self.more()
            await self.act(rule, "451 4.3.0 what a mail")
        message = await self.body()
        self.open, doomed = False, self.doomed
        if doomed or not message:
            self.relay.empty += 1
            await self.act(None, "554 5.5.1 no valid recipients")
            return
        rule = self.rule("dot")
        if rule is not None and (rule.then or not (rule.say or "2").startswith("2")):
            await self.act(rule, "451 4.3.0 not this one")
            return
        await self.take(message, rule)

    async def take(self, message: bytes, rule: Rule | None) -> None:
        head = message.partition(b"\r\n\r\n")[0].decode("ascii", "replace")
        names = [line[11:].strip() for line in head.split("\r\n") if line.lower().startswith("message-id:")]
        self.relay.mails.append([self.recipient, "".join(names), self.number])
        self.relay.reached.add(self.recipient)
        self.relay.total += 1
        if self.relay.mood.delay:
            await asyncio.sleep(self.relay.mood.delay)
        while 0 < self.relay.mood.hold_from <= self.relay.total:
            await asyncio.sleep(0.002)
        await self.act(rule or self.rule("taken"), "250 2.0.0 taken")


class Relay:
    """What all connections share."""

    def __init__(self) -> None:
        self.mood = Mood()
        self.mails: list[list[Any]] = []
        self.reached: set[str] = set()
        self.total = self.empty = self.connections = self.most = 0
        self.blamed: dict[str, int] = {}
        self.sessions: dict[asyncio.Task[None], Session] = {}
        self.over = asyncio.Event()
        self.port = 0
        self.listener: asyncio.Server | None = None

    def rule(self, phase: str, recipient: str, connection: int, message: int) -> Rule | None:
        """The first one whose moment this is."""
        fitting = (rule for rule in self.mood.rules if rule.at == phase)
        return next((rule for rule in fitting if rule.fires(recipient, connection, message)), None)

    def blame(self, what: str) -> None:
        """Note that a client has no manners."""
        self.blamed[what] = self.blamed.get(what, 0) + 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.connections += 1
        self.sessions[task] = session = Session(self, reader, writer)
        self.most = max(self.most, len(self.sessions))
        try:
            await session.run()
        except asyncio.CancelledError:
            pass
        finally:
            self.sessions.pop(task, None)

    async def do(self, what: str, **given: Any) -> Any:
        """What we are told."""
        if what == "change":
            self.mood.change(**given)
        elif what == "listen":
            secret = context(self.mood.certificate) if self.mood.implicit_tls else None
            self.listener = await asyncio.start_server(
                self.serve, "127.0.0.1", self.port, backlog=512, limit=LIMIT, ssl=secret
            )
            self.port = self.listener.sockets[0].getsockname()[1]
        elif what == "leave" and self.listener is not None:
            self.listener.close()
            self.listener = None
        elif what == "mails":
            return self.mails[given["skip"] :]
        if what in ("leave", "hang up"):
            for session in list(self.sessions.values()):
                session.writer.transport.abort()
        return {
            "port": self.port, "total": self.total, "different": len(self.reached), "empty": self.empty,
            "connections": self.connections,
            "open": len(self.sessions), "most": self.most, "blamed": self.blamed,
            "fired": [rule.fired for rule in self.mood.rules],
        }  # fmt: skip


def context(certificate: str) -> ssl.SSLContext:
    """What a relay on this machine shows."""
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    made.load_cert_chain(certificate)
    return made


async def main() -> None:
    """Do what we are told, until nobody is there to tell us."""
    logging.disable()  # asyncio says that clients have gone: of course they have
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal is for the tests
    relay = Relay()
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=int(sys.argv[1])))
    while line := await reader.readline():
        answer = await relay.do(**json.loads(line))
        writer.write(json.dumps(answer).encode() + b"\n")
    relay.over.set()


if __name__ == "__main__":
    asyncio.run(main())
