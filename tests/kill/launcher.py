"""Starts workers for the kill test, each a fork of this process: the program is imported once, not sixty times.

`python -m tests.kill.launcher [MUTANT]`. A line on standard input starts a worker, whose process id comes back on
standard output; it runs `blogapp worker` itself, in a session of its own. A mutant is put in place before that.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from typing import Any

from blogapp.cli import cli
from blogapp.cli import worker as _worker  # noqa: F401  # imported here, so that the forks need not
from blogapp.delivery.envelopes import Envelope
from blogapp.digest import journal, planning, sending


def mark_before() -> None:
    """Journal each recipient before their mail is sent, and not after."""
    names, remember = vars(sending), list[Any]()
    envelopes, open_journal = names["_envelopes"], names["open_journal"]
    append = {kind: kind.append for kind in (journal.FileJournal, journal.RowJournal)}

    class Opened:
        def __init__(self, *given: Any) -> None:
            self._context = open_journal(*given)

        def __enter__(self) -> Any:
            opened = self._context.__enter__()
            remember[:] = [opened[0]]
            return opened

        def __exit__(self, *error: Any) -> Any:
            return self._context.__exit__(*error)

    def marking(*given: Any) -> Iterator[Envelope]:
        for envelope in envelopes(*given):
            append[type(remember[0])](remember[0], int(str(envelope.key)))
            yield envelope

    names |= {"open_journal": Opened, "_envelopes": marking}
    mark_never()


def mark_never() -> None:
    """Keep no journal: who was accepted is only written when the batch is settled."""
    for kind in (journal.FileJournal, journal.RowJournal):
        kind.append = lambda self, number: None  # type: ignore[method-assign]


MUTANTS: dict[str, Callable[[], None]] = {"mark before sending": mark_before, "mark only after the batch": mark_never}


def main() -> None:
    """Serve until standard input ends."""
    if len(sys.argv) > 1:
        MUTANTS[sys.argv[1]]()
    planning.BATCH = 50  # every connection has something to do until nearly the end
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead bury themselves
    while sys.stdin.readline():
        number = os.fork()
        if number == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            os.setsid()
            sys.stdin.close()
            cli(["worker"], prog_name="blogapp")
        print(number, flush=True)


if __name__ == "__main__":
    main()
