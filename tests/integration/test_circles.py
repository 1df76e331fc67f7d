"""Posts for members, or for some of them: who reads, limits and opens them, and what that does to mail and files."""

import io
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, Invalid, NotAllowed, NotFound
from blogapp.digest import planning
from blogapp.digest.compose import send_test_copy
from blogapp.digest.correcting import begin_approved, send_newest_correction
from blogapp.digest.models import Batch, Digest
from blogapp.digest.owed import window
from blogapp.digest.publishing import delete, open_to_all, publish, send_digest, withdraw
from blogapp.porting.html_export import each_html
from blogapp.porting.markdown_export import export_markdown
from blogapp.porting.snips.exporting import export_snips
from blogapp.posts.attachments import address_of, attach, bring_back_attachment, line_for
from blogapp.posts.circles import Circle
from blogapp.posts.deleted import purge_deleted
from blogapp.posts.models import Post
from blogapp.posts.naming import WeekTaken
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests import people, readers
from tests.posts import week
from tests.worker import ME, publish_draft

MEMBERS = Circle("members")
LogIn = Callable[[Member], FlaskClient]


@pytest.fixture
def chosen() -> dict[str, object]:
    return {"digest_hold_seconds": 900}


@pytest.fixture
def una(app: Flask) -> Member:
    """An author whom nobody lists."""
    return people.member("Una Long", "author")


def limit(post: Post, circle: Circle, by: Member) -> Post:
    db.session.rollback()
    post = db.session.get_one(Post, post.id)
    return save_post(post.id, post.version, by.id, title=post.title, body=post.body, readers=circle)


def limited(author: Member, circle: Circle, title: str = "Between us", weeks: int | None = None) -> Post:
    """A published post of that circle."""
    kind = "week" if weeks else "article"
    post = create_post(kind, title, "Quiet words.", author.id, weeks=Weeks(weeks, weeks) if weeks else None)
    post = limit(post, circle, author)
    return publish(post.id, post.version, author.id)


def digest_of(post: Post) -> str | None:
    db.session.rollback()
    return db.session.execute(select(Digest.state).where(Digest.post_id == post.id)).scalar_one_or_none()


def test_limiting_a_public_post_takes_it_and_its_digest_from_readers_at_once(
    app: Flask, bob: Member, erin: Member, reader: FlaskClient
) -> None:
    post = create_post("week", "", "We baked.", bob.id, weeks=Weeks(473, 473))
    post = publish(post.id, post.version, bob.id)
    assert (reader.get("/week-473").status_code, digest_of(post)) == (200, "waiting")
    post = limit(post, MEMBERS, erin)
    assert (reader.get("/week-473").status_code, digest_of(post)) == (404, "cancelled")
    assert "week-473" not in reader.get("/feed.atom").text
    with pytest.raises(Conflict, match="for members only"):
        send_digest(post.id, erin.id)
    with pytest.raises(Invalid, match="no mail shows it"):
        send_test_copy(post.id, bob.id)


def test_opening_is_an_act_of_its_own_that_sends_nothing(
    app: Flask, bob: Member, carol: Member, una: Member, reader: FlaskClient
) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        post = limited(bob, MEMBERS, "", 474)
        assert (digest_of(post), post.first_published_at) == (None, None)
        clock.shift(timedelta(days=3))
        for who in (carol, una):
            with pytest.raises(NotAllowed):
                open_to_all(post.id, post.version, who.id)
        with pytest.raises(Invalid, match="Open it to everybody"):
            limit(post, Circle(), bob)
        db.session.rollback()
        with pytest.raises(Conflict):
            open_to_all(post.id, post.version - 1, bob.id)
        post = open_to_all(post.id, post.version, bob.id)
        assert post.published_at == post.first_published_at == now(), "to readers it is new"
        assert (reader.get("/week-474").status_code, digest_of(post)) == (200, None)
        assert "week-474" in reader.get("/feed.atom").text
        with pytest.raises(Conflict, match="already"):
            open_to_all(post.id, post.version, bob.id)
        send_digest(post.id, bob.id)
        assert digest_of(post) == "waiting"


def test_what_was_never_public_is_gone_without_a_trace(app: Flask, bob: Member, reader: FlaskClient) -> None:
    with time_machine.travel(now(), tick=False) as clock:
        inside, was_public = limited(bob, MEMBERS, "Inside"), create_post("article", "Outside", "Words.", bob.id)
        was_public = publish(was_public.id, was_public.version, bob.id)
        was_public = limit(was_public, MEMBERS, bob)
        assert [reader.get(f"/{slug}").status_code for slug in ("inside", "outside")] == [404, 404]
        inside = save_post(inside.id, inside.version, bob.id, title="Inside", body="Words.", slug="elsewhere")
        for post in (inside, was_public):
            delete(post.id, post.version, bob.id)
        assert [reader.get(f"/{slug}").status_code for slug in ("inside", "elsewhere", "outside")] == [404, 404, 410]
        clock.shift(timedelta(days=31))
        purge_deleted()
        assert [reader.get(f"/{slug}").status_code for slug in ("inside", "elsewhere", "outside")] == [404, 404, 410]


def test_a_file_of_a_post_for_others_cannot_be_had_by_guessing_its_number(
    app: Flask, bob: Member, una: Member, reader: FlaskClient, log_in: LogIn
) -> None:
    post = limited(bob, Circle("listed"))
    plan = attach(post.id, "plan.pdf", io.BytesIO(b"%PDF-1.7 the plan"), bob.id)
    save_post(post.id, post.version, bob.id, title=post.title, body=f"See {line_for(plan)}")
    own = create_post("article", "Mine", f"[x]({address_of(plan)}) [y](/files/{plan.id}/x.pdf)", una.id)
    publish(own.id, own.version, una.id)
    with pytest.raises(NotFound):
        bring_back_attachment(own.id, plan.id, una.id)
    assert [client.get(address_of(plan)).status_code for client in (reader, log_in(una))] == [404, 404]
    with log_in(bob).get(address_of(plan)) as response:
        assert (response.status_code, response.headers["Cache-Control"]) == (200, "private, no-store")


def test_a_member_who_is_not_listed_cannot_act_on_what_they_may_not_know_of(
    app: Flask, bob: Member, una: Member, log_in: LogIn
) -> None:
    post = limited(bob, Circle("listed"))
    for act in (withdraw, delete, publish):
        with pytest.raises(NotFound):
            act(post.id, post.version, una.id)
    client = log_in(una)
    for page in ("", "/edit", "/revisions", "/revisions/1", "/digest", "/digest/html", "/digest/progress"):
        assert client.get(f"/posts/{post.id}{page}").status_code == 404, page
    for act_ in ("withdrawal", "deletion", "opening", "digest/send", "files"):
        assert client.post(f"/posts/{post.id}/{act_}", data={"version": "1"}).status_code == 404, act_


def test_a_note_for_some_takes_no_week_from_the_others(app: Flask, bob: Member, una: Member) -> None:
    post = limited(bob, Circle("listed"), "Week 475 between us", 475)
    other = create_post("week", "", "We sailed.", una.id, weeks=Weeks(475, 475))
    assert other.slug == "week-475-2"
    with pytest.raises(WeekTaken):
        open_to_all(post.id, post.version, bob.id)
    db.session.rollback()
    assert db.session.get_one(Post, post.id).visibility == "listed"


def test_exports_carry_what_is_for_members_as_drafts_if_at_all(app: Flask, bob: Member, tmp_path: Path) -> None:
    week(bob, 1, body="For all.")
    limited(bob, MEMBERS, "Inside")
    assert [page.slug for page in each_html()] == ["week-1"]
    export_markdown(tmp_path / "public", "hugo")
    assert [path.parent.name for path in (tmp_path / "public").rglob("index.md")] == ["week-1"]
    export_markdown(tmp_path / "all", "jekyll", drafts=True)
    assert [path.name for path in (tmp_path / "all" / "_drafts").iterdir()] == ["inside.md"]
    export_snips(tmp_path / "snips")
    (snip,) = (tmp_path / "snips").rglob("inside.snip.markdown")
    assert ":draft: true" in snip.read_text()


@pytest.mark.parametrize("limits", [False, True])
def test_what_was_sent_and_then_limited_is_in_no_later_mail(app: Flask, bob: Member, limits: bool) -> None:
    readers.subscriber("ada@reader.test")
    with time_machine.travel(now(), tick=False) as clock:
        post = publish_draft(bob)
        clock.shift(timedelta(hours=1))
        assert planning.begin_due(ME)
        planning.plan_some(1)
        clock.shift(timedelta(hours=1))
        db.session.rollback()
        post = db.session.get_one(Post, post.id)
        save_post(post.id, post.version, bob.id, title=post.title, body="Mended.", correction="It was one.")
        send_newest_correction(post.id, bob.id)
        with transaction() as session:
            session.execute(update(Batch).values(state="done"))
        if limits:
            limit(post, MEMBERS, bob)
        missed = [sent.post_id for sent in window(db.session(), now(), timedelta(days=30))]
        assert (missed, begin_approved()) == (([], 0) if limits else ([post.id], 1))


def test_in_the_editor_readers_are_chosen_and_the_desk_says_who_they_are(
    app: Flask, bob: Member, alice: Member, carol: Member, una: Member, log_in: LogIn
) -> None:
    post = create_post("article", "Salaries", "Numbers.", bob.id)
    client = log_in(bob)
    form = {"title": "Salaries", "body": "Numbers.", "kind": "article", "version": "1", "readers": "listed"}
    page = client.post(f"/posts/{post.id}/edit", data={**form, "viewers": str(carol.id)}, follow_redirects=True).text
    assert "Only Bob Barker and Carol Cole" in page
    assert "draft since" in client.get("/write").text
    assert "only Bob Barker and Carol Cole" in client.get("/write").text
    assert "Salaries" in log_in(carol).get("/write").text
    assert "Salaries" not in log_in(una).get("/write").text
    shown = client.get(f"/posts/{post.id}").text
    assert "Only Bob Barker and Carol Cole: no mail leaves." in shown
    client.post(f"/posts/{post.id}/publication", data={"version": "2", "digest": "yes"})
    shown = client.get(f"/posts/{post.id}").text
    assert ("Open it to everybody" in shown, "Send as a digest" in shown, digest_of(post)) == (True, False, None)
    refused = client.post(
        f"/posts/{post.id}/edit", data={**form, "body": "Fresh numbers.", "version": "3", "readers": "public"}
    )
    assert refused.status_code == 422
    assert "Open it to everybody on the post’s page" in refused.text
    assert "Fresh numbers." in refused.text, "what was typed stays"
    opened = client.post(f"/posts/{post.id}/opening", data={"version": "3"}, follow_redirects=True).text
    assert "Everybody can read it now" in opened
    assert app.test_client().get("/salaries").status_code == 200


def test_a_save_that_says_nothing_of_readers_leaves_them(app: Flask, bob: Member, log_in: LogIn) -> None:
    post = limited(bob, MEMBERS)
    form = {"title": post.title, "body": "More words.", "kind": "article", "version": str(post.version)}
    answer = log_in(bob).post(f"/posts/{post.id}/edit", data=form, headers={"Accept": "application/json"})
    assert answer.status_code == 200
    assert "live" not in json.loads(answer.data)["message"]
    db.session.rollback()
    assert db.session.get_one(Post, post.id).visibility == "members"


def test_a_draft_that_was_for_some_takes_its_week_like_any_other_when_it_is_for_more(
    app: Flask, bob: Member, una: Member
) -> None:
    inside = create_post("week", "", "Between us.", bob.id, weeks=Weeks(475, 475))
    inside = limit(inside, Circle("listed"), bob)
    other = create_post("week", "", "We sailed.", una.id, weeks=Weeks(475, 475))
    for circle in (Circle(), MEMBERS):
        with pytest.raises(WeekTaken):
            limit(inside, circle, bob)
    db.session.rollback()
    inside = db.session.get_one(Post, inside.id)
    assert inside.visibility == "listed"
    publish(inside.id, inside.version, bob.id)
    publish(other.id, other.version, una.id)
    assert (digest_of(inside), digest_of(other)) == (None, "waiting"), "a week has one digest"
    free = limit(create_post("week", "", "Later.", bob.id, weeks=Weeks(476, 476)), Circle("listed"), bob)
    free = limit(free, Circle(), bob)
    with pytest.raises(WeekTaken):
        create_post("week", "", "Again.", una.id, weeks=Weeks(476, 476))
    publish(free.id, free.version, bob.id)


def test_no_second_note_about_a_week_is_published_however_it_came_to_be(app: Flask, bob: Member, una: Member) -> None:
    first = create_post("week", "", "We baked.", bob.id, weeks=Weeks(475, 475))
    second = create_post("week", "", "We sailed.", una.id, weeks=Weeks(476, 476))
    publish(first.id, first.version, bob.id)
    with transaction() as session:
        session.execute(update(Post).where(Post.id == second.id).values(week_from=475, week_to=475))
    with pytest.raises(WeekTaken):
        publish(second.id, second.version, una.id)
    assert digest_of(second) is None
