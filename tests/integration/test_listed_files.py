"""Files of a post for a few members: no text of another post makes them public, whoever wrote or published it."""

import io
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.digest.publishing import publish
from blogapp.posts.attachments import address_of, attach, bring_back_attachment, line_for
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import add_section
from blogapp.posts.deleted import _purge
from blogapp.posts.models import Attachment, Post
from blogapp.posts.queries import list_attachments
from blogapp.posts.rendering import render_again
from blogapp.posts.writing import create_post, restore_revision, save_post


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def saved(post: Post, by: Member, body: str, readers: Circle | None = None) -> Post:
    post = fresh(post)
    return save_post(post.id, post.version, by.id, title=post.title, body=body, readers=readers)


def kept_by(author: Member, circle: Circle) -> tuple[Post, Attachment]:
    """A draft for that circle, and the file that it shows."""
    post = create_post("article", "Salaries", "Numbers.", author.id)
    file = attach(post.id, "salaries.txt", io.BytesIO(b"the numbers\n"), author.id)
    return saved(post, author, f"Numbers: {line_for(file)}", circle), file


@pytest.fixture
def listed(app: Flask, erin: Member) -> tuple[Post, Attachment]:
    """Erin's, and nobody's else's but editors'."""
    return kept_by(erin, Circle("listed"))


def status(client: FlaskClient, file: Attachment) -> int:
    return client.get(address_of(file), buffered=True).status_code


def test_a_section_that_names_a_listed_file_does_not_make_it_public_when_an_editor_publishes(
    listed: tuple[Post, Attachment], erin: Member, carol: Member, reader: FlaskClient
) -> None:
    _, file = listed
    post = create_post("article", "News", "Of the week.", erin.id)
    add_section(post.id, carol.id, title="Look", body=f"[this](/files/{file.id}/x)")
    publish(post.id, fresh(post).version, erin.id)
    assert list_attachments(post.id) == []
    assert status(reader, file) == 404
    render_again(post.id)
    assert status(reader, file) == 404


def test_nor_does_an_editor_who_mends_a_typo_in_a_contributors_draft(
    listed: tuple[Post, Attachment], erin: Member, carol: Member, reader: FlaskClient
) -> None:
    _, file = listed
    post = create_post("article", "Mine", f"A tpyo, and [this]({address_of(file)}).", carol.id)
    post = saved(post, erin, f"A typo, and [this]({address_of(file)}).")
    post = restore_revision(post.id, fresh(post).version, 1, erin.id)
    publish(post.id, fresh(post).version, erin.id)
    assert list_attachments(post.id) == []
    assert status(reader, file) == 404


def test_nor_a_listed_post_of_ones_own(
    listed: tuple[Post, Attachment], erin: Member, carol: Member, reader: FlaskClient
) -> None:
    _, file = listed
    post = saved(create_post("article", "Mine", "x", carol.id), carol, line_for(file), Circle("listed"))
    post = saved(post, erin, f"{line_for(file)} and more", Circle())
    publish(post.id, fresh(post).version, erin.id)
    assert status(reader, file) == 404


def test_the_listed_post_itself_shows_its_file_after_every_save_and_to_everybody_once_it_is_theirs(
    listed: tuple[Post, Attachment], erin: Member, alice: Member, reader: FlaskClient
) -> None:
    post, file = listed
    saved(post, alice, "Without it.")
    post = saved(post, alice, f"Again: {line_for(file)}")
    render_again(post.id)
    assert [(one.id, shown) for one, shown in list_attachments(post.id)] == [(file.id, True)]
    publish(post.id, fresh(post).version, erin.id)
    assert status(reader, file) == 404
    second, picture = kept_by(erin, Circle("listed"))
    saved(second, erin, f"For all: {line_for(picture)}", Circle())
    publish(second.id, fresh(second).version, erin.id)
    assert status(reader, picture) == 200


def test_an_editor_who_means_it_takes_the_file_into_the_other_post(
    listed: tuple[Post, Attachment], erin: Member, reader: FlaskClient
) -> None:
    _, file = listed
    post = create_post("article", "News", "Of the week.", erin.id)
    own = attach(post.id, "salaries.txt", io.BytesIO(b"the numbers\n"), erin.id)
    assert own.id != file.id
    bring_back_attachment(post.id, file.id, erin.id)
    post = saved(post, erin, f"{line_for(own)} {line_for(file)}")
    publish(post.id, fresh(post).version, erin.id)
    assert (status(reader, own), status(reader, file)) == (200, 200)


@pytest.mark.parametrize("circle", [Circle("members"), Circle()])
def test_a_file_that_every_member_may_see_can_be_shown_on_purpose_by_any_of_them(
    app: Flask, bob: Member, carol: Member, erin: Member, reader: FlaskClient, circle: Circle
) -> None:
    _, file = kept_by(bob, circle)
    post = create_post("article", "Mine", line_for(file), carol.id)
    assert status(reader, file) == 404
    publish(post.id, post.version, erin.id)
    assert status(reader, file) == 200


def test_what_a_listed_post_leaves_behind_for_the_nights_sweep_is_nobodys(
    listed: tuple[Post, Attachment], erin: Member, carol: Member, reader: FlaskClient
) -> None:
    kept, file = listed
    fresh(kept).delete(now())
    db.session.commit()
    _purge(kept.id, now() + timedelta(days=1))
    post = create_post("article", "Mine", f"[this](/files/{file.id}/x)", carol.id)
    publish(post.id, post.version, erin.id)
    assert status(reader, file) == 404
