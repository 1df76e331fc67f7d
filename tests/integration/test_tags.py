"""Tags: typed, imported, listed, renamed; what only drafts have is not there."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy import text as sql

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.errors import Invalid, NotAllowed
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.porting.markdown_export import export_markdown
from blogapp.porting.snips.exporting import export_snips
from blogapp.posts import retagging
from blogapp.posts.models import Post, Revision
from blogapp.posts.retagging import rename_tag
from blogapp.posts.tags import Tag, post_tags, tags_of
from blogapp.posts.writing import create_post, save_post
from tests.heard import import_snips
from tests.pages import soup, text
from tests.posts import SOME_DAY, article

WAITING = sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()")


def save(post: Post, by: Member, *tags: str) -> Post:
    return save_post(post.id, post.version, by.id, title=post.title, body=post.body, tags=tags)


def counts() -> dict[str, int]:
    """slug -> how many posts the tag says that it has; held against the rows themselves."""
    db.session.rollback()
    shown = func.count(post_tags.c.published_at)
    query = select(Tag.slug, Tag.posts, shown).outerjoin(post_tags, post_tags.c.tag_id == Tag.id)
    rows = db.session.execute(query.where(Tag.leads_to_id.is_(None)).group_by(Tag.slug, Tag.posts)).all()
    assert [row[1] for row in rows] == [row[2] for row in rows]
    return {row[0]: row[1] for row in rows}


def test_a_tag_is_there_for_readers_while_a_public_post_has_it(reader: FlaskClient, bob: Member) -> None:
    post = save(create_post("article", "Bread", "We baked.", bob.id), bob, "Baking", "C++")
    assert reader.get("/tags/baking").status_code == 404
    assert "Baking" not in reader.get("/tags").text
    post = publish(post.id, post.version, bob.id)
    assert counts() == {"baking": 1, "c-plus-plus": 1}
    assert [a["href"] for a in soup(reader.get("/tags/baking")).select(".stream a")] == ["/bread"]
    assert [a["href"] for a in soup(reader.get("/bread")).select("a[rel=tag]")] == ["/tags/baking", "/tags/c-plus-plus"]
    post = save(post, bob, "baking")
    assert counts() == {"baking": 1, "c-plus-plus": 0}
    post = withdraw(post.id, post.version, bob.id)
    assert counts() == {"baking": 0, "c-plus-plus": 0}
    post = publish(post.id, post.version, bob.id)
    delete(post.id, post.version, bob.id)
    assert counts()["baking"] == 0
    assert reader.get("/tags/baking").status_code == 404


def test_other_tags_alone_make_no_revision_and_raise_the_version_once(bob: Member) -> None:
    post = create_post("article", "Bread", "We baked.", bob.id)
    assert save(post, bob, "Baking").version == 2
    assert db.session.execute(select(func.count()).select_from(Revision)).scalar_one() == 1
    assert save(post, bob, "Baking").version == 2


def test_the_editor_takes_tags_with_commas_and_says_what_is_wrong(
    log_in: Callable[[Member], FlaskClient], bob: Member
) -> None:
    post = save(create_post("article", "Bread", "We baked.", bob.id), bob, "Old")
    browser = log_in(bob)
    page = soup(browser.get(f"/posts/{post.id}/edit"))
    form = {"title": "Bread", "body": "We baked.", "kind": "article", "slug": post.slug, "version": "2", "do": "save"}
    assert page.select("#tags")[0]["value"] == "Old"
    refused = browser.post(f"/posts/{post.id}/edit", data={**form, "tags": "fine, ???"})
    assert refused.status_code == 422
    assert "A tag needs a letter or a figure: ???" in refused.text
    assert (
        browser.post(f"/posts/{post.id}/edit", data={**form, "tags": " #Boats,  warm   bread, boats,"}).status_code
        == 303
    )
    assert tags_of(post.id) == ["Boats", "warm bread"]


def test_two_tags_become_one_and_the_old_address_leads_on(
    reader: FlaskClient, log_in: Callable[[Member], FlaskClient], bob: Member, erin: Member
) -> None:
    article(bob, "one", tags=["Boat"])
    article(bob, "two", tags=["Boat", "Boats"])
    article(bob, "three", tags=["Boats"], state="draft")
    page = log_in(erin).post("/tags/boat", data={"name": "boats"})
    assert (page.status_code, page.location) == (303, "/tags/boats")
    assert counts() == {"boats": 2}
    for old, new in (("/tags/boat", "/tags/boats"), ("/tags/boat/feed.rss", "/tags/boats/feed.rss")):
        assert (reader.get(old).status_code, reader.get(old).location) == (301, new)
    rename_tag("boats", "Ships", erin.id)
    assert reader.get("/tags/boat").location == "/tags/ships"
    assert text(reader.get("/tags/ships"), "h1") == "Ships"
    article(bob, "four", tags=["Boat"])
    assert counts() == {"ships": 3}, "an old name still means the tag that it has become"
    rename_tag("ships", "Boat", erin.id)
    assert reader.get("/tags/ships").location == "/tags/boat"
    with pytest.raises(NotAllowed):
        rename_tag("boat", "Mine", bob.id)
    with pytest.raises(Invalid):
        rename_tag("boat", "a, b", erin.id)


def test_two_editors_who_merge_two_tags_into_each_other_wait_in_one_order(
    app: Flask, bob: Member, erin: Member
) -> None:
    article(bob, "one", tags=["Boat"])
    post = article(bob, "two", tags=["Ship"])
    if db.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has one writer")
    numbers, actor = (post.id, post.version), erin.id

    def inside(act: Callable[[], object]) -> None:
        with app.app_context():
            act()

    acts = (
        lambda: save_post(*numbers, actor, title="Two", body="Words.", tags=["Boat"]),
        lambda: rename_tag("ship", "Boat", actor),
    )
    for act in acts:
        db.session.remove()
        with ThreadPoolExecutor() as threads, db.engine.begin() as other, db.engine.connect() as third:
            other.execute(select(Tag.id).where(Tag.slug == "boat").with_for_update())
            waiting = threads.submit(inside, act)
            while not third.execute(WAITING).scalar_one():
                third.rollback()
                assert not waiting.done()
            free = select(Tag.slug).where(Tag.slug == "ship").with_for_update(nowait=True)
            assert third.execute(free).scalar_one() == "ship", "who waits for the first tag has not taken the second"
            third.rollback()
            other.rollback()
            waiting.result()
    assert counts() == {"boat": 2}


def test_the_same_rename_again_finishes_what_the_search_does_not_know_yet(
    bob: Member, erin: Member, reader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    article(bob, "one", tags=["Boat"])
    article(bob, "two", tags=["Ship"])
    monkeypatch.setattr(retagging, "_index_posts", lambda _: None)
    rename_tag("boat", "Ship", erin.id)
    monkeypatch.undo()
    assert "/one" not in reader.get("/search?tag=ship").text
    assert rename_tag("boat", "Ship", erin.id).slug == "ship"
    assert "/one" in reader.get("/search?tag=ship").text


def test_a_former_name_of_a_tag_that_only_drafts_have_tells_nothing(
    reader: FlaskClient, bob: Member, erin: Member
) -> None:
    article(bob, "draft", state="draft", tags=["Plain"])
    rename_tag("plain", "Canary", erin.id)
    response = reader.get("/tags/plain")
    assert response.status_code == 404
    assert "canary" not in response.text.lower()


def test_a_long_list_goes_on_by_keyset_and_shows_each_once(reader: FlaskClient, bob: Member) -> None:
    for number in range(130):
        article(bob, f"post-{number}", at=SOME_DAY, tags=["Boats"])
    seen, address = [], "/tags/boats"
    while address:
        page = soup(reader.get(address))
        seen += [a["href"] for a in page.select(".stream a")]
        address = next((str(a["href"]) for a in page.select(".pager [rel=next]")), "")
    assert seen == [f"/post-{number}" for number in range(129, -1, -1)]
    assert reader.get("/tags/boats?before=9999").status_code == 404


SNIP = "Boats.\n\n:tags: Boats, warm bread\n:created_at: 2018-02-09 10:22:25 +0100\n:author: bob-barker\n:kind: blog\n"


def test_tags_come_with_snips_and_leave_with_them(tmp_path: Path, bob: Member, erin: Member, app: Flask) -> None:
    folder, out = tmp_path / "in", tmp_path / "out"
    (folder / "blog").mkdir(parents=True)
    (folder / "blog" / "boats.snip.markdown").write_text(SNIP)
    assert "made" in import_snips([folder]).results
    post = db.session.execute(select(Post).where(Post.slug == "boats")).scalar_one()
    assert tags_of(post.id) == ["Boats", "warm bread"]
    rename_tag("boats", "Ships", erin.id)
    export_snips(out)
    assert (out / "blog" / "boats.snip.markdown").read_text() == SNIP, "a tag renamed is no edit of the post"
    db.session.expire_all()
    save(post, erin, "Ships", "Rope")
    export_snips(out)
    written = (out / "blog" / "boats.snip.markdown").read_text()
    assert ":tags: Rope, Ships" in written
    (folder / "blog" / "boats.snip.markdown").write_text(SNIP.replace("Boats.", "More boats."))
    import_snips([folder])
    assert tags_of(post.id) == ["Rope", "Ships"], "the file says the same as before"
    export_markdown(tmp_path / "hugo")
    assert "tags:\n- Rope\n- Ships\n" in (tmp_path / "hugo/content/posts/boats/index.md").read_text().replace(
        "  -", "-"
    )
