"""The leak walk: words that only members may know, sought in everything that the world can ask for or is sent."""

import io
import itertools
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select
from werkzeug.routing import Rule

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.site import link_key
from blogapp.core.tokens import link_token
from blogapp.digest import holding, publishing
from blogapp.digest.models import Digest
from blogapp.digest.sending import send_some
from blogapp.posts.attachments import attach
from blogapp.posts.circles import Circle
from blogapp.posts.models import Attachment, Post
from blogapp.posts.searching import search_texts
from blogapp.posts.sharelinks import ShareLink, share, withdraw_link
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests import readers
from tests.mailbox import outbox
from tests.sink import Sink

# Each stands in the title, the text, the address and the file's name of one post.
DRAFT, WITHDRAWN, DELETED, EDITED_OUT = "zebracanary", "wombatcanary", "dugongcanary", "eelcanary"
# Published for members, for some of them, and for members after it was public with a digest waiting.
MEMBERS, LISTED, LIMITED = "lemurcanary", "tapircanary", "okapicanary"
# Public on the site, but its digest is held: in no mail.
HELD = "herringcanary"
INSIDE = (DRAFT, WITHDRAWN, DELETED, EDITED_OUT)
SECRETS = (*INSIDE, MEMBERS, LISTED, LIMITED)
CIRCLES = {MEMBERS: Circle("members"), LISTED: Circle("listed")}
SHARED = "[shared](https://example.com/shared)"


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink


@pytest.fixture
def chosen(sink: Sink) -> dict[str, Any]:
    return {"smtp_url": sink.url, "site_epoch": date(2009, 1, 12)}


@dataclass
class World:
    """What was made."""

    subscriber: int
    posts: dict[str, int] = field(default_factory=dict)
    files: dict[str, Attachment] = field(default_factory=dict)


def picture() -> io.BytesIO:
    data = io.BytesIO()
    Image.new("RGB", (8, 8), "teal").save(data, "PNG")
    data.seek(0)
    return data


def body_with(word: str) -> str:
    return f"It says {word} here.\n\nAnd [an address](https://example.org/{word}).\n"


@pytest.fixture
def world(app: Flask, alice: Member) -> World:
    """A public post, and one of each kind that must stay inside."""
    made = World(readers.subscriber("ann@example.org"))
    for offset, word in enumerate((*INSIDE, HELD, MEMBERS, LISTED, LIMITED)):
        number = 500 + offset
        post = create_post("week", f"Week {number} {word}", body_with(word), alice.id, weeks=Weeks(number, number))
        file = attach(post.id, f"{word}.png", picture(), alice.id)
        post = db.session.get_one(Post, post.id)
        text = post.body + f"\n![{word}](/files/{file.id}/{file.filename})\n"
        # A link that was withdrawn, or that whatever comes below ends, or that has expired.
        links = [share(post.id, alice.id), share(post.id, alice.id, 1)]
        if word == DRAFT:
            withdraw_link(post.id, links[0].id, alice.id)
        with transaction() as session:
            session.get_one(ShareLink, links[1].id).expires_at = now()
        # The same links as those of what is public: that must not lead from one to the other.
        said: dict[str, Any] = {"title": post.title, "body": text + SHARED, "tags": [word, "baking"]}
        post = save_post(post.id, post.version, alice.id, **said, readers=CIRCLES.get(word))
        made.posts[word], made.files[word] = post.id, file
    for word in (WITHDRAWN, DELETED, EDITED_OUT, HELD, MEMBERS, LISTED, LIMITED):
        post = db.session.get_one(Post, made.posts[word])
        post = publishing.publish(post.id, post.version, by=alice.id, with_digest=word not in INSIDE)
        if word == LIMITED:
            said = {"title": post.title, "body": post.body}
            save_post(post.id, post.version, alice.id, **said, readers=Circle("members"))
    post = db.session.get_one(Post, made.posts[WITHDRAWN])
    publishing.withdraw(post.id, post.version, by=alice.id)
    post = db.session.get_one(Post, made.posts[DELETED])
    publishing.delete(post.id, post.version, by=alice.id)
    post = db.session.get_one(Post, made.posts[EDITED_OUT])
    save_post(post.id, post.version, alice.id, title="Week 503", body=f"Harmless words. {SHARED}", tags=["baking"])
    digest = db.session.execute(select(Digest).where(Digest.post_id == made.posts[HELD])).scalar_one()
    holding.hold(digest.id, alice.id)
    return made


def guesses(made: World) -> dict[str, list[Any]]:
    """What a stranger could put into an address, by the name of the place."""
    tokens = [link_token(link_key(), purpose, made.subscriber) for purpose in ("unsubscribe", "preferences")]
    tokens += [link_token(link_key(), "share", number) for number in range(1, 40)]
    return {
        "slug": [*(f"week-{n}" for n in range(500, 508)), "week-50", "alice-archer", "weeks-500", "baking", HELD],
        "token": tokens,
        "kind": ["atom", "rss", "json"],
        "month": [1, now().month],
        "year": [2018, now().year, now().year + 1],
        "filename": [f"{word}.png" for word in SECRETS] + ["site.css"],
    }


def addresses(rule: Rule, given: dict[str, list[Any]]) -> Iterator[str]:
    """Every address of a rule that the guesses give; numbers run from 1 to 8."""
    names = sorted(rule.arguments)
    for values in itertools.product(*(given.get(name, range(1, 9)) for name in names)):
        built = rule.build(dict(zip(names, values, strict=True)))
        if built is not None:
            yield built[1]


def walk(app: Flask, client: FlaskClient, made: World, *floors: str) -> Iterator[tuple[str, str]]:
    """Every address (of these blueprints) that answers GET, and all of its answer."""
    given = guesses(made)
    seen = 0
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and (not floors or rule.endpoint.partition(".")[0] in floors):
            for address in addresses(rule, given):
                response = client.get(address, buffered=True)
                assert response.status_code < 500 or address == "/readyz", address
                seen += response.status_code == 200
                yield address, f"{response.headers}\n{response.get_data().decode('utf-8', 'replace')}"
    assert seen > 20, "a walk that opens nothing finds nothing"


def test_nothing_that_a_stranger_can_ask_for_tells_what_only_members_know(
    app: Flask, reader: FlaskClient, world: World
) -> None:
    found_public = False
    for address, answer in walk(app, reader, world):
        found_public = found_public or HELD in answer
        for word in SECRETS:
            # A page may say again what was asked for; nothing else.
            assert word not in answer.replace(f"{word}.png", "") if word in address else word not in answer, address
    assert found_public, "the walk has to find what is public"


def test_no_search_finds_what_only_members_know(reader: FlaskClient, world: World) -> None:
    for word in SECRETS:
        page = reader.get("/search", query_string={"q": word})
        assert "Nothing found" in page.text, word
        for asked in ({"q": "says here"}, {"week": "495-510"}, {"author": "alice-archer"}):
            assert word not in reader.get("/search", query_string=asked).text, asked
        assert db.session.execute(select(search_texts).where(search_texts.c.text.contains(word))).all() == []
    assert HELD in reader.get("/search?week=495-510").text, "the search has to find what is public"


def test_files_of_what_is_not_public_are_not_there_for_strangers(
    app: Flask, reader: FlaskClient, log_in: Any, alice: Member, world: World
) -> None:
    inside = log_in(alice)
    for word in SECRETS:
        file = world.files[word]
        path = f"/files/{file.id}/{file.filename}"
        assert reader.get(path, buffered=True).status_code in (404, 410), word
        if word != DELETED:
            assert inside.get(path, buffered=True).status_code == 200, word
            assert "no-store" in inside.get(path, buffered=True).headers["Cache-Control"]
    public = world.files[HELD]
    assert reader.get(f"/files/{public.id}/{public.filename}", buffered=True).status_code == 200


def test_drafts_and_withdrawn_posts_are_404_and_deleted_ones_410_and_members_still_see_theirs(
    reader: FlaskClient, log_in: Any, alice: Member, world: World
) -> None:
    assert [reader.get(f"/week-{n}").status_code for n in (500, 501, 502, 503, 504)] == [404, 404, 410, 200, 200]
    inside = log_in(alice).get("/week-500")
    assert DRAFT in inside.text
    assert "no-store" in inside.headers["Cache-Control"]
    assert "private" in inside.headers["Cache-Control"]


def test_no_mail_carries_what_is_not_public_or_whose_digest_is_held(
    app: Flask, reader: FlaskClient, alice: Member, world: World, sink: Sink
) -> None:
    post = create_post("week", "Week 510", "Plain words for everybody.", alice.id, weeks=Weeks(510, 510))
    publishing.publish(post.id, post.version, by=alice.id)
    reader.post("/subscribe", data={"address": "new@example.org", "page": "/"})
    stop = threading.Event()
    while send_some("test", stop):
        pass
    mails = [data.decode() for _, data in sink.messages] + [mail.message.as_string() for mail in outbox()]
    assert len(mails) == 2
    for text in mails:
        for word in (*SECRETS, HELD):
            assert word not in re.sub(r"=\r?\n", "", text), word


def test_what_is_for_members_is_no_address_at_all_to_strangers(
    reader: FlaskClient, log_in: Any, bob: Member, world: World
) -> None:
    def bare(slug: str) -> tuple[int, str]:
        answer = reader.get(f"/{slug}")
        return answer.status_code, answer.text.replace(slug, "").replace(answer.headers["X-Request-ID"], "")

    never = bare("week-777")
    assert never[0] == 404
    assert [bare(f"week-{number}") == never for number in (505, 506, 507)] == [True, True, True]
    member = log_in(bob)
    assert [member.get(f"/week-{number}").status_code for number in (505, 506, 507)] == [200, 404, 200]
    assert "For members" in member.get("/week-505").text


def test_nothing_tells_a_member_of_a_post_that_is_for_others(
    app: Flask, kind: str, log_in: Any, bob: Member, world: World
) -> None:
    if kind != "sqlite":
        pytest.skip("the pages are the same; what they ask is held to both by the matrix")
    found_members = False
    client = log_in(bob)
    for address, answer in walk(app, client, world, "authoring"):
        found_members = found_members or MEMBERS in answer
        assert LISTED not in answer, address
    assert found_members, "the walk has to find what is for every member"
    assert LISTED not in client.get("/tags").text


def test_a_draft_does_not_become_public_by_the_clock(app: Flask, reader: FlaskClient, world: World) -> None:
    with time_machine.travel(now() + timedelta(days=400)):
        assert reader.get("/week-500").status_code == 404
        assert DRAFT not in reader.get("/").text
