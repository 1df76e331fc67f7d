"""Starts workers for the kill test, each a fork of this process: the program is imported once, not sixty times.

`python -m tests.kill.launcher [MUTANT]`. A line on standard input starts a worker, whose process id comes back on
standard output; it runs `blogapp worker` itself, in a session of its own. A mutant is put in place before that.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from blogapp.app import create_app
from blogapp.cli import cli
from blogapp.cli import worker as _worker  # noqa: F401  # imported here, so that the forks need not
from blogapp.delivery.envelopes import Envelope
from blogapp.digest import journal, planning, sending, work
from tests.quickly import compile_once


def mark_before() -> None:
    """Journal each recipient before their mail is sent, and not after."""
    opened = list[journal.Journals]()
    open_journals, envelopes = journal.open_journals, work.BatchWork.envelopes
    append = {kind: kind.append for kind in KINDS}

    @contextmanager
    def remembering() -> Iterator[journal.Journals]:
        with open_journals() as found:
            opened[:] = [found]
            yield found

    def marking(self: work.BatchWork, *given: Any) -> Iterator[Envelope]:
        for envelope in envelopes(self, *given):
            append[type(opened[0])](opened[0], self.batch.id, int(str(envelope.key)))
            opened[0].flush()
            yield envelope

    vars(sending)["open_journals"] = remembering
    setattr(work.BatchWork, "envelopes", marking)  # noqa: B010  # a mutant has other types
    mark_never()


def mark_never() -> None:
    """Keep no journal: who was accepted is only written when the batch is settled."""
    for kind in KINDS:
        kind.append = lambda self, *numbers: None


KINDS: tuple[Any, ...] = (journal.FileJournals, journal.RowJournals)
MUTANTS: dict[str, Callable[[], None]] = {"mark before sending": mark_before, "mark only after the batch": mark_never}


def main() -> None:
    """Serve until standard input ends."""
    if len(sys.argv) > 1:
        MUTANTS[sys.argv[1]]()
    compile_once()
    create_app()  # what each fork would compile anew is compiled
    planning.BATCH = 50  # every connection has something to do until nearly the end
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead bury themselves
    while sys.stdin.readline():
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            print(os.getpid(), flush=True)  # By now there is a process group to kill.
            sys.stdin.close()
            cli(["worker"], prog_name="blogapp")


if __name__ == "__main__":
    main()
