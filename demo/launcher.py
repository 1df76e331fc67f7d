"""Starting the demo's parts in order and ending them all."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

from blogapp.app import create_app
from blogapp.core import config, migrate
from blogapp.core.config import Settings
from blogapp.core.db import db
from demo import team
from demo.catcher import Catcher
from demo.fill import add_readers, can_log_in, draft_of, fill
from demo.folder import Folder, Refused
from demo.mailbox import Mailbox
from demo.webmail import Webmail, create_inbox

HERE = "127.0.0.1"
READY_SECONDS = 60
# From SIGTERM to SIGKILL: longer than the supervisor gives its own children.
STOP_SECONDS = 12


@dataclass
class Demo:
    """The running parts. `stop` ends those that were started, whatever became of the rest."""

    folder: Folder
    port: int
    slow_ms: int = 0
    readers: int = len(team.CONFIRMED)
    site: subprocess.Popen[bytes] | None = None
    catcher: Catcher | None = None
    webmail: Webmail | None = None
    draft_id: int | None = field(default=None)
    author_is_there: bool = True

    @property
    def site_url(self) -> str:
        return f"http://{HERE}:{self.port}"

    @property
    def inbox_url(self) -> str:
        return f"http://{HERE}:{self.port + 1}"

    def start(self) -> None:
        """Bring everything up, and come back when the site answers.

        Raises:
            Refused: a port is taken, or the site would not start.
        """
        inbox_socket = _listen(self.port + 1, "the inbox's, the one after the site's")
        _listen(self.port, "the site's").close()
        mailbox = Mailbox(self.folder.path / "mail")
        self.catcher = Catcher(mailbox, self.slow_ms)
        self.catcher.start()
        inbox = create_inbox(mailbox, team.SITE_TITLE, self.site_url)
        self.webmail = Webmail(inbox, inbox_socket.detach(), self.port + 1)
        self.webmail.start()
        environment = self.environment()
        self._prepare(config.load(environment, dotenv=None))
        self._start_site(environment)
        self.folder.keep({"site": self.site_url, "pid": os.getpid()})

    def environment(self) -> dict[str, str]:
        """This process's environment with the demo's settings and nobody else's."""
        assert self.catcher is not None
        kept = {name: value for name, value in os.environ.items() if not name.startswith("BLOG_")}
        return kept | {
            "BLOG_DATA_DIR": str(self.folder.path / "site"),
            "BLOG_BASE_URL": self.site_url,
            "BLOG_SMTP_URL": f"smtp://{HERE}:{self.catcher.port}?starttls=never",
            "BLOG_MAIL_FROM": team.MAIL_FROM,
            "BLOG_SITE_TITLE": team.SITE_TITLE,
            "BLOG_SITE_TAGLINE": team.TAGLINE,
            "BLOG_SITE_EPOCH": self.folder.epoch.isoformat(),
            "BLOG_DIGEST_HOLD_SECONDS": "0",
        }

    def _prepare(self, settings: Settings) -> None:
        app = create_app(settings)
        with app.app_context():
            try:
                migrate.move_to("head")
                if not self.folder.filled:
                    say("demo: filling it, once:")
                    fill(
                        self.folder.epoch, ZoneInfo(settings.site_timezone), self.readers, lambda part: say(f"  {part}")
                    )
                    self.folder.note_filled()
                elif self.readers > len(team.CONFIRMED):
                    add_readers(self.readers)
                self.draft_id = draft_of(team.DRAFT)
                self.author_is_there = can_log_in(team.AUTHOR.email)
            finally:
                db.session.remove()
                db.engine.dispose()

    def _start_site(self, environment: dict[str, str]) -> None:
        log = self.folder.path / "site.log"
        command = [sys.executable, "-m", "demo.site", str(os.getpid()), "--host", HERE, "--port", str(self.port)]
        paths = [str(Path(__file__).resolve().parent.parent), environment.get("PYTHONPATH", "")]
        environment = environment | {"PYTHONPATH": os.pathsep.join(path for path in paths if path)}
        with log.open("wb") as output:
            # Its own process group, so that Ctrl-C reaches this process alone; its own folder, so that a .env in the
            # checkout does not reach it.
            self.site = subprocess.Popen(
                command,
                env=environment,
                cwd=self.folder.path,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                process_group=0,
            )
        deadline = time.monotonic() + READY_SECONDS
        while not answers(f"{self.site_url}/readyz"):
            if self.site.poll() is not None:
                raise Refused(f"the site would not start: {last_line(log)}")
            if time.monotonic() > deadline:
                raise Refused(f"the site did not answer within {READY_SECONDS} s; {log} says why")
            time.sleep(0.05)

    def wait(self) -> None:
        """Stay until somebody ends the demo.

        Raises:
            Refused: the site ended by itself.
        """
        assert self.site is not None
        while self.site.poll() is None:
            time.sleep(0.2)
        raise Refused(f"the site ended: {last_line(self.folder.path / 'site.log')}")

    def stop(self) -> None:
        """End everything that was started. Asked once more to end while it does so, it goes on ending."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        if self.site is not None and self.site.poll() is None:
            self.site.terminate()
            try:
                self.site.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                os.killpg(self.site.pid, signal.SIGKILL)
                self.site.wait()
        if self.webmail is not None:
            self.webmail.stop()
        if self.catcher is not None:
            self.catcher.stop()
        self.folder.lock.close()


def say(line: str = "") -> None:
    print(line, flush=True)


def answers(url: str) -> bool:
    """Whether a page is there and well."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def last_line(log: Path) -> str:
    """What a log ends with."""
    lines = [line for line in log.read_text(encoding="utf-8", errors="replace").splitlines() if line.strip()]
    return lines[-1].removeprefix("blogapp: ") if lines else "it said nothing"


def _listen(port: int, whose: str) -> socket.socket:
    """A socket that listens on the port.

    Raises:
        Refused: somebody does already.
    """
    try:
        return socket.create_server((HERE, port))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise Refused(f"port {port} ({whose}) cannot be used: {reason}; choose another with --port") from None
