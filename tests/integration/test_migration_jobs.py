"""The migration of the jobs, tried with data on both databases."""

from flask import Flask
from sqlalchemy import text

from blogapp.auth.models import Member
from blogapp.core import migrate
from blogapp.core.db import db
from blogapp.posts.models import Post
from tests import posts
from tests.jobs import begin, run, zipped


def test_it_goes_down_and_up_again_and_what_was_imported_stays(app: Flask, alice: Member) -> None:
    posts.article(alice)
    admin_id = alice.id
    number = run(begin(admin_id, "import.snips", zipped())).id
    before = db.session.query(Post).count()
    db.session.remove()
    assert migrate.move_to("0008_sources") == "0008_sources"
    assert migrate.move_to("head") == migrate.wanted_revision()
    assert migrate.differences() == []
    assert db.session.query(Post).count() == before == 3
    assert db.session.execute(text("SELECT count(*) FROM jobs")).scalar() == 0
    db.session.remove()
    assert begin(admin_id) in (1, number + 1)
