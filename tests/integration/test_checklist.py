"""The checklist on the draft's page and under the editor: what it knows of the site."""

import io
from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.authoring.checklist import checklist_of
from blogapp.core.db import db, transaction
from blogapp.digest.publishing import delete
from blogapp.posts.attachments import attach, line_for
from blogapp.posts.checking import Place
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import add_section
from blogapp.posts.models import Post
from blogapp.posts.places import places_at
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests import pages, posts

LogIn = Callable[[Member], FlaskClient]


def test_what_stands_at_an_address_of_the_site(app: Flask, alice: Member) -> None:
    posts.week(alice, 520, 524, body="## Boats")
    posts.article(alice, "old-name", body="## Rope")
    posts.article(alice, "draft", state="draft")
    gone = posts.article(alice, "gone")
    delete(gone.id, gone.version, alice.id)
    moved = posts.article(alice, "before")
    save_post(moved.id, moved.version, alice.id, title="Before", body="x", slug="after")
    paths = [
        "/", "/old-name", "/weeks-520-to-524", "/week-522", "/week-9", "/alice-archer", "/draft", "/gone", "/before",
        "/archive", "/archive/2018", "/write", "/tags/x", "/nothing/at/all", "/nowhere", "/files/1/x.png", "/Old-Name/",
    ]  # fmt: skip
    found = places_at(db.session(), paths, alice)
    assert {path for path, place in found.items() if place.standing == "here"} == {
        "/", "/old-name", "/weeks-520-to-524", "/week-522", "/alice-archer", "/before", "/archive", "/archive/2018",
        "/write", "/tags/x", "/Old-Name/",
    }  # fmt: skip
    assert [found[path].standing for path in ("/draft", "/gone", "/nowhere")] == ["draft", "gone", "nowhere"]
    assert found["/old-name"].ids is not None
    assert "rope" in found["/old-name"].ids


def test_the_draft_s_page_lists_what_to_mend_and_never_blocks(app: Flask, bob: Member, log_in: LogIn) -> None:
    body = "Intro.\n\n<!-- add content here -->\n\n[boats][b] and [itself](/boats) and [none](/none)"
    post = create_post("article", "Boats", body, bob.id)
    client = log_in(bob)
    page = pages.soup(client.get(f"/posts/{post.id}"))
    assert "3 things to mend." in page.text
    lines = [link["href"] for link in page.select(".check-found a")]
    assert lines == [f"/posts/{post.id}/edit#line-{number}" for number in (3, 5, 5)]
    assert page.select_one("button[form=publish]").text == "Publish all the same"  # type: ignore[union-attr]
    client.post(f"/posts/{post.id}/publication", data={"version": post.version})
    db.session.rollback()
    assert db.session.get_one(Post, post.id, populate_existing=True).state == "published"


def test_of_a_great_many_findings_the_page_shows_the_first_and_says_how_many_there_are(
    app: Flask, bob: Member, log_in: LogIn
) -> None:
    body = "TBD\n" * 8000 + "".join(f"[x](/nowhere-{number}) " for number in range(3000))
    post = create_post("article", "Boats", body, bob.id)
    page = log_in(bob).get(f"/posts/{post.id}")
    assert pages.text(page, ".check-line") == "2000 things to mend and 8001 to look at."
    assert len(pages.soup(page).select(".check-found li")) == 100
    assert "And 9901 more" in pages.text(page, ".checklist")


def test_with_nothing_to_mend_one_calm_line_says_so(app: Flask, bob: Member, log_in: LogIn) -> None:
    post = create_post("article", "Boats", "Some words.", bob.id)
    page = log_in(bob).get(f"/posts/{post.id}")
    assert pages.text(page, ".checklist") == "Checked: nothing to mend."
    assert pages.text(page, "button[form=publish]") == "Publish"


def test_the_editor_s_text_is_checked_without_being_saved(app: Flask, bob: Member, log_in: LogIn) -> None:
    post = create_post("article", "Boats", "Some words.", bob.id)
    typed = {"title": "Boats", "body": "One\n\n![](https://x.test/a.png)"}
    whole = log_in(bob).post(f"/posts/{post.id}/checklist", data=typed)
    assert "This picture has no alternative text" in whole.text
    assert "nothing was saved" in whole.text
    alone = log_in(bob).post(f"/posts/{post.id}/checklist", data=typed, headers={"X-Requested-With": "fetch"})
    assert alone.text.strip().startswith('<div class="checklist">')
    db.session.rollback()
    assert db.session.get_one(Post, post.id).body == "Some words."


def test_a_digest_that_would_be_cut_off_is_said(app: Flask, alice: Member) -> None:
    long = create_post("week", "", "\n\n".join(["Long words about boats. " * 60] * 80), alice.id, weeks=Weeks(3, 3))
    assert ["102 kB" in finding.what for finding in checklist_of(long, alice).findings] == [True]
    with transaction() as session:
        session.get_one(Post, long.id).html = "<p>short</p>"
    assert checklist_of(db.session.get_one(Post, long.id), alice).findings == []


def test_the_checklist_knows_the_glossary_and_the_members(app: Flask, alice: Member, bob: Member) -> None:
    for slug, address in (("one", "https://a.example"), ("two", "https://b.example"), ("three", "https://a.example")):
        posts.article(
            alice, slug, body=f"[x][unsure] and [y][sure]\n\n[unsure]: {address}\n[sure]: https://c.example\n"
        )
    draft = create_post("article", "Boats", "[x][unsure], [y][sure], [Alice][alice-archer], [z][nobody]", bob.id)
    assert [finding.what for finding in checklist_of(draft, bob).findings] == [
        "“unsure” stands for more than one address.",
        "“nobody” is defined nowhere, so this is no link.",
    ]


def test_sections_are_checked_and_lines_are_those_of_the_editor(app: Flask, alice: Member, bob: Member) -> None:
    post = create_post("week", "", "Intro\n\n<!-- sections -->\n\nTODO: the end", alice.id, weeks=Weeks(3, 3))
    add_section(post.id, bob.id, title="Boats", url="", body="To [nowhere](/nowhere).")
    found = checklist_of(db.session.get_one(Post, post.id, populate_existing=True), alice).findings
    assert [(finding.line, finding.words) for finding in found] == [(None, "/nowhere"), (5, "TODO: the end")]


def test_the_checklist_tells_nobody_of_a_post_that_is_not_for_them_nor_of_its_files(
    app: Flask, erin: Member, carol: Member, log_in: LogIn
) -> None:
    inside = create_post("week", "", "Quiet words.", erin.id, weeks=Weeks(475, 475), slug="layoffs-in-may")
    plan = attach(inside.id, "plan.txt", io.BytesIO(b"the plan\n"), erin.id)
    body = f"Quiet words. {line_for(plan)}"
    save_post(inside.id, inside.version, erin.id, title="", body=body, readers=Circle("listed"))
    # Read by everybody once, moved, and for a few since: its former address leads nowhere either.
    moved = posts.article(erin, "before")
    moved = save_post(moved.id, moved.version, erin.id, title="Before", body="x", slug="after")
    save_post(moved.id, moved.version, erin.id, title="Before", body="x", readers=Circle("listed"))
    own = create_post("article", "Mine", "Some words.", carol.id)
    paths = ["/layoffs-in-may", "/week-475", "/before", "/after", "/files/1/plan.txt", "/nothing-there"]
    nowhere = dict.fromkeys(paths, Place("nowhere"))
    assert places_at(db.session(), paths, carol, but=own.id) == nowhere
    assert places_at(db.session(), paths, None) == nowhere
    seen = places_at(db.session(), paths, erin, but=own.id)
    assert [seen[path].standing for path in paths] == ["draft", "nowhere", "draft", "draft", "kept", "nowhere"]
    assert places_at(db.session(), paths, erin, but=inside.id)["/files/1/plan.txt"] == Place("here")
    typed = {"title": "Mine", "body": "".join(f"[x]({path})\n\n" for path in paths)}
    page = log_in(carol).post(f"/posts/{own.id}/checklist", data=typed).text
    assert "is a draft" not in page
    assert page.count("Nothing is at") == 5
    page = log_in(erin).post(f"/posts/{own.id}/checklist", data=typed).text
    assert "This file belongs to a post for a few members: readers will not see it." in page


def test_a_post_for_a_few_hides_no_note_that_readers_find_at_its_address(app: Flask, erin: Member, bob: Member) -> None:
    inside = create_post("week", "", "Quiet words.", erin.id, weeks=Weeks(475, 475))
    save_post(inside.id, inside.version, erin.id, title="", body="Quiet words.", readers=Circle("listed"))
    posts.week(bob, 474, 475)
    assert places_at(db.session(), ["/week-475"], bob)["/week-475"].standing == "here"
