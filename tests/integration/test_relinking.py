"""Another address or name for a label, everywhere: first a look, then the act; and the pages that tell of labels."""

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid, NotAllowed
from blogapp.core.markup import Rendered, render
from blogapp.digest.models import Digest
from blogapp.digest.publishing import publish, withdraw
from blogapp.porting.markdown_export import export_markdown
from blogapp.porting.snips.exporting import export_snips
from blogapp.posts import relinking
from blogapp.posts.contributing import add_section
from blogapp.posts.glossary import last_addresses
from blogapp.posts.labels import lines_of, suggest_labels
from blogapp.posts.models import Post
from blogapp.posts.queries import list_revisions
from blogapp.posts.relinking import Wish, change_everywhere, plan_change
from blogapp.posts.writing import create_post, save_post
from tests import people, posts
from tests.heard import import_snips

OLD, NEW = "https://old.test/am", "https://new.test/am"
BODY = f'Our [manager][am] and [am][].\n\n[am]: {OLD} "It"\n[other]: {OLD}'


@pytest.fixture
def three(bob: Member) -> list[Post]:
    """A post that defines the label, one that had it frozen, and a draft that defines it."""
    first = posts.article(bob, "first", body=BODY)
    second = create_post("article", "Second", "The [manager][am].", bob.id)
    second = publish(second.id, second.version, bob.id)
    return [first, second, create_post("article", "Third", BODY, bob.id)]


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def test_an_address_is_fixed_in_every_post_after_a_look(
    app: Flask, three: list[Post], erin: Member, bob: Member
) -> None:
    browser = people.log_in(app, erin)
    form = {"label": "AM", "old_url": OLD, "new_url": NEW}
    page = browser.post("/write/links/label", data=form).text
    assert "3 posts change" in page
    assert all(fresh(post).version == post.version for post in three)
    mark = re.search(r'name="mark" value="(\w+)"', page)
    assert mark
    digests = db.session.execute(select(Digest.state)).scalars().all()
    done = browser.post("/write/links/label", data={**form, "do": "now", "mark": mark[1]})
    assert done.status_code == 303
    first, second, third = map(fresh, three)
    assert first.body == third.body == BODY.replace(f"[am]: {OLD}", f"[am]: {NEW}")
    assert (second.body, second.frozen) == ("The [manager][am].", {"am": NEW})
    assert all(f'href="{NEW}"' in post.html for post in (first, second, third))
    assert [list_revisions(post.id)[0].member_id for post in (first, third)] == [erin.id, erin.id]
    assert (last_addresses(["am"]), last_addresses(["other"])) == ({"am": NEW}, {})
    assert db.session.execute(select(Digest.state)).scalars().all() == digests
    assert NEW in app.test_client().get("/first").text
    assert "Changed in 3 posts" in browser.get(done.location).text


def test_a_label_is_renamed_everywhere(three: list[Post], alice: Member, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relinking, "A_STEP", 2)
    wish = Wish("am", new_label="Asset Manager")
    assert change_everywhere(wish, plan_change(wish).mark, alice.id) == 3
    first, second, third = map(fresh, three)
    assert first.body.startswith(f"Our [manager][asset manager] and [am][asset manager].\n\n[asset manager]: {OLD}")
    assert (second.body, second.frozen) == ("The [manager][asset manager].", {"asset manager": OLD})
    assert first.html.count(f'href="{OLD}"') == third.html.count(f'href="{OLD}"') == 2
    assert plan_change(wish).changes == []


def test_a_draft_keeps_the_sections_that_wait_and_one_that_comes_meanwhile_is_not_lost(
    three: list[Post], alice: Member, carol: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_section(three[2].id, carol.id, title="Boats", body="Good [ones][am].")
    wish = Wish("am", new_url=NEW)
    mark = plan_change(wish).mark

    def slow(text: str, **given: Any) -> Rendered:
        if "Boats" in text:
            monkeypatch.setattr("blogapp.posts.relinking.render", render)
            add_section(three[2].id, carol.id, title="Later")
        return render(text, **given)

    monkeypatch.setattr("blogapp.posts.relinking.render", slow)
    with pytest.raises(Conflict, match="Nothing was changed"):
        change_everywhere(wish, mark, alice.id)
    assert [fresh(post).version for post in three] == [post.version for post in three]
    assert change_everywhere(wish, mark, alice.id) == 3
    html = fresh(three[2]).html
    assert html.count(f'href="{NEW}"') == 3
    assert "Later" in html


def test_what_was_saved_since_the_look_is_looked_at_again(
    app: Flask, three: list[Post], erin: Member, bob: Member
) -> None:
    wish = Wish("am", new_url=NEW)
    mark = plan_change(wish).mark
    first = fresh(three[0])
    save_post(first.id, first.version, bob.id, title=first.title, body=first.body + " ")
    with pytest.raises(Conflict, match="Nothing was changed"):
        change_everywhere(wish, mark, erin.id)
    answer = people.log_in(app, erin).post(
        "/write/links/label", data={"label": "am", "new_url": NEW, "do": "now", "mark": mark}
    )
    assert (answer.status_code, "Look at it again" in answer.text, plan_change(wish).mark in answer.text) == (
        409,
        True,
        True,
    )
    with pytest.raises(NotAllowed):
        change_everywhere(wish, plan_change(wish).mark, bob.id)


def test_a_label_that_leads_elsewhere_already_is_not_taken(app: Flask, three: list[Post], erin: Member) -> None:
    posts.article(erin, "both", body=f"[a][am] [b][x]\n\n[am]: {OLD}\n[x]: https://x.test")
    with pytest.raises(Invalid, match="“Both”"):
        plan_change(Wish("am", new_label="x"))
    answer = people.log_in(app, erin).post("/write/links/label", data={"label": "am", "new_label": "a]b"})
    assert (answer.status_code, 'value="a]b"' in answer.text) == (422, True)
    for wrong in (
        Wish("am"),
        Wish("am", new_url="a b"),
        Wish("am", new_url="javascript:alert(1)"),
        Wish("am", new_url="//[x"),
        Wish("am", new_url="https:///x"),
        Wish("am", new_label="AM"),
        Wish("am", new_url="x", new_label="y"),
    ):
        with pytest.raises(Invalid):
            plan_change(wrong)


def test_the_pages_and_the_editor_tell_of_labels(app: Flask, three: list[Post], bob: Member) -> None:
    later = posts.SOME_DAY + timedelta(days=99_000)
    posts.article(bob, "week-nine", title="Week 9", body=f"[a][am] [b][other]\n\n[am]: {NEW}\n[other]: x", at=later)
    posts.article(bob, "limited", body="[a][lurking]\n\n[lurking]: https://lurking.test", visibility="members")
    browser = people.log_in(app, bob)
    page = browser.get("/write/links").text
    assert NEW in page
    assert "2 addresses" in page
    assert "lurking" not in page
    assert "[am]" in browser.get("/write/links/label?of=AM").text
    assert "am" in browser.get("/write/links?addresses=several&words=old.test").text
    text = "[a][am] [b][bob-barker] [c][amm]"
    am, person, nobody = lines_of(text, None)
    assert am.history
    assert am.history.moved
    assert (am.by, am.url, am.history.moved.title) == ("glossary", NEW, "Week 9")
    assert (person.by, person.member, nobody.by, nobody.near) == ("member", "Bob Barker", "", ("am",))
    block = browser.post("/write/links/text", data={"body": text}).get_json()["html"]
    assert "its address changed in" in block
    assert "not defined: nobody has used it" in block
    draft = create_post("article", "Draft", text, bob.id)
    assert "not defined: nobody has used it" in browser.get(f"/posts/{draft.id}/edit").text
    assert [found[0] for found in suggest_labels("bob")] == ["bob-barker"]
    assert [found[0] for found in suggest_labels("", "M")] == ["am"]


def test_the_way_out_spells_frozen_definitions_out_and_takes_them_back(
    three: list[Post], bob: Member, tmp_path: Path
) -> None:
    export_markdown(tmp_path / "md")
    assert f"The [manager][am].\n\n[am]: {OLD}\n" in (tmp_path / "md/content/posts/second/index.md").read_text()
    snips = tmp_path / "snips"
    export_snips(snips)
    assert f"The [manager][am].\n\n[am]: {OLD}\n" in (snips / "blog/second.snip.markdown").read_text()
    before = {path: path.read_bytes() for path in snips.rglob("*.markdown")}
    assert set(import_snips([snips]).results) == {"unchanged"}
    assert fresh(three[1]).body == "The [manager][am]."
    export_snips(snips)
    assert {path: path.read_bytes() for path in snips.rglob("*.markdown")} == before
    second = fresh(three[1])
    save_post(second.id, second.version, bob.id, title=second.title, body="Once more the [manager][am].")
    export_snips(snips)
    assert set(import_snips([snips]).results) == {"unchanged"}
    assert fresh(second).body == "Once more the [manager][am]."
    second = fresh(second)
    withdraw(second.id, second.version, bob.id)
