"""The search's index: built by the migration, after an archive, after a whole past; and what members may do to it."""

from pathlib import Path

import time_machine
from flask import Flask
from sqlalchemy import delete, insert, select, text

from blogapp.auth.models import Member
from blogapp.core import migrate
from blogapp.core.db import db, transaction
from blogapp.porting.archive.reading import import_archive
from blogapp.porting.archive.writing import export_archive
from blogapp.posts.models import Post
from blogapp.posts.searching import find_differences, rebuild, search_texts, text_of
from tests.commands import Command
from tests.integration.conftest import Enter
from tests.jobs import begin, run, zipped
from tests.posts import article, week
from tests.replay import sample
from tests.replay.history import group
from tests.replay.player import Player


def assert_index_fits() -> None:
    """Each public post is in the index as it is shown, and nothing else is in it."""
    assert find_differences() == ([], [])
    rows = db.session.execute(select(search_texts.c.text, Post.html).join(Post, Post.id == search_texts.c.post_id))
    assert all(row.text == text_of(row.html) for row in rows)
    if db.engine.dialect.name == "sqlite":
        kept = db.session.execute(text("SELECT rowid FROM search_words ORDER BY rowid")).scalars().all()
        places = db.session.execute(select(search_texts.c.place).order_by(search_texts.c.place)).scalars().all()
        assert kept == places
        db.session.execute(text("INSERT INTO search_words (search_words) VALUES ('integrity-check')"))
    else:
        assert db.session.execute(text("SELECT count(*) FROM search_words")).scalar_one() == count_indexed()


def count_indexed() -> int:
    return len(db.session.execute(select(search_texts.c.place)).all())


def test_the_migration_fills_it_and_goes_back(app: Flask, alice: Member) -> None:
    for number in range(60):  # more than one slice; all of one moment
        week(alice, number, body=f"Boat {number}.")
    article(alice, "draft", state="draft", body="Boat.")
    db.session.remove()
    migrate.move_to("0009_jobs")
    migrate.move_to("head")
    assert migrate.differences() == []
    assert count_indexed() == 60
    assert_index_fits()


def test_thousands_of_posts_of_one_moment_find_room(app: Flask, alice: Member) -> None:
    post = article(alice, "first")
    columns = [column for column in Post.__table__.columns if column.name not in ("id", "slug")]
    with transaction() as session:
        values = dict(session.execute(select(*columns).where(Post.id == post.id)).one()._mapping)
        session.execute(insert(Post), [{**values, "slug": f"post-{number}"} for number in range(2200)])
    assert len(list(rebuild())) == 45
    assert find_differences() == ([], [])
    newest = select(search_texts.c.post_id).order_by(search_texts.c.place.desc())
    ids = db.session.execute(newest).scalars().all()
    assert ids == sorted(ids, reverse=True)


def test_a_site_made_of_an_archive_can_be_searched(app: Flask, alice: Member, enter: Enter, tmp_path: Path) -> None:
    article(alice, "boats")
    article(alice, "draft", state="draft")
    export_archive(tmp_path / "site.tar.gz")
    enter("sqlite")
    import_archive(tmp_path / "site.tar.gz")
    assert count_indexed() == 1
    assert_index_fits()


def test_what_an_import_brings_and_changes_is_found(app: Flask, alice: Member) -> None:
    run(begin(alice.id, "import.snips", zipped()))
    public = db.session.query(Post).where(Post.state == "published").count()
    assert count_indexed() == public > 0
    assert_index_fits()


def test_after_a_whole_past_the_index_has_never_lagged(app: Flask) -> None:
    commits = group(sample.rows())
    with time_machine.travel(commits[0].at, tick=False) as travel:
        player = Player(travel)
        player.move_in(())
        player.play(commits)
    assert count_indexed() > 5
    assert_index_fits()


def test_an_index_that_does_not_fit_is_told_and_mended(app: Flask, alice: Member, blogapp: Command) -> None:
    assert "just the public posts" in blogapp("search check").stdout
    number = article(alice, "boats").id
    with db.engine.begin() as connection:
        connection.execute(delete(search_texts))
        if connection.dialect.name == "sqlite":
            connection.execute(text("DELETE FROM search_words"))
    db.session.remove()
    said = blogapp.refused("search check")
    assert f"1 public posts are not in the index, 0 in it are not public: {number}." in said
    assert "made of 1 post again" in blogapp("search rebuild").stdout
    assert_index_fits()
