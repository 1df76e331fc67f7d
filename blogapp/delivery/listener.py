"""LISTEN on PostgreSQL. Imported only where the database is one: psycopg is an extra."""

import psycopg
from sqlalchemy import URL


class Listener:
    """One connection that hears the NOTIFYs of one channel; `fileno` makes it something to `select` on.

    Raises:
        OSError: the database does not answer (from any method).
    """

    def __init__(self, url: URL, channel: str) -> None:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            self._connection = psycopg.connect(address, autocommit=True)
            self._connection.execute(f'LISTEN "{channel}"'.encode())
        except psycopg.Error as error:
            raise OSError(str(error).strip()) from None

    def fileno(self) -> int:
        return self._connection.fileno()

    def heard(self) -> bool:
        """Take in what has arrived; whether any of it was a notification."""
        try:
            return bool(list(self._connection.notifies(timeout=0)))
        except psycopg.Error as error:
            raise OSError(str(error).strip()) from None

    def close(self) -> None:
        self._connection.close()
