"""What cannot be made a site of is refused by name, and nothing is changed: no row, no file."""

import gzip
import io
import json
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import event, text

from blogapp.core import migrate
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.errors import BlogError, Conflict, Invalid, OldSchema
from blogapp.porting.archive import loading
from blogapp.porting.archive import writing as archiving
from blogapp.porting.archive.packing import ArchiveFailed
from blogapp.porting.archive.reading import import_archive
from blogapp.porting.archive.writing import export_archive
from blogapp.posts.models import Post
from tests import people, readers
from tests.commands import Command
from tests.fullsite import contents
from tests.integration.conftest import Enter

Held = dict[str, bytes]


@pytest.fixture
def held(site: Post, tmp_path: Path) -> Held:
    """The content of an archive of a small site: a post, a picture, a subscriber, a digest that waits."""
    readers.subscriber("ann@reader.test")
    export_archive(tmp_path / "site.tar.gz")
    return contents(tmp_path / "site.tar.gz")


def pack(file: Path, held: Held, *more: tarfile.TarInfo) -> Path:
    """An archive of that content; where a member of `more` has a name that is held, it comes a second time."""
    with tarfile.open(file, "w:gz") as archive:
        for name, data in held.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
        for info in more:
            archive.addfile(info, io.BytesIO(b"x" * info.size))
    return file


def snapshot() -> tuple[dict[str, Any], list[str]]:
    """All that a failed import could have changed."""
    stored = sorted(str(path) for path in settings().data_dir.glob("files/**/*") if path.is_file())
    return readers.everything(), stored


def refused(file: Path, kind: type[BlogError] = Invalid) -> str:
    """Why it is refused, after checking that nothing was changed."""
    before = snapshot()
    with pytest.raises(kind) as caught:
        import_archive(file)
    assert snapshot() == before
    return str(caught.value)


def changed(held: Held, table: str, line: int, change: Callable[[dict[str, Any]], Any]) -> Held:
    """With one line of a table otherwise."""
    name = f"tables/{table}.jsonl"
    lines = held[name].splitlines()
    made = change(json.loads(lines[line - 1]))
    lines[line - 1] = made if isinstance(made, bytes) else json.dumps(made).encode()
    return held | {name: b"\n".join(lines) + b"\n"}


def with_manifest(held: Held, **values: Any) -> Held:
    return held | {"manifest.json": json.dumps(json.loads(held["manifest.json"]) | values).encode()}


def without(held: Held, name: str) -> Held:
    return {key: data for key, data in held.items() if key != name}


ROWS: list[tuple[str, int, Callable[[dict[str, Any]], Any], str]] = [
    ("posts", 1, lambda row: row | {"pwned": 1}, "tables/posts.jsonl, line 1: there is no column 'pwned'"),
    ("posts", 1, lambda row: {k: v for k, v in row.items() if k != "title"}, "line 1: title is missing"),
    ("posts", 1, lambda row: row | {"title": 7}, "line 1: title cannot be 7"),
    ("posts", 1, lambda row: row | {"title": None}, "line 1: title is empty"),
    ("posts", 1, lambda row: row | {"title": "a\0b"}, "line 1: title cannot be 'a\\x00b'"),
    ("posts", 1, lambda row: row | {"title": "\ud800"}, "line 1: title cannot be"),
    ("posts", 1, lambda row: row | {"published_here": 1}, "line 1: published_here cannot be 1"),
    ("posts", 1, lambda row: row | {"version": True}, "line 1: version cannot be True"),
    ("posts", 1, lambda row: row | {"version": 2**70}, "line 1: version cannot be"),
    ("posts", 1, lambda row: row | {"created_at": "2020-01-01T00:00:00"}, "line 1: created_at cannot be"),
    ("posts", 1, lambda row: row | {"created_at": "yesterday"}, "line 1: created_at cannot be 'yesterday'"),
    ("posts", 1, lambda row: row | {"kind": "song"}, "tables/posts.jsonl, line 1: "),
    ("posts", 1, lambda row: [row], "line 1: it is not an object"),
    ("posts", 1, lambda row: b"{", "line 1: it is not JSON"),
    ("posts", 1, lambda row: b"\xff", "line 1: it is not JSON"),
    ("posts", 1, lambda row: b"", "line 1: it is not JSON"),
    ("posts", 1, lambda row: b"[" * 100_000, "line 1: it is not JSON"),
    ("posts", 1, lambda row: b'{"id": NaN}', "line 1: it is not JSON"),
    ("posts", 1, lambda row: b'{"id": ' + b"9" * 5000 + b"}", "line 1: it is not JSON"),
    ("posts", 1, lambda row: b'"' + b"x" * 200_000 + b'"', "line 1: it is longer than 0 MB"),
    ("subscribers", 1, lambda row: row | {"state": "confirmed", "confirmed_at": None}, "subscribers.jsonl, line 1: "),
    ("slugs", 2, lambda row: row | {"slug": "alice-archer"}, "tables/slugs.jsonl, line 2: "),
    ("posts", 1, lambda row: row | {"author_id": 99}, "tables/posts.jsonl"),
    ("site", 1, lambda row: row | {"id": 2}, "tables/site.jsonl, line 1: "),
]


def test_a_row_that_cannot_be_is_named_by_table_and_line(
    held: Held, kind: str, enter: Enter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loading, "MAX_LINE_BYTES", 150_000)
    enter(kind)
    migrate.move_to("head")
    for table, line, change, why in ROWS:
        said = refused(pack(tmp_path / "bad.tar.gz", changed(held, table, line, change)))
        assert why in said
        assert said.endswith("Nothing was changed.")


OWN = f"files/00/{'0' * 64}"


LIES: list[tuple[Callable[[Held], Held], str]] = [
        (lambda h: h | {"../escape": b"x"}, "'../escape' is in it"),
        (lambda h: h | {"files/../../escape": b"x"}, "is in it"),
        (lambda h: h | {"/etc/passwd": b"x"}, "is in it"),
        (lambda h: h | {f"files/ff/{'0' * 64}": b"x"}, "is in it"),
        (lambda h: h | {OWN: b"x"}, "is damaged"),
        (lambda h: h | {"tables/logins.jsonl": b"{}\n"}, "'tables/logins.jsonl' is in it"),
        (lambda h: h | {"tables/alembic_version.jsonl": b"{}\n"}, "is in it"),
        (lambda h: h | {"tables/secrets.jsonl": b"{}\n"}, "is in it"),
        (lambda h: with_manifest(h, rows={**_counts(h), "logins": 1}), "a table 'logins'"),
        (lambda h: with_manifest(h, rows={**_counts(h), "alembic_version": 1}), "a table 'alembic_version'"),
        (lambda h: with_manifest(h, rows={**_counts(h), 'posts"; --': 1}), "a table"),
        (lambda h: with_manifest(h, rows={**_counts(h), "posts": 2}), "posts.jsonl has 1 rows and should have 2"),
        (lambda h: with_manifest(h, rows=without_count(h, "suppressions")), "it has no table suppressions"),
        (lambda h: without(h, "tables/suppressions.jsonl"), "tables/suppressions.jsonl is missing"),
        (lambda h: with_manifest(h, files=0), "it has 1 files and should have 0"),
        (lambda h: with_manifest(h | {"tables/site.jsonl": b""}, rows={**_counts(h), "site": 0}), "has not one row"),
        (lambda h: with_manifest(h, last_ids={"subscribers": -1}), "does not say what is in it"),
        (lambda h: with_manifest(h, last_ids={"subscribers": 2**31}), "does not say what is in it"),
    (lambda h: with_manifest(h, last_ids=[]), "does not say what is in it"),
        (lambda h: with_manifest(h, settings={"site_title": 3}), "does not say what is in it"),
        (lambda h: with_manifest(h, more=1), "does not say what is in it"),
        (lambda h: with_manifest(h, schema="0999_later"), "newer than this one"),
        (lambda h: with_manifest(h, format=2), "newer than this one"),
        (lambda h: without(h, "manifest.json"), "does not say what is in it"),
        (lambda h: h | {"manifest.json": b"[" * 100_000}, "does not say what is in it"),
        (lambda h: h | {"manifest.json": b'{"database": "sqlite"}'}, "blogapp restore"),
        (lambda h: {}, "does not say what is in it"),
]  # fmt: skip


# It is refused while it is read, before any database is asked.
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_archive_that_is_not_what_it_says_changes_nothing(
    held: Held, kind: str, enter: Enter, tmp_path: Path
) -> None:
    enter(kind)
    migrate.move_to("head")
    for change, why in LIES:
        assert why in refused(pack(tmp_path / "bad.tar.gz", change(held)))
    assert not list(tmp_path.glob("**/escape"))


def _counts(held: Held) -> dict[str, int]:
    counts: dict[str, int] = json.loads(held["manifest.json"])["rows"]
    return counts


def without_count(held: Held, name: str) -> dict[str, int]:
    return {key: count for key, count in _counts(held).items() if key != name}


def member(
    name: str, kind: bytes = tarfile.REGTYPE, size: int = 0, link: str = "", pax: dict[str, str] | None = None
) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.size, info.linkname, info.pax_headers = kind, size, link, pax or {}
    return info


ODD_MEMBERS = [
    (member(OWN, tarfile.SYMTYPE, link="/etc/passwd"), "is in it"),
    (member(OWN, tarfile.LNKTYPE, link="manifest.json"), "is in it"),
    (member("files", tarfile.DIRTYPE), "is in it"),
    (member(OWN, tarfile.FIFOTYPE), "is in it"),
    (member(OWN, tarfile.CHRTYPE), "is in it"),
    (member("tables/posts.jsonl", size=2), "'tables/posts.jsonl' is in it twice"),
    (member("manifest.json", size=2), "is in it twice"),
    (member(OWN, pax={"comment": "x" * 2_000_000}), "a header is too long"),
    (
        member(OWN, size=1, pax={"GNU.sparse.major": "1", "GNU.sparse.minor": "0", "GNU.sparse.realsize": "9"}),
        "is damaged",
    ),
]


def test_what_is_no_plain_file_or_comes_twice_changes_nothing(
    held: Held, kind: str, enter: Enter, tmp_path: Path
) -> None:
    enter(kind)
    migrate.move_to("head")
    for info, why in ODD_MEMBERS:
        assert why in refused(pack(tmp_path / "bad.tar.gz", held, info))


def test_an_archive_that_is_damaged_anywhere_changes_nothing(
    held: Held, kind: str, enter: Enter, tmp_path: Path
) -> None:
    whole = (tmp_path / "site.tar.gz").read_bytes()
    enter(kind)
    migrate.move_to("head")
    bad = tmp_path / "bad.tar.gz"
    for damaged in (
        *(whole[: len(whole) * part // 7] for part in range(7)),
        whole[:-4],
        whole[:-8] + b"\0\0\0\0" + whole[-4:],
        gzip.compress(gzip.decompress(whole) + b"x" * 100_000),
        gzip.decompress(whole),
    ):
        bad.write_bytes(damaged)
        assert str(bad) in refused(bad)
    assert "No such file" in refused(tmp_path / "nosuch.tar.gz", ArchiveFailed)
    assert "directory" in refused(tmp_path, ArchiveFailed)


def test_a_site_that_is_there_is_never_imported_over(held: Held, tmp_path: Path) -> None:
    said = refused(tmp_path / "site.tar.gz", Conflict)
    assert "There is a site in this database already (" in said


def test_even_a_lone_admin_is_a_site(held: Held, kind: str, enter: Enter, tmp_path: Path) -> None:
    enter(kind)
    migrate.move_to("head")
    people.alice()
    assert "members: 1" in refused(tmp_path / "site.tar.gz", Conflict)


def test_a_database_of_a_newer_program_is_left_alone(held: Held, kind: str, enter: Enter, tmp_path: Path) -> None:
    enter(kind)
    migrate.move_to("head")
    with db.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0999_later'"))
    assert "too old to know" in refused(tmp_path / "site.tar.gz", OldSchema)


@pytest.mark.parametrize("error", [KeyboardInterrupt(), OSError(28, "No space left on device")])
def test_an_import_that_is_stopped_half_way_changes_nothing_and_can_be_done_again(
    held: Held, kind: str, enter: Enter, tmp_path: Path, error: BaseException
) -> None:
    enter(kind)
    migrate.move_to("head")
    before = snapshot()
    total = []

    def stop(done: int, of: int) -> None:
        total.append(of)
        if done == of:
            raise error

    with pytest.raises((KeyboardInterrupt, ArchiveFailed)):
        import_archive(tmp_path / "site.tar.gz", on_progress=stop)
    assert total
    assert snapshot() == before
    assert import_archive(tmp_path / "site.tar.gz").held == 1


def test_ctrl_c_in_the_middle_of_a_statement_is_still_ctrl_c(app: Flask) -> None:
    """SQLAlchemy gives the connection up then, and nothing more can be said over it."""
    with pytest.raises(KeyboardInterrupt), migrate.moving() as connection:
        connection.execute(text("DELETE FROM site"))
        connection.invalidate()
        raise KeyboardInterrupt
    assert db.session.execute(text("SELECT count(*) FROM site")).scalar_one() == 1


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_under_the_database_is_one_sentence(held: Held, enter: Enter, tmp_path: Path) -> None:
    many = b"".join(
        json.dumps({"path": f"old-{n:05}", "target": "x" * 500}).encode() + b"\n" for n in range(2000)
    )  # fmt: skip
    large = with_manifest(held | {"tables/redirects.jsonl": many}, rows={**_counts(held), "redirects": 2000})
    file = pack(tmp_path / "large.tar.gz", large)
    enter("sqlite")
    migrate.move_to("head")
    db.engine.dispose()
    event.listen(db.engine, "connect", lambda connection, _: connection.execute("PRAGMA max_page_count = 200"))
    said = refused(file, ArchiveFailed)
    assert said == "The database could not take it: database or disk is full. Nothing was changed."


def test_a_file_that_was_there_before_is_not_taken_away_by_a_failure(
    held: Held, kind: str, enter: Enter, tmp_path: Path
) -> None:
    (name,) = (name for name in held if name.startswith("files/"))
    bad = pack(tmp_path / "bad.tar.gz", held | {"tables/unknown.jsonl": b""})
    enter(kind)
    migrate.move_to("head")
    (settings().data_dir / name).parent.mkdir(parents=True)
    (settings().data_dir / name).write_bytes(held[name])
    assert "is in it" in refused(bad)
    assert (settings().data_dir / name).read_bytes() == held[name]


def test_a_row_too_large_for_an_archive_stops_the_export_rather_than_the_import(
    site: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = sorted(tmp_path.iterdir())
    monkeypatch.setattr(archiving, "MAX_LINE_BYTES", 100)
    with pytest.raises(ArchiveFailed, match="is too large"):
        export_archive(tmp_path / "site.tar.gz")
    assert sorted(tmp_path.iterdir()) == before


class TestCommands:
    """What an operator sees."""

    def test_out_and_in_again(self, blogapp: Command, site: Post, enter: Enter, kind: str, tmp_path: Path) -> None:
        said = blogapp("export archive site.tar.gz").stdout
        assert said.startswith("site.tar.gz: 1 posts, 1 members, 0 subscribers, 1 digests, 1 files, ")
        assert "Say --force" in blogapp.refused("export archive site.tar.gz")
        blogapp("export archive site.tar.gz --force")
        enter(kind)
        blogapp.environ = {
            **blogapp.environ,
            "BLOG_DATABASE_URL": settings().database_url,
            "BLOG_DATA_DIR": str(settings().data_dir),
            "BLOG_SITE_EPOCH": "2020-01-06",
        }
        done = blogapp("import archive site.tar.gz")
        assert "The site of http://blog.test as of " in done.stdout
        assert "1 digests that were waiting are held" in done.stdout
        assert "The original had BLOG_SITE_EPOCH=2009-01-12" in done.stderr
        assert [row["slug"] for row in blogapp.json("post list --json")] == ["week-473"]
        assert "There is a site in this database already" in blogapp.refused("import archive site.tar.gz")

    def test_a_backup_and_an_archive_are_told_apart(self, blogapp: Command, site: Post, tmp_path: Path) -> None:
        blogapp("backup backup.tar.gz")
        blogapp("export archive archive.tar.gz")
        assert "blogapp restore makes a site of it" in blogapp.refused("import archive backup.tar.gz")
        blogapp.environ = {**blogapp.environ, "BLOG_DATA_DIR": str(tmp_path / "x"), "BLOG_DATABASE_URL": ""}
        assert "blogapp import archive makes a site of it" in blogapp.refused("restore archive.tar.gz")


def test_an_app_without_any_tables_says_so_when_asked_for_an_archive(enter: Enter, blogapp: Command) -> None:
    app: Flask = enter("sqlite")
    blogapp.environ = {**blogapp.environ, "BLOG_DATABASE_URL": app.config["SQLALCHEMY_DATABASE_URI"]}
    assert "Run `blogapp upgrade`" in blogapp.refused("export archive site.tar.gz")
