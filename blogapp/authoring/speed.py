"""How fast a digest leaves: what the pages that watch it have seen, kept in this process and nowhere else."""

import threading
import time
from collections import OrderedDict, deque

from blogapp.digest.progress import Progress

# Seconds: what is looked back at, and what is too short to tell.
WINDOW, SHORT = 30.0, 1.5
# Nearer looks than that tell nothing new.
APART = 0.25
MOST = 32


class Speeds:
    """The last looks at each digest: when (monotonic), and how many recipients were settled."""

    def __init__(self) -> None:
        self._seen: OrderedDict[int, deque[tuple[float, int]]] = OrderedDict()
        self._lock = threading.Lock()

    def note(self, digest_id: int, done: int, at: float) -> float:
        """Mails a second over the last half minute; 0.0 while nobody knows."""
        with self._lock:
            looks = self._seen.setdefault(digest_id, deque())
            self._seen.move_to_end(digest_id)
            while len(self._seen) > MOST:
                self._seen.popitem(last=False)
            while looks and at - looks[0][0] > WINDOW:
                looks.popleft()
            if not looks or at - looks[-1][0] >= APART:
                looks.append((at, done))
            first_at, first_done = looks[0]
        passed = at - first_at
        return max(0.0, (done - first_done) / passed) if passed >= SHORT else 0.0


_speeds = Speeds()


def speed_of(progress: Progress) -> float:
    """How fast it leaves, in mails a second; 0.0 where it does not leave or nobody knows."""
    if progress.state != "sending":
        return 0.0
    return _speeds.note(progress.digest_id, progress.candidates - progress.waiting, time.monotonic())
