"""An archive moved between the databases: equal, and at rest."""

import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text

from blogapp.auth.models import Member
from blogapp.core import migrate
from blogapp.core.db import WRITES, Base, db, transaction
from blogapp.digest import bitmap, instance
from blogapp.digest.controls import resume_now
from blogapp.digest.models import Batch, Digest
from blogapp.digest.publishing import publish, withdraw
from blogapp.porting.archive.carried import KNOWN, LEFT_OUT, carried_tables
from blogapp.porting.archive.marks import Marks
from blogapp.porting.archive.reading import REASON, import_archive
from blogapp.porting.archive.rows import Rows
from blogapp.porting.archive.writing import export_archive
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post
from blogapp.posts.writing import create_post
from blogapp.subscribing.models import Subscriber
from tests import people, readers
from tests.fullsite import contents, fill
from tests.integration.conftest import Enter
from tests.relay import Relay
from tests.worker import send_all

OTHER = {"sqlite": "postgresql", "postgresql": "sqlite"}


@pytest.fixture
def chosen(relay: Relay) -> dict[str, Any]:
    return {"smtp_url": relay.url}


def rows(held: dict[str, bytes], table: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in held[f"tables/{table}.jsonl"].splitlines()]


def stilled(held: dict[str, bytes]) -> dict[str, bytes]:
    """The archive of a site as the archive of a copy of it should be: nothing moves by itself."""

    def lines(table: str, change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
        changed = [change(row) for row in rows(held, table)]
        return b"".join(json.dumps(r, ensure_ascii=False, separators=(",", ":")).encode() + b"\n" for r in changed)

    def digest(row: dict[str, Any]) -> dict[str, Any]:
        return row | ({"state": "held"} if row["state"] == "waiting" else {})

    def sending(row: dict[str, Any]) -> dict[str, Any]:
        if row["state"] == "sent":
            return row
        return row | {"state": "paused", "pause_reason": REASON, "paused_at": "then", "resume_at": None}

    return held | {
        "tables/digests.jsonl": lines("digests", digest),
        "tables/sendings.jsonl": lines("sendings", sending),
    }


def without_the_moment(held: dict[str, bytes]) -> dict[str, bytes]:
    """Without when exactly a sending was paused, when all was made (the manifest), and what the copy is called."""
    found = {name: data for name, data in held.items() if name != "manifest.json"}
    (site,) = rows(held, "site")
    found["tables/site.jsonl"] = found["tables/site.jsonl"].replace(site["instance"].encode(), b"this one")
    moments = {row["paused_at"] for row in rows(held, "sendings")} - {None}
    for moment in moments:
        found["tables/sendings.jsonl"] = found["tables/sendings.jsonl"].replace(moment.encode(), b"then")
    return found


def test_a_site_moves_to_the_other_database_and_back_equal_to_the_byte(
    app: Flask, kind: str, relay: Relay, enter: Enter, tmp_path: Path
) -> None:
    fill(app, relay)
    first, second, third = (tmp_path / f"{number}.tar.gz" for number in (1, 2, 3))
    export_archive(first)
    enter(OTHER[kind])
    import_archive(first)
    export_archive(second)
    enter(kind)
    import_archive(second)
    export_archive(third)
    original, there, back = map(contents, (first, second, third))
    assert without_the_moment(there) == without_the_moment(stilled(original))
    assert without_the_moment(back) == without_the_moment(there)
    manifests = [json.loads(held["manifest.json"]) for held in (original, there, back)]
    assert manifests[0]["rows"] == manifests[1]["rows"] == manifests[2]["rows"]
    highest = max(row["id"] for row in rows(original, "subscribers"))
    assert [manifest["last_ids"]["subscribers"] for manifest in manifests] == [highest + 1] * 3
    assert len([name for name in original if name.startswith("files/")]) == 3


def test_each_table_of_the_program_is_carried_with_something_in_it_or_left_out_for_a_reason(
    app: Flask, relay: Relay, tmp_path: Path
) -> None:
    """A new table has to be filled in tests/fullsite.py, or listed in LEFT_OUT."""
    fill(app, relay)
    export_archive(tmp_path / "site.tar.gz")
    held = contents(tmp_path / "site.tar.gz")
    carried = {name for name in Base.metadata.tables if f"tables/{name}.jsonl" in held}
    assert carried == set(KNOWN) - set(LEFT_OUT)
    assert [name for name in carried if not rows(held, name)] == []
    assert all(len(reason.split()) > 3 for reason in LEFT_OUT.values())


def test_no_log_in_no_mail_and_no_key_is_in_it(app: Flask, relay: Relay, tmp_path: Path) -> None:
    fill(app, relay)
    export_archive(tmp_path / "site.tar.gz")
    held = contents(tmp_path / "site.tar.gz")
    logins = db.session.execute(text("SELECT secret_hash FROM logins")).scalars().all()
    assert logins
    for secret in (*logins, app.config["SECRET_KEY"]):
        assert not [name for name, data in held.items() if secret.encode() in data]
    assert not {name for name in held if "outbox" in name or "logins" in name}
    assert (tmp_path / "site.tar.gz").stat().st_mode & 0o777 == 0o600


PAGES = (
    "/",
    "/week-1",
    "/week-2",
    "/about",
    "/about-us",
    "/never-mind",
    "/archive",
    "/feed.xml",
    "/bob-barker",
    "/sitemap.xml",
)


def test_readers_get_the_same_pages_and_their_old_links_work(
    app: Flask, kind: str, relay: Relay, enter: Enter, tmp_path: Path
) -> None:
    site = fill(app, relay)
    ann = site.ann
    before = {path: _page(app, path) for path in PAGES}
    shown = bytes.fromhex(before["/week-1"][1]).decode()
    picture = shown.partition("<article")[2].partition('src="')[2].partition('"')[0]
    before[picture] = _page(app, picture)
    assert {status for status, _ in before.values()} == {200, 301, 410}
    leave = readers.unsubscribe(ann)
    export_archive(tmp_path / "site.tar.gz")
    moved = enter(OTHER[kind])
    import_archive(tmp_path / "site.tar.gz")
    assert {path: _page(moved, path) for path in before} == before
    assert moved.test_client().post(leave, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    assert readers.reload(ann).state == "unsubscribed"
    people.log_in(moved, db.session.execute(select(Member).where(Member.slug == "bob-barker")).scalar_one())


def _page(app: Flask, path: str) -> tuple[int, str]:
    with app.test_client().get(path) as response:
        return response.status_code, response.data.hex()


def test_a_moved_site_sends_nothing_by_itself_and_what_was_sent_never_again(
    app: Flask, kind: str, relay: Relay, enter: Enter, tmp_path: Path
) -> None:
    site = fill(app, relay)
    sent, leaving, alice = site.sent.id, site.leaving.id, site.alice.id
    got = set(relay.accepted)
    export_archive(tmp_path / "site.tar.gz")
    relay.accepted.clear()
    enter(OTHER[kind])
    found = import_archive(tmp_path / "site.tar.gz")
    assert (found.held, found.paused, found.missing) == (1, 1, 0)
    assert instance.look() == "", "what waited rests already: nothing more is held"
    send_all()
    post = db.session.get_one(Post, sent)
    withdraw(post.id, post.version, alice)
    post = db.session.get_one(Post, sent)
    publish(post.id, post.version, alice)
    send_all()
    assert not relay.accepted
    digest = db.session.execute(select(Digest).where(Digest.post_id == leaving)).scalar_one()
    resume_now(digest.id, alice)
    send_all()
    # Ann was in the journal of the worker that held the batch: hers has left already.
    assert set(relay.accepted) == got - {"ann@reader.test"}
    assert set(relay.accepted.values()) == {1}


def test_whoever_was_accepted_since_a_batch_was_claimed_is_marked_in_it(
    app: Flask, relay: Relay, tmp_path: Path
) -> None:
    site = fill(app, relay)
    export_archive(tmp_path / "site.tar.gz")
    held = contents(tmp_path / "site.tar.gz")
    sendings = {row["id"] for row in rows(held, "sendings") if row["state"] != "sent"}
    (batch,) = [row for row in rows(held, "batches") if row["sending_id"] in sendings]
    assert (batch["state"], batch["owner"], batch["lease_until"]) == ("open", None, None)
    assert batch["accepted_count"] == 1
    db.session.rollback()
    (claimed,) = db.session.execute(select(Batch).where(Batch.state == "claimed")).scalars()
    assert bitmap.to_ids(bitmap.from_ids([site.ann], claimed.lo, claimed.hi), claimed.lo) == [site.ann]
    assert claimed.owner == "elsewhere:boot:1:1", "the original is left as it was"


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_batch_that_is_settled_while_its_journal_is_read_is_looked_at_again(
    app: Flask, relay: Relay, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The journal is a file there, and no part of what the transaction sees."""
    fill(app, relay)

    def late(connection: Any, batch_ids: list[int]) -> dict[int, set[int]]:
        if not batch_ids:
            return {}
        with db.engine.connect().execution_options(**{WRITES: True}) as other, other.begin():
            other.execute(text("UPDATE batches SET state = 'done', accepted = planned WHERE state = 'claimed'"))
        return {number: set() for number in batch_ids}

    monkeypatch.setattr("blogapp.porting.archive.marks.read_entries", late)
    export_archive(tmp_path / "site.tar.gz")
    assert {row["state"] for row in rows(contents(tmp_path / "site.tar.gz"), "batches")} == {"done"}


def test_the_number_of_an_erased_subscriber_is_never_given_again(
    app: Flask, kind: str, relay: Relay, enter: Enter, tmp_path: Path
) -> None:
    fill(app, relay)
    highest = db.session.execute(select(func.max(Subscriber.id))).scalar_one()
    export_archive(tmp_path / "site.tar.gz")
    enter(OTHER[kind])
    import_archive(tmp_path / "site.tar.gz")
    assert readers.subscriber("new@reader.test") == highest + 2


def test_the_moved_site_goes_on_with_new_posts_members_and_entries(
    app: Flask, kind: str, relay: Relay, enter: Enter, tmp_path: Path
) -> None:
    fill(app, relay)
    export_archive(tmp_path / "site.tar.gz")
    enter(OTHER[kind])
    import_archive(tmp_path / "site.tar.gz")
    dora = people.member("Dora Dell", "author")
    post = create_post("article", "Hello from here", "It works.", dora.id)
    attach(post.id, "hello.txt", io.BytesIO(b"Hello\n"), dora.id)
    assert publish(post.id, post.version, dora.id).state == "published"


def test_an_archive_is_one_moment_while_others_write(app: Flask, relay: Relay, tmp_path: Path) -> None:
    """Two rows that only ever change together are the same in the archive, and the writer is not stopped."""
    site = fill(app, relay)
    first, second = site.sent.id, site.waiting.id
    done, writes = threading.Event(), []

    def write() -> None:
        with app.app_context():
            while not done.is_set():
                with transaction() as session:
                    session.execute(text("UPDATE posts SET summary = summary || '.' WHERE id = :id"), {"id": first})
                    session.execute(text("UPDATE digests SET version = version + 1"))
                    session.execute(text("UPDATE posts SET summary = summary || '.' WHERE id = :id"), {"id": second})
                writes.append(1)
            db.session.remove()

    with transaction() as session:
        session.execute(text("UPDATE posts SET summary = ''"))
        session.execute(text("UPDATE digests SET version = 0"))
    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            before = len(writes)
            export_archive(tmp_path / f"{number}.tar.gz")
            assert len(writes) > before
    finally:
        done.set()
        writer.join()
    for number in range(3):
        held = contents(tmp_path / f"{number}.tar.gz")
        summaries = {row["id"]: row["summary"] for row in rows(held, "posts")}
        versions = {row["version"] for row in rows(held, "digests")}
        assert versions == {len(summaries[first])}
        assert summaries[first] == summaries[second]


def test_an_archive_of_an_older_revision_is_upgraded_on_the_way_in(
    app: Flask, kind: str, relay: Relay, enter: Enter, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(app, relay)
    older = next(name for name in migrate.known_revisions() if name.startswith("0006"))
    migrate.move_to(older)
    monkeypatch.setattr("blogapp.porting.archive.writing.wanted_revision", lambda: older)
    monkeypatch.setattr("blogapp.porting.archive.writing.read_marks", lambda connection: Marks([]))
    export_archive(tmp_path / "old.tar.gz")
    assert "tables/digests.jsonl" not in contents(tmp_path / "old.tar.gz")
    enter(OTHER[kind])
    migrate.move_to("head")
    found = import_archive(tmp_path / "old.tar.gz")
    assert found.manifest.schema == older
    assert migrate.present_revision() == migrate.wanted_revision()
    assert migrate.differences() == []
    assert db.session.execute(select(func.count()).select_from(Subscriber)).scalar_one() == 8
    assert db.session.execute(select(func.count()).select_from(Digest)).scalar_one() == 0


def test_every_column_that_is_carried_has_a_way_of_being_written(app: Flask) -> None:
    with db.engine.connect() as connection:
        tables = carried_tables(connection)
        assert {name: Rows(table).names for name, table in tables.items()}.keys() == set(KNOWN) - set(LEFT_OUT)
