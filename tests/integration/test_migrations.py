"""Migrations with data in the tables, up and down, on both databases."""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import text

from blogapp.auth.models import Member
from blogapp.core import migrate
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.digest import planning
from blogapp.digest.models import Batch, Sending
from blogapp.digest.publishing import publish
from blogapp.digest.scheduling import schedule
from blogapp.posts.circles import Circle
from blogapp.posts.models import Post
from blogapp.posts.monday import begin_week
from blogapp.posts.noting import add_note, say_looks_good
from blogapp.posts.outside import ask_outside
from blogapp.posts.rotaorder import go_away, join_rota
from blogapp.posts.sharelinks import share
from blogapp.posts.turns import this_week
from blogapp.posts.writing import create_post, save_post
from blogapp.subscribing.models import Bounce
from tests import readers
from tests.worker import ME, publish_draft, send_all


def fingerprint(title: str, body: str) -> str:
    return hashlib.sha256(f"{title}\0{body}".encode()).hexdigest()


def rows(sql: str) -> list[tuple[object, ...]]:
    with db.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(text(sql))]


def test_what_an_older_import_noted_becomes_a_source_and_goes_back(app: Flask, alice: Member) -> None:
    post = create_post("article", "Boats", "As it came.", alice.id)
    save_post(post.id, post.version, alice.id, title="Boats", body="Edited here.")
    create_post("article", "Ours", "Written here.", alice.id)
    post_id = post.id
    db.session.remove()
    migrate.move_to("0007_digests")
    mark = {"name": "boats", "sha256": "a" * 64, "text_sha256": fingerprint("Boats", "As it came."), "meta": []}
    with db.engine.begin() as connection:
        connection.execute(text("DELETE FROM revisions"))
        for number, body in enumerate(["As it came.", "Edited here."], 1):
            connection.execute(
                text(
                    "INSERT INTO revisions (post_id, number, title, body, created_at, updated_at, was_published)"
                    " VALUES (:post, :number, 'Boats', :body, :at, :at, :no)"
                ),
                {"post": post_id, "number": number, "body": body, "at": datetime(2018, 1, 1, tzinfo=UTC), "no": False},
            )
        connection.execute(
            text("UPDATE posts SET extra = :extra WHERE id = :id"), {"extra": json.dumps({"snip": mark}), "id": post_id}
        )
    migrate.move_to("0008_sources")
    assert rows("SELECT origin, name, post_id, sha256, title, body, content FROM sources") == [
        ("snips", "boats", post_id, "a" * 64, "Boats", "As it came.", None)
    ]
    assert rows("SELECT format, count(*) FROM posts GROUP BY format") == [("markdown", 2)]
    assert [bool(row[0]) for row in rows("SELECT beside FROM revisions")] == [False, False]
    migrate.move_to("0007_digests")
    assert rows("SELECT title FROM posts ORDER BY id") == [("Boats",), ("Ours",)]
    assert rows("SELECT body FROM revisions ORDER BY number") == [("As it came.",), ("Edited here.",)]
    migrate.move_to("head")


def test_what_came_back_goes_with_its_table_and_the_subscribers_stay(app: Flask) -> None:
    ann = readers.subscriber("ann@reader.test")
    with transaction() as session:
        session.add(Bounce(subscriber_id=ann, sending_id=7, kind="soft", status="4.2.2", diagnostic="full"))
    db.session.remove()
    migrate.move_to("0013_nonce")
    assert rows("SELECT id, address FROM subscribers") == [(ann, "ann@reader.test")]
    migrate.move_to("head")
    assert rows("SELECT count(*) FROM bounces") == [(0,)]


def test_a_digest_that_waits_stays_when_the_mail_pages_come_and_go(app: Flask, site: Post) -> None:
    kept = "SELECT post_id, state, version FROM digests"
    before = rows(kept)
    db.session.remove()
    migrate.move_to("0013_nonce")
    assert rows(kept) == before
    migrate.move_to("head")
    assert rows(f"{kept} WHERE audience_seen IS NULL AND audience_seen_at IS NULL AND held_reason = ''") == before


def test_what_was_sent_before_there_were_editions_counts_as_sent(app: Flask, bob: Member) -> None:
    readers.subscriber("ada@reader.test")
    readers.subscriber("pending@reader.test", "pending")
    post = publish_draft(bob)
    planning.begin_due(ME)
    planning.plan_some(1)
    post_id = post.id
    db.session.remove()
    migrate.move_to("0013_nonce")
    assert [row[0] for row in rows("SELECT count(*) FROM batches")] == [1]
    migrate.move_to("head")
    assert rows("SELECT kind, main_id FROM sendings") == [("digest", None)]
    assert rows("SELECT sending_id, digest_id FROM sending_digests") == rows("SELECT sending_id, id FROM digests")
    assert rows("SELECT frequency, owed_from FROM subscribers ORDER BY id") == rows(
        "SELECT 'every', COALESCE(confirmed_at, created_at) FROM subscribers ORDER BY id"
    )
    erased = readers.subscriber("erased@reader.test")
    with transaction() as session:
        session.delete(readers.reload(erased))
    db.session.remove()
    migrate.move_to("0013_nonce")
    migrate.move_to("head")
    assert readers.subscriber("next@reader.test") > erased, "no id of a subscriber comes twice"
    send_all()
    assert rows(f"SELECT state FROM digests WHERE post_id = {post_id}") != []


def test_what_is_for_members_is_a_draft_to_an_older_program(app: Flask, alice: Member, bob: Member) -> None:
    circle = Circle("listed", frozenset([alice.id]))
    for title, readers_ in (("Open", None), ("Inside", Circle("members")), ("Between us", circle)):
        post = create_post("article", title, "Words.", bob.id)
        post = save_post(post.id, post.version, bob.id, title=title, body="Words.", readers=readers_)
        publish(post.id, post.version, bob.id)
    db.session.remove()
    assert rows("SELECT count(*) FROM post_viewers") == [(1,)]
    migrate.move_to("0018_sendings_state")
    kept = "SELECT title, state, visibility, published_at IS NULL FROM posts ORDER BY id"
    assert [(row[0], row[1], row[2], bool(row[3])) for row in rows(kept)] == [
        ("Open", "published", "public", False),
        ("Inside", "draft", "public", True),
        ("Between us", "draft", "public", True),
    ]
    migrate.move_to("head")
    assert rows("SELECT count(*) FROM posts") == [(3,)]
    assert rows("SELECT count(*) FROM post_viewers") == [(0,)]


def test_corrections_that_went_after_an_edition_go_with_it(app: Flask) -> None:
    common: dict[str, Any] = {"message": b"", "last_subscriber_id": 9, "state": "sent", "planned_at": now()}
    with transaction() as session:
        main = Sending(subject="Week 1", **common)
        session.add(main)
        session.flush()
        edition = Sending(subject="Week 1", main_id=main.id, **common)
        session.add(edition)
        session.flush()
        correction = Sending(subject="Re", kind="correction", original_id=edition.id, **common)
        session.add(correction)
        session.flush()
        session.add(Batch(sending_id=correction.id, lo=1, hi=1, state="done", planned=b"\1", accepted=b"\1"))
    db.session.remove()
    migrate.move_to("0014_feedback")
    assert rows("SELECT subject FROM sendings") == [("Week 1",)]
    assert rows("SELECT count(*) FROM batches") == [(0,)]
    migrate.move_to("head")


def test_the_rota_goes_with_its_tables_and_the_weeks_that_it_began_stay(app: Flask, alice: Member) -> None:
    join_rota(alice.id, alice.id)
    assert begin_week()
    go_away(alice.id, this_week(), this_week() + 1, alice.id)
    db.session.remove()
    migrate.move_to("0027_presences")
    assert rows("SELECT count(*) FROM posts") == [(1,)]
    migrate.move_to("head")
    assert rows("SELECT count(*) FROM rota_members") == [(0,)]


def test_notes_go_with_their_tables_and_the_draft_stays(app: Flask, alice: Member, bob: Member) -> None:
    draft = create_post("article", "Boats", "Some words.", bob.id)
    add_note(draft.id, alice.id, words="Some words.", place=0, body="Which?")
    say_looks_good(draft.id, alice.id)
    db.session.remove()
    migrate.move_to("0030_share_links")
    assert rows("SELECT title, body FROM posts") == [("Boats", "Some words.")]
    migrate.move_to("head")
    assert rows("SELECT (SELECT count(*) FROM notes), (SELECT count(*) FROM approvals)") == [(0, 0)]


def test_what_other_sites_answered_goes_with_its_table_and_the_posts_stay(app: Flask, alice: Member) -> None:
    post = create_post("article", "Boats", "To [them](https://boats.example/).", alice.id)
    ask_outside(post.id, alice.id, post.html)
    db.session.remove()
    assert rows("SELECT url, state FROM outside_links") == [("https://boats.example/", "waiting")]
    migrate.move_to("0031_notes")
    assert rows("SELECT count(*) FROM posts") == [(1,)]
    migrate.move_to("head")
    assert rows("SELECT count(*) FROM outside_links") == [(0,)]


def test_plans_and_links_to_drafts_go_with_their_tables_and_the_draft_stays(app: Flask, bob: Member) -> None:
    draft = create_post("article", "Boats", "Some words.", bob.id)
    share(draft.id, bob.id)
    schedule(draft.id, draft.version, bob.id, now() + timedelta(days=1), with_digest=True)
    db.session.remove()
    migrate.move_to("0028_rota")
    assert rows("SELECT title, state FROM posts") == [("Boats", "draft")]
    migrate.move_to("head")
    assert rows("SELECT (SELECT count(*) FROM schedules), (SELECT count(*) FROM share_links)") == [(0, 0)]
