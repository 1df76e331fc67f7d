"""The site's reference links: resolved while a post is a draft, frozen when it is published, on both databases."""

from datetime import timedelta

from flask import Flask
from sqlalchemy import delete as sql_delete
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.db import db, transaction
from blogapp.digest.publishing import delete, open_to_all, publish, withdraw
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import add_section
from blogapp.posts.glossary import GlossaryLink, last_addresses, resolving
from blogapp.posts.models import Post
from blogapp.posts.rendering import render_again
from blogapp.posts.writing import create_post, restore_revision, save_post
from tests import people, posts

LATER = posts.SOME_DAY + timedelta(days=7)


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def saved(post: Post, body: str, by: Member) -> Post:
    post = fresh(post)
    return save_post(post.id, post.version, by.id, title=post.title, body=body)


def rows() -> dict[str, str]:
    db.session.rollback()
    return {row.label: row.url for row in db.session.execute(select(GlossaryLink)).scalars()}


def test_a_label_leads_where_the_post_published_last_had_it_and_stays_there_once_published(bob: Member) -> None:
    posts.article(bob, "newer", body="[A][Asset-Manager]\n\n[asset-manager]: https://new.test", at=LATER)
    posts.article(bob, "older", body="[A][asset-manager]\n\n[asset-manager]: https://old.test")
    draft = create_post(
        "article", "Third", "See [the manager][asset-manager], [Bob][bob-barker] or [Bob Barker][] and [sic].", bob.id
    )
    assert 'href="https://new.test"' in draft.html
    assert 'href="/bob-barker"' in draft.html
    assert "[sic]" in draft.html
    assert draft.frozen == {}
    newest = posts.article(bob, "newest", body="[A][asset-manager]\n\n[asset-manager]: https://newest.test",
                           at=LATER + timedelta(days=1))  # fmt: skip
    draft = fresh(draft)
    third = publish(draft.id, draft.version, bob.id)
    assert third.frozen == {
        "asset-manager": "https://newest.test",
        "bob-barker": "/bob-barker",
        "bob barker": "/bob-barker",
    }
    assert 'href="https://newest.test"' in third.html
    saved(newest, "[A][asset-manager]\n\n[asset-manager]: https://other.test", bob)
    assert last_addresses(["asset-manager"]) == {"asset-manager": "https://newest.test"}  # The third used it last.
    posts.article(bob, "last", body="[A][asset-manager]\n\n[asset-manager]: https://last.test",
                  at=LATER + timedelta(days=99_000))  # fmt: skip
    third = saved(third, third.body + " More.", bob)
    assert 'href="https://newest.test"' in third.html
    third = withdraw(third.id, third.version, bob.id)
    assert third.frozen["asset-manager"] == "https://newest.test"
    third = publish(third.id, third.version, bob.id)
    third = restore_revision(third.id, third.version, 1, bob.id)
    render_again()
    assert 'href="https://newest.test"' in fresh(third).html


def test_only_what_readers_see_is_in_the_glossary(app: Flask, bob: Member, erin: Member) -> None:
    text = "[a][secret]\n\n[secret]: https://secret.test"
    post = create_post("article", "Secret", text, bob.id)
    posts.article(bob, "limited", body=text, visibility="members")
    other = create_post("article", "Other", "[a][secret] and [b][sec]", erin.id)
    asked = people.log_in(app, erin).get("/write/links/suggestions?q=sec").json
    assert (rows(), asked, other.html.count("<a")) == ({}, {"labels": []}, 0)
    post = publish(post.id, post.version, bob.id)
    assert rows() == {"secret": "https://secret.test"}
    (found,) = people.log_in(app, erin).get("/write/links/suggestions?q=sec").get_json()["labels"]
    assert (found["label"], found["url"]) == ("secret", "https://secret.test")
    post = withdraw(post.id, post.version, bob.id)
    assert rows() == {}
    post = publish(post.id, post.version, bob.id)
    delete(post.id, post.version, bob.id)
    assert rows() == {}


def test_a_published_post_never_changes_by_being_rendered_again(bob: Member) -> None:
    silent = posts.article(bob, "silent", body="What [he said][then].")
    posts.article(bob, "loud", body="[a][then]\n\n[then]: https://then.test", at=LATER)
    render_again()
    assert "[he said][then]" in fresh(silent).html
    with transaction() as session:  # As a migration or an import finds it.
        session.execute(sql_delete(GlossaryLink))
    render_again()
    assert rows() == {"then": "https://then.test"}
    changed = saved(silent, "What [he said][then]. Once.", bob)
    assert changed.frozen == {"then": "https://then.test"}


def test_a_preview_resolves_as_the_post_will(app: Flask, bob: Member) -> None:
    posts.article(bob, "one", body="[a][then]\n\n[then]: https://then.test")
    post = create_post("article", "Two", "[a][then]", bob.id)
    post = publish(post.id, post.version, bob.id)
    posts.article(bob, "three", body="[a][then]\n\n[then]: https://now.test", at=LATER + timedelta(days=99_000))
    browser = people.log_in(app, bob)
    for number, url in ((str(post.id), "https://then.test"), ("", "https://now.test")):
        data = {"body": "[b][then] [c][nobody]", "post": number}
        assert url in browser.post("/write/preview", data=data).get_json()["html"]
        assert url in browser.post("/write/links/text", data=data).get_json()["html"]
    assert resolving(None, "`[b][then]`") == {}


def test_what_a_section_refers_to_is_frozen_with_the_text_that_it_becomes_part_of(bob: Member, carol: Member) -> None:
    posts.article(bob, "one", body="[a][boats]\n\n[boats]: https://boats.test")
    draft = create_post("article", "Two", "Hello.", bob.id)
    add_section(draft.id, carol.id, title="Boats", body="See [them][boats] and [Bob][bob-barker].")
    draft = fresh(draft)
    assert 'href="https://boats.test"' in draft.html
    post = publish(draft.id, draft.version, bob.id)
    assert post.frozen == {"boats": "https://boats.test", "bob-barker": "/bob-barker"}
    assert "[them][boats]" in post.body
    assert 'href="/bob-barker"' in post.html


def test_nobody_learns_by_the_editor_what_is_kept_in_a_post_for_others(app: Flask, bob: Member, carol: Member) -> None:
    public = posts.article(bob, "public", body="[a][plan]\n\n[plan]: https://plan.test")
    post = create_post("article", "Between us", "The [plan][].", bob.id)
    post = save_post(post.id, post.version, bob.id, title="Between us", body=post.body, readers=Circle("listed"))
    post = publish(post.id, post.version, bob.id)
    assert post.frozen == {"plan": "https://plan.test"}
    public = fresh(public)
    delete(public.id, public.version, bob.id)
    assert rows() == {}
    data = {"body": "[a][plan]", "post": str(post.id)}
    for member, status in ((carol, 404), (bob, 200)):
        browser = people.log_in(app, member)
        answers = [browser.post(f"/write/{name}", data=data) for name in ("links/text", "preview")]
        assert [answer.status_code for answer in answers] == [status, status]
        assert [("plan.test" in answer.text) for answer in answers] == [status == 200] * 2
    post = open_to_all(post.id, fresh(post).version, bob.id)
    assert rows() == {"plan": "https://plan.test"}
