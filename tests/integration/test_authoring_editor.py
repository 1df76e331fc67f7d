"""The editor: saving, previewing, attaching; whatever goes wrong, no text is lost."""

import io
from collections.abc import Callable

import pytest
from bs4 import BeautifulSoup, Tag
from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.digest.publishing import delete, publish
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post
from blogapp.posts.queries import list_attachments, list_revisions
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


def test_a_conflict_shows_both_texts_with_who_and_when_and_saving_again_keeps_both(
    post: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Bob's hours of work."}
    save_post(post.id, 1, erin.id, title="", body="Erin's text.")
    response = client.post(f"/posts/{post.id}/edit", data=form)
    assert response.status_code == 409
    page = BeautifulSoup(response.text, "lxml")
    assert typed(response.text)["body"] == "Bob's hours of work."
    assert page.select_one("#theirs").text.strip() == "Erin's text."  # type: ignore[union-attr]
    told = page.select_one(".conflict").text  # type: ignore[union-attr]
    assert "Erin Eames saved this post after you had opened it" in told
    assert page.select_one(".conflict time") is not None
    assert page.select_one(".changes del, .changes ins") is not None
    assert fresh(post).body == "Erin's text."
    assert client.post(f"/posts/{post.id}/edit", data=typed(response.text)).status_code == 303
    assert [r.body for r in list_revisions(post.id)] == ["Bob's hours of work.", "Erin's text.", "First text."]


def test_a_conflict_with_oneself_in_another_window_keeps_both_texts_too(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "From this window."}
    save_post(post.id, 1, bob.id, title="", body="From the other window.")
    response = client.post(f"/posts/{post.id}/edit", data=form)
    assert "You saved this post in another window" in " ".join(response.text.split())
    client.post(f"/posts/{post.id}/edit", data=typed(response.text))
    assert [r.body for r in list_revisions(post.id)][:2] == ["From this window.", "From the other window."]


def test_a_second_conflict_after_the_first_is_told_as_well(
    post: Post, bob: Member, erin: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Bob's"}
    save_post(post.id, 1, erin.id, title="", body="Erin's")
    again = typed(client.post(f"/posts/{post.id}/edit", data=form).text)
    save_post(post.id, 2, erin.id, title="", body="Erin's second")
    response = client.post(f"/posts/{post.id}/edit", data=again)
    assert response.status_code == 409
    assert "Erin&#39;s second" in response.text
    assert typed(response.text)["body"] == "Bob's"


def test_a_change_of_state_alone_is_no_conflict_of_texts(post: Post, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    form = {**open_editor(client, post), "body": "Bob's"}
    publish(post.id, 1, bob.id)
    response = client.post(f"/posts/{post.id}/edit", data=form)
    assert response.status_code == 409
    assert "but not its text" in response.text
    assert "published" in response.text
    assert client.post(f"/posts/{post.id}/edit", data=typed(response.text)).status_code == 303
    assert fresh(post).body == "Bob's"


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
    assert response.json == {"html": "<p><strong>b</strong>  it’s</p>", "words": 7}
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
    form |= {"version": "2", "seen": answer.get_json()["seen"], "body": "Third"}
    assert client.post(f"/posts/{post.id}/edit", data=form, headers=JSON).get_json()["version"] == 3
    save_post(post.id, 3, erin.id, title="", body="Erin's")
    conflict = client.post(f"/posts/{post.id}/edit", data={**form, "version": "3"}, headers=JSON)
    assert conflict.status_code == 409
    assert "error" in conflict.get_json()


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
