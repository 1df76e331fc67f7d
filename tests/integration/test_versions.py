"""Rule 6 of the page cache: whatever a use case changes for readers raises the site's version."""

import io
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import event, update

from blogapp.admin.logo import remove_logo, set_logo
from blogapp.admin.site import choose
from blogapp.auth import authentication, members, profile, resets
from blogapp.auth.faces import remove_face, set_face
from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.db import bump_version, db, transaction
from blogapp.core.site import site_version
from blogapp.digest.publishing import delete, open_to_all, publish, withdraw
from blogapp.digest.scheduling import publish_due, schedule
from blogapp.posts.attachments import attach, bring_back_attachment, line_for, remove_attachment
from blogapp.posts.circles import Circle
from blogapp.posts.contributing import add_section, bring_back_section, remove_section
from blogapp.posts.deleted import purge_deleted, restore_post
from blogapp.posts.joining import join_next
from blogapp.posts.missed import forget_missed, record_missed
from blogapp.posts.models import Post
from blogapp.posts.monday import begin_week
from blogapp.posts.rendering import render_again
from blogapp.posts.retagging import rename_tag
from blogapp.posts.rotachanges import skip_week, swap_weeks, undo_change
from blogapp.posts.rotaorder import join_rota
from blogapp.posts.sweeping import sweep_files
from blogapp.posts.turns import this_week
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, restore_revision, save_post
from tests import people
from tests.fullsite import PIXEL
from tests.heard import import_snips
from tests.posts import article
from tests.writers import COMPARED, ELSEWHERE, PUBLIC_TABLES, Watch, writers

PAGES = ("/", "/week-1", "/first-week", "/boats", "/about", "/archive", "/archive/2018", "/alice-archer", "/bob-barker",
         "/robert", "/erin-eames", "/fay", "/gil-grant", "/ann-lee", "/feed.atom", "/feed.rss", "/feed.json",
         "/sitemap.xml", "/robots.txt", "/tags", "/tags/bread", "/tags/loaves", "/search?q=words")  # fmt: skip
FILES = {
    "weeknotes/week-7.snip.markdown": "We *began*.\n\n:author: ann-lee\n:created_at: 2018-01-05 10:00:00 +0000\n",
    "people/ann-lee.snip.markdown": "Ann bakes.\n\n:display_name: Ann Lee\n:image: images/ann.png\n",
    "templates/week-nnn.snip.markdown": "What we did.\n\n:kind: template\n",
}
PASSWORD = "a fresh long sentence to log in with"


@pytest.fixture
def chosen() -> dict[str, Any]:
    return {"page_cache_mb": 0}


@pytest.fixture
def one_kind(kind: str) -> None:
    if kind != "sqlite":
        pytest.skip("the use cases are the same; only they are looked at")


def test_every_use_case_that_writes_is_known() -> None:
    """A new one: put it into COMPARED and `acts` where readers may see what it does, else into ELSEWHERE."""
    assert writers() == COMPARED | ELSEWHERE
    assert not COMPARED & ELSEWHERE


def test_public_pages_are_made_of_no_other_tables(
    one_kind: None, app: Flask, reader: FlaskClient, alice: Member, bob: Member
) -> None:
    for _ in acts(alice, bob, people.erin(), Path(app.instance_path)):
        break
    article(bob, "about", kind="page")
    read: set[str] = set()

    def note(_: object, __: object, statement: str, *___: object) -> None:
        read.update(re.findall(r"(?:FROM|JOIN) (\w+)", statement))

    event.listen(db.engine, "before_cursor_execute", note)
    for path in PAGES:
        reader.get(path)
    # What is found is made anew for each who asks.
    assert read - {"redirects", "search_texts", "search_words"} == PUBLIC_TABLES


def test_what_readers_see_changes_only_with_the_version(
    one_kind: None, app: Flask, reader: FlaskClient, alice: Member, bob: Member, erin: Member, tmp_path: Path
) -> None:
    def look() -> tuple[int, dict[str, tuple[int, bytes]]]:
        db.session.rollback()
        version = site_version()
        db.session.rollback()
        pages = {}
        for path in PAGES:
            answer = reader.get(path)
            # A page that is not there is made anew for everybody who asks.
            pages[path] = (answer.status_code, answer.data if answer.status_code == 200 else b"")
        return version, pages

    changes = 0
    watch: Watch = app.extensions["watch"]
    before = look()
    for act in acts(alice, bob, erin, tmp_path):
        after = look()
        changed = [path for path in PAGES if before[1][path] != after[1][path] and before[1][path][0] == 200]
        assert not changed or before[0] != after[0], f"{act} changed {changed} under the same version"
        changes += bool(changed)
        before = after
    assert watch.ran >= COMPARED, f"`acts` does not run {sorted(COMPARED - watch.ran)}"
    assert set(watch.unraised) <= COMPARED
    assert changes > 15


def acts(alice: Member, bob: Member, erin: Member, folder: Path) -> Iterator[str]:
    """Do everything that readers may see, each by its use case; the name of what was just done."""
    yield from _posts(bob, erin)
    yield from _files(bob)
    yield from _rota(bob, erin)
    set_face(bob.id, _picture(), bob.id)
    yield "set_face"
    remove_face(bob.id, bob.id)
    yield "remove_face"
    yield from _members(alice, bob, erin)
    choose({"site_title": "The Other Notebook"}, alice.id)
    yield "admin.site.choose"
    set_logo(_picture(), alice.id)
    yield "set_logo"
    remove_logo(alice.id)
    yield "remove_logo"
    yield from _imports(folder, bob)


def _picture() -> io.BytesIO:
    file = io.BytesIO()
    Image.new("RGB", (96, 96), "#2b47b4").save(file, "PNG")
    return io.BytesIO(file.getvalue())


def _posts(bob: Member, erin: Member) -> Iterator[str]:
    post = create_post("week", "", "We mended the door.", bob.id, weeks=Weeks(1, 1))
    yield "create_post"
    post = publish(post.id, post.version, bob.id)
    yield "publish"
    post = save_post(post.id, post.version, bob.id, title="Week 1", body="We *mended* it.")
    yield "save_post"
    post = restore_revision(post.id, post.version, 1, bob.id)
    yield "restore_revision"
    post = save_post(post.id, post.version, bob.id, title="Week 1", body=post.body, slug="first-week")
    yield "save_post: address"
    with transaction() as session:
        session.execute(update(Post).values(html="<p>As it was.</p>", pipeline=0))
        bump_version(session)
    yield "an older pipeline"
    render_again()
    yield "render_again"
    page = create_post("page", "About", "Who we are.", bob.id)
    page = publish(page.id, page.version, bob.id)
    yield "publish: page"
    page = save_post(page.id, page.version, bob.id, title="About", body="Who we are.", in_menu=True)
    yield "save_post: menu"
    page = save_post(page.id, page.version, bob.id, title="About", body=page.body, tags=["Bread", "Rope"])
    yield "save_post: tags"
    rename_tag("bread", "Loaves", erin.id)
    yield "rename_tag"
    rename_tag("rope", "Loaves", erin.id)
    yield "rename_tag: two become one"
    yield from _sections(bob, erin)
    save_post(page.id, page.version, bob.id, title="About", body="Who we were.", correction="It was.")
    yield "save_post: correction"
    record_missed(2, "We were away.", bob.id)
    yield "record_missed"
    forget_missed(2, bob.id)
    yield "forget_missed"
    boats = create_post("article", "Boats", "Some words.", bob.id)
    boats = publish(boats.id, boats.version, bob.id)
    boats = withdraw(boats.id, boats.version, bob.id)
    yield "withdraw"
    boats = publish(boats.id, boats.version, bob.id)
    yield "publish: again"
    boats = save_post(boats.id, boats.version, bob.id, title="Boats", body=boats.body, readers=Circle("members"))
    yield "save_post: for members"
    boats = open_to_all(boats.id, boats.version, bob.id)
    yield "open_to_all"
    boats = withdraw(boats.id, boats.version, bob.id)
    schedule(boats.id, boats.version, bob.id, now() + timedelta(hours=1), with_digest=False)
    with time_machine.travel(now() + timedelta(hours=2)):
        assert publish_due() == 1
    yield "publish_due"
    boats = db.session.get_one(Post, boats.id, populate_existing=True)
    delete(boats.id, boats.version, bob.id)
    yield "delete"
    boats = restore_post(boats.id, bob.id)
    yield "restore_post"
    delete(boats.id, boats.version, bob.id)
    with time_machine.travel(now() + timedelta(days=400)):
        assert purge_deleted() == 1
    yield "purge_deleted"


def _sections(bob: Member, erin: Member) -> Iterator[str]:
    post = create_post("links", "", "Links.", bob.id, weeks=Weeks(2, 2))
    added = add_section(post.id, erin.id, title="Boats", body="Good.")
    yield "add_section"
    remove_section(added.id, erin.id)
    bring_back_section(added.id, erin.id)
    yield "bring_back_section"
    publish(post.id, post.version, bob.id)
    yield "publish: sections"


def _rota(bob: Member, erin: Member) -> Iterator[str]:
    for member in (bob, erin):
        join_rota(member.id, erin.id)
    assert begin_week()
    yield "begin_week"
    week = this_week()
    skip_week(week, erin.id)
    yield "skip_week"
    undo_change(week, erin.id)
    yield "undo_change"
    swap_weeks(week, week + 1, erin.id)
    yield "swap_weeks"
    with time_machine.travel(now() + timedelta(weeks=1)):
        assert begin_week()
        join_next(week, erin.id)
    yield "join_next"


def _files(bob: Member) -> Iterator[str]:
    post = create_post("article", "Boats", "Some words.", bob.id)
    post = publish(post.id, post.version, bob.id)
    picture = attach(post.id, "bread.png", io.BytesIO(PIXEL), bob.id)
    yield "attach"
    post = save_post(post.id, post.version, bob.id, title="Boats", body=line_for(picture))
    yield "save_post: picture"
    other = attach(post.id, "notes.txt", io.BytesIO(b"unused\n"), bob.id)
    remove_attachment(post.id, other.id, bob.id)
    yield "remove_attachment"
    bring_back_attachment(post.id, other.id, bob.id)
    yield "bring_back_attachment"
    remove_attachment(post.id, other.id, bob.id)
    sweep_files(now() + timedelta(days=1))
    yield "sweep_files"


def _members(alice: Member, bob: Member, erin: Member) -> Iterator[str]:
    by = alice.id
    fay = members.add_member("Fay", "fay@blog.test", by=by)
    yield "add_member"
    members.invite(fay.id, by)
    yield "invite"
    link = members.invitation_link(fay.id, by)
    assert link is not None
    resets.choose_password(link.rpartition("/")[2], PASSWORD)
    yield "choose_password"
    members.invite_new("Gil Grant", "gil@blog.test", "author", by)
    yield "invite_new"
    members.change_role(erin.id, "author", by)
    yield "change_role"
    for person in (fay, erin, bob):
        members.deactivate(person.id, by)
        yield f"deactivate {person.name}"
        members.reactivate(person.id, by)
        yield f"reactivate {person.name}"
    members.set_password(erin.id, PASSWORD, by)
    yield "set_password"
    profile.change_password(bob.id, people.PASSWORD, PASSWORD)
    yield "change_password"
    kept = db.session.get_one(Member, bob.id).password_hash
    assert kept is not None
    authentication._renew(bob.id, kept, PASSWORD)
    yield "_renew"
    for change in ({"name": "Robert"}, {"bio": "Bakes."}, {"slug": "robert"}, {"email": "robert@blog.test"}):
        known = db.session.get_one(Member, bob.id)
        given: dict[str, Any] = {
            "name": known.name,
            "email": known.email,
            "slug": known.slug,
            "bio": known.bio,
            **change,
        }
        profile.edit_profile(bob.id, known.version, by=by, **given)
        yield f"edit_profile: {sorted(change)}"


def _imports(folder: Path, bob: Member) -> Iterator[str]:
    for round_ in ("made", "changed"):
        for name, content in FILES.items():
            path = folder / "soups" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(content if round_ == "made" else content.replace(".\n", " again.\n", 1))
        (folder / "images").mkdir(exist_ok=True)
        (folder / "images" / "ann.png").write_bytes(_picture().getvalue())
        assert import_snips([folder / "soups"], images=folder / "images").results.count(round_) == len(FILES)
        yield f"import: {round_}"
    post = create_post("article", "Bread", "Words of bread.", bob.id)
    publish(post.id, post.version, bob.id)
    (folder / "soups" / "blog").mkdir()
    (folder / "soups" / "blog" / "bread.snip.markdown").write_text(
        "Words of bread.\n\n:page_title: Bread\n:author: robert\n:created_at: 2018-01-05 10:00:00 +0000\n"
    )
    import_snips([folder / "soups"])
    yield "import: made here"
