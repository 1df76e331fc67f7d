"""Sections of a draft: added by several at once, woven in when it is published, credited, and answered by mail."""

import threading
from collections.abc import Callable
from email.message import EmailMessage
from functools import partial
from pathlib import Path

import feedparser
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.auth.profile import edit_profile
from blogapp.core import migrate
from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.core.errors import Conflict, Invalid, NotAllowed
from blogapp.digest.compose import compose_correction, preview
from blogapp.digest.publishing import publish, withdraw
from blogapp.porting.markdown_export import export_markdown
from blogapp.porting.snips.exporting import export_snips
from blogapp.posts import contributing
from blogapp.posts.contributing import add_section, edit_section, move_section, remove_section
from blogapp.posts.models import Post, post_credits
from blogapp.posts.queries import list_revisions
from blogapp.posts.rendering import render_again
from blogapp.posts.sections import Section, sections_of
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests import people, posts
from tests.editions import text
from tests.heard import import_snips
from tests.integration.test_compose import message


@pytest.fixture
def draft(app: Flask, bob: Member) -> Post:
    """Bob's links of a week."""
    return create_post("links", "Links", "What we read.\n\n[a]: https://a.test\n", bob.id, weeks=Weeks(473, 473))


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def titles(post: Post) -> list[str]:
    return [one.title for one in sections_of(db.session(), post.id) if one.removed_at is None]


def credited(post: Post) -> list[int]:
    query = select(post_credits.c.member_id).where(post_credits.c.post_id == post.id)
    return list(db.session.execute(query.order_by(post_credits.c.position)).scalars())


def test_a_contributor_adds_a_section_to_somebody_elses_draft_and_its_text_stays(
    draft: Post, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    before = (draft.version, draft.body)
    add_section(draft.id, carol.id, title="Boats", url="https://boats.test/", body="Good ones.")
    post = fresh(draft)
    assert (post.version, post.body) == before
    assert '<a href="https://boats.test/">Boats</a>' in post.html
    assert 'Good ones. — <a href="/carol-cole">CC</a></p>' in post.html
    assert credited(post) == [carol.id]
    assert "with <a" in log_in(carol).get(f"/{post.slug}").text.replace("\n", "")


def test_whoever_has_the_editor_open_saves_without_a_conflict_and_loses_no_section(
    draft: Post, bob: Member, carol: Member
) -> None:
    opened = draft.version
    add_section(draft.id, carol.id, title="Boats", body="Good.")
    saved = save_post(draft.id, opened, bob.id, title="Links", body="What *we* read.")
    assert "<em>we</em>" in saved.html
    assert "Boats" in fresh(draft).html
    assert "Boats" not in fresh(draft).body


def test_all_that_is_added_saved_and_moved_at_the_same_moment_is_there(
    app: Flask, draft: Post, alice: Member, bob: Member, carol: Member
) -> None:
    number, version = draft.id, draft.version
    ready, troubles = threading.Barrier(7), list[BaseException]()

    def at_once(act: Callable[[], object]) -> None:
        with app.app_context():
            ready.wait()
            try:
                act()
            except BaseException as error:  # the test looks at all of them
                troubles.append(error)

    people_there = [alice.id, carol.id, bob.id]
    acts: list[Callable[[], object]] = [
        partial(add_section, number, people_there[n % 3], title=f"Item {n}", body="Good.") for n in range(6)
    ]
    acts.append(lambda: save_post(number, version, bob.id, title="Links", body="Saved meanwhile."))
    db.session.rollback()
    threads = [threading.Thread(target=at_once, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert troubles == []
    post = fresh(draft)
    assert sorted(titles(post)) == [f"Item {n}" for n in range(6)]
    assert len({one.position for one in sections_of(db.session(), number)}) == 6
    assert all(f"Item {n}" in post.html for n in range(6))
    assert "Saved meanwhile." in post.html
    assert set(credited(post)) == {alice.id, bob.id, carol.id}


def test_a_section_added_between_the_composing_and_the_publishing_goes_out_too(
    draft: Post, bob: Member, carol: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepare = contributing.prepare
    calls: list[int] = []

    def slow(post_id: int) -> contributing.Woven:
        found = prepare(post_id)
        if not calls:
            add_section(post_id, carol.id, title="Late")
        calls.append(post_id)
        return found

    monkeypatch.setattr("blogapp.digest.publishing.prepare", slow)
    post = publish(draft.id, draft.version, bob.id)
    assert len(calls) == 2
    assert "## Late" in post.body
    assert "Late" in post.html


def test_publishing_weaves_the_sections_into_the_text_once(draft: Post, bob: Member, carol: Member) -> None:
    add_section(draft.id, carol.id, title="Boats", body="Good.")
    remove_section(add_section(draft.id, carol.id, title="Never mind").id, carol.id)
    post = publish(draft.id, draft.version, bob.id)
    woven = "What we read.\n\n## Boats\n\nGood. — [CC](/carol-cole)\n\n[a]: https://a.test\n"
    assert post.body == woven
    assert [one.body == woven for one in list_revisions(post.id)] == [True, False]
    assert list_revisions(post.id)[0].was_published
    assert titles(post) == []
    post = withdraw(post.id, post.version, bob.id)
    add_section(post.id, bob.id, title="Rope")
    post = publish(post.id, post.version, bob.id)
    assert post.body.count("## Boats") == post.body.count("## Rope") == post.html.count("Boats</h2>") == 1
    assert credited(post) == [carol.id, bob.id]
    with pytest.raises(Conflict):
        add_section(post.id, carol.id, title="Too late")
    assert render_again() == 0, "what is stored is what the pipeline makes"


def test_a_draft_that_has_nothing_but_sections_can_be_published(app: Flask, bob: Member, carol: Member) -> None:
    post = create_post("links", "Links", "", bob.id)
    with pytest.raises(Invalid):
        publish(post.id, post.version, bob.id)
    add_section(post.id, carol.id, title="Boats")
    assert publish(post.id, post.version, bob.id).body == "## Boats\n\n— [CC](/carol-cole)\n"


def test_ones_own_sections_and_those_of_ones_own_draft_can_be_changed_and_no_others(
    draft: Post, alice: Member, bob: Member, carol: Member
) -> None:
    mine, alices = (add_section(draft.id, by.id, title=by.name) for by in (carol, alice))
    acts: list[Callable[[], object]] = [
        lambda: edit_section(alices.id, 1, carol.id, title="Mine now"),
        lambda: move_section(alices.id, carol.id, up=True),
        lambda: remove_section(alices.id, carol.id),
    ]
    for act in acts:
        with pytest.raises(NotAllowed):
            act()
    edit_section(mine.id, 1, carol.id, title="Carol’s")
    move_section(alices.id, bob.id, up=True)
    assert titles(draft) == ["Alice Archer", "Carol’s"]
    assert fresh(draft).html.index("Alice Archer") < fresh(draft).html.index("Carol’s")
    with pytest.raises(Conflict):
        edit_section(mine.id, 1, bob.id, title="As it was")
    remove_section(mine.id, carol.id)
    assert "Carol’s" not in fresh(draft).html
    assert credited(draft) == [alice.id]
    contributing.bring_back_section(mine.id, carol.id)
    assert "Carol’s" in fresh(draft).html


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"title": " "}, "title"),
        ({"title": "A", "url": "javascript:alert(1)"}, "url"),
        ({"title": "A", "url": "//evil.test"}, "url"),
        ({"title": "A", "body": "<div>\n\nleft open"}, "body"),
        ({"title": "A", "body": "x" * 50_001}, "body"),
    ],
)
def test_what_is_wrong_is_said_beside_its_field(draft: Post, carol: Member, given: dict[str, str], field: str) -> None:
    with pytest.raises(Invalid) as caught:
        add_section(draft.id, carol.id, **given)
    assert list(caught.value.fields) == [field]
    assert titles(draft) == []


def test_what_was_typed_stays_in_the_form_whatever_goes_wrong(
    draft: Post, bob: Member, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    browser = log_in(carol)
    typed = {"title": "Boats", "url": "example.org", "body": "So *good*."}
    answer = browser.post(f"/posts/{draft.id}/sections", data=typed)
    assert answer.status_code == 422
    assert all(words in answer.text for words in (*typed.values(), "A link begins with"))
    section = add_section(draft.id, carol.id, title="Boats")
    edit_section(section.id, 1, bob.id, title="Ships")
    answer = browser.post(f"/sections/{section.id}", data={"title": "Mine", "body": "Words.", "version": "1"})
    assert answer.status_code == 409
    assert "Ships" in answer.text
    assert 'value="Mine"' in answer.text
    again = {"title": "Mine", "body": "Words.", "version": "2"}
    assert browser.post(f"/sections/{section.id}", data=again).status_code == 303
    publish(draft.id, draft.version, bob.id)
    answer = browser.post(f"/posts/{draft.id}/sections", data={"title": "Late", "body": "Still here."})
    assert answer.status_code == 409
    assert "Still here." in answer.text


def test_the_desk_leads_to_a_form_for_a_section_and_the_drafts_page_lists_them(
    draft: Post, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    browser = log_in(carol)
    path = f"/posts/{draft.id}/sections"
    assert f'href="{path}"' in browser.get("/write").text
    assert browser.get(path).status_code == 200
    answer = browser.post(path, data={"title": "Boats", "url": "", "body": ""}, follow_redirects=True)
    assert "Added, with your signature." in answer.text
    section = db.session.execute(select(Section)).scalar_one()
    for act, words in (("removal", "Bring back"), ("return", "Take away"), ("place", "Boats")):
        assert words in browser.post(f"/sections/{section.id}/{act}", follow_redirects=True).text


def test_those_who_signed_are_named_wherever_the_author_is(
    app: Flask, draft: Post, alice: Member, bob: Member, carol: Member, reader: FlaskClient
) -> None:
    for member in (alice, carol, bob):
        add_section(draft.id, member.id, title=f"Of {member.name}", body="Good.")
    post = publish(draft.id, draft.version, bob.id)
    names = ["Bob Barker", "Alice Archer", "Carol Cole"]
    page = " ".join(reader.get(f"/{post.slug}").text.split())
    assert (
        'Bob Barker</a>, with <a class="p-author h-card" rel="author" href="/alice-archer">Alice Archer</a> and <a'
        in page
    )
    assert '"contributor": [{"@type": "Person", "name": "Alice Archer"' in page
    atom = feedparser.parse(reader.get("/feed.atom").data).entries[0]
    assert [atom.author, *(one.name for one in atom.contributors)] == names
    assert "<dc:contributor>Carol Cole</dc:contributor>" in reader.get("/feed.rss").text
    assert [one["name"] for one in reader.get("/feed.json").json["items"][0]["authors"]] == names  # type: ignore[index]
    assert "by Bob Barker, with Alice Archer and Carol Cole" in preview(post.id).text


def test_a_changed_text_or_name_changes_whom_it_credits(
    app: Flask, alice: Member, bob: Member, carol: Member, reader: FlaskClient
) -> None:
    post = create_post("article", "Old", "One. — [AA](/alice-archer)\n\nTwo. &mdash; [CC][carol-cole]\n\n"
                       "[carol-cole]: /carol-cole", bob.id)  # fmt: skip
    post = publish(post.id, post.version, bob.id)
    assert credited(post) == [alice.id, carol.id]
    assert "Carol Cole</a>" in reader.get("/old").text
    known = db.session.get_one(Member, carol.id)
    edit_profile(
        carol.id, known.version, by=carol.id, name="Carol Dee", email=known.email or "", slug="carol-dee", bio=""
    )
    assert "Carol Dee</a>" in reader.get("/old").text
    post = save_post(post.id, fresh(post).version, bob.id, title="Old", body=fresh(post).body + "\n\nMore.")
    assert credited(post) == [alice.id, carol.id], "a signature of before leads to who it led to"
    post = save_post(post.id, post.version, bob.id, title="Old", body="Nothing is signed.")
    assert credited(post) == []
    assert "with" not in reader.get("/old").text.partition("byline")[2][:300]


def signed_week(bob: Member, carol: Member) -> Post:
    post = create_post("week", "", "We baked.", bob.id, weeks=Weeks(473, 473))
    add_section(post.id, carol.id, title="Boats & ropes", body="Good.")
    zed = people.member("Zed Zott", "author").id
    add_section(post.id, zed, title="Zinc", body="Heavy.")
    with transaction() as session:
        session.get_one(Member, zed).active = False
    return publish(post.id, post.version, bob.id)


def html_and_text(mail: EmailMessage) -> tuple[str, str]:
    return text(mail, "html"), text(mail)


def test_a_reader_answers_who_signed_by_the_signature_in_the_mail(
    app: Flask, bob: Member, carol: Member, reader: FlaskClient
) -> None:
    post = signed_week(bob, carol)
    mail = message(post.id)
    html, plain = html_and_text(mail)
    assert mail["Reply-To"] == "Bob Barker <bob@blog.test>"
    assert 'href="mailto:carol@blog.test?subject=Re%3A%20Week%20473"' in html
    assert "mailto:zed" not in html, "who does not work here any more reads no mail"
    assert 'href="http://blog.test/zed-zott"' in html
    foot = "Reply to this mail and Bob Barker gets it. To write to Carol Cole instead,"
    assert f"{foot} press their signature after what they wrote." in html
    assert "Good. — CC <carol@blog.test>" in plain
    assert f"{foot} use the address" in " ".join(plain.split())
    assert "carol@blog.test" not in reader.get("/week-473").text
    assert "carol@blog.test" not in reader.get("/feed.atom").text


def test_a_correction_is_answered_in_the_same_way(app: Flask, bob: Member, carol: Member) -> None:
    post = signed_week(bob, carol)
    original = message(post.id).as_bytes()
    composed = compose_correction(db.session(), post.id, "Ropes.", original, date=now())
    assert b"mailto:carol@blog.test" in composed.template.message.replace(b"=\r\n", b"").replace(b"=3A", b":")


def test_an_export_of_a_draft_carries_its_sections_and_brought_back_they_are_there_once(
    draft: Post, bob: Member, carol: Member, tmp_path: Path
) -> None:
    add_section(draft.id, carol.id, title="Boats", body="Good.")
    export_snips(tmp_path / "out")
    file = tmp_path / "out" / "weeklinks" / "week-473-links.snip.markdown"
    assert "## Boats\n\nGood. — [CC](/carol-cole)\n" in file.read_text("utf-8")
    assert import_snips([tmp_path / "out"]).results.count("changed") == 0
    assert titles(draft) == ["Boats"]
    export_snips(tmp_path / "again")
    assert file.read_bytes() == (tmp_path / "again" / "weeklinks" / file.name).read_bytes()
    file.write_bytes(file.read_bytes().replace(b"What we read.", b"What we all read."))
    import_snips([tmp_path / "out"])
    post = fresh(draft)
    assert post.html.count("Boats</h2>") == 1
    assert "What we all read." in post.html
    export_markdown(tmp_path / "hugo", drafts=True)
    assert (tmp_path / "hugo/content/posts/week-473-links/index.md").read_text("utf-8").count("## Boats") == 1


def test_posts_of_before_are_credited_by_the_migration(app: Flask, bob: Member, carol: Member) -> None:
    post, signer = posts.article(bob, body="Good. — [CC](/carol-cole)").id, carol.id
    db.session.remove()
    migrate.move_to("0018_sendings_state")
    migrate.move_to("head")
    query = select(post_credits.c.member_id).where(post_credits.c.post_id == post)
    assert list(db.session.execute(query).scalars()) == [signer]


def test_a_post_in_html_takes_no_sections(app: Flask, bob: Member, carol: Member) -> None:
    post = posts.article(bob, state="draft", format="html", body="<p>Words.</p>")
    with pytest.raises(Invalid, match="HTML"):
        add_section(post.id, carol.id, title="Boats")


def test_a_members_page_names_the_posts_of_others_that_they_signed_something_in(
    draft: Post, bob: Member, carol: Member, reader: FlaskClient
) -> None:
    with transaction() as session:
        session.get_one(Member, carol.id).password_hash = None
    add_section(draft.id, carol.id, title="Boats")
    assert reader.get("/carol-cole").status_code == 404, "of a draft readers hear nothing"
    post = publish(draft.id, draft.version, bob.id)
    assert f'href="/{post.slug}"' in reader.get("/carol-cole").text
    withdraw(post.id, post.version, bob.id)
    assert reader.get("/carol-cole").status_code == 404


def test_pressed_twice_is_one_section(draft: Post, carol: Member) -> None:
    for _ in range(2):
        add_section(draft.id, carol.id, title="Boats", body="Good.")
    assert titles(draft) == ["Boats"]
