"""A relay that delivers nothing: it takes every mail on a port of this machine and puts it into the mailbox."""

import asyncio
import socket
import threading

from aiosmtpd.smtp import SMTP, Envelope, Session

from demo.mailbox import Mailbox


class Handler:
    """What aiosmtpd calls. `slow_ms`: how long each mail takes to be accepted, to watch a sending go by."""

    def __init__(self, mailbox: Mailbox, slow_ms: int) -> None:
        self.mailbox = mailbox
        self.slow_ms = slow_ms

    async def handle_EHLO(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        """Offer PIPELINING (RFC 2920), which aiosmtpd can do but does not say."""
        session.host_name = hostname
        return [*responses[:-1], "250-PIPELINING", responses[-1]]

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.slow_ms:
            await asyncio.sleep(self.slow_ms / 1000)
        content = envelope.content
        message = content.encode() if isinstance(content, str) else content or b""
        mail = self.mailbox.add(envelope.mail_from or "", [str(to) for to in envelope.rcpt_tos], message)
        return f"250 2.0.0 Taken as mail {mail.number}"


class Catcher:
    """The SMTP server, on a thread of its own and a port that the system chooses."""

    def __init__(self, mailbox: Mailbox, slow_ms: int = 0) -> None:
        self.handler = Handler(mailbox, slow_ms)
        # Said to be TCP in so many words: else asyncio leaves Nagle's algorithm on, and every mail waits for 40 ms.
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self.socket.bind(("127.0.0.1", 0))
        self.socket.listen(100)
        self.port = int(self.socket.getsockname()[1])
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="mail catcher", daemon=True)

    def start(self) -> None:
        self.thread.start()

    def stop(self) -> None:
        """End it; mails that are half-way in are the sender's to try again."""
        if self.thread.is_alive():
            self.loop.call_soon_threadsafe(self.loop.stop)
            self.thread.join(timeout=5)
        self.socket.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(self.loop.create_server(self._protocol, sock=self.socket))
        try:
            self.loop.run_forever()
        finally:
            server.close()
            tasks = asyncio.all_tasks(self.loop)
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))
            self.loop.close()

    def _protocol(self) -> SMTP:
        return SMTP(self.handler, hostname="demo.invalid", ident="blogapp demo", loop=self.loop)
