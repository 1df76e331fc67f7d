"""Links that show a draft: to whoever has one, in no cache, until they end."""

import io
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image

from blogapp.auth.members import change_role, deactivate
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.errors import Conflict, Invalid, NotFound
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.posts.attachments import attach, line_for
from blogapp.posts.circles import Circle
from blogapp.posts.deleted import restore_post
from blogapp.posts.models import Post
from blogapp.posts.sharelinks import ShareLink, live_links, share, withdraw_link
from blogapp.posts.writing import create_post, save_post
from tests import pages

LogIn = Callable[[Member], FlaskClient]


@pytest.fixture
def draft(app: Flask, bob: Member) -> Post:
    """A draft with a photo that comes in several widths."""
    post = create_post("article", "Boats", "Some words.", bob.id)
    data = io.BytesIO()
    Image.new("RGB", (1600, 900), "teal").save(data, "JPEG")
    data.seek(0)
    photo = attach(post.id, "boat.jpg", data, bob.id)
    attach(post.id, "unused.txt", io.BytesIO(b"x\n"), bob.id)
    body = f"Some words.\n\n{line_for(photo)}\n\n[the photo](/files/{photo.id}/boat.jpg)"
    return save_post(post.id, fresh(post).version, bob.id, title="Boats", body=body)


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def test_whoever_has_the_link_reads_the_draft_with_its_pictures_and_no_cache_keeps_it(
    app: Flask, reader: FlaskClient, draft: Post, bob: Member
) -> None:
    address = f"/shared/{share(draft.id, bob.id).token}"
    for _ in range(2):
        answer = reader.get(address)
        assert answer.status_code == 200
        assert "Some words." in answer.text
        assert answer.headers["Cache-Control"] == "private, no-store"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "Set-Cookie" not in answer.headers
    page = pages.soup(answer)
    sources = [source for tag in page.select("[srcset]") for source in tag["srcset"].split(", ")]  # type: ignore[union-attr]
    files = [source.split()[0] for source in sources] + [page.select_one(".prose img")["src"]]  # type: ignore[index]
    files.append(page.select_one(".prose a[href^='/files']")["href"])  # type: ignore[index]
    assert len(files) > 4
    for file in files:
        given = reader.get(file, buffered=True)
        assert (given.status_code, given.headers["Cache-Control"]) == (200, "private, no-store"), file
        for other in (file.partition("?")[0], f"{file}x"):
            assert reader.get(other, buffered=True).status_code == 404
    # Nothing else is opened by it: not the draft's own address, not a file that the text does not show.
    assert reader.get("/boats").status_code == 404
    unused = files[-1].replace("boat.jpg", "unused.txt").replace("/files/1/", "/files/2/")
    assert reader.get(unused, buffered=True).status_code == 404


def test_the_link_is_told_to_no_other_site_whatever_its_address_holds(
    reader: FlaskClient, draft: Post, bob: Member
) -> None:
    elsewhere = "https://evil.test/t?u=,/files/7/a.png"
    body = f'{draft.body}\n\n<img src="{elsewhere}" srcset="{elsewhere} 2x, {elsewhere}" alt="x">'
    save_post(draft.id, fresh(draft).version, bob.id, title="Boats", body=body)
    link = share(draft.id, bob.id)
    page = reader.get(f"/shared/{link.token}").text
    assert elsewhere in page
    assert f"{elsewhere}?" not in page
    assert f"/boat.jpg?share={link.token}" in page


def test_a_link_ends_by_itself_or_when_it_is_withdrawn_and_its_pictures_with_it(
    app: Flask, reader: FlaskClient, draft: Post, bob: Member
) -> None:
    one, other = share(draft.id, bob.id, 1), share(draft.id, bob.id, 30)
    file = f"/files/1/boat.jpg?share={one.token}"
    assert reader.get(file, buffered=True).status_code == 200
    withdraw_link(draft.id, other.id, bob.id)
    assert [link.id for link in live_links(draft.id)] == [one.id]
    answer = reader.get(f"/shared/{other.token}")
    assert answer.status_code == 410
    assert "This link was withdrawn" in answer.text
    with time_machine.travel(now() + timedelta(days=1, minutes=1)):
        assert "This link has expired" in reader.get(f"/shared/{one.token}").text
        assert reader.get(file, buffered=True).status_code == 404
    assert reader.get(f"/shared/{one.token[:-1]}").status_code == 404


def test_published_it_leads_to_the_page_and_what_is_taken_back_is_taken_back_from_all(
    app: Flask, reader: FlaskClient, draft: Post, bob: Member
) -> None:
    token = share(draft.id, bob.id).token
    publish(draft.id, draft.version, bob.id)
    answer = reader.get(f"/shared/{token}")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/boats")
    with pytest.raises(Conflict):
        share(draft.id, bob.id)
    withdraw(draft.id, fresh(draft).version, bob.id)
    assert reader.get(f"/shared/{token}").status_code == 410
    again = share(draft.id, bob.id).token
    delete(draft.id, fresh(draft).version, bob.id)
    assert reader.get(f"/shared/{again}").status_code == 404
    restore_post(draft.id, bob.id)
    assert reader.get(f"/shared/{again}").status_code == 410


def test_the_page_makes_shows_and_withdraws_links_and_offers_them_to_who_may_edit(
    app: Flask, draft: Post, bob: Member, carol: Member, log_in: LogIn
) -> None:
    client = log_in(bob)
    made = client.post(f"/posts/{draft.id}/links", data={"days": "30"}, follow_redirects=True)
    field = pages.soup(made).select_one(".share-links input")
    assert field is not None
    (link,) = live_links(draft.id)
    assert field["value"] == f"http://blog.test/shared/{link.token}"
    assert link.expires_at - link.created_at == timedelta(days=30)
    assert pages.soup(log_in(carol).get(f"/posts/{draft.id}")).select_one(".share-links") is None
    gone = log_in(bob).post(f"/posts/{draft.id}/links/{link.id}/withdrawal", follow_redirects=True)
    assert "The link is withdrawn" in gone.text
    assert live_links(draft.id) == []


def test_a_link_belongs_to_its_post_and_lasts_no_other_time(draft: Post, bob: Member) -> None:
    other = create_post("article", "Other", "x", bob.id)
    link = share(draft.id, bob.id)
    with pytest.raises(NotFound):
        withdraw_link(other.id, link.id, bob.id)
    with pytest.raises(Invalid):
        share(draft.id, bob.id, 400)


def test_a_draft_for_members_has_no_links_and_loses_those_that_it_had(
    app: Flask, reader: FlaskClient, draft: Post, bob: Member
) -> None:
    link = share(draft.id, bob.id)
    save_post(draft.id, draft.version, bob.id, title="Boats", body=draft.body, readers=Circle("members"))
    assert reader.get(f"/shared/{link.token}").status_code == 410
    assert reader.get(f"/files/1/boat.jpg?share={link.token}", buffered=True).status_code == 404
    with pytest.raises(Conflict, match="for members only"):
        share(draft.id, bob.id)


def test_limiting_a_draft_ends_its_links_for_good_and_opening_it_again_makes_none(
    app: Flask, reader: FlaskClient, draft: Post, bob: Member
) -> None:
    for circle in (Circle("members"), Circle("listed")):
        link = share(draft.id, bob.id)
        post = limit(draft, circle, bob)
        assert live_links(draft.id) == []
        limit(post, Circle(), bob)
        save_post(draft.id, fresh(draft).version, bob.id, title="Boats", body=f"{draft.body}\n\nLater words.")
        answer = reader.get(f"/shared/{link.token}")
        assert (answer.status_code, "Later words" in answer.text) == (410, False)
        assert reader.get(f"/files/1/boat.jpg?share={link.token}", buffered=True).status_code == 404


def limit(post: Post, circle: Circle, by: Member) -> Post:
    return save_post(post.id, fresh(post).version, by.id, title="Boats", body=post.body, readers=circle)


def opened(reader: FlaskClient, link: ShareLink) -> tuple[int, int]:
    """The page's status, and its picture's."""
    picture = reader.get(f"/files/1/boat.jpg?share={link.token}", buffered=True)
    return reader.get(f"/shared/{link.token}").status_code, picture.status_code


def test_a_link_of_somebody_who_has_left_or_may_no_longer_edit_the_draft_shows_nothing(
    app: Flask, reader: FlaskClient, draft: Post, bob: Member, erin: Member, alice: Member
) -> None:
    hers, his = share(draft.id, erin.id, 30), share(draft.id, bob.id, 30)
    assert (opened(reader, hers), opened(reader, his)) == ((200, 200), (200, 200))
    change_role(erin.id, "author", alice.id)
    assert (opened(reader, hers), opened(reader, his)) == ((410, 404), (200, 200))
    assert [link.id for link in live_links(draft.id)] == [his.id]
    change_role(erin.id, "editor", alice.id)
    deactivate(erin.id, alice.id)
    assert (opened(reader, hers), opened(reader, his)) == ((410, 404), (200, 200))
    publish(draft.id, fresh(draft).version, bob.id)
    assert reader.get(f"/shared/{hers.token}").headers["Location"] == "/boats", "what is public is so by any link"
