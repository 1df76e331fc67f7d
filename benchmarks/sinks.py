"""Where a benchmark's mail goes, and who else sends there: our fastsink, Postfix's smtp-sink and smtp-source, smtplib.

Everything listens on 127.0.0.1 and is ended with the `with` that began it. Nothing is installed: Postfix's two programs
are taken from PATH, or unpacked from the distribution's package into a folder.
"""

import contextlib
import mmap
import os
import shutil
import smtplib
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import IO, Protocol

from benchmarks.serving import free_port

HERE = Path(__file__).resolve().parent
TALLY = struct.Struct("qqqdd")
GLANCE_SECONDS = 0.005
SMTP_SINK_ENDS = b"\r"
# What smtp-source puts above the text that it is told the length of.
SOURCE_HEADERS = 300


def say(words: str) -> None:
    """Progress, for whoever waits."""
    print(words, file=sys.stderr, flush=True)


@dataclass(frozen=True)
class Seen:
    """What a sink has taken. `first`, `last`: time.monotonic() of the first and the last acceptance."""

    accepted: int
    first: float
    last: float

    @property
    def per_second(self) -> float:
        return (self.accepted - 1) / (self.last - self.first) if self.last > self.first else 0.0


class Sink(Protocol):
    """A sink that runs."""

    name: str
    port: int

    def seen(self) -> Seen: ...

    def recipients(self) -> list[bytes]:
        """Everybody who was accepted, once for each time; only after the sink has ended, and only if it kept a log."""


@dataclass
class FastSink:
    """benchmarks/fastsink.c, running."""

    port: int
    tally: mmap.mmap
    log: Path | None
    name: str = "fastsink"

    def seen(self) -> Seen:
        accepted, _, _, first, last = TALLY.unpack(self.tally[: TALLY.size])
        return Seen(accepted, first, last)

    def zero(self) -> None:
        """Count from 0 again."""
        self.tally[: TALLY.size] = bytes(TALLY.size)

    def recipients(self) -> list[bytes]:
        lines = self.log.read_bytes().splitlines() if self.log else []
        return [line.partition(b"<")[2].partition(b">")[0] for line in lines]


@dataclass
class SmtpSink:
    """Postfix's, running. It prints its counters after each message; we look at the last ones 200 times a second."""

    port: int
    counters: Path
    name: str = "smtp-sink"
    _seen: Seen = field(default_factory=lambda: Seen(0, 0.0, 0.0))
    _ended: threading.Event = field(default_factory=threading.Event)

    def seen(self) -> Seen:
        self._look()
        return self._seen

    def recipients(self) -> list[bytes]:
        return []

    def watch(self) -> None:
        while not self._ended.wait(GLANCE_SECONDS):
            self._look()

    def end(self) -> None:
        self._ended.set()

    def _look(self) -> None:
        with self.counters.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 160))
            words = file.read().rpartition(SMTP_SINK_ENDS)[0].rpartition(b"mesg=")[2]
        count, at = int(words or 0), time.monotonic()
        if count > self._seen.accepted:
            self._seen = Seen(count, self._seen.first or at, at)


def compile_fastsink(folder: Path) -> Path:
    """The program, made from benchmarks/fastsink.c.

    Raises:
        SystemExit: there is no C compiler.
    """
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise SystemExit("delivery: needs a C compiler (Debian: apt-get install gcc libc6-dev)")
    program = folder / "fastsink"
    subprocess.run([compiler, "-O2", "-o", program, HERE / "fastsink.c"], check=True)
    return program


@contextmanager
def fastsink(program: Path, folder: Path, delay_ms: float = 0, *, log: bool = False) -> Iterator[FastSink]:
    """Run it. `delay_ms`: how long it thinks about each final dot; `log`: keep who was accepted."""
    port, tally, path = free_port(), folder / "tally", folder / "accepted.log"
    for file in (tally, path):
        file.unlink(missing_ok=True)
    tally.write_bytes(bytes(TALLY.size))
    command = [program, str(port), str(delay_ms), str(path) if log else "-", tally]
    with tally.open("r+b") as file, mmap.mmap(file.fileno(), TALLY.size) as shared, _running(command, port):
        name = f"fastsink, {delay_ms:g} ms" if delay_ms else "fastsink"
        yield FastSink(port, shared, path if log else None, name)


@contextmanager
def smtp_sink(postfix: "Postfix", folder: Path) -> Iterator[SmtpSink]:
    """Run Postfix's."""
    port, counters = free_port(), folder / "smtp-sink.out"
    counters.write_bytes(b"")
    # It does not run as root; and then it says "fatal: -u option is required".
    user = ["-u", "nobody"] if os.geteuid() == 0 else []
    command = [postfix.folder / "smtp-sink", *user, "-c", f"127.0.0.1:{port}", "1024"]
    with counters.open("wb") as out, _running(command, port, out, postfix.environ):
        sink = SmtpSink(port, counters)
        watcher = threading.Thread(target=sink.watch, daemon=True)
        watcher.start()
        try:
            yield sink
        finally:
            sink.end()
            watcher.join()


@contextmanager
def _running(
    command: list[str | Path], port: int, out: IO[bytes] | None = None, environ: dict[str, str] | None = None
) -> Iterator[None]:
    # A session of its own: Ctrl-C is for this program, which then ends what it began.
    process = subprocess.Popen(command, stdout=out or subprocess.DEVNULL, env=environ, start_new_session=True)
    try:
        deadline = time.monotonic() + 10
        while True:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"delivery: {command[0]} does not listen")
            time.sleep(0.01)
        yield
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Postfix:
    """The folder of smtp-source and smtp-sink, and the environment in which they find their libraries."""

    folder: Path
    environ: dict[str, str]


def find_postfix(folder: Path, unpacked: Path | None = None) -> Postfix | None:
    """Postfix's two programs, installed, unpacked already, or unpacked now into `folder`; None: they cannot be had."""
    installed = shutil.which("smtp-source") or shutil.which("smtp-source", path="/usr/sbin")
    if installed and unpacked is None:
        return Postfix(Path(installed).parent, dict(os.environ))
    try:
        root = (unpacked or _unpack(folder)).resolve()
        libraries = f"{root / 'usr/lib/postfix'}:{os.environ.get('LD_LIBRARY_PATH', '')}".rstrip(":")
        found = Postfix(root / "usr" / "sbin", {**os.environ, "LD_LIBRARY_PATH": libraries})
        command = [found.folder / "smtp-source"]
        said = subprocess.run(command, env=found.environ, capture_output=True, text=True, check=False).stderr
    except (OSError, subprocess.CalledProcessError, ValueError) as error:
        say(f"smtp-source and smtp-sink cannot be had ({error}); going on without them")
        return None
    if "usage" not in said:
        say(f"smtp-source does not run here ({said.strip()}); going on without it and smtp-sink")
        return None
    return found


def _unpack(folder: Path) -> Path:
    """Fetch the distribution's package and unpack it, without installing or starting anything."""
    folder.mkdir(exist_ok=True)
    subprocess.run(["apt-get", "-qq", "download", "postfix"], cwd=folder, check=True, capture_output=True)
    (package,) = folder.glob("postfix_*.deb")
    subprocess.run(["dpkg", "-x", package, folder / "postfix"], check=True, capture_output=True)
    return folder / "postfix"


@dataclass(frozen=True)
class Cost:
    """What another sender needed. `cpu_us`: user and system time of its process, a message."""

    per_second: float
    cpu_us: float


def smtp_source(postfix: Postfix, sink: Sink, count: int, length: int, connections: int, *, keep: bool) -> Cost:
    """Postfix's load generator. `keep`: one connection for many messages (-d); else each message opens its own."""
    size = str(max(length - SOURCE_HEADERS, 1))
    options = ["-N", "-s", str(connections), "-l", size, "-m", str(count), *(["-d"] if keep else [])]
    command = [postfix.folder / "smtp-source", *options, f"127.0.0.1:{sink.port}"]
    process = subprocess.Popen(command, env=postfix.environ, start_new_session=True)
    try:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    except BaseException:
        process.kill()
        process.wait()
        raise
    if process.returncode or sink.seen().accepted < count:
        raise SystemExit(f"delivery: smtp-source ended with {process.returncode} after {sink.seen().accepted} messages")
    return Cost(sink.seen().per_second, (usage.ru_utime + usage.ru_stime) / count * 1e6)


def floor(sink: Sink, message: bytes, count: int) -> Cost:
    """What a developer writes first: an EmailMessage and an SMTP connection for each recipient, one after another."""
    model = message_from_bytes(message, policy=policy.default)
    assert isinstance(model, EmailMessage)
    text, html = (part.get_content() for kind in ("plain", "html") if (part := model.get_body((kind,))))
    headers = [(name, value) for name, value in model.items() if name not in ("To", "Content-Type", "MIME-Version")]
    before = time.process_time()
    for number in range(count):
        mail = EmailMessage()
        for name, value in headers:
            mail[name] = value
        mail["To"] = f"reader-{number}@letters.example"
        mail.set_content(text)
        mail.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", sink.port, local_hostname="localhost") as smtp:
            smtp.send_message(mail, from_addr="blog@coop.example")
    cpu = time.process_time() - before
    return Cost(sink.seen().per_second, cpu / count * 1e6)
