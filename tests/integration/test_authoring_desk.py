"""The desk: the list of all posts, and beginning a new one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from bs4 import BeautifulSoup
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.authoring.listing import ON_A_PAGE, SORTS, Asked, list_posts
from blogapp.core.db import db, transaction
from blogapp.digest.holding import hold
from blogapp.digest.models import Batch, Digest, Sending
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.posts.models import Post
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post
from tests.posts import article

LogIn = Callable[[Member], FlaskClient]
START = datetime(2018, 2, 7, 9, 0, tzinfo=UTC)  # Wednesday of week 473


def rows(page: str) -> dict[str, str]:
    """Title -> state in words."""
    table = BeautifulSoup(page, "lxml").select("table.posts tbody tr")
    return {row.select_one("th a").text: row.select_one(".state").text for row in table}  # type: ignore[union-attr]


def sent(post: Post, accepted: int) -> None:
    """Let the digest of a post have left, to so many."""
    with transaction() as session:
        sending = Sending(subject="s", message=b"", state="sent", last_subscriber_id=9, candidates=accepted)
        session.add(sending)
        session.flush()
        session.add(
            Batch(
                sending_id=sending.id,
                lo=1,
                hi=9,
                state="done",
                candidates=accepted,
                accepted_count=accepted,
                planned=b"",
            )
        )
        digest = session.execute(select(Digest).where(Digest.post_id == post.id)).scalar_one()
        digest.state, digest.sending_id = "sent", sending.id


def test_an_empty_desk_says_how_to_begin(app: Flask, bob: Member, log_in: LogIn) -> None:
    page = log_in(bob).get("/write").text
    assert "Nothing is written yet" in page
    assert 'href="/write/new"' in page


class TestHeldForAWhile:
    @pytest.fixture
    def chosen(self) -> dict[str, object]:
        return {"digest_hold_seconds": 900}

    def test_the_desk_says_how_every_post_is_doing(self, app: Flask, alice: Member, bob: Member, log_in: LogIn) -> None:
        with time_machine.travel(START - timedelta(days=1), tick=False) as clock:
            create_post("article", "Begun yesterday", "x", bob.id)
            clock.shift(timedelta(days=1))
            posts = [create_post("week", "", "x", bob.id, weeks=Weeks(n, n)) for n in range(470, 474)]
            for post in posts:
                publish(post.id, 1, bob.id)
            sent(posts[0], 812)
            with transaction() as session:
                number = session.execute(select(Digest.id).where(Digest.post_id == posts[1].id)).scalar_one()
            hold(number, bob.id)
            withdraw(posts[2].id, 2, bob.id)
            gone = create_post("article", "Deleted", "x", bob.id)
            delete(gone.id, 1, bob.id)
            client = log_in(alice)
            assert rows(client.get("/write").text) == {
                "Week 472": "withdrawn",
                "Begun yesterday": "draft since yesterday",
                "Week 473": "held, leaves 09:15",
                "Week 471": "digest held",
                "Week 470": "sent to 812",
            }
            assert rows(client.get("/write?state=deleted").text) == {"Deleted": "deleted, gone on 9 March"}


def test_the_list_is_filtered_by_state_kind_author_and_words(
    app: Flask, alice: Member, bob: Member, log_in: LogIn
) -> None:
    publish(create_post("article", "On 100% cotton", "x", alice.id).id, 1, alice.id)
    create_post("article", "On wool", "x", bob.id)
    create_post("page", "About Wool", "x", bob.id)
    client = log_in(bob)

    def titles(query: str) -> set[str]:
        return set(rows(client.get(f"/write?{query}").text))

    assert titles("state=published") == {"On 100% cotton"}
    assert titles("state=draft") == {"On wool", "About Wool"}
    assert titles("kind=page") == {"About Wool"}
    assert titles(f"author={alice.id}") == {"On 100% cotton"}
    assert titles("words=WOOL+on") == {"On wool"}
    assert titles("words=100%25") == {"On 100% cotton"}
    assert titles("words=%25") == {"On 100% cotton"}
    assert titles("state=nonsense&kind=7&author=x&sort=y&after=z&words=") == {"On 100% cotton", "On wool", "About Wool"}
    assert "No post fits" in client.get("/write?words=%00silk").text
    assert "Nothing is deleted" in client.get("/write?state=deleted").text


@pytest.mark.parametrize("sort", SORTS)
def test_page_by_page_every_post_comes_once_in_every_order(app: Flask, bob: Member, sort: str) -> None:
    count = 2 * ON_A_PAGE + 5
    for number in range(count):
        state = "draft" if number % 3 == 0 else "published"
        weeks = {"kind": "week", "week_from": number, "week_to": number} if number % 2 else {}
        # Many share a title and a moment, so that only the id tells them apart.
        article(bob, f"post-{number}", title=f"Title {number % 4}", state=state, **weeks)
    seen: list[int] = []
    after: int | None = None
    for _ in range(4):
        page, after = list_posts(Asked(sort=sort, after=after), bob)
        seen += [row.id for row in page]
        if after is None:
            break
    assert len(seen) == count
    assert len(set(seen)) == count


def test_a_new_week_is_suggested_made_and_opened_in_the_editor(app: Flask, bob: Member, log_in: LogIn) -> None:
    with time_machine.travel(START, tick=False):
        client = log_in(bob)
        assert 'value="473"' in client.get("/write/new").text
        response = client.post("/write/new", data={"kind": "week", "weeks": "473", "title": ""})
        post = db.session.execute(select(Post)).scalar_one()
        assert (response.status_code, response.location) == (303, f"/posts/{post.id}/edit")
        assert (post.title, post.slug, post.author_id) == ("Week 473", "week-473", bob.id)
        assert 'value="474"' in client.get("/write/new").text


def test_a_range_of_weeks_can_be_typed_as_people_do(app: Flask, bob: Member, log_in: LogIn) -> None:
    log_in(bob).post("/write/new", data={"kind": "week", "weeks": "853 and 854", "title": ""})
    assert db.session.execute(select(Post.slug)).scalar_one() == "week-853-and-854"


def test_a_week_that_is_written_leads_to_the_post_that_has_it(app: Flask, bob: Member, log_in: LogIn) -> None:
    first = create_post("week", "", "x", bob.id, weeks=Weeks(473, 473))
    response = log_in(bob).post("/write/new", data={"kind": "week", "weeks": "470-475", "title": "Kept"})
    assert response.status_code == 422
    assert f'href="/posts/{first.id}"' in response.text
    assert 'value="470-475"' in response.text
    assert 'value="Kept"' in response.text


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({"kind": "week", "weeks": "soon"}, "Write the week as a number"),
        ({"kind": "week", "weeks": ""}, "Say which week it is about"),
        ({"kind": "week", "weeks": "9-8"}, "The range runs backwards. Write 8-9."),
        ({"kind": "article", "title": " "}, "Give it a title"),
        ({"kind": "poem", "title": "x"}, "Not a valid choice"),
    ],
)
def test_what_is_wrong_with_a_new_post_is_said(
    app: Flask, bob: Member, log_in: LogIn, data: dict[str, str], words: str
) -> None:
    response = log_in(bob).post("/write/new", data=data)
    assert response.status_code == 422
    assert words in response.text


def test_a_stranger_is_asked_to_log_in_and_no_cache_keeps_a_members_page(
    app: Flask, bob: Member, reader: FlaskClient, log_in: LogIn
) -> None:
    post = create_post("article", "Secret plans", "x", bob.id)
    for path in ("/write", "/write/new", f"/posts/{post.id}", f"/posts/{post.id}/edit", f"/posts/{post.id}/digest"):
        response = reader.get(path)
        assert (response.status_code, response.location.split("?")[0]) == (303, "/login")
        assert "Secret" not in response.text
    client = log_in(bob)
    for path in ("/write", f"/posts/{post.id}", f"/posts/{post.id}/edit", f"/posts/{post.id}/revisions"):
        response = client.get(path)
        assert response.status_code == 200
        assert response.headers["Cache-Control"] == "private, no-store"
        assert "noindex" in response.text


def test_the_tool_line_offers_admin_only_to_who_may_use_it(
    app: Flask, alice: Member, carol: Member, log_in: LogIn
) -> None:
    assert 'href="/admin"' in log_in(alice).get("/write").text
    assert 'href="/admin"' not in log_in(carol).get("/write").text


def test_what_is_not_there_is_a_404(app: Flask, bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    for number in (999, 2**31, 10**30):
        for tail in ("", "/edit", "/revisions", "/revisions/1", "/digest", "/digest/html", "/digest/progress"):
            assert client.get(f"/posts/{number}{tail}").status_code == 404
        assert client.post(f"/posts/{number}/publication", data={"version": "1"}).status_code == 404


def test_links_are_called_after_their_week_and_a_wrong_week_is_explained(bob: Member, log_in: LogIn) -> None:
    client = log_in(bob)
    told = client.post("/write/new", data={"kind": "links", "weeks": "472"}, follow_redirects=True).text
    assert "Links of week 472" in told
    for typed, why in (("480-478", "The range runs backwards."), ("99999", "That week is too large")):
        assert why in client.post("/write/new", data={"kind": "week", "weeks": typed}).text
