#!/usr/bin/env python3
"""How fast a digest leaves, and what it costs, beside Postfix's smtp-source and beside what a developer writes first.

use: ./run python benchmarks/delivery.py [--sizes 10000,100000,1500000] [--databases sqlite,postgresql]
       [--sinks fastsink,smtp-sink] [--runs 3] [--connections 16] [--workers 1,2,4] [--delay-ms 5] [--check]
       [--setting BLOG_NAME=VALUE …] [--postfix FOLDER | --no-postfix]
     ./run python benchmarks/delivery.py --first-mail     (from the click on Publish to the first mail, ten times)
     ./run python benchmarks/delivery.py --parts          (the pieces of one message, one by one)

Needs Linux and a C compiler. For each database and size it makes a site, and for each sink and run it starts real
workers (`blogapp worker`), publishes a note of a week (20 kB as a mail) and waits until its digest is `sent`: composed,
planned, journalled, settled. Right after it the others send into the same sink: smtp-source with its own connection for
each message as the reference has it (`-N -s 16 -l 20480 -m 20000`), smtp-source with kept connections (`-d`), and the
floor: one EmailMessage and one smtplib connection for each recipient. smtp-source and smtp-sink come with Postfix
(unpacked from Debian's package where it is not installed; nothing is installed or started); without them there is less
to compare.

Figures are medians of the runs, ratios those of the same run. CPU is user and system time of the workers; of the
database's processes beside it; of planning apart. smtp-sink, which caps everything, gets 100,000 messages at most, and
so do several workers. `--check` has fastsink write down who was accepted, which costs it half a microsecond a message;
with several workers it always does.
"""

import argparse
import os
import platform
import signal
import statistics
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import sinks  # noqa: E402
from benchmarks.mailing import Site, database  # noqa: E402
from benchmarks.sinks import Cost, Postfix, say  # noqa: E402
from benchmarks.workers import Sent, lost_and_repeated, send, workers  # noqa: E402

SOURCE, KEPT, FLOOR = "smtp-source", "smtp-source -d", "floor"
FLOOR_MESSAGES = 500
SOURCE_MESSAGES = 20_000
SMALLER = 100_000
PUBLICATIONS = 10


@dataclass
class Case:
    """One line of the table's left: what was sent where, and what came of it in each run."""

    database: str
    size: int
    workers: int
    sink: str
    connections: int | None
    sent: list[Sent] = field(default_factory=list)
    others: list[dict[str, Cost]] = field(default_factory=list)
    lost: int | None = None
    repeated: int = 0
    plan_seconds: float = 0.0
    plan_cpu_us: float = 0.0

    @property
    def name(self) -> str:
        many = f", {self.workers} workers" if self.workers > 1 else ""
        return f"{self.database}, {self.size:,}{many}, {self.sink}"

    def median(self, figure: str) -> float:
        return statistics.median(getattr(run, figure) for run in self.sent)

    def ratio(self, other: str) -> float | None:
        """Ours to theirs, of the same run; None: they did not run."""
        pairs = zip(self.sent, self.others, strict=False)
        found = [sent.per_second / others[other].per_second for sent, others in pairs if other in others]
        return statistics.median(found) if found else None


@dataclass
class Bench:
    """What all cases have in common."""

    chosen: argparse.Namespace
    folder: Path
    fastsink: Path
    postfix: Postfix | None
    cases: list[Case] = field(default_factory=list)

    def sink(self, name: str, delay_ms: float = 0, *, log: bool = False) -> AbstractContextManager[Any]:
        if name == "smtp-sink":
            assert self.postfix is not None
            return sinks.smtp_sink(self.postfix, self.folder)
        return sinks.fastsink(self.fastsink, self.folder, delay_ms, log=log)

    @contextmanager
    def site(self, kind: str, size: int) -> Iterator[Site]:
        with tempfile.TemporaryDirectory(prefix="site-", dir=self.folder) as name, database(kind, Path(name)) as made:
            site = Site(Path(name), made[0], self.chosen.setting, made[1])
            say(f"{kind}: {size:,} subscribers written in {site.fill(size):.1f} s, load {os.getloadavg()[0]:.1f}")
            yield site

    def measure(self) -> None:
        """Every case, one after another."""
        for kind in self.chosen.databases:
            for size in self.chosen.sizes:
                with self.site(kind, size) as site:
                    self.measure_site(site, kind, size)

    def measure_site(self, site: Site, kind: str, size: int) -> None:
        connections = self.chosen.connections
        seconds, cpu = site.plan()
        say(f"{kind}, {size:,}: planned in {seconds:.2f} s")
        for count in self.chosen.workers if kind == "postgresql" else [1]:
            for sink in self.chosen.sinks:
                if size <= SMALLER or (sink == "fastsink" and count == 1):
                    case = Case(
                        kind, size, count, sink, connections, plan_seconds=seconds, plan_cpu_us=cpu / size * 1e6
                    )
                    self.run(site, case, beside=count == 1)
        if self.chosen.delay_ms and size == min(self.chosen.sizes):
            name = f"fastsink, {self.chosen.delay_ms:g} ms"
            self.run(site, Case(kind, size, 1, name, None), beside=False, delay_ms=self.chosen.delay_ms)

    def run(self, site: Site, case: Case, *, beside: bool, delay_ms: float = 0) -> None:
        """Send so many digests, with the others right after each."""
        self.cases.append(case)
        log = case.sink != "smtp-sink" and (self.chosen.check or case.workers > 1)
        for number in range(1, self.chosen.runs + 1):
            with (
                self.sink(case.sink, delay_ms, log=log) as sink,
                workers(site, sink, case.workers, case.connections) as running,
            ):
                sent = send(site, sink, running)
            case.sent.append(sent)
            if log:
                lost, repeated = lost_and_repeated(sink, case.size)
                case.lost, case.repeated = (case.lost or 0) + lost, case.repeated + repeated
            if beside:
                case.others.append(self.beside(site, case))
            rate, cpu, load = sent.per_second, sent.cpu_us, os.getloadavg()[0]
            say(f"{case.name}: run {number}: {rate:,.0f}/s, {cpu:.1f} µs, load {load:.1f}")

    def beside(self, site: Site, case: Case) -> dict[str, Cost]:
        """The other senders, into a sink of the same kind."""
        message = site.sample()
        found: dict[str, Cost] = {}
        for name in (SOURCE, KEPT) if self.postfix else ():
            with self.sink(case.sink) as sink:
                count, streams = self.chosen.source_messages, case.connections or 16
                found[name] = sinks.smtp_source(self.postfix, sink, count, len(message), streams, keep=name == KEPT)
        with self.sink(case.sink) as sink:
            found[FLOOR] = sinks.floor(sink, message, self.chosen.floor_messages)
        return found


HEADINGS = ("database, readers, sink", "sender", "messages/s", "from … to", "begin to sent/s", "CPU µs",
            "less planning", "database µs", "peak MB", "first mail s", "x smtp-source", "x -d", "x floor")  # fmt: skip


def show(cases: list[Case]) -> None:
    """The table, in Markdown."""
    row(*HEADINGS)
    print("|" + "|".join(["---", "---", *["--:"] * (len(HEADINGS) - 2)]) + "|")
    for case in cases:
        rates = [run.per_second for run in case.sent]
        cpu = case.median("cpu_us")
        sender = f"blogapp, {case.connections or 'default'} connections"
        ratios = [f"{ratio:.2f}" if (ratio := case.ratio(other)) else "" for other in (SOURCE, KEPT, FLOOR)]
        row(case.name, sender, f"{case.median('per_second'):,.0f}", f"{min(rates):,.0f} … {max(rates):,.0f}",
            f"{case.median('whole_per_second'):,.0f}", f"{cpu:.1f}",
            f"{cpu - case.plan_cpu_us:.1f}" if case.plan_cpu_us else "",
            f"{case.median('database_us'):.1f}" if case.database == "postgresql" else "",
            f"{case.median('peak_mb'):.1f}", f"{case.median('first_mail_seconds'):.2f}", *ratios)  # fmt: skip
        for other in (SOURCE, KEPT, FLOOR):
            costs = [others[other] for others in case.others if other in others]
            if costs:
                rates = [cost.per_second for cost in costs]
                row("", other, f"{statistics.median(rates):,.0f}", f"{min(rates):,.0f} … {max(rates):,.0f}", "",
                    f"{statistics.median(cost.cpu_us for cost in costs):.1f}")  # fmt: skip


def row(*cells: str) -> None:
    print("| " + " | ".join([*cells, *[""] * (len(HEADINGS) - len(cells))]) + " |")


def judge(cases: list[Case]) -> None:
    """Each goal that these cases tell something about, and whether it was reached."""
    print()
    plain = [case for case in cases if case.connections is not None and case.workers == 1]
    for case in cases:
        if case.lost is not None:
            goal(case.name, "lost and repeated", case.lost + case.repeated, 0, "<=")
        goal(case.name, "not accepted", sum(run.unsettled for run in case.sent), 0, "<=")
        goal(case.name, "first mail, s", max(run.first_mail_seconds for run in case.sent), 1, "<=")
        if case.connections is None:
            goal(case.name, "messages/s", case.median("per_second"), 2_000, ">=")
    for case in plain:
        if (ratio := case.ratio(SOURCE)) is not None:
            goal(case.name, "x smtp-source", ratio, 3 if case.sink == "fastsink" else 1.5, ">=")
        if (ratio := case.ratio(FLOOR)) is not None:
            goal(case.name, "x floor", ratio, 25, ">=")
        goal(case.name, "CPU µs a message", case.median("cpu_us"), 40, "<=")
        if case.size == 1_500_000:
            goal(case.name, "planning, s", case.plan_seconds, 5, "<=")
        small = next(other for other in plain if (other.database, other.sink) == (case.database, case.sink))
        if small.size < case.size:
            more = case.median("peak_mb") - small.median("peak_mb")
            goal(case.name, f"MB more than with {small.size:,}", more, 10, "<=")


def goal(case: str, what: str, found: float, wanted: float, how: str) -> None:
    reached = found >= wanted if how == ">=" else found <= wanted
    print(f"- {'reached' if reached else 'MISSED '}: {case}: {what} {found:,.2f} ({how} {wanted:g})")


def first_mail(bench: Bench) -> None:
    """From the click on Publish to the first mail accepted, while nothing else is going on."""
    print("| database, readers | median s | slowest s |\n|---|--:|--:|")
    for kind in bench.chosen.databases:
        size = min(bench.chosen.sizes)
        with bench.site(kind, size) as site, bench.sink("fastsink") as sink:
            with workers(site, sink, 1, None) as running:
                took = []
                for _ in range(PUBLICATIONS):
                    sink.zero()
                    took.append(send(site, sink, running).first_mail_seconds)
            print(f"| {kind}, {size:,} | {statistics.median(took):.3f} | {max(took):.3f} |", flush=True)


def numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def words(text: str) -> list[str]:
    return text.split(",")


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=numbers, default=[10_000, 100_000, 1_500_000])
    parser.add_argument("--databases", type=words, default=["sqlite", "postgresql"])
    parser.add_argument("--sinks", type=words, default=["fastsink", "smtp-sink"])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--workers", type=numbers, default=[1, 2, 4], help="on PostgreSQL")
    parser.add_argument("--delay-ms", type=float, default=5, help="of the slow relay; 0: none")
    parser.add_argument("--check", action="store_true", help="read the sink's log: nobody lost, nobody twice")
    parser.add_argument("--setting", action="append", default=[], help="more settings for site and workers")
    parser.add_argument("--postfix", type=Path, help="the folder in which its package is unpacked")
    parser.add_argument("--no-postfix", action="store_true", help="do without smtp-source and smtp-sink")
    parser.add_argument("--source-messages", type=int, default=SOURCE_MESSAGES, help="that smtp-source sends")
    parser.add_argument("--floor-messages", type=int, default=FLOOR_MESSAGES)
    parser.add_argument("--first-mail", action="store_true")
    parser.add_argument("--parts", action="store_true")
    chosen = parser.parse_args()
    chosen.setting = dict(pair.split("=", 1) for pair in chosen.setting)
    return chosen


def stop(*_: object) -> NoReturn:
    """What SIGTERM does: end as Ctrl-C does, with everything that was begun."""
    raise KeyboardInterrupt


def main() -> None:
    chosen = options()
    signal.signal(signal.SIGTERM, stop)
    load = ", ".join(f"{load:.1f}" for load in os.getloadavg())
    print(f"{os.cpu_count()} processors, load {load}, Python {platform.python_version()}\n", flush=True)
    with tempfile.TemporaryDirectory(prefix="delivery-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        wants_postfix = not (chosen.first_mail or chosen.parts or chosen.no_postfix)
        postfix = sinks.find_postfix(folder, chosen.postfix) if wants_postfix else None
        if postfix is None:
            chosen.sinks = ["fastsink"]
        bench = Bench(chosen, folder, sinks.compile_fastsink(folder), postfix)
        if chosen.first_mail:
            first_mail(bench)
        elif chosen.parts:
            from benchmarks.delivery_parts import measure

            size = min(chosen.sizes)
            with bench.sink("fastsink") as sink:
                chosen.setting["BLOG_SMTP_URL"] = f"smtp://127.0.0.1:{sink.port}?starttls=never"
                with bench.site("sqlite", size) as site:
                    measure(site, sink, size)
        else:
            try:
                bench.measure()
            finally:
                if done := [case for case in bench.cases if case.sent]:
                    show(done)
                    judge(done)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("delivery: stopped; what it began is gone")
