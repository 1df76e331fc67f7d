"""Who holds a claim: names of the worker's loops, and whether the one behind a name is gone.

A claim ends with its lease. On the machine of its owner it can end sooner: the name holds the process id and the
moment the process began, so a look into the process table tells a dead owner from a living one, and a worker that is
started again after a crash need not wait for the leases of its predecessor. Of an owner on another machine (or in
another container: the name holds the boot and the pid namespace) only the lease is known.
"""

import os
import socket
import subprocess
import sys
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def owner_name(loop: str) -> str:
    """The name under which `loop` of this process claims: `host/boot-namespace:pid:began:loop`. One thread a name."""
    pid = os.getpid()
    return f"{_place()}:{pid}:{_began(pid)}:{loop}"


def gone(owner: str) -> bool:
    """Whether the process behind an owner's name is certainly no more. False when that cannot be known."""
    place, _, rest = owner.partition(":")
    pid, _, began = rest.partition(":")
    if place != _place() or not pid.isdigit():
        return False
    return _began(int(pid)) != began.partition(":")[0]


def gone_among(owners: Iterable[str | None]) -> list[str]:
    """Those of `owners` that are certainly no more."""
    return [owner for owner in owners if owner and gone(owner)]


@cache
def _place() -> str:
    """This machine, this boot, this pid namespace: within it a pid means one process."""
    host = socket.gethostname().replace(":", "_")
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii")[:8]
        namespace = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
        return f"{host}/{boot}-{namespace}"
    except OSError:
        return host


def _began(pid: int) -> str:
    """When a process began, in the system's own words; empty when there is no such process."""
    if sys.platform == "linux":
        try:
            # proc(5): field 22, counted behind the command's name, which may hold anything, even brackets.
            fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
        except OSError:
            return ""
        return "" if fields[0] in "ZX" else fields[19]
    listed = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return "".join(c if c.isalnum() else "-" for c in listed.stdout.strip())
