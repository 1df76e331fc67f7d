"""The database: declarative base, aware-UTC columns, and the one way to write.

Every writing use case is one `with transaction() as session:`. On SQLite that begins with BEGIN IMMEDIATE, because a
transaction that reads first and writes later fails at once with "database is locked", whatever busy_timeout says
(measured). Helpers take the session, join the caller's transaction and never commit.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import Connection, DateTime, Dialect, Engine, MetaData, bindparam, event, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.orm.exc import StaleDataError
from sqlalchemy.types import TypeDecorator

from blogapp.core.clock import now
from blogapp.core.errors import Conflict

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
WRITES = "blogapp_writes"
# Any number that nothing else in this database locks: "name" in ASCII.
ADVISORY_LOCK = 0x6E616D65
# PostgreSQL's "unique_violation". Who looks first and then writes is told so on SQLite, where writers take turns.
UNIQUE_VIOLATION = "23505"
FASTER = "Somebody else changed this in the meantime. Nothing was saved; look again."


class Base(DeclarativeBase):
    """All tables; constraint names follow one scheme so that migrations can name them on both databases."""

    metadata = MetaData(naming_convention=NAMING)


db = SQLAlchemy(model_class=Base)


class UTCDateTime(TypeDecorator[datetime]):
    """An aware datetime in UTC on both databases (SQLite gives back naive ones by itself)."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime was given to a UTC column")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# A counter comes again after a restore, with other pages under it; with a random number beside it none does.
RAISE = text("UPDATE site SET version = version + 1, nonce = :nonce, changed_at = :at")
RAISE = RAISE.bindparams(bindparam("at", type_=UTCDateTime))


def new_nonce() -> int:
    """What no other version of the site has beside it: 63 bits, as many as an integer holds on both databases."""
    return secrets.randbits(63)


@contextmanager
def transaction() -> Iterator[Session]:
    """One writing transaction on the application's session: committed at the end, rolled back on any error.

    It does not nest: a use case is one transaction, and helpers join it.

    Raises:
        Conflict: a row was changed by somebody else since it was read (`version_id_col`), or they took at the same
            moment what only one can have.
    """
    session = db.session()
    if session.info.get(WRITES):
        raise RuntimeError("a use case was called inside another one's transaction")
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("something was changed outside a transaction")
    session.rollback()
    session.info[WRITES] = True
    try:
        session.connection(execution_options={WRITES: True})
        yield session
        session.flush()
        if session.info.pop("bump_version", False):
            # Last, so that no reader can see the new version with the old data (and the row is locked only shortly).
            session.execute(RAISE, {"nonce": new_nonce(), "at": now()})
        session.commit()
    except StaleDataError:
        session.rollback()
        raise Conflict(FASTER) from None
    except IntegrityError as error:
        session.rollback()
        if getattr(error.orig, "sqlstate", "") == UNIQUE_VIOLATION:
            raise Conflict(FASTER) from error
        raise
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop(WRITES, None)
        session.info.pop("bump_version", None)


def bump_version(session: Session) -> None:
    """Say that this transaction changes what readers can see: cached pages end with its commit."""
    session.info["bump_version"] = True


def take_turns(session: Session) -> None:
    """Let one transaction at a time choose what only one may have: weeks, addresses, contents of files.

    SQLite's writers wait for each other anyway.
    """
    if not on_sqlite(session):
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_LOCK})


def on_sqlite(session: Session) -> bool:
    """Whether the session talks to SQLite (else it is PostgreSQL)."""
    return session.get_bind().dialect.name == "sqlite"


def insert_missing(session: Session, table: type[Base], key: str, rows: list[dict[str, Any]]) -> None:
    """Insert those rows whose `key` no row of the table has yet; give them in the key's order, as everybody does."""
    insert = sqlite.insert if on_sqlite(session) else postgresql.insert
    session.execute(insert(table).on_conflict_do_nothing(index_elements=[key]), rows)


def init_db(app: Flask, url: str, **engine_options: Any) -> None:
    """Bind the application to its database and set SQLite up for two processes."""
    app.config["SQLALCHEMY_DATABASE_URI"] = url.replace("postgresql://", "postgresql+psycopg://", 1)
    app.config["SQLALCHEMY_ENGINE_OPTIONS"] = engine_options
    db.init_app(app)
    with app.app_context():
        prepare_engine(db.engine)


def prepare_engine(engine: Engine) -> None:
    """Listen on an engine of ours for new connections and transactions; nothing to do on PostgreSQL."""
    if engine.dialect.name != "sqlite":
        return
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)


def _set_pragmas(connection: DBAPIConnection, _: Any) -> None:
    # sqlite3 would otherwise begin transactions by itself, late and deferred.
    connection.isolation_level = None
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "foreign_keys=ON", "busy_timeout=5000", "synchronous=NORMAL"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get(WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
