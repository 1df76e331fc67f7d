"""What became of everything that an import met, in flat memory."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

# made: new here. changed: became a revision. beside: changed on both sides, so kept as a revision beside the post.
RESULTS = ("made", "changed", "beside", "unchanged", "refused")
# So many outcomes that somebody has to look at are kept; the others are counted.
NAMED = 1000


@dataclass(frozen=True)
class Outcome:
    """What became of one document.

    result: one of RESULTS.
    reason: why it was refused or kept beside.
    warnings: what stays as text because no helper of that name is known, each with its line.
    """

    path: str
    result: str
    reason: str = ""
    warnings: tuple[str, ...] = ()
    post_id: int | None = None
    member_id: int | None = None

    @property
    def needs_eyes(self) -> bool:
        return self.result in ("refused", "beside") or bool(self.warnings)


@dataclass
class Report:
    """Counts of everything, and the outcomes that somebody has to look at (the first NAMED of them).

    `on_outcome` is told of each as it happens, after it is safe.
    """

    dry_run: bool = False
    on_outcome: Callable[[Outcome], None] | None = None
    counts: Counter[str] = field(default_factory=Counter)
    noted: list[Outcome] = field(default_factory=list)

    def add(self, outcome: Outcome) -> None:
        self.counts[outcome.result] += 1
        self.counts["warnings"] += len(outcome.warnings)
        if outcome.needs_eyes and len(self.noted) < NAMED:
            self.noted.append(outcome)
        if self.on_outcome is not None:
            self.on_outcome(outcome)

    def count(self, result: str) -> int:
        return self.counts[result]

    @property
    def total(self) -> int:
        return sum(self.counts[result] for result in RESULTS)

    @property
    def refused(self) -> list[Outcome]:
        return [outcome for outcome in self.noted if outcome.result == "refused"]
