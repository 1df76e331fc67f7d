"""Whether anything was committed to an SQLite database, for 0.2 µs: the head of its wal-index.

Every commit changes it, in whichever process, and a reader takes its snapshot by it: a connection that began to read
now would see what it saw when the head was the same (sqlite.org/walformat.html §2.1, "WAL-Index Header": two copies of
48 bytes at the start of `<database>-shm`).
"""

import mmap
import os
from pathlib import Path

HEAD_BYTES = 96


class WalIndexHead:
    """The head, mapped into memory and never let go of.

    Closing any descriptor of a file gives up all POSIX locks that this process has on it, SQLite's own too
    (sqlite.org/howtocorrupt.html §2.2). So whoever makes one of these lives as long as it.

    Raises:
        OSError: there is no wal-index: nobody has the database open, or it is not in WAL mode.
    """

    def __init__(self, database: Path) -> None:
        self._descriptor = os.open(f"{database}-shm", os.O_RDONLY)
        try:
            self._map = mmap.mmap(self._descriptor, HEAD_BYTES, mmap.MAP_SHARED, mmap.PROT_READ)
        except ValueError as error:  # It is there and still empty.
            raise OSError(str(error)) from error

    def read(self) -> bytes:
        """Other bytes than before mean that something may have been committed."""
        return self._map[:HEAD_BYTES]
