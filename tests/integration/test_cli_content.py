"""The command line: posts, subscribers, imports."""

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, text

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.delivery.models import OutboxMail, Suppression
from blogapp.digest.models import Digest
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from blogapp.subscribing.models import Subscriber
from tests.commands import Command


@pytest.fixture
def draft(app: Flask, alice: Member) -> Post:
    return create_post("week", "Week 473", "We did *this*.", alice.id, weeks=Weeks(473, 473))


# post


def test_a_post_is_published_and_withdrawn(blogapp: Command, draft: Post, now_see: Any) -> None:
    said = blogapp("post publish week-473").stdout
    assert "Published: Week 473 (/week-473)" in said
    assert "Its digest leaves at" in said
    now_see()
    assert db.session.get_one(Post, draft.id).state == "published"
    assert "already" in blogapp.refused("post publish week-473")
    assert "Its digest waits with it." in blogapp(f"post withdraw {draft.id}").stdout
    now_see()
    assert db.session.execute(select(Digest.state)).scalar_one() == "withdrawn"


def test_a_post_can_be_published_without_a_digest_or_an_article_with_one(
    blogapp: Command, draft: Post, alice: Member, now_see: Any
) -> None:
    create_post("article", "On bread", "It rises.", alice.id)
    assert "digest" not in blogapp("post publish week-473 --no-digest").stdout
    assert "digest" in blogapp("post publish on-bread --digest").stdout
    now_see()
    assert db.session.execute(select(Post.slug).join(Digest)).scalars().all() == ["on-bread"]


def test_posts_are_listed_by_what_they_are(blogapp: Command, draft: Post, alice: Member) -> None:
    create_post("article", "On bread", "It rises.", alice.id)
    create_post("article", "On [b]brackets[/b]\tand tabs", "They close.", alice.id)
    blogapp("post publish on-bread")
    assert [p["slug"] for p in blogapp.json("post list --state draft --json")][-1] == "week-473"
    assert [p["slug"] for p in blogapp.json("post list --state published --json")] == ["on-bread"]
    assert [p["slug"] for p in blogapp.json("post list --kind week --json")] == ["week-473"]
    blogapp("post withdraw on-bread")
    assert [p["slug"] for p in blogapp.json("post list --state withdrawn --json")] == ["on-bread"]
    lines = [line.split("\t") for line in blogapp("post list").stdout.splitlines()]
    assert {len(line) for line in lines} == {8}
    assert lines[0][3] == "On [b]brackets[/b] and tabs"
    assert len(blogapp("post list --limit 2").stdout.splitlines()) == 2
    assert "--limit 0 shows all" in blogapp("post list --limit 2").stderr


def test_a_post_that_is_not_there_is_refused(blogapp: Command, alice: Member) -> None:
    assert blogapp.refused("post publish week-1") == "There is no post week-1. `blogapp post list` shows them."


def test_posts_are_rendered_again(blogapp: Command, draft: Post, now_see: Any) -> None:
    with transaction() as session:
        session.execute(text("UPDATE posts SET html = '<p>old</p>'"))
    assert "1 look different now" in blogapp("post render --all").stdout
    now_see()
    assert "<em>this</em>" in db.session.get_one(Post, draft.id).html
    assert "0 look different now" in blogapp("post render week-473").stdout
    blogapp("post render", code=2)
    blogapp("post render --all week-473", code=2)


# subscriber


def test_subscribers_are_added_from_arguments_and_asked(blogapp: Command, alice: Member, now_see: Any) -> None:
    said = blogapp('subscriber add ann@example.org "Ben <ben@example.org>"').stdout
    assert said.startswith("Added 2. They are being asked")
    states = {s["address"]: s["state"] for s in blogapp.json("subscriber list --json")}
    assert states == {"ann@example.org": "pending", "ben@example.org": "pending"}
    assert db.session.execute(select(OutboxMail.recipient)).scalars().all() == ["ann@example.org", "ben@example.org"]


def test_subscribers_come_in_by_standard_input(blogapp: Command, alice: Member, now_see: Any) -> None:
    lines = "".join(f"reader{n}@example.org\n" for n in range(4500))
    assert blogapp("subscriber add --confirmed -", stdin=lines).stdout.startswith("Added 4500.\n")
    assert db.session.execute(select(Subscriber.state).distinct()).scalars().all() == ["confirmed"]
    assert db.session.execute(select(OutboxMail)).first() is None
    assert len(blogapp("subscriber list --state confirmed").stdout.splitlines()) == 4500
    assert len(blogapp.json("subscriber list --json")) == 4500
    assert len(blogapp.json("subscriber list --json --limit 10")) == 10
    assert len(blogapp.json("subscriber list --json --search reader449")) == 11


def test_bad_lines_are_named_and_the_rest_is_added(blogapp: Command, alice: Member, now_see: Any) -> None:
    with transaction() as session:
        session.add(Suppression(address="dead@example.org", reason="no such mailbox"))
    lines = "ann@example.org\nnonsense\n\n# a comment\nann@example.org\ndead@example.org\n"
    result = blogapp("subscriber add --confirmed -", stdin=lines, code=1)
    assert "Added 1.\n1 known already.\n1 left alone: mail to them is suppressed." in result.stdout
    assert "line 2: 'nonsense'" in result.stderr
    assert "1 of the lines could not be used; the others were." in result.stderr
    assert db.session.execute(select(Subscriber.address)).scalars().all() == ["ann@example.org"]


def test_addresses_and_standard_input_are_not_mixed(blogapp: Command) -> None:
    blogapp("subscriber add ann@example.org -", code=2)


# import


def test_snips_are_imported_and_a_bad_one_is_named(blogapp: Command, alice: Member, tmp_path: Path) -> None:
    folder = tmp_path / "soups" / "weeknotes"
    folder.mkdir(parents=True)
    text_ = "# Week 473\n\nWe baked.\n\n:kind: blog\n:author: bob-barker\n:created_at: 2018-02-05 10:00:00 +0000\n"
    (folder / "week-473.snip.markdown").write_text(text_)
    assert "1 made, 0 changed" in blogapp(f"import snips {folder}").stdout
    assert "1 as before" in blogapp(f"import snips {folder}").stdout
    (folder / "week-474.snip.markdown").write_bytes(b"\xff\xfe")
    result = blogapp(f"import snips {folder}", code=1)
    assert "week-474.snip.markdown: " in result.stderr
    assert "1 of 2 could not be imported" in result.stderr
    outcomes = json.loads(blogapp(f"import snips {folder} --json", code=1).stdout)
    assert [o["result"] for o in outcomes] == ["unchanged", "refused"]
    assert blogapp.json("post list --json")[0]["slug"] == "week-473"


def test_a_folder_without_snips_is_refused(blogapp: Command, alice: Member, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "There is nothing to import there" in blogapp.refused(f"import snips {tmp_path / 'empty'}")
    blogapp(f"import snips {tmp_path / 'nosuch'}", code=2)
