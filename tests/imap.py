"""An IMAP server of the tests: one folder, enough of RFC 3501 for imaplib, with faults on request."""

import contextlib
import re
import socketserver
import ssl
import threading
import time
from dataclasses import dataclass, field

SEARCH = re.compile(r"SEARCH (?:CHARSET \S+ )?(\d+):(\d+) UNSEEN UNFLAGGED")


@dataclass
class Message:
    data: bytes
    flags: set[str] = field(default_factory=set)


class ImapServer(socketserver.ThreadingTCPServer):
    """Listens on 127.0.0.1 from the moment it is made; `with ImapServer() as server:` ends it.

    Set its fields to have it misbehave: `hang_up_at`: the command at which it closes the connection; `delay`: seconds
    before each answer; `broken`: UIDs of messages that it cannot read.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False

    def __init__(self, tls: ssl.SSLContext | None = None, *, implicit: bool = False) -> None:
        super().__init__(("127.0.0.1", 0), _Session)
        self.tls, self.implicit = tls, implicit
        self.messages: dict[int, Message] = {}
        self.commands: list[str] = []
        self.hang_up_at = ""
        self.delay = 0.0
        self.broken: set[int] = set()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    @property
    def url(self) -> str:
        """For BLOG_MAIL_IN."""
        return f"imap://ann:pass%40word@127.0.0.1:{self.port}/Come%20back?starttls=never"

    def add(self, data: bytes) -> int:
        """A message arrives; returns its UID."""
        uid = max(self.messages, default=100) + 1
        self.messages[uid] = Message(data)
        return uid

    def flags(self) -> list[set[str]]:
        """The flags of each message, in their order."""
        return [message.flags for message in self.messages.values()]

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that hangs up is no error."""


class _Session(socketserver.StreamRequestHandler):
    server: ImapServer

    def setup(self) -> None:
        if self.server.implicit and self.server.tls:
            self.request = self.server.tls.wrap_socket(self.request, server_side=True)
        super().setup()

    def finish(self) -> None:
        with contextlib.suppress(OSError):
            super().finish()
        self.request.close()  # The one inside TLS, too.

    def say(self, line: str | bytes) -> None:
        self.wfile.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def handle(self) -> None:
        self.say("* OK here")
        while line := self.rfile.readline():
            tag, _, command = line.decode().strip().partition(" ")
            self.server.commands.append(command)
            time.sleep(self.server.delay)
            if self.server.hang_up_at and self.server.hang_up_at in command:
                return
            answer = self.obey(command)
            self.say(f"{tag} {answer}")
            if command.startswith("STARTTLS") and self.server.tls:
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
                super().setup()

    def obey(self, command: str) -> str:
        words = command.split()
        if words[0] == "CAPABILITY":
            self.say("* CAPABILITY IMAP4rev1" + (" STARTTLS" if self.server.tls else ""))
        elif words[0] == "LOGIN":
            return "OK in" if command == 'LOGIN ann "pass@word"' else "NO [AUTHENTICATIONFAILED] wrong password"
        elif words[0] == "SELECT":
            if command != 'SELECT "Come back"':
                return "NO no such folder"
            self.say(f"* {len(self.server.messages)} EXISTS")
        elif words[0] == "UID":
            return self.obey_uid(command)
        elif words[0] == "LOGOUT":
            self.say("* BYE")
        return "OK done"

    def obey_uid(self, command: str) -> str:
        if found := SEARCH.search(command):
            numbered = list(enumerate(self.server.messages.items(), 1))[int(found[1]) - 1 : int(found[2])]
            uids = [uid for _, (uid, message) in numbered if not message.flags & {r"\Seen", r"\Flagged"}]
            self.say(" ".join(["* SEARCH", *map(str, uids)]))
        elif found := re.fullmatch(r"UID (FETCH|STORE) (\d+) (.*)", command):
            message = self.server.messages[int(found[2])]
            if int(found[2]) in self.server.broken and "BODY" in found[3]:
                return "NO [UNAVAILABLE] the message cannot be read"
            if found[1] == "STORE":
                message.flags |= set(re.findall(r"\\\w+", found[3]))
            elif "SIZE" in found[3]:
                self.say(f"* 1 FETCH (UID {found[2]} RFC822.SIZE {len(message.data)})")
            else:
                self.say(f"* 1 FETCH (UID {found[2]} BODY[] {{{len(message.data)}}}")
                self.say(message.data + b")")
        else:
            return "BAD what?"
        return "OK done"
