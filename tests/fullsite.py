"""A site with something in every table and state, for tests that move one; and what an archive holds."""

import io
import tarfile
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy import func, select

from blogapp.auth.faces import set_face
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.heartbeat import beat
from blogapp.core.site import save_choices
from blogapp.core.throttle import count_try
from blogapp.delivery import days
from blogapp.delivery.suppressions import suppress
from blogapp.digest import claims, planning
from blogapp.digest.correcting import send_newest_correction
from blogapp.digest.holding import cancel, hold
from blogapp.digest.journal import open_journals
from blogapp.digest.models import Digest, Schedule, Sending
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.digest.scheduling import schedule
from blogapp.porting.models import Source
from blogapp.posts.attachments import attach, line_for
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import add_section, remove_section
from blogapp.posts.missed import record_missed
from blogapp.posts.models import Post
from blogapp.posts.monday import begin_week
from blogapp.posts.noting import add_note, answer_note, say_looks_good, settle_thread
from blogapp.posts.retagging import rename_tag
from blogapp.posts.rotachanges import swap_weeks
from blogapp.posts.rotaorder import go_away, join_rota
from blogapp.posts.sharelinks import share
from blogapp.posts.turnmodels import Nudge
from blogapp.posts.turns import this_week
from blogapp.posts.weeks import Weeks
from blogapp.posts.weektemplate import save_template
from blogapp.posts.writing import create_post, save_post
from blogapp.subscribing.models import Bounce, Subscriber
from tests import people, readers
from tests.relay import Relay
from tests.worker import send_all

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de"
    "0000000c49444154789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
# What one database or the other is known to treat in its own way.
ODD = {"source": "import", "note": "“Grüße” \U0001f980 \\ \u2028 'x' \"y\"", "nested": {"b": [1, 2.5, None], "a": True}}


@dataclass
class FullSite:
    """Whose acts they are, and the subscribers and posts that a test asks about."""

    alice: Member
    bob: Member
    ann: int
    sent: Post
    leaving: Post
    waiting: Post


def fill(app: Flask, relay: Relay) -> FullSite:
    """Fill the site: a digest sent, one on its way with a batch claimed, others at rest."""
    alice, bob = people.alice(), people.bob()
    with transaction() as session:
        session.add(Member(name="Zoë Früh", slug="zoe", invited_at=now()))
        session.add(Member(name="Old Hand", slug="old-hand", active=False, email="old@blog.test"))
    ann = _subscribers()
    sent = _week(bob, 1)
    sent = _with_files(sent, bob)
    relay.at_rcpt["never@reader.test"] = "550 5.1.1 no such user"
    send_all()
    sent = _corrected_by_mail(sent, bob)
    _with_an_edition(bob)
    leaving = _leaving(bob)
    waiting = _at_rest(alice, bob)
    _rota(alice, bob)
    _other_posts(alice, bob)
    with transaction() as session:
        suppress(session, "ünder@reader.test", "complaint", ODD)
        suppress(session, "a_b@reader.test", "hard bounce")
        suppress(session, "aB@reader.test", "hard bounce")
        session.add(Bounce(sending_id=1, subscriber_id=ann, kind="soft", status="4.2.2", diagnostic="452 4.2.2 “full”"))
        session.add(Bounce(subscriber_id=ann, kind="complaint"))
        came = {"content": b"Boats.\r\n\r\n:odd: key\r\n\xff\0", "sha256": "a" * 64, "title": "Bøats", "body": "Boats."}
        session.add(Source(origin="snips", name="boats", path="blog/boats.snip.markdown", post_id=sent.id, **came))
        session.add(Source(origin="snips", name="week-nnn", path="templates/week-nnn.snip.markdown", sha256="b" * 64))
        days.count(session, accepted=3, refused=1)
        save_choices(session, {"site_title": "The Øther Notebook", "footer": "Made in a kitchen."})
    set_face(bob.id, io.BytesIO(PIXEL), by=bob.id)
    people.log_in(app, alice)
    beat("worker:here:1")
    count_try("login:192.0.2.1", limit=5, seconds=300, message="Too many.")
    db.session.rollback()
    return FullSite(alice, bob, ann, sent, leaving, waiting)


def _subscribers() -> int:
    at = now() - timedelta(days=2)
    ann = readers.subscriber("ann@reader.test", confirmed_at=at, consent=ODD)
    for name in ("bea", "cy", "never"):
        readers.subscriber(f"{name}@reader.test", confirmed_at=at)
    readers.subscriber("away@reader.test", confirmed_at=at, paused_until=now() + timedelta(days=9), name="Éa “A” Way")
    readers.subscriber("gone@reader.test", "unsubscribed")
    readers.subscriber("moving@reader.test", confirmed_at=at, new_address="moved@reader.test")
    readers.subscriber("pending@reader.test", "pending")
    erased = readers.subscriber("erased@reader.test", "pending")
    with transaction() as session:
        session.delete(readers.reload(erased))
    return ann


def _week(author: Member, number: int) -> Post:
    post = create_post("week", "", f"In week {number} we *mended* the door.", author.id, weeks=Weeks(number, number))
    return publish(post.id, post.version, author.id)


def _with_files(post: Post, author: Member) -> Post:
    picture = attach(post.id, "bread.png", io.BytesIO(PIXEL), author.id)
    attach(post.id, "notes.txt", io.BytesIO(b"unused\n"), author.id)
    body = f"{post.body}\n\n{line_for(picture)}\n\n| a | b |\n|---|--:|\n| 1 | 2 |"
    return save_post(post.id, post.version, author.id, title="Week 1: “doors”", body=body)


def _corrected_by_mail(post: Post, author: Member) -> Post:
    """Those who got it got a correction after it."""
    db.session.rollback()
    post = db.session.get_one(Post, post.id)
    post = save_post(
        post.id, post.version, author.id, title=post.title, body=post.body, correction="Windows, not doors."
    )
    send_newest_correction(post.id, author.id)
    send_all()
    return post


def _with_an_edition(author: Member) -> None:
    """Somebody whose mail came back got that post and the next one in one mail."""
    number = db.session.execute(select(func.min(Sending.id))).scalar_one()
    who = select(Subscriber.id).where(Subscriber.address == "bea@reader.test")
    with transaction() as session:
        came_back = {"kind": "soft", "status": "4.2.2", "diagnostic": "452 4.2.2 “full”"}
        session.add(Bounce(sending_id=number, subscriber_id=session.execute(who).scalar_one(), **came_back))
    _week(author, 8)
    send_all()
    db.session.rollback()
    assert db.session.execute(select(Sending.id).where(Sending.main_id.is_not(None), Sending.kind == "digest")).all()


def _leaving(bob: Member) -> Post:
    """A batch is in the hands of a worker that has journalled its first acceptance."""
    post = _week(bob, 2)
    owner = "elsewhere:boot:1:1"
    assert planning.begin_due(owner)
    planning.plan(_sending_id(post))
    batch = claims.claim_batch(owner)
    assert batch is not None
    message = db.session.get_one(Sending, batch.sending_id).message
    with open_journals() as journals:
        journals.open(batch.id, message)
        journals.append(batch.id, batch.planned[0])
        journals.flush()
    return post


def _at_rest(alice: Member, bob: Member) -> Post:
    for number, control in ((3, hold), (4, cancel)):
        control(_digest_id(_week(bob, number)), alice.id)
    withdrawn = _week(bob, 5)
    withdraw(withdrawn.id, withdrawn.version, bob.id)
    return _week(bob, 6)


def _rota(alice: Member, bob: Member) -> None:
    """A rota with everything in it, and its present week begun by the worker."""
    for member in (alice, bob):
        join_rota(member.id, alice.id)
    save_template("# {week} “Ø”\n\n{odd}", alice.id)
    week = this_week()
    assert begin_week()
    swap_weeks(week, week + 1, alice.id)
    go_away(bob.id, week + 2, week + 3, bob.id)
    with transaction() as session:
        session.merge(Nudge(week=week, kind="first"))  # The swap noted one of its own, if today is a day of reminders.


def _other_posts(alice: Member, bob: Member) -> None:
    draft = create_post("article", "A draft — unfinished", "Some words.", bob.id)
    add_section(draft.id, alice.id, title="Bøats", url="https://example.org/boats", body="Good *ones*.")
    remove_section(add_section(draft.id, alice.id, title="Taken away").id, alice.id)
    schedule(draft.id, draft.version, bob.id, now() + timedelta(days=30), with_digest=True)
    share(draft.id, bob.id)
    with transaction() as session:
        stopped = session.get_one(Schedule, draft.id)
        stopped.stopped_at, stopped.why = now(), "“Nobody” was there."
    asked = add_note(draft.id, alice.id, words="Some words.", place=0, body="Which “words”?\nØ")
    answer_note(draft.id, asked.thread_id, bob.id, body="These.")
    settle_thread(draft.id, asked.thread_id, alice.id, done=True)
    say_looks_good(draft.id, alice.id)
    page = create_post("page", "About us", "Who we are.", alice.id)
    page = publish(page.id, page.version, alice.id)
    save_post(page.id, page.version, alice.id, title="About", body="Who we are: bakers.", slug="about")
    links = create_post("links", "Links", "* [one](https://example.org/1)", bob.id, weeks=Weeks(6, 6))
    add_section(links.id, alice.id, title="Two", url="https://example.org/2", body="Signed by another.")
    links = publish(links.id, links.version, bob.id)
    body, told = links.body, "It was one, not two."
    save_post(links.id, links.version, bob.id, title="Links", body=body, tags=["Bøats", "Rope"], correction=told)
    rename_tag("rope", "Boats & rope", alice.id)
    record_missed(7, "We were all “away”.", bob.id)
    some = create_post("article", "For two", "Between us.", bob.id)
    circle = Circle("listed", frozenset([alice.id]))
    some = save_post(some.id, some.version, bob.id, title="For two", body="Between us.", readers=circle)
    publish(some.id, some.version, bob.id)
    deleted = create_post("article", "Never mind", "Said too much.", bob.id)
    deleted = publish(deleted.id, deleted.version, bob.id)
    delete(deleted.id, deleted.version, bob.id)


def contents(file: Path) -> dict[str, bytes]:
    """What an archive holds, by name."""
    found = {}
    with tarfile.open(file) as archive:
        for member in archive:
            content = archive.extractfile(member)
            assert content is not None
            found[member.name] = content.read()
    return found


def _digest_id(post: Post) -> int:
    return db.session.execute(select(Digest.id).where(Digest.post_id == post.id)).scalar_one()


def _sending_id(post: Post) -> int:
    number = db.session.execute(select(Digest.sending_id).where(Digest.post_id == post.id)).scalar_one()
    assert number is not None
    return number
