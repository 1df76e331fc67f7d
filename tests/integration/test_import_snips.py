"""Importing snips, on both databases."""

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select, text

from blogapp.auth.members import deactivate
from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.errors import NotAllowed
from blogapp.core.site import site_version
from blogapp.delivery.models import OutboxMail
from blogapp.digest.models import Digest
from blogapp.digest.publishing import delete, publish, withdraw
from blogapp.posts.attachments import address_of, attach
from blogapp.posts.models import Post, Revision
from blogapp.posts.writing import create_post, save_post
from tests.heard import Heard, import_snips

Write = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a snip: its name, its text, its keys."""

    def write(name: str = "week-1", body: str = "Some text.", folder: str = "weeknotes", **meta: str) -> Path:
        path = tmp_path / folder / f"{name}.snip.markdown"
        path.parent.mkdir(exist_ok=True)
        keys = {"author": "chris-roos", "created_at": "2018-02-09 10:22:25.858 +0100", **meta}
        path.write_text(body + "\n\n" + "".join(f":{k}: {v}\n" for k, v in keys.items() if v), encoding="utf-8")
        return path

    return write


def results(report: Heard) -> list[str]:
    return [outcome.result for outcome in report.outcomes]


def reason(report: Heard) -> str:
    assert results(report) == ["refused"]
    return report.outcomes[0].reason


def only_post() -> Post:
    db.session.rollback()
    return db.session.execute(select(Post)).scalar_one()


def counts() -> dict[str, int]:
    db.session.rollback()
    tables = ("posts", "revisions", "members", "slugs", "digests", "outbox", "audit_entries")
    return {t: db.session.execute(text(f"SELECT count(*) FROM {t}")).scalar_one() for t in tables}


def test_a_published_file_becomes_a_post_of_its_own_date_without_any_mail(app: Flask, write: Write) -> None:
    before = site_version()
    body = "Week 1\n======\n\nSome *text* from [Chris](/chris-roos)."
    report = import_snips(
        [write(body=body, updated_at="2018-02-10 00:00:00 +0000", layout="wide", page_title="Week 1")]
    )
    assert results(report) == ["made"]
    post = only_post()
    made_at = datetime(2018, 2, 9, 9, 22, 25, 858000, UTC)
    assert (post.kind, post.slug, post.title, post.body) == ("week", "week-1", "Week 1", body)
    assert (post.week_from, post.week_to) == (1, 1)
    assert (post.state, post.published_at, post.first_published_at, post.created_at) == ("published", *[made_at] * 3)
    assert post.updated_at == datetime(2018, 2, 10, tzinfo=UTC)
    assert not post.published_here
    assert post.html.strip() == '<p>Some <em>text</em> from <a href="/chris-roos">Chris</a>.</p>'
    assert ["layout", "wide"] in post.extra["meta"]
    revision = db.session.execute(select(Revision)).scalar_one()
    assert (revision.number, revision.body, revision.member_id, revision.was_published) == (
        1,
        body,
        post.author_id,
        True,
    )
    assert db.session.execute(select(func.count()).select_from(Digest)).scalar_one() == 0
    assert db.session.execute(select(func.count()).select_from(OutboxMail)).scalar_one() == 0
    assert site_version() > before


def test_readers_find_it_at_its_flat_address(app: Flask, write: Write) -> None:
    import_snips([write(body="Hello from afar.")])
    response = app.test_client().get("/week-1")
    assert response.status_code == 200
    assert "Hello from afar." in response.text


def test_an_unknown_author_becomes_an_inactive_member_who_cannot_log_in(app: Flask, write: Write) -> None:
    import_snips([write(), write("week-2", "Good. <%= by('james-mead') %>")])
    members = db.session.execute(select(Member).order_by(Member.slug)).scalars().all()
    assert [(m.slug, m.name, m.active, m.email, m.password_hash) for m in members] == [
        ("chris-roos", "Chris Roos", False, None, None),
        ("james-mead", "James Mead", False, None, None),
    ]


def test_a_known_author_is_credited_and_stays_as_they_are(app: Flask, write: Write, bob: Member) -> None:
    number = bob.id
    import_snips([write(author="bob-barker")])
    assert only_post().author_id == number
    assert db.session.get_one(Member, number).active


def test_without_an_author_the_first_admin_stands_in_and_without_one_it_is_refused(app: Flask, write: Write) -> None:
    assert "no `:author:`" in reason(import_snips([write(author="")]))
    from tests.people import alice

    number = alice().id
    assert results(import_snips([write(author="")])) == ["made"]
    assert only_post().author_id == number


def test_a_draft_stays_a_draft_and_can_be_published_with_its_digest(app: Flask, write: Write, alice: Member) -> None:
    import_snips([write(draft="true")])
    post = only_post()
    assert (post.state, post.published_at, post.first_published_at) == ("draft", None, None)
    assert app.test_client().get("/week-1").status_code == 404
    publish(post.id, post.version, alice.id)
    assert db.session.execute(select(Digest.post_id)).scalars().all() == [post.id]
    assert only_post().published_here


def test_running_again_changes_nothing(app: Flask, write: Write) -> None:
    paths = [write(), write("week-2", draft="true"), write("hello", folder="blog")]
    assert results(import_snips(paths)) == ["made"] * 3
    before, version = counts(), site_version()
    assert results(import_snips(paths)) == ["unchanged"] * 3
    assert counts() == before
    assert site_version() == version


def test_a_changed_file_becomes_a_revision_and_keeps_the_address_and_date(app: Flask, write: Write) -> None:
    import_snips([write(body="First.")])
    first = only_post()
    published_at, post_id = first.published_at, first.id
    version = site_version()
    assert results(import_snips([write(body="Second.", updated_at="2018-03-01")])) == ["changed"]
    post = only_post()
    assert (post.id, post.body, post.published_at) == (post_id, "Second.", published_at)
    assert "Second." in post.html
    assert post.updated_at == datetime(2018, 3, 1, tzinfo=UTC)
    bodies = db.session.execute(select(Revision.body).order_by(Revision.number)).scalars().all()
    assert bodies == ["First.", "Second."]
    assert site_version() > version
    assert results(import_snips([write(body="Second.", updated_at="2018-03-01")])) == ["unchanged"]


def test_only_new_keys_make_no_revision(app: Flask, write: Write) -> None:
    import_snips([write()])
    assert results(import_snips([write(layout="wide")])) == ["changed"]
    assert ["layout", "wide"] in only_post().extra["meta"]
    assert db.session.execute(select(func.count()).select_from(Revision)).scalar_one() == 1


def test_a_file_that_is_no_draft_any_more_is_published_silently(app: Flask, write: Write) -> None:
    import_snips([write(draft="true")])
    assert results(import_snips([write(draft="false")])) == ["changed"]
    post = only_post()
    assert post.state == "published"
    assert not post.published_here
    assert db.session.execute(select(func.count()).select_from(Digest)).scalar_one() == 0


def test_a_post_edited_here_is_not_overwritten_by_a_changed_file(app: Flask, write: Write, alice: Member) -> None:
    admin = alice.id
    import_snips([write(body="First.")])
    post = only_post()
    save_post(post.id, post.version, admin, title=post.title, body="Ours.")
    assert results(import_snips([write(body="First.")])) == ["unchanged"]
    report = import_snips([write(body="Theirs.")])
    assert results(report) == ["beside"]
    assert "is its revision 3" in report.outcomes[0].reason
    post = only_post()
    assert (post.body, "Ours." in post.html) == ("Ours.", True)
    revisions = db.session.execute(select(Revision.body, Revision.beside).order_by(Revision.number)).all()
    assert [tuple(row) for row in revisions] == [("First.", False), ("Ours.", False), ("Theirs.", True)]
    assert results(import_snips([write(body="Theirs.")])) == ["unchanged"]
    save_post(post.id, post.version, admin, title=post.title, body="Both.")
    assert (only_post().body, db.session.execute(select(func.max(Revision.number))).scalar_one()) == ("Both.", 4)


def test_a_file_that_changed_as_its_post_did_is_taken_as_it_is(app: Flask, write: Write, alice: Member) -> None:
    admin = alice.id
    import_snips([write(body="First.")])
    post = only_post()
    save_post(post.id, post.version, admin, title=post.title, body="Together.")
    assert results(import_snips([write(body="Together.")])) == ["unchanged"]
    assert results(import_snips([write(body="Next.")])) == ["changed"]
    assert only_post().body == "Next."


def test_new_keys_of_a_file_leave_a_text_alone_that_was_edited_here(app: Flask, write: Write, alice: Member) -> None:
    import_snips([write(body="First.", draft="true")])
    post = only_post()
    save_post(post.id, post.version, alice.id, title=post.title, body="Ours.")
    assert results(import_snips([write(body="First.", draft="true", layout="wide")])) == ["changed"]
    assert only_post().body == "Ours."
    # Nor does it make public what nobody has said is ready.
    assert "publish the post here" in reason(import_snips([write(body="First.")]))
    post = only_post()
    assert (post.state, post.body, "Ours." in post.html) == ("draft", "Ours.", True)


def test_a_public_post_is_not_hidden_by_a_file_that_says_draft(app: Flask, write: Write) -> None:
    import_snips([write()])
    assert "withdraw the post first" in reason(import_snips([write(draft="true")]))
    assert only_post().state == "published"


def test_what_was_withdrawn_or_deleted_here_does_not_come_back(app: Flask, write: Write, alice: Member) -> None:
    admin = alice.id
    import_snips([write(body="First.")])
    post = only_post()
    withdraw(post.id, post.version, admin)
    assert results(import_snips([write(body="Second.")])) == ["changed"]
    post = only_post()
    assert (post.state, post.body) == ("draft", "Second.")
    delete(post.id, post.version, admin)
    assert "deleted here" in reason(import_snips([write(body="Third.")]))
    assert only_post().body == "Second."


def test_a_post_that_moved_here_is_still_known(app: Flask, write: Write, alice: Member) -> None:
    admin = alice.id
    path = write("hello", folder="blog")
    import_snips([path])
    post = only_post()
    save_post(post.id, post.version, admin, title=post.title, body=post.body, slug="good-day")
    assert results(import_snips([path])) == ["unchanged"]
    write("hello", "More text.", folder="blog")
    assert results(import_snips([path])) == ["changed"]
    assert only_post().slug == "good-day"


@pytest.mark.parametrize(
    ("keys", "words"),
    [
        ({"created_at": ""}, "no date (`:created_at:`)"),
        ({"created_at": "2000-13-01"}, "not a date"),
        ({"created_at": f"{datetime.now(UTC) + timedelta(days=400):%Y-%m-%d}"}, "in the future"),
        ({"body": ""}, "nothing to read"),
        ({"draft": "perhaps"}, "true or false"),
        ({"name": "login", "folder": "blog"}, "page of the site"),
        ({"name": "---", "folder": "blog", "page_title": "Dashes"}, "small letters"),
        ({"name": "long", "page_title": "x" * 300}, "too long"),
        ({"author": "??"}, "small letters"),
    ],
)
def test_a_file_that_makes_no_sense_is_refused_and_changes_nothing(
    app: Flask, write: Write, keys: dict[str, str], words: str
) -> None:
    before = counts()
    assert words.lower() in reason(import_snips([write(**keys)])).lower()
    assert counts() == before


def test_a_folder_of_hostile_files_is_named_one_by_one_and_the_good_ones_come_in(
    app: Flask, tmp_path: Path, write: Write
) -> None:
    good = write("week-1")
    folder = good.parent
    outside = tmp_path / "outside.snip.markdown"
    outside.write_text("Secret\n\n:author: mallory\n:created_at: 2018-01-01\n")
    (folder / "binary.snip.markdown").write_bytes(b"\x89PNG\r\n\0\0:name: x\n")
    (folder / "broken.snip.markdown").write_bytes(b"caf\xe9\n\n:author: x\n")
    (folder / "endless.snip.markdown").write_text("word " * 120_000 + "\n\n:author: x\n:created_at: 2018-01-01\n")
    (folder / "huge.snip.markdown").write_bytes(b"x" * 5_000_001)
    (folder / "link.snip.markdown").symlink_to(outside)
    (folder / "nothing.snip.markdown").write_text("")
    (folder / "notes.txt").write_text("no metadata here")
    os.mkfifo(folder / "pipe.snip.markdown")
    (folder / "up").symlink_to(tmp_path, target_is_directory=True)
    (folder / "again").mkdir()
    (folder / "again" / "week-1.md").write_text("Other\n\n:author: x\n:created_at: 2018-01-01\n")
    (folder / "zz.snip.markdown").symlink_to(folder / "zz.snip.markdown")
    report = import_snips([folder, tmp_path / "missing.md"])
    reasons = {Path(o.path).name: o.reason for o in report.outcomes}
    assert {name: not reason for name, reason in reasons.items()} == {
        "week-1.md": True,
        "binary.snip.markdown": False,
        "broken.snip.markdown": False,
        "endless.snip.markdown": False,
        "huge.snip.markdown": False,
        "link.snip.markdown": False,
        "nothing.snip.markdown": False,
        "notes.txt": False,
        "pipe.snip.markdown": False,
        "up": False,
        "week-1.snip.markdown": False,
        "zz.snip.markdown": False,
        "missing.md": False,
    }
    assert "same name" in reasons["week-1.snip.markdown"]
    assert reasons["pipe.snip.markdown"] == "it is no regular file"
    assert only_post().body == "Other"
    assert db.session.execute(select(Member.slug)).scalars().all() == ["x"]


def test_progress_is_told_after_every_file(app: Flask, write: Write) -> None:
    told: list[tuple[int, int]] = []
    import_snips([write(), write("week-2"), "missing"], on_progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_a_post_written_here_keeps_its_address(app: Flask, write: Write, alice: Member) -> None:
    create_post("article", "Hello", "Ours.", alice.id)
    assert "taken" in reason(import_snips([write("hello", folder="blog")]))
    assert only_post().body == "Ours."


def test_only_an_admin_imports(app: Flask, write: Write, erin: Member, alice: Member) -> None:
    with pytest.raises(NotAllowed):
        import_snips([write()], by=erin.id)
    assert results(import_snips([write()], by=alice.id)) == ["made"]
    deactivate(erin.id, alice.id)


@pytest.mark.corpus
def test_the_seed_draft_comes_in_as_the_draft_it_is(app: Flask, corpus: Path) -> None:
    assert results(import_snips([corpus / "seed"])) == ["made"]
    post = only_post()
    assert (post.kind, post.slug, post.title, post.state) == ("week", "week-473", "Week 473", "draft")
    assert post.author.name == "Chris Roos"
    assert "continued to focus" in post.summary
    assert 'href="/james-mead"' in post.html
    assert post.html.count("<h2") == 4
    assert "<h1" not in post.html
    assert post.created_at == datetime(2018, 2, 9, 10, 22, 25, 858409, UTC)


def test_a_text_that_shows_a_file_makes_it_public(write: Write, alice: Member, reader: FlaskClient) -> None:
    draft = create_post("article", "Pictures", "None yet.", alice.id)
    kept = attach(draft.id, "notes.txt", BytesIO(b"Some notes."), alice.id)
    address = address_of(kept)
    assert reader.get(address).status_code == 404
    assert results(import_snips([write(body=f"See [the notes]({address}).")])) == ["made"]
    with reader.get(address) as response:
        assert response.data == b"Some notes."
