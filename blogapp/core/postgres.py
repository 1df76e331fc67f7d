"""Statements given to PostgreSQL again and again. Imported only where the database is one: psycopg is an extra."""

from collections.abc import Sequence

import psycopg
from psycopg import pq
from psycopg.conninfo import make_conninfo
from sqlalchemy import URL

PATIENCE_SECONDS = 3


class Postgres:
    """A question with a connection of its own, through libpq itself: psycopg's own layer is of no use here."""

    error = psycopg.Error

    def __init__(self, url: URL, question: str) -> None:
        address = url.set(drivername="postgresql").render_as_string(hide_password=False)
        # libpq's own default is to wait for ever.
        limit = {} if "connect_timeout" in url.query else {"connect_timeout": PATIENCE_SECONDS}
        self._address = make_conninfo(address, application_name="blogapp stamps", **limit)
        self._question = question.encode()

    def open(self) -> psycopg.Connection:
        connection = psycopg.connect(self._address, autocommit=True)
        try:
            _checked(connection.pgconn.prepare(b"stamp", self._question), pq.ExecStatus.COMMAND_OK)
        except psycopg.Error:
            connection.close()
            raise
        return connection

    def ask(self, connection: psycopg.Connection) -> tuple[int, int]:
        found = _checked(connection.pgconn.exec_prepared(b"stamp", None), pq.ExecStatus.TUPLES_OK)
        version, nonce = found.get_value(0, 0), found.get_value(0, 1)
        if version is None or nonce is None:
            raise psycopg.DataError("the site's row is missing")
        return int(version), int(nonce)


def prepare(connection: psycopg.Connection, name: bytes, statement: str) -> None:
    """Prepare a statement, `$1` for its first parameter. Whoever had the connection before may have done it already."""
    connection.pgconn.prepare(name, statement.encode())


def run(connection: psycopg.Connection, name: bytes, *arrays: Sequence[int]) -> bool:
    """Run it, over a connection that commits by itself. Whether that went well; raises psycopg.Error as well."""
    written = [b"{%b}" % b",".join(b"%d" % number for number in array) for array in arrays]
    return connection.pgconn.exec_prepared(name, written).status == pq.ExecStatus.COMMAND_OK


def _checked(result: pq.abc.PGresult, wanted: pq.ExecStatus) -> pq.abc.PGresult:
    if result.status != wanted:
        raise psycopg.OperationalError(result.error_message.decode("utf-8", "replace"))
    return result
