"""A child that does not outlive its parent, even when the parent is killed with SIGKILL."""

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
POLL_SECONDS = 1.0


def die_with(parent: int, by: signal.Signals = signal.SIGTERM) -> None:
    """Have this process get the signal `by` when process `parent`, which started it, is gone.

    Linux sends the signal itself (prctl(2)), without a thread, so that the caller may still fork; elsewhere a thread
    watches the parent's id.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, by, 0, 0, 0)
        if os.getppid() != parent:  # gone before we asked, so nothing would ever be sent
            os.kill(os.getpid(), by)
    else:
        threading.Thread(target=_watch, args=(parent, by), name="lifeline", daemon=True).start()


def _watch(parent: int, by: signal.Signals) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), by)
