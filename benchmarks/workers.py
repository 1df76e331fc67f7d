"""Real workers that mail a digest, and what they cost: their CPU and memory as the kernel counts them (Linux)."""

import os
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.mailing import Site
from benchmarks.serving import TICK_SECONDS
from benchmarks.sinks import Sink

# A worker that does nothing for so long is at rest, and one that began to work so long ago; one that sends nothing for
# so long is stuck.
REST_SECONDS, RESTLESS_SECONDS = 0.5, 3.0
STUCK_SECONDS = 120.0
LOOK_SECONDS = 0.1


@dataclass
class Worker:
    """A `blogapp worker`. Its peak memory is that since `rest`."""

    process: subprocess.Popen[bytes]
    log: Path

    def rest(self) -> None:
        """Wait until it has started and does nothing.

        Raises:
            SystemExit: it ended.
        """
        deadline = time.monotonic() + STUCK_SECONDS
        while b"at work" not in self.log.read_bytes():
            time.sleep(LOOK_SECONDS)
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit(f"delivery: the worker does not start:\n{self.last_words()}")
        deadline, before, spent = time.monotonic() + RESTLESS_SECONDS, 0.0, self.cpu()
        while spent - before > REST_SECONDS / 20 and time.monotonic() < deadline:
            time.sleep(REST_SECONDS)
            before, spent = spent, self.cpu()
        Path(f"/proc/{self.process.pid}/clear_refs").write_text("5")  # Forget the peak so far.

    def cpu(self) -> float:
        """Seconds of user and system time so far."""
        return cpu_of(self.process.pid) + ended_children(self.process.pid)

    def peak_mb(self) -> float:
        """The most memory that it had at once (VmHWM: resident, with what it shares with others)."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) / 1024

    def last_words(self) -> str:
        return self.log.read_text("utf-8", "replace")[-2000:]


@contextmanager
def workers(site: Site, sink: Sink, count: int, connections: int | None) -> Iterator[list[Worker]]:
    """So many workers that mail to `sink`, at rest. `connections`: each; None leaves it to the default."""
    chosen = {"BLOG_SMTP_URL": f"smtp://127.0.0.1:{sink.port}?starttls=never"}
    if connections is not None:
        chosen["BLOG_MAIL_CONNECTIONS"] = str(connections)
    with ExitStack() as running:
        started = [running.enter_context(_worker(site, number, chosen)) for number in range(count)]
        for worker in started:
            worker.rest()
        yield started


@contextmanager
def _worker(site: Site, number: int, chosen: dict[str, str]) -> Iterator[Worker]:
    log = site.folder / f"worker-{number}.log"
    command = site.command("worker", "--parent", str(os.getpid()))
    with log.open("wb") as out:
        process = subprocess.Popen(command, env=site.settings(**chosen), cwd=site.folder, stdin=subprocess.DEVNULL,
                                   stdout=out, stderr=out, start_new_session=True)  # fmt: skip
    try:
        yield Worker(process, log)
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@dataclass(frozen=True)
class Sent:
    """What one sending took.

    `per_second`: from the first acceptance to the last; `whole_per_second`: from the beginning (the message is
    composed) to `sent`. CPU in µs a message, of all workers and of the database's processes; memory of the largest.
    """

    readers: int
    per_second: float
    whole_per_second: float
    cpu_us: float
    database_us: float
    peak_mb: float
    first_mail_seconds: float
    unsettled: int


def send(site: Site, sink: Sink, running: list[Worker]) -> Sent:
    """Publish a note, and wait until its digest is sent.

    Raises:
        SystemExit: nothing leaves for two minutes, or a worker ends.
    """
    draft = site.draft()
    database = _database_cpu(site.server)
    before = [worker.cpu() for worker in running]
    clicked = site.publish(draft)
    moved, taken = time.monotonic(), 0
    while not site.is_sent(draft[0]):
        time.sleep(LOOK_SECONDS)
        if sink.seen().accepted != taken:
            moved, taken = time.monotonic(), sink.seen().accepted
        if time.monotonic() - moved > STUCK_SECONDS or any(worker.process.poll() is not None for worker in running):
            words = "\n".join(worker.last_words() for worker in running)
            raise SystemExit(f"delivery: the sending does not end ({taken} accepted):\n{words}")
    cpu = sum(worker.cpu() - spent for worker, spent in zip(running, before, strict=True))
    database = _database_cpu(site.server) - database
    far, took = site.way_out(draft[0])
    seen, count = sink.seen(), max(far.candidates, 1)
    return Sent(
        readers=far.candidates,
        per_second=seen.per_second,
        whole_per_second=far.candidates / took,
        cpu_us=cpu / count * 1e6,
        database_us=database / count * 1e6,
        peak_mb=max(worker.peak_mb() for worker in running),
        first_mail_seconds=seen.first - clicked,
        unsettled=far.candidates - far.accepted,
    )


def lost_and_repeated(sink: Sink, count: int) -> tuple[int, int]:
    """How many of `count` readers the ended sink's log lacks, and how many mails it took twice."""
    taken = Counter(sink.recipients())
    return count - len(taken), taken.total() - len(taken)


def cpu_of(pid: int) -> float:
    """Seconds of CPU of a process, to the nanosecond and with its ended threads (its clock's id, by Linux' rule)."""
    try:
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return 0.0


def ended_children(pid: int) -> float:
    """Seconds of CPU of the children that it has buried, and of theirs."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[13]) + int(fields[14])) * TICK_SECONDS


def _database_cpu(server: int | None) -> float:
    """Seconds of CPU of the server's processes, those that have ended too."""
    if server is None:
        return 0.0
    children = Path(f"/proc/{server}/task/{server}/children").read_text().split()
    return cpu_of(server) + ended_children(server) + sum(map(cpu_of, map(int, children)))
