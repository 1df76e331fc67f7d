"""A relay that refuses everybody has something against us, and nobody is given up for that."""

from collections.abc import Sequence

from blogapp.delivery.replies import Outcome, Verdict
from blogapp.digest.work import BatchWork

# So many refusals with the same code and nobody accepted in between: that is no judgement of the recipients.
IN_A_ROW = 20


class Refusals:
    """The refusals since somebody was accepted last.

    Those in a row that is too long are deferred, and the next ones wait until the pause is over: so a relay is not
    pestered, and a row that was about its recipients after all holds nobody up.
    """

    def __init__(self) -> None:
        self._row: list[tuple[BatchWork, int]] = []

    def count(self, work: BatchWork, number: int, outcome: Outcome) -> bool:
        """Count one more; whether the relay refuses everybody."""
        if outcome.suppress:
            self._row.clear()
            return False
        if self._row:
            before, first = self._row[0]
            if before.tally.others[first][1].reply.split(" ")[:2] != outcome.reply.split(" ")[:2]:
                self._row.clear()
        self._row.append((work, number))
        if len(self._row) < IN_A_ROW:
            return False
        for refused, one in self._row:
            address, judged = refused.tally.others[one]
            refused.tally.others[one] = (address, Outcome(Verdict.DEFERRED, judged.reply))
        return True

    def over(self) -> None:
        """Somebody was accepted."""
        if self._row:
            self._row.clear()

    def holds(self, work: BatchWork) -> bool:
        """Whether one of the row is the batch's: it is not written before that is known to be no row."""
        return any(one is work for one, _ in self._row)

    def forget(self, works: Sequence[BatchWork]) -> None:
        """Batches that are settled: what is written of them stays."""
        if self._row:
            gone = set(map(id, works))
            self._row = [(work, number) for work, number in self._row if id(work) not in gone]
