"""The editor: saving, previewing, attaching; whatever goes wrong, no text is lost."""

import io
import json
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.digest.publishing import delete, publish
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post
from blogapp.posts.queries import list_attachments, list_revisions
from blogapp.posts.tags import tags_of
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post

LogIn = Callable[[Member], FlaskClient]
JSON = {"Accept": "application/json"}


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    return create_post("week", "", "First text.", bob.id, weeks=Weeks(473, 473))


def sheet(page: str) -> Tag:
    found = BeautifulSoup(page, "lxml").select_one("form#editor")
    assert found is not None
    return found


def typed(page: str) -> dict[str, str]:
    """What the form would send."""
    form = sheet(page)
    fields = {
        str(field["name"]): str(field.get("value", ""))
        for field in form.select("input[name]")
        if field.get("type") not in ("file", "submit") and (field.get("type") != "radio" or field.has_attr("checked"))
    }
    fields["body"] = form.select_one("textarea").text.lstrip("\r\n")  # type: ignore[union-attr]
    for select in form.select("select"):
        chosen = select.select_one("option[selected]") or select.select_one("option")
        fields[str(select["name"])] = str(chosen["value"]) if chosen else ""
    return fields


def open_editor(client: FlaskClient, post: Post) -> dict[str, str]:
    response = client.get(f"/posts/{post.id}/edit")
    assert response.status_code == 200
    return typed(response.text)


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def test_what_is_typed_is_saved_and_the_editor_says_so(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = open_editor(client, post)
    assert (form["title"], form["body"], form["weeks"], form["slug"]) == ("Week 473", "First text.", "473", "week-473")
    response = client.post(f"/posts/{post.id}/edit", data={**form, "body": "Second\r\ntext."}, follow_redirects=True)
    assert "Saved at " in response.text
    assert "and live" not in response.text
    assert fresh(post).body == "Second\ntext."


def test_saving_a_published_post_says_that_it_is_live(post: Post, bob: Member, log_in: LogIn) -> None:
    publish(post.id, 1, bob.id)
    client = log_in(bob)
    page = client.get(f"/posts/{post.id}/edit").text
    assert "saving is live at once" in page
    response = client.post(f"/posts/{post.id}/edit", data={**typed(page), "body": "Live"}, follow_redirects=True)
    assert ", and live." in response.text


def test_the_kind_week_and_address_can_be_changed(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = open_editor(client, post)
    client.post(f"/posts/{post.id}/edit", data={**form, "kind": "article", "title": "An essay", "slug": "/Essay/"})
    saved = fresh(post)
    assert (saved.kind, saved.weeks, saved.slug, saved.title) == ("article", None, "essay", "An essay")


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"weeks": "soon"}, "Write the week as a number"),
        ({"slug": "login"}, "is a page of the site itself"),
        ({"slug": "not an address"}, "Use small letters"),
        ({"kind": "article", "title": " "}, "Give it a title"),
        ({"title": "x" * 201}, "too long"),
        ({"version": ""}, "Open the post again"),
    ],
)
def test_a_mistake_is_named_and_the_text_stays(
    post: Post, bob: Member, log_in: LogIn, wrong: dict[str, str], words: str
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Hours of work."}
    response = client.post(f"/posts/{post.id}/edit", data={**form, **wrong})
    assert response.status_code == 422
    assert words in response.text
    assert typed(response.text)["body"] == "Hours of work."
    assert "data-unsaved" in response.text
    assert fresh(post).body == "First text."


def test_a_week_of_another_post_is_refused_with_a_link_to_it(post: Post, bob: Member, log_in: LogIn) -> None:
    other = create_post("week", "", "x", bob.id, weeks=Weeks(474, 474))
    client = log_in(bob)
    response = client.post(f"/posts/{post.id}/edit", data={**open_editor(client, post), "weeks": "473-475"})
    assert response.status_code == 422
    assert f'href="/posts/{other.id}"' in response.text


LONG = "On Monday we baked.\n\nOn Tuesday we sold bread in the old market hall.\n\nOn Friday we slept.\n"


@pytest.fixture
def long(post: Post, bob: Member) -> Post:
    return save_post(post.id, 1, bob.id, title="", body=LONG)


def test_changes_that_do_not_touch_are_saved_as_one_text_and_told(
    long: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, long), "body": LONG.replace("slept", "danced"), "tags": "boats"}
    save_post(long.id, 2, erin.id, title="Baking", body=LONG.replace("Monday", "Sunday"))
    response = client.post(f"/posts/{long.id}/edit", data=form, follow_redirects=True)
    assert "Erin Eames’s changes are in it, too." in response.text
    saved = fresh(long)
    assert saved.body == LONG.replace("slept", "danced").replace("Monday", "Sunday")
    assert (saved.title, typed(response.text)["tags"]) == ("Baking", "boats")
    assert [r.member and r.member.name for r in list_revisions(long.id)] == ["Bob Barker", "Erin Eames", "Bob Barker"]


def test_the_editors_script_is_told_what_came_in_and_where(
    long: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, long), "body": LONG.replace("slept", "danced 🕺")}
    save_post(long.id, 2, erin.id, title="", body=LONG.replace("baked", "baked 🍞 rolls"))
    answer = client.post(f"/posts/{long.id}/edit", data={**form, "auto": "1"}, headers=JSON).get_json()
    assert (answer["others"], answer["version"]) == ("Erin Eames’s changes", 4)
    assert "<ins>" in answer["changes"]
    sent = form["body"].encode("utf-16-le")
    for start, end, text in answer["edits"]:
        sent = sent[: 2 * start] + text.encode("utf-16-le") + sent[2 * end :]
    assert sent.decode("utf-16-le") == fresh(long).body == json.loads(answer["base"])["body"]


def clash_page(response: TestResponse) -> tuple[BeautifulSoup, dict[str, str]]:
    """The page that shows both texts, and what its form would send but for a choice."""
    assert response.status_code == 409
    page = BeautifulSoup(response.text, "lxml")
    form = page.select_one("form#clash")
    assert form is not None
    sent = {str(f["name"]): str(f.get("value", "")) for f in form.select("input[type=hidden]")}
    return page, sent | {str(f["name"]): f.text.removeprefix("\n") for f in form.select("textarea")}


@pytest.mark.parametrize(
    ("choice", "day"), [("mine", "Thursday"), ("theirs", "Wednesday"), ("both", "Wednesday Thursday")]
)
def test_where_both_changed_the_same_one_is_shown_both_and_chooses(
    long: Post, bob: Member, erin: Member, log_in: LogIn, choice: str, day: str
) -> None:
    client = log_in(bob)
    mine = LONG.replace("Tuesday", "Thursday").replace("slept", "danced")
    form = {**open_editor(client, long), "body": mine}
    save_post(long.id, 2, erin.id, title="", body=LONG.replace("Tuesday", "Wednesday"))
    page, sent = clash_page(client.post(f"/posts/{long.id}/edit", data=form))
    assert "Erin Eames saved this post, too" in page.h1.text  # type: ignore[union-attr]
    assert [mark.text for mark in page.select("mark")] == ["Wednesday", "Thursday"]
    assert page.select_one("time") is not None
    assert fresh(long).body == LONG.replace("Tuesday", "Wednesday"), "nothing is saved before somebody chose"
    client.post(f"/posts/{long.id}/edit", data={**sent, "choice-0": choice})
    assert fresh(long).body == mine.replace("Thursday", day)
    assert LONG.replace("Tuesday", "Wednesday") in [r.body for r in list_revisions(long.id)]


def test_several_clashes_and_one_of_a_setting_are_settled_each_by_itself(
    long: Post, erin: Member, alice: Member, log_in: LogIn
) -> None:
    client = log_in(alice)
    mine = LONG.replace("Monday", "Sunday").replace("Friday", "Saturday")
    form = {**open_editor(client, long), "body": mine, "slug": "boats", "tags": "sea, boats"}
    theirs = LONG.replace("Monday", "Tuesday").replace("Friday", "Thursday")
    save_post(long.id, 2, erin.id, title="", body=theirs, slug="bread", tags=["bread"])
    _, sent = clash_page(client.post(f"/posts/{long.id}/edit", data=form))
    short = client.post(f"/posts/{long.id}/edit", data={**sent, "do": "settle", "choice-0": "mine"})
    assert short.status_code == 409, "each place wants a choice"
    choices = {"choice-0": "mine", "choice-1": "theirs", "choice-2": "mine"}
    client.post(f"/posts/{long.id}/edit", data={**sent, "do": "settle", **choices})
    assert fresh(long).body == LONG.replace("Monday", "Sunday").replace("Friday", "Thursday")
    assert fresh(long).slug == "boats"
    assert tags_of(long.id) == ["boats", "bread", "sea"], "of tags both have theirs"


def test_a_conflict_with_oneself_in_another_window_keeps_both_texts_too(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "From this window."}
    save_post(post.id, 1, bob.id, title="", body="Written in the other one.")
    page, sent = clash_page(client.post(f"/posts/{post.id}/edit", data=form))
    assert "You saved this post in another window" in page.h1.text  # type: ignore[union-attr]
    client.post(f"/posts/{post.id}/edit", data={**sent, "choice-0": "mine"})
    assert [r.body for r in list_revisions(post.id)][:2] == ["From this window.", "Written in the other one."]


def test_a_second_conflict_after_the_first_is_told_as_well(
    post: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Bob's"}
    save_post(post.id, 1, erin.id, title="", body="Erin's")
    _, sent = clash_page(client.post(f"/posts/{post.id}/edit", data=form))
    save_post(post.id, 2, erin.id, title="", body="Erin's second")
    page, _ = clash_page(client.post(f"/posts/{post.id}/edit", data={**sent, "choice-0": "mine"}))
    assert "Erin's second" in page.text
    assert fresh(post).body == "Erin's second"


def test_from_two_texts_one_can_go_back_to_writing_with_ones_own(
    post: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Bob's"}
    save_post(post.id, 1, erin.id, title="", body="Erin's")
    _, sent = clash_page(client.post(f"/posts/{post.id}/edit", data=form))
    back = client.post(f"/posts/{post.id}/edit", data={**sent, "do": "back"})
    assert (typed(back.text)["body"], typed(back.text)["version"]) == ("Bob's", "1")


def test_a_form_without_its_base_overwrites_nothing(post: Post, bob: Member, erin: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Bob's", "base": "nonsense"}
    save_post(post.id, 1, erin.id, title="", body="Erin's")
    clash_page(client.post(f"/posts/{post.id}/edit", data=form))
    assert fresh(post).body == "Erin's"


def test_after_a_change_of_state_saving_asks_once_more(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Bob's"}
    publish(post.id, 1, bob.id)
    response = client.post(f"/posts/{post.id}/edit", data=form)
    assert response.status_code == 409
    assert "This post is published since you opened it" in response.text
    assert fresh(post).body == "First text."
    assert client.post(f"/posts/{post.id}/edit", data=typed(response.text)).status_code == 303
    assert fresh(post).body == "Bob's"


def test_what_saves_itself_never_becomes_public(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Half a sent", "auto": "1"}
    assert client.post(f"/posts/{post.id}/edit", data=form, headers=JSON).status_code == 200
    version = fresh(post).version
    publish(post.id, version, bob.id)
    opened = {**open_editor(client, post), "body": "Half a sentence", "auto": "1"}
    for sent in (opened, {**form, "body": "Half a sentence"}):
        answer = client.post(f"/posts/{post.id}/edit", data=sent, headers=JSON)
        assert answer.status_code == 409
        assert "published" in answer.get_json()["error"]
    assert (fresh(post).body, fresh(post).state) == ("Half a sent", "published")


def test_what_saves_itself_is_title_and_text_and_the_rest_waits_for_its_button(
    post: Post, bob: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "More.", "weeks": "47", "tags": "boa", "kind": "article", "auto": "1"}
    answer = client.post(f"/posts/{post.id}/edit", data=form, headers=JSON)
    assert answer.status_code == 200
    saved = fresh(post)
    assert (saved.body, saved.kind, saved.weeks, tags_of(post.id)) == ("More.", "week", Weeks(473, 473), [])
    form |= {"version": str(answer.get_json()["version"]), "base": answer.get_json()["base"], "weeks": "474"}
    client.post(f"/posts/{post.id}/edit", data={**form, "auto": "", "kind": "week", "tags": "boats"}, headers=JSON)
    saved = fresh(post)
    assert (saved.weeks, tags_of(post.id)) == (Weeks(474, 474), ["boats"])


def test_what_one_saved_in_another_window_is_said_to_be_ones_own(long: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, long), "body": LONG.replace("slept", "danced")}
    save_post(long.id, 2, bob.id, title="", body=LONG.replace("Monday", "Sunday"))
    page = client.post(f"/posts/{long.id}/edit", data=form, follow_redirects=True).text
    assert "Your changes in another window are in it, too." in page


def test_a_choice_between_two_texts_is_not_live_by_surprise(
    long: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, long), "body": LONG.replace("Tuesday", "Thursday")}
    theirs = LONG.replace("Tuesday", "Wednesday")
    save_post(long.id, 2, erin.id, title="", body=theirs)
    _, sent = clash_page(client.post(f"/posts/{long.id}/edit", data=form))
    publish(long.id, 3, erin.id)
    response = client.post(f"/posts/{long.id}/edit", data={**sent, "choice-0": "mine"})
    assert response.status_code == 409
    assert "published since you opened it" in response.text
    assert typed(response.text)["body"].strip() == form["body"].strip()
    assert fresh(long).body == theirs


def test_who_has_the_post_open_is_told_to_the_others(
    post: Post, bob: Member, erin: Member, carol: Member, log_in: LogIn
) -> None:
    bobs, erins = log_in(bob), log_in(erin)
    here = f"/posts/{post.id}/presence"
    assert "has this post open" not in " ".join(bobs.get(f"/posts/{post.id}/edit").text.split())
    assert "Bob Barker has this post open, too." in erins.get(f"/posts/{post.id}/edit").text
    assert bobs.post(here).get_json() == {"version": 1, "others": ["Erin Eames"]}
    erins.post(here, data={"leave": "1"})
    assert bobs.post(here).get_json()["others"] == []
    assert log_in(carol).post(here, headers=JSON).status_code == 403
    with time_machine.travel(now() + timedelta(minutes=1), tick=False):
        assert erins.post(here).get_json()["others"] == [], "an editor that says nothing any more is closed"


def test_the_preview_is_rendered_here_and_keeps_everything_typed(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "title": "New", "slug": "new", "body": "# New\n\n## Body\n\n*Hello*"}
    response = client.post(f"/posts/{post.id}/edit", data={**form, "do": "preview"})
    assert "<em>Hello</em>" in response.text
    assert 'id="preview-body"' in response.text, "ids of the text must not shadow those of the page"
    assert [typed(response.text)[name] for name in ("title", "slug", "body")] == ["New", "new", form["body"]]
    assert "data-unsaved" in response.text
    assert fresh(post).body == "First text."


def test_the_live_preview_is_sanitised_and_saves_nothing(post: Post, bob: Member, log_in: LogIn) -> None:
    response = log_in(bob).post(
        "/write/preview", data={"title": "T", "body": "# T\n\n**b** <script>alert(1)</script> it's"}, headers=JSON
    )
    assert response.json == {"html": "<p><strong>b</strong>  it’s</p>", "words": 7, "minutes": 1}
    film = '<iframe src="https://player.vimeo.com/video/1" title="Our talk"></iframe>'
    shown = log_in(bob).post("/write/preview", data={"body": film}, headers=JSON).get_json()["html"]
    assert shown.index("<details><summary>Play “Our talk”") < shown.index("<iframe"), "it would load unasked"
    too_long = log_in(bob).post("/write/preview", data={"body": "x" * 500_001}, headers=JSON)
    assert too_long.status_code == 422
    assert "too long" in too_long.get_json()["error"]


def test_saving_without_loading_anew_answers_with_the_new_version(
    post: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Second"}
    answer = client.post(f"/posts/{post.id}/edit", data=form, headers=JSON)
    assert answer.get_json()["version"] == 2
    form |= {"version": "2", "base": answer.get_json()["base"], "body": "Third"}
    assert client.post(f"/posts/{post.id}/edit", data=form, headers=JSON).get_json()["version"] == 3
    save_post(post.id, 3, erin.id, title="", body="Erin's")
    conflict = client.post(f"/posts/{post.id}/edit", data={**form, "body": "Fourth"}, headers=JSON)
    assert conflict.status_code == 409
    assert conflict.get_json()["clash"] is True


def test_files_are_attached_without_javascript_and_the_text_stays(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form: dict[str, object] = {**open_editor(client, post), "body": "Unsaved.", "do": "attach"}
    form["files"] = [(io.BytesIO(b"one"), "One file.txt"), (io.BytesIO(b"%PDF-1"), "two.pdf")]
    response = client.post(f"/posts/{post.id}/edit", data=form, content_type="multipart/form-data")
    assert response.status_code == 200
    numbers = [file.id for file, _ in list_attachments(post.id)]
    lines = [f"[one-file.txt](/files/{numbers[0]}/one-file.txt)", f"[two.pdf](/files/{numbers[1]}/two.pdf)"]
    assert typed(response.text)["body"] == "Unsaved.\n\n" + "\n\n".join(lines) + "\n"
    assert fresh(post).body == "First text."


def test_a_file_that_cannot_be_attached_costs_no_text(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form: dict[str, object] = {**open_editor(client, post), "body": "Unsaved.", "do": "attach"}
    for files, words in (([], "Choose a file first"), ([(io.BytesIO(b""), "empty.txt")], "empty.txt is empty")):
        response = client.post(f"/posts/{post.id}/edit", data={**form, "files": files})
        assert response.status_code == 422
        assert words in response.text
        assert typed(response.text)["body"] == "Unsaved."


def test_a_file_is_uploaded_by_itself_and_its_line_given_back(
    post: Post, bob: Member, carol: Member, log_in: LogIn
) -> None:
    def send(client: FlaskClient, content: bytes) -> tuple[int, dict[str, str]]:
        data = {"file": (io.BytesIO(content), "a.txt")}
        response = client.post(f"/posts/{post.id}/files", data=data, headers=JSON)
        return response.status_code, response.get_json()

    status, answer = send(log_in(bob), b"one")
    assert (status, answer["name"]) == (200, "a.txt")
    assert answer["line"].startswith("[a.txt](/files/")
    assert send(log_in(bob), b"")[0] == 422
    assert send(log_in(carol), b"one")[0] == 403
    assert log_in(bob).post(f"/posts/{post.id}/files", data={}, headers=JSON).status_code == 422


def test_an_unused_file_is_put_away_and_brought_back_from_the_editor(post: Post, bob: Member, log_in: LogIn) -> None:
    attachment = attach(post.id, "a.txt", io.BytesIO(b"one"), bob.id)
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Unsaved."}
    response = client.post(f"/posts/{post.id}/edit", data={**form, "do": f"remove:{attachment.id}"})
    assert "is put away, and gone for good in 30 days" in response.text
    assert typed(response.text)["body"] == "Unsaved."
    response = client.post(f"/posts/{post.id}/edit", data={**form, "do": f"return:{attachment.id}"})
    assert "a.txt is back" in response.text
    assert list_attachments(post.id)[0][0].removed_at is None
    assert client.post(f"/posts/{post.id}/edit", data={**form, "do": "remove:999"}).status_code == 404
    assert client.post(f"/posts/{post.id}/edit", data={**form, "do": "remove:x"}).status_code == 200


def test_who_may_not_edit_is_refused_and_a_text_that_was_sent_is_shown(
    app: Flask, erin: Member, carol: Member, log_in: LogIn
) -> None:
    own = create_post("article", "Mine", "x", carol.id)
    client = log_in(carol)
    typed_too = {"tags": "boats, bread", "correction": "y", "correction_note": "It was four."}
    form = {**open_editor(client, own), "body": "Typed while it was published.", **typed_too}
    publish(own.id, 1, erin.id)
    response = client.post(f"/posts/{own.id}/edit", data=form)
    assert response.status_code == 403
    for words in ("Typed while it was published.", "boats, bread", "It was four.", "You had ticked"):
        assert words in response.text
    assert client.get(f"/posts/{own.id}/edit").status_code == 403
    assert client.post(f"/posts/{own.id}/edit", data=form, headers=JSON).status_code == 403


def test_a_post_deleted_meanwhile_is_not_edited_and_the_text_is_shown(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Typed while it was deleted."}
    delete(post.id, 1, bob.id)
    response = client.post(f"/posts/{post.id}/edit", data=form)
    assert response.status_code == 409
    assert "Typed while it was deleted." in response.text
    response = client.get(f"/posts/{post.id}/edit", follow_redirects=True)
    assert "Bring it back before you edit it" in response.text


def test_only_who_may_credit_sees_and_changes_the_author(post: Post, bob: Member, erin: Member, log_in: LogIn) -> None:
    assert "author" not in open_editor(log_in(bob), post)
    editor = log_in(erin)
    form = open_editor(editor, post)
    assert form["author"] == str(bob.id)
    editor.post(f"/posts/{post.id}/edit", data={**form, "author": str(erin.id)})
    assert fresh(post).author_id == erin.id
    log_in(bob).post(f"/posts/{post.id}/edit", data={**form, "version": "2", "author": str(bob.id)})
    assert fresh(post).author_id == erin.id


def test_html_in_a_text_is_typed_text_in_the_editor(post: Post, bob: Member, log_in: LogIn) -> None:
    evil = '</textarea><script>alert(1)</script>"&amp;'
    save_post(post.id, 1, bob.id, title=evil, body=f"\n{evil}")
    page = log_in(bob).get(f"/posts/{post.id}/edit").text
    assert "<script>alert" not in page
    assert sheet(page).select_one("textarea").text.endswith(evil)  # type: ignore[union-attr]
