"""Notes on a draft: beside their paragraph through every edit, for members only; and who said that it looks good."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, Invalid, NotAllowed, NotFound
from blogapp.delivery.models import OutboxMail
from blogapp.digest.compose import preview
from blogapp.digest.publishing import publish, withdraw
from blogapp.porting.markdown_export import export_markdown
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import add_section
from blogapp.posts.joining import join_next
from blogapp.posts.models import Post
from blogapp.posts.notes import Note, NoteThread, approvals_of, count_open, threads_of, where_now
from blogapp.posts.noting import (
    LONGEST_NOTE,
    add_note,
    answer_note,
    delete_note,
    say_looks_good,
    settle_thread,
    take_back_looks_good,
)
from blogapp.posts.passages import passages_of
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests.pages import soup

DOOR = "We took the door off its hinges on Tuesday and hung it again before the bakers came."
OVEN = "The second oven is back from the workshop; its thermostat was the trouble."


@pytest.fixture
def draft(app: Flask, bob: Member) -> Post:
    """Bob's week."""
    return create_post("week", "", f"{DOOR}\n\n{OVEN}", bob.id, weeks=Weeks(473, 473))


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def save(post: Post, body: str, by: Member) -> None:
    post = fresh(post)
    save_post(post.id, post.version, by.id, title=post.title, body=body)


def places(post: Post) -> list[int | None]:
    words = [passage.words for passage in passages_of(fresh(post).html)]
    return [place for _, place in where_now(threads_of(db.session(), post.id), words)]


def said_by(post: Post) -> list[tuple[str, bool]]:
    return [(one.member.name, one.current) for one in approvals_of(db.session(), fresh(post))]


def test_a_note_stands_beside_its_paragraph_through_edits_and_is_never_lost(
    draft: Post, bob: Member, erin: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    add_note(draft.id, erin.id, words=OVEN, place=1, body="Which thermostat?")
    assert places(draft) == [1]
    save(draft, f"New.\n\n{OVEN}\n\n{DOOR}", bob)
    assert places(draft) == [1]
    for oven in ("The big oven is back from the workshop; its thermostat was the trouble.",
                 "The big oven is back from repairs: its thermostat was the trouble.",
                 "The big oven came back from repairs: its clock was the trouble, said Ada."):  # fmt: skip
        save(draft, f"{DOOR}\n\n{oven}", bob)
        assert places(draft) == [1], oven
    save(draft, DOOR, bob)
    assert places(draft) == [None]
    page = soup(log_in(bob).get(f"/posts/{draft.id}"))
    lost = page.select_one(".lost")
    assert lost is not None
    assert "no longer there" in lost.get_text()
    assert OVEN in lost.get_text()
    assert "Which thermostat?" in lost.get_text()
    save(draft, f"{DOOR}\n\n{oven}", bob)
    assert places(draft) == [1], "it is back with its paragraph"


def test_who_types_while_somebody_leaves_a_note_has_it_beside_what_became_of_the_paragraph(
    draft: Post, bob: Member, erin: Member
) -> None:
    save(draft, f"{DOOR}\n\n{OVEN} At last.", bob)
    add_note(draft.id, erin.id, words=OVEN, place=1, body="Which?")
    add_note(draft.id, erin.id, words="What was here once.", place=0, body="Why is it gone?")
    assert places(draft) == [1, None]


def test_the_sections_that_wait_and_two_weeks_made_one_carry_their_notes(
    draft: Post, bob: Member, erin: Member
) -> None:
    section = add_section(draft.id, erin.id, title="Boats", body="They float.")
    add_note(draft.id, bob.id, words="Boats", place=2, body="Ships?")
    assert places(draft) == [2]
    following = create_post("week", "", "The next week.", bob.id, weeks=Weeks(474, 474))
    add_note(following.id, erin.id, words="The next week.", place=0, body="Short.")
    joined = join_next(473, bob.id)
    assert section.post_id is not None
    words = [passage.words for passage in passages_of(fresh(joined).html)]
    where = where_now(threads_of(db.session(), joined.id), words)
    assert sorted(words[place] for _, place in where if place is not None) == ["Boats", "The next week."]


def test_a_thread_is_answered_done_taken_up_again_and_ends_with_its_last_note(
    draft: Post, bob: Member, erin: Member
) -> None:
    first = add_note(draft.id, erin.id, words=OVEN, place=1, body="Which?\r\n")
    assert add_note(draft.id, erin.id, words=OVEN, place=1, body="Which?").id == first.id, "pressed twice"
    answer = answer_note(draft.id, first.thread_id, bob.id, body="The big one.")
    settle_thread(draft.id, first.thread_id, bob.id, done=True)
    assert count_open([draft.id]) == {}
    again = answer_note(draft.id, first.thread_id, erin.id, body="Not there yet.")
    assert count_open([draft.id]) == {draft.id: 1}
    with pytest.raises(NotAllowed):
        delete_note(draft.id, answer.id, erin.id)
    for note, member in ((first, erin), (answer, bob), (again, erin)):
        assert count_open([draft.id]) == {draft.id: 1}
        delete_note(draft.id, note.id, member.id)
    assert threads_of(db.session(), draft.id) == []
    with pytest.raises(NotFound):
        answer_note(draft.id, first.thread_id, bob.id, body="Hello?")


def test_pressed_twice_is_one_note_and_said_again_later_or_elsewhere_is_another(
    draft: Post, erin: Member, bob: Member
) -> None:
    save(draft, f"TBD\n\n{DOOR}\n\nTBD", bob)
    first = add_note(draft.id, erin.id, words="TBD", place=0, body="What?")
    assert add_note(draft.id, erin.id, words="TBD", place=0, body="What?").id == first.id
    assert add_note(draft.id, erin.id, words="TBD", place=2, body="What?").id != first.id
    answer = answer_note(draft.id, first.thread_id, bob.id, body="Soon.")
    assert answer_note(draft.id, first.thread_id, bob.id, body="Soon.").id == answer.id
    settle_thread(draft.id, first.thread_id, bob.id, done=True)
    assert answer_note(draft.id, first.thread_id, bob.id, body="Soon.").id != answer.id
    assert [thread.done_at for thread in threads_of(db.session(), draft.id)] == [None, None], "it is taken up again"
    settle_thread(draft.id, first.thread_id, bob.id, done=True)
    again = add_note(draft.id, erin.id, words="TBD", place=0, body="What?")
    assert again.thread_id != first.thread_id
    with time_machine.travel(now() + timedelta(minutes=2)):
        assert add_note(draft.id, erin.id, words="TBD", place=0, body="What?").id != again.id


def test_whoever_is_about_to_publish_sees_that_notes_are_open(
    draft: Post, bob: Member, erin: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    note = add_note(draft.id, erin.id, words=OVEN, place=1, body="Which?")
    client = log_in(bob)
    line = f'<a href="#thread-{note.thread_id}">1 note</a> not done yet.'
    assert line in client.get(f"/posts/{draft.id}").text
    settle_thread(draft.id, note.thread_id, bob.id, done=True)
    assert "not done yet" not in client.get(f"/posts/{draft.id}").text


def test_looks_good_holds_for_the_text_that_it_was_said_of_and_stops_nobody(
    draft: Post, alice: Member, bob: Member, erin: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    say_looks_good(draft.id, erin.id)
    say_looks_good(draft.id, alice.id, text="0" * 64)
    assert said_by(draft) == [("Erin Eames", True), ("Alice Archer", False)]
    page = soup(log_in(bob).get(f"/posts/{draft.id}"))
    (box,) = page.select(".box .approvals")
    assert [" ".join(line.get_text().split()) for line in box.select("li")] == [
        "Erin Eames: looks good",
        "Alice Archer: looks good, said of an earlier text",
    ]
    post = fresh(draft)
    save_post(post.id, post.version, bob.id, title=post.title, body=post.body, tags=["Doors"])
    assert said_by(draft)[0] == ("Erin Eames", True), "a tag is no part of the text"
    save(draft, DOOR, bob)
    assert said_by(draft)[0] == ("Erin Eames", False)
    save(draft, f"{DOOR}\n\n{OVEN}", bob)
    assert said_by(draft)[0] == ("Erin Eames", True), "it says the same again"
    take_back_looks_good(draft.id, erin.id)
    assert [name for name, _ in said_by(draft)] == ["Alice Archer"]
    post = fresh(draft)
    publish(post.id, post.version, bob.id)


def test_the_author_finds_the_number_of_open_notes_on_the_desk_and_gets_no_mail(
    draft: Post, bob: Member, erin: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    for words in (DOOR, OVEN):
        add_note(draft.id, erin.id, words=words, place=0, body="Which?")
    assert ">2 notes</a>" in log_in(bob).get("/write").text
    assert "2 notes" not in log_in(erin).get("/write").text
    assert db.session.execute(select(func.count()).select_from(OutboxMail)).scalar_one() == 0


def test_no_page_feed_search_mail_or_export_says_anything_of_notes(
    draft: Post, bob: Member, erin: Member, reader: FlaskClient, log_in: Callable[[Member], FlaskClient], tmp_path: Path
) -> None:
    add_note(draft.id, erin.id, words=OVEN, place=1, body="Zebracrossing")
    say_looks_good(draft.id, erin.id)
    post = publish(draft.id, fresh(draft).version, bob.id)
    for path in ("/", f"/{post.slug}", "/feed.atom", "/feed.json", "/erin-eames"):
        page = reader.get(path).text.lower()
        assert "zebracrossing" not in page, path
        assert "looks good" not in page, path
    assert f"/{post.slug}" in reader.get("/search?q=thermostat").text
    assert f"/{post.slug}" not in reader.get("/search?q=zebracrossing").text
    assert "Zebracrossing" not in preview(post.id).html + preview(post.id).text
    export_markdown(tmp_path / "out", drafts=True)
    assert not any(b"Zebracrossing" in path.read_bytes() for path in (tmp_path / "out").rglob("*") if path.is_file())
    page_of_members = log_in(bob).get(f"/posts/{post.id}").text
    assert "Zebracrossing" in page_of_members
    with pytest.raises(Conflict):
        add_note(post.id, erin.id, words=OVEN, place=1, body="Too late")
    withdraw(post.id, fresh(post).version, bob.id)
    assert places(post) == [1]


def test_who_may_not_see_a_post_finds_no_notes_either(
    draft: Post, bob: Member, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    note = add_note(draft.id, bob.id, words=OVEN, place=1, body="Mine.")
    post = fresh(draft)
    save_post(post.id, post.version, bob.id, title=post.title, body=post.body, readers=Circle("listed"))
    acts: list[Callable[[], object]] = [
        lambda: add_note(post.id, carol.id, words=OVEN, place=1, body="Hello"),
        lambda: answer_note(post.id, note.thread_id, carol.id, body="Hello"),
        lambda: settle_thread(post.id, note.thread_id, carol.id, done=True),
        lambda: delete_note(post.id, note.id, carol.id),
        lambda: say_looks_good(post.id, carol.id),
    ]
    for act in acts:
        with pytest.raises(NotFound):
            act()
    browser = log_in(carol)
    for path in ("notes", f"threads/{note.thread_id}", f"threads/{note.thread_id}/state", f"notes/{note.id}/removal",
                 "approval"):  # fmt: skip
        assert browser.post(f"/posts/{post.id}/{path}", data={"body": "Hello"}).status_code == 404, path


def test_a_thread_of_another_draft_is_none_of_this_one(draft: Post, bob: Member, carol: Member) -> None:
    other = create_post("article", "Between us", "Some words.", bob.id)
    note = add_note(other.id, bob.id, words="Some words.", place=0, body="Mine.")
    for act in (
        lambda: answer_note(draft.id, note.thread_id, carol.id, body="Hello"),
        lambda: settle_thread(draft.id, note.thread_id, carol.id, done=True),
        lambda: delete_note(draft.id, note.id, bob.id),
    ):
        with pytest.raises(NotFound):
            act()


def test_what_is_refused_is_said_and_what_was_typed_is_still_there(
    draft: Post, bob: Member, erin: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    for body in ("", " \n", "x" * (LONGEST_NOTE + 1)):
        with pytest.raises(Invalid):
            add_note(draft.id, erin.id, words=OVEN, place=1, body=body)
    publish(draft.id, fresh(draft).version, bob.id)
    answer = log_in(erin).post(
        f"/posts/{draft.id}/notes", data={"words": OVEN, "place": "1", "body": "My <i>words</i>."}
    )
    assert answer.status_code == 409
    assert "My &lt;i&gt;words&lt;/i&gt;." in answer.text


def test_notes_go_with_the_post(draft: Post, bob: Member, erin: Member) -> None:
    add_note(draft.id, erin.id, words=OVEN, place=1, body="Which?")
    say_looks_good(draft.id, erin.id)
    with transaction() as session:
        session.delete(session.get_one(Post, draft.id))
    left = [db.session.execute(select(func.count()).select_from(table)).scalar_one() for table in (NoteThread, Note)]
    assert left == [0, 0]
