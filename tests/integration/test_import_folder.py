"""Importing a whole folder of snips: people, pictures, pages in HTML, templates, names that change."""

from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import func, select, text

from blogapp.auth.models import Member
from blogapp.auth.profile import edit_profile
from blogapp.core import files
from blogapp.core.db import db
from blogapp.core.errors import Invalid
from blogapp.core.site import site_version
from blogapp.digest.publishing import withdraw
from blogapp.porting.documents import Document
from blogapp.porting.importing import Run, import_items
from blogapp.porting.models import Source
from blogapp.posts.models import Attachment, Post
from blogapp.posts.writing import save_post
from tests.heard import import_snips

KEYS = ":author: ada-archer\n:created_at: 2018-02-09 10:22:25 +0100\n"
DATED = ":created_at: 2018-01-01\n"
FILES = {
    "weeknotes/week-1.snip.markdown": f"Hello.\n\n![A boat](/images/blog/Boat_1.png)\n\n{KEYS}",
    "weeknotes/weeks-2-to-4.snip.markdown": f"![A boat][boat]\n\n[boat]: /images/blog/Boat_1.png\n\n{KEYS}",
    "weeklinks/week-1-links.snip.markdown": f"### [A link](http://x.test)\n\nGood. <%= by('tom-ward') %>\n\n{KEYS}",
    "show-and-tell/evening.snip.markdown": f"An evening.\n\n{KEYS}",
    "projects/ledger.snip.markdown": f"A ledger.\n\n:kind: project\n:display_name: The ledger\n{DATED}",
    "people/ada-archer.snip.markdown": f"Ada reads [ledgers](/ledger).\n\n:image: images/ada.jpg\n\n{DATED}",
    "templates/week-nnn.snip.markdown": f"Week NNN\n\n<!-- add content here -->\n\n:draft: true\n{DATED}",
    "work.snip.html": f"<ol>\n  <li><%= project 'ledger' %></li>\n\n    <li>indented</li>\n</ol>\n\n{DATED}",
}


@pytest.fixture
def snips(tmp_path: Path) -> Path:
    """A small team's past, with a folder of images beside it."""
    folder = tmp_path / "soups"
    for place, words in FILES.items():
        path = folder / place
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(words, encoding="utf-8")
    picture(tmp_path / "images" / "blog" / "Boat_1.png")
    return folder


def picture(path: Path, colour: str = "teal") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (30, 20), colour).save(path)


def post(slug: str) -> Post:
    db.session.rollback()
    return db.session.execute(select(Post).where(Post.slug == slug)).scalar_one()


def count(model: type) -> int:
    db.session.rollback()
    return db.session.execute(select(func.count()).select_from(model)).scalar_one()


def everything() -> dict[str, int]:
    db.session.rollback()
    tables = ("posts", "revisions", "members", "slugs", "sources", "attachments", "redirects", "audit_entries")
    return {t: db.session.execute(text(f"SELECT count(*) FROM {t}")).scalar_one() for t in tables}


def test_every_folder_says_what_its_files_are(app: Flask, alice: Member, snips: Path) -> None:
    report = import_snips([snips], images=snips.parent / "images")
    assert report.results == ["made"] * 8, report.outcomes
    kinds = {row.slug: (row.kind, row.format) for row in db.session.execute(select(Post.slug, Post.kind, Post.format))}
    assert kinds == {
        "week-1": ("week", "markdown"),
        "weeks-2-to-4": ("week", "markdown"),
        "week-1-links": ("links", "markdown"),
        "evening": ("article", "markdown"),
        "ledger": ("page", "markdown"),
        "work": ("page", "html"),
    }
    assert post("ledger").title == "The ledger"
    paths = db.session.execute(select(Source.path).order_by(Source.path)).scalars().all()
    assert paths == sorted(FILES)


def test_a_persons_page_becomes_an_inactive_members_with_a_page_of_their_own(
    app: Flask, alice: Member, snips: Path, reader: FlaskClient
) -> None:
    import_snips([snips])
    ada = db.session.execute(select(Member).where(Member.slug == "ada-archer")).scalar_one()
    assert (ada.name, ada.active, ada.email) == ("Ada Archer", False, None)
    assert ada.bio == "Ada reads [ledgers](/ledger)."
    assert post("week-1").author_id == ada.id
    page = reader.get("/ada-archer")
    assert page.status_code == 200
    assert '<a href="/ledger">ledgers</a>' in page.text


def test_somebody_of_whom_there_is_only_a_text_has_a_page(
    app: Flask, alice: Member, snips: Path, reader: FlaskClient
) -> None:
    (snips / "people" / "tom-ward.snip.markdown").write_text("Tom was here until 2013.\n\n:created_at: 2018-01-01\n")
    import_snips([snips])
    assert "Tom was here until 2013." in reader.get("/tom-ward").text


def test_pictures_become_attachments_that_readers_see(
    app: Flask, alice: Member, snips: Path, reader: FlaskClient
) -> None:
    import_snips([snips], images=snips.parent / "images")
    (boat,) = db.session.execute(select(Attachment)).scalars()
    address = f"/files/{boat.id}/Boat_1.png"
    assert post("week-1").body == f"Hello.\n\n![A boat]({address})"
    assert f'src="{address}"' in post("weeks-2-to-4").html
    assert 'width="30" height="20"' in post("week-1").html
    with reader.get(address) as answer:
        assert Image.open(BytesIO(answer.data)).size == (30, 20)


def test_a_picture_that_comes_later_is_attached_then_and_again_changes_nothing(
    app: Flask, alice: Member, snips: Path
) -> None:
    images = snips.parent / "images"
    assert import_snips([snips]).count("made") == 8
    assert "/images/blog/Boat_1.png" in post("week-1").html
    again = import_snips([snips], images=images)
    assert {o.path for o in again.outcomes if o.result == "changed"} == {
        "weeknotes/week-1.snip.markdown",
        "weeknotes/weeks-2-to-4.snip.markdown",
    }
    before = everything()
    assert import_snips([snips], images=images).results == ["unchanged"] * 8
    assert everything() == before


def test_a_picture_that_is_missing_broken_or_outside_is_named_and_the_text_stays(
    app: Flask, alice: Member, snips: Path
) -> None:
    images = snips.parent / "images"
    (images / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"nothing of a picture")
    (snips.parent / "secret.png").write_bytes((images / "blog" / "Boat_1.png").read_bytes())
    (images / "link.png").symlink_to(snips.parent / "secret.png")
    words = "![1](/images/gone.png) ![2](/images/broken.png) ![3](/images/../secret.png) ![4](/images/link.png)"
    (snips / "weeknotes" / "week-1.snip.markdown").write_text(f"{words}\n\n{KEYS}")
    warnings = " ".join(import_snips([snips], images=images).of("week-1.snip").warnings)
    assert post("week-1").body == words
    for name in ("gone.png", "broken.png", "secret.png", "link.png"):
        assert name in warnings
    assert count(Attachment) == 1


def test_a_name_with_a_blank_or_in_other_letters_is_found(app: Flask, alice: Member, snips: Path) -> None:
    images = snips.parent / "images"
    picture(images / "blog" / "double rainbow.png", "red")
    picture(images / "blog" / "café.png", "blue")
    words = "![1](/images/blog/double rainbow.png) <img src='images/blog/caf%C3%A9.png'>"
    words += " [x](/images/blog/Boat_1.png?v=2)"
    (snips / "weeknotes" / "week-1.snip.markdown").write_text(f"{words}\n\n{KEYS}")
    assert import_snips([snips], images=images).of("week-1.snip").warnings == ()
    body = post("week-1").body
    assert "/images/" not in body
    assert body.endswith("?v=2)")
    assert count(Attachment) == 3


def test_html_stays_html_with_its_helpers_translated(app: Flask, alice: Member, snips: Path) -> None:
    import_snips([snips])
    work = post("work")
    assert '<li><a href="/ledger">The ledger</a></li>' in work.body
    assert "<li>indented</li>" in work.html
    assert "<pre>" not in work.html


def test_a_helper_that_is_not_known_stays_as_text_and_is_told_with_file_and_line(
    app: Flask, alice: Member, snips: Path
) -> None:
    (snips / "weeknotes" / "week-1.snip.markdown").write_text(f"\nOne\n\n<%= launch_missiles %>\n\n{KEYS}")
    outcome = import_snips([snips]).of("week-1.snip")
    assert outcome.result == "made"
    assert outcome.warnings == ("line 4: <%= launch_missiles %> is no helper known here; it stays as text",)
    assert "&lt;%= launch_missiles %&gt;" in post("week-1").html


def test_where_some_document_says_that_it_is_a_template_only_such_documents_are(
    app: Flask, alice: Member, snips: Path
) -> None:
    folder = snips / "weeklinks"
    (folder / "week-2-links.snip.markdown").write_text(f"Fine. <%= by('tom-ward') %>\n\n{KEYS}:erb: true\n")
    report = import_snips([snips])
    assert "[Tom Ward](/tom-ward)" in post("week-2-links").body
    assert "<%= by('tom-ward') %>" in post("week-1-links").body
    assert report.of("week-1-links").warnings == ()


def test_a_template_is_kept_and_nothing_that_anybody_reads(app: Flask, alice: Member, snips: Path) -> None:
    outcome = import_snips([snips]).of("week-nnn")
    assert (outcome.result, outcome.post_id) == ("made", None)
    kept = db.session.execute(select(Source).where(Source.name == "week-nnn")).scalar_one()
    assert (kept.post_id, kept.content) == (None, FILES["templates/week-nnn.snip.markdown"].encode())


def test_weeks_of_a_merged_note_lead_to_it(app: Flask, alice: Member, snips: Path, reader: FlaskClient) -> None:
    import_snips([snips])
    for number in (2, 3, 4):
        answer = reader.get(f"/week-{number}")
        assert (answer.status_code, answer.location) == (301, "/weeks-2-to-4")


def test_a_renamed_file_takes_its_post_along_and_the_old_address_leads_there(
    app: Flask, alice: Member, snips: Path, reader: FlaskClient
) -> None:
    import_snips([snips])
    number = post("evening").id
    (snips / "show-and-tell" / "evening.snip.markdown").rename(snips / "show-and-tell" / "first-evening.snip.markdown")
    assert import_snips([snips]).of("first-evening").result == "changed"
    assert post("first-evening").id == number
    answer = reader.get("/evening")
    assert (answer.status_code, answer.location) == (301, "/first-evening")
    assert import_snips([snips]).results == ["unchanged"] * 8


def test_a_file_that_moved_to_another_folder_is_the_same_document(app: Flask, alice: Member, snips: Path) -> None:
    import_snips([snips])
    (snips / "blog").mkdir()
    (snips / "show-and-tell" / "evening.snip.markdown").rename(snips / "blog" / "evening.snip.markdown")
    assert import_snips([snips]).of("evening").result == "changed"
    assert count(Post) == 6


def test_a_second_file_of_the_same_name_is_refused_by_name_every_time(app: Flask, alice: Member, snips: Path) -> None:
    (snips / "wiki").mkdir()
    (snips / "wiki" / "ledger.snip.markdown").write_text(f"Another.\n\n{KEYS}")
    for _ in range(2):
        report = import_snips([snips])
        assert report.of("wiki/ledger").reason == "projects/ledger.snip.markdown has the same name"
    assert post("ledger").body == "A ledger."


def test_deeper_addresses_of_an_older_site_lead_to_the_post(
    app: Flask, alice: Member, snips: Path, reader: FlaskClient
) -> None:
    made = datetime(2018, 2, 9, tzinfo=UTC)
    document = Document(
        origin="elsewhere", name="1", path="1", content=b"1", kind="article", title="Boats", body="Boats.",
        slug="boats", created_at=made, old_paths=("2018/02/Boats", "boats.html"),
    )  # fmt: skip
    assert import_items([document], Run()).count("made") == 1
    for address in ("/2018/02/Boats/", "/2018/02/Boats", "/boats.html"):
        answer = reader.get(address)
        assert (answer.status_code, answer.location) == (301, "/boats")
    assert reader.get("/2018/02/nothing").status_code == 404
    assert reader.post("/2018/02/Boats").status_code == 404
    boats = post("boats")
    withdraw(boats.id, boats.version, alice.id)
    assert reader.get("/2018/02/Boats").status_code == 404


def test_a_dry_run_says_the_same_and_changes_nothing(app: Flask, alice: Member, snips: Path) -> None:
    before, version = everything(), site_version()
    dry = import_snips([snips], images=snips.parent / "images", dry_run=True)
    assert everything() == before
    assert site_version() == version
    real = import_snips([snips], images=snips.parent / "images")
    assert [(o.path, o.result) for o in dry.outcomes] == [(o.path, o.result) for o in real.outcomes]


def test_an_author_can_be_given_an_address_or_be_a_member_who_is_here(
    app: Flask, alice: Member, bob: Member, snips: Path, reader: FlaskClient
) -> None:
    number = bob.id
    import_snips([snips], emails={"ada-archer": "Bob@blog.test", "tom-ward": "tom@blog.test"})
    assert post("week-1").author_id == number
    tom = db.session.execute(select(Member).where(Member.slug == "tom-ward")).scalar_one()
    assert (tom.email, tom.active) == ("tom@blog.test", False)
    assert reader.get("/ada-archer").location == "/bob-barker"
    with pytest.raises(Invalid):
        import_snips([snips], emails={"ada-archer": "no address"})


def test_stopping_half_way_keeps_what_is_done_and_going_on_does_the_rest(
    app: Flask, alice: Member, snips: Path
) -> None:
    class Stop(Exception):
        pass

    def stop(done: int, total: int) -> None:
        assert total == 8
        if done == 3:
            raise Stop

    with pytest.raises(Stop):
        import_snips([snips], on_progress=stop)
    report = import_snips([snips])
    assert (report.count("unchanged"), report.count("made")) == (3, 5)


def test_pages_that_are_imported_stand_in_the_menu_only_where_they_say_so(
    app: Flask, alice: Member, snips: Path, reader: FlaskClient
) -> None:
    (snips / "about.snip.markdown").write_text(f"Who we are.\n\n{KEYS}:page_title: About us\n:menu: true\n")
    import_snips([snips])
    menu = reader.get("/").text.partition("<main")[0]
    assert "About us" in menu
    assert "The ledger" not in menu


def test_a_text_about_a_member_that_was_written_here_is_not_lost(app: Flask, alice: Member, snips: Path) -> None:
    (snips / "people" / "alice-archer.snip.markdown").write_text("From afar.\n\n:created_at: 2018-01-01\n")
    edit_profile(
        alice.id, alice.version, name=alice.name, email="alice@blog.test", slug=alice.slug, bio="Mine.", by=alice.id
    )
    outcome = import_snips([snips]).of("alice-archer")
    assert outcome.result == "refused"
    assert "another text about them here" in outcome.reason
    assert db.session.execute(select(Member.bio).where(Member.slug == "alice-archer")).scalar_one() == "Mine."


# Drafts


def state(slug: str) -> str:
    return post(slug).state


@pytest.mark.parametrize("named", ["_drafts", "blog/_drafts", "blog/_drafts/idea.snip.markdown"])
def test_what_lies_among_drafts_is_one_however_it_is_named(
    app: Flask, alice: Member, tmp_path: Path, named: str
) -> None:
    path = tmp_path / named if named.endswith("markdown") else tmp_path / named / "idea.snip.markdown"
    path.parent.mkdir(parents=True)
    path.write_text(f"Not yet.\n\n{KEYS}")
    import_snips([tmp_path / named])
    assert state("idea") == "draft"


def test_a_draft_says_nothing_in_public_texts(app: Flask, alice: Member, snips: Path) -> None:
    (snips / "blog" / "_drafts").mkdir(parents=True)
    (snips / "blog" / "_drafts" / "idea.snip.markdown").write_text(f"Zebra words.\n\n:page_title: Zebra\n{KEYS}")
    (snips / "blog" / "public.snip.markdown").write_text(f"Public.\n\n{KEYS}")
    tags = "<%= include_snip 'idea' %> <%= l('idea') %> <%= project 'idea' %> <%= list_of kind: 'blog' %>"
    (snips / "all.snip.markdown").write_text(f"{tags}\n\n{KEYS}")
    import_snips([snips])
    body = post("all").body
    assert "Zebra" not in body
    assert '<a href="/public">Public</a>' in body
    assert "[Idea](/idea)" in body


def test_a_persons_page_that_is_a_draft_is_kept_and_nobody_reads_it(
    app: Flask, alice: Member, snips: Path, reader: FlaskClient
) -> None:
    path = snips / "people" / "tom-ward.snip.markdown"
    path.write_text(f"Zebra.\n\n:draft: true\n{DATED}")
    import_snips([snips])
    assert "Zebra" not in reader.get("/tom-ward").text
    path.write_text(f"Zebra.\n\n{DATED}")
    import_snips([snips])
    assert "Zebra" in reader.get("/tom-ward").text


def test_images_behind_a_link_are_not_followed(app: Flask, alice: Member, snips: Path) -> None:
    (snips / "images").symlink_to(snips.parent / "images", target_is_directory=True)
    report = import_snips([snips])
    assert count(Attachment) == 0
    assert "symbolic link" in report.of("images").reason


# Coming again


def test_pictures_stay_when_a_changed_file_comes_without_its_folder_of_images(
    app: Flask, alice: Member, snips: Path
) -> None:
    import_snips([snips], images=snips.parent / "images")
    path = snips / "weeknotes" / "week-1.snip.markdown"
    path.write_text(path.read_text().replace("Hello.", "Good day."))
    assert import_snips([snips]).of("week-1.snip").result == "changed"
    assert post("week-1").body.startswith("Good day.\n\n![A boat](/files/")
    assert import_snips([snips]).results == ["unchanged"] * 8


def test_a_picture_that_is_no_good_is_tried_again_only_once_it_is_another(
    app: Flask, alice: Member, snips: Path
) -> None:
    images = snips.parent / "images"
    (images / "blog" / "Boat_1.png").write_bytes(b"nothing of a picture")
    import_snips([snips], images=images)
    before = everything()
    assert import_snips([snips], images=images).results == ["unchanged"] * 8
    assert everything() == before
    picture(images / "blog" / "Boat_1.png")
    assert import_snips([snips], images=images).of("week-1.snip").result == "changed"
    assert "/files/" in post("week-1").body


def test_what_was_set_here_stays_where_the_file_says_the_same_as_before(
    app: Flask, alice: Member, bob: Member, snips: Path
) -> None:
    number = bob.id
    import_snips([snips])
    evening = post("evening")
    save_post(
        evening.id, evening.version, alice.id, title=evening.title, body=evening.body, kind="page", author_id=number
    )
    path = snips / "show-and-tell" / "evening.snip.markdown"
    path.write_text(path.read_text().replace("An evening.", "A long evening."))
    assert import_snips([snips]).of("evening").result == "changed"
    evening = post("evening")
    assert (evening.body, evening.kind, evening.author_id) == ("A long evening.", "page", number)


def test_two_files_about_one_person_are_told_apart_every_time(app: Flask, alice: Member, snips: Path) -> None:
    (snips / "people" / "old").mkdir()
    (snips / "people" / "old" / "ada-archer.snip.markdown").write_text(f"Other.\n\n{DATED}")
    for _ in range(2):
        report = import_snips([snips])
        assert report.of("people/old").result == "refused"
    assert (
        db.session.execute(select(Member.bio).where(Member.slug == "ada-archer")).scalar_one().startswith("Ada reads")
    )


def test_a_text_about_a_member_that_was_taken_away_here_stays_away(app: Flask, alice: Member, snips: Path) -> None:
    import_snips([snips])
    ada = db.session.execute(select(Member).where(Member.slug == "ada-archer")).scalar_one()
    edit_profile(ada.id, ada.version, name=ada.name, email="", slug=ada.slug, bio="", by=alice.id)
    path = snips / "people" / "ada-archer.snip.markdown"
    path.write_text(f"New words.\n\n{DATED}")
    assert import_snips([snips]).of("ada-archer").result == "refused"
    db.session.rollback()
    assert db.session.execute(select(Member.bio).where(Member.slug == "ada-archer")).scalar_one() == ""


def test_a_file_that_becomes_html_is_rendered_as_html(app: Flask, alice: Member, snips: Path) -> None:
    import_snips([snips])
    path = snips / "show-and-tell" / "evening.snip.markdown"
    path.rename(path.with_name("evening.snip.html"))
    assert import_snips([snips]).of("evening").result == "changed"
    evening = post("evening")
    assert (evening.format, "<p>" in evening.html) == ("html", False)


def test_a_post_whose_file_moves_among_the_people_is_refused_by_name(app: Flask, alice: Member, snips: Path) -> None:
    import_snips([snips])
    (snips / "show-and-tell" / "evening.snip.markdown").rename(snips / "people" / "evening.snip.markdown")
    assert "a post came from a document of that name" in import_snips([snips]).of("evening").reason


def test_a_template_that_becomes_a_post_becomes_one(app: Flask, alice: Member, snips: Path) -> None:
    import_snips([snips])
    (snips / "templates" / "week-nnn.snip.markdown").rename(snips / "blog.snip.markdown")
    (snips / "blog.snip.markdown").rename(snips / "week-nnn.snip.markdown")
    assert import_snips([snips]).of("week-nnn").result == "made"
    assert state("week-nnn") == "draft"


def test_a_dry_run_stores_no_picture_and_sees_two_files_about_one_week(app: Flask, alice: Member, snips: Path) -> None:
    (snips / "weeknotes" / "weeks-1-to-2.snip.markdown").write_text(f"Both.\n\n{KEYS}")
    dry = import_snips([snips], images=snips.parent / "images", dry_run=True)
    assert [path for path in files.folder().rglob("*") if path.is_file()] == []
    real = import_snips([snips], images=snips.parent / "images")
    assert [(o.path, o.result) for o in dry.outcomes] == [(o.path, o.result) for o in real.outcomes]
    assert dry.count("refused") == 1
