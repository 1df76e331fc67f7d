"""Which tables an archive carries: every one that the program has, but for those listed here with the reason."""

from collections.abc import Collection

from sqlalchemy import JSON, Connection, MetaData, Table, func, inspect, select, text

from blogapp.core.db import Base

SITE = "site"
LEFT_OUT = {
    "presences": "who has which post open in an editor just now, elsewhere",
    "logins": "a log-in belongs to a browser and to the secret key of the place it was made in",
    "heartbeats": "signs of life of processes that run elsewhere",
    "throttles": "what was tried too often lately, elsewhere",
    "journal": "who was accepted since a batch was claimed: written into the batch on the way out",
    "outbox": "single mails that the original sends, or has sent",
    "hub_pings": "what a hub is to be told by the original",
    "outside_links": "what other sites answered lately: asked again whenever a member wants to know",
    "jobs": "what runs in the background elsewhere",
    "job_outcomes": "the reports of those",
    "glossary_links": "which labels public posts use: made of the posts again on the way in",
    "search_texts": "what readers search: made of the posts again on the way in",
}
# All that the program has, without regard to whether it is carried.
KNOWN = Base.metadata.tables.keys()
NEVER = {*LEFT_OUT, "alembic_version"}


def carried_tables(connection: Connection, names: Collection[str] = KNOWN) -> dict[str, Table]:
    """The tables to carry as the database has them, so of whatever revision it is; what is referred to comes first.

    Args:
        names: of those that may be. An older archive may hold one that this program has under another name.
    """
    metadata = MetaData()
    there = [name for name in inspect(connection).get_table_names() if name in names and name not in NEVER]
    metadata.reflect(connection, only=there)
    tables = {table.name: table for table in metadata.sorted_tables if table.name in there}
    for column in (column for table in tables.values() for column in table.columns):
        if isinstance(column.type, JSON):
            # Where both may be, "no value" is written as the database's own rather than as JSON's null.
            column.type.none_as_null = bool(column.nullable)
    return tables


def count_rows(connection: Connection, table: Table) -> int:
    """How many rows it has."""
    return connection.execute(select(func.count()).select_from(table)).scalar_one()


def last_ids(connection: Connection, tables: dict[str, Table]) -> dict[str, int]:
    """The highest id ever given out, for the tables whose database remembers it: no id of a subscriber comes twice.

    SQLite remembers where AUTOINCREMENT is said, PostgreSQL everywhere.
    """
    if connection.dialect.name == "sqlite":
        rows = connection.execute(text("SELECT name, seq FROM sqlite_sequence ORDER BY name"))
        return {name: int(number) for name, number in rows if name in tables}
    found = {}
    for name, sequence in _sequences(connection, tables).items():
        last, used = connection.execute(text(f"SELECT last_value, is_called FROM {sequence}")).one()  # noqa: S608
        if used:
            found[name] = int(last)
    return found


def go_on_from(connection: Connection, tables: dict[str, Table], given: dict[str, int]) -> None:
    """Have the next id of each table be higher than those in it, and than those that `given` knows of."""
    if connection.dialect.name == "sqlite":
        remembered = text("SELECT name FROM sqlite_master WHERE type = 'table' AND sql LIKE '%AUTOINCREMENT%'")
        for name in connection.execute(remembered).scalars().all():
            if name in tables and given.get(name):
                values = {"name": name, "seq": max(given[name], _highest(connection, tables[name]))}
                connection.execute(text("DELETE FROM sqlite_sequence WHERE name = :name"), values)
                connection.execute(text("INSERT INTO sqlite_sequence (name, seq) VALUES (:name, :seq)"), values)
        return
    for name, sequence in _sequences(connection, tables).items():
        if last := max(given.get(name, 0), _highest(connection, tables[name])):
            connection.execute(text("SELECT setval(:sequence, :last)"), {"sequence": sequence, "last": last})


def _highest(connection: Connection, table: Table) -> int:
    (key,) = table.primary_key.columns
    return int(connection.execute(select(func.max(key))).scalar_one() or 0)


def _sequences(connection: Connection, tables: dict[str, Table]) -> dict[str, str]:
    """The sequence behind each table's key on PostgreSQL, by the table's name; a name that needs no more quoting."""
    found = {}
    for name, table in tables.items():
        if len(table.primary_key.columns) == 1:
            values = {"table": f'"{name}"', "column": table.primary_key.columns[0].name}
            sequence = connection.execute(text("SELECT pg_get_serial_sequence(:table, :column)"), values).scalar_one()
            if sequence is not None:
                found[name] = str(sequence)
    return found
