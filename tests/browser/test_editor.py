"""The editor and the desk in a real browser."""

import io
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from PIL import Image
from playwright.sync_api import Dialog, Page, Route, expect

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.digest.publishing import publish
from blogapp.posts.attachments import attach
from blogapp.posts.models import Post
from blogapp.posts.queries import list_revisions
from blogapp.posts.tags import tags_of
from blogapp.posts.weeks import Weeks
from blogapp.posts.writing import create_post, save_post
from tests.people import PASSWORD

pytestmark = pytest.mark.browser


@pytest.fixture
def post(app: Flask, bob: Member) -> Post:
    return create_post("week", "", "First text.", bob.id, weeks=Weeks(473, 473))


def fresh(post: Post) -> Post:
    db.session.rollback()
    return db.session.get_one(Post, post.id, populate_existing=True)


def leave(page: Page) -> bool:
    """Try to follow a link away; whether the browser asked first. The question is answered with "stay"."""
    asked: list[str] = []

    def stay(dialog: Dialog) -> None:
        asked.append(dialog.type)
        dialog.dismiss()

    page.once("dialog", stay)
    page.click("text=Close", no_wait_after=True)
    page.wait_for_timeout(300)
    return asked == ["beforeunload"]


def test_unsaved_text_of_a_published_post_is_not_left_without_a_warning(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    publish(post.id, 1, bob.id)
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.locator("#body").press_sequentially("More. ")
    expect(page.locator("#status")).to_contain_text("Not saved yet")
    assert leave(page)
    assert page.locator("#body").input_value() == "More. First text."
    assert fresh(post).body == "First text.", "a published post never saves itself"
    page.click("button[value=save]")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert not leave(page)
    expect(page).to_have_url(re.compile(rf"/posts/{post.id}$"))


def test_a_draft_saves_itself_and_lists_go_on_by_themselves(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.locator("#body").click()
    page.keyboard.press("Control+End")
    page.keyboard.type("\n\n- [ ] one\ntwo")
    page.keyboard.press("Tab")
    page.keyboard.type("\nthree\n\nAnd a word")
    page.keyboard.press("Control+Shift+ArrowLeft")
    page.keyboard.press("Control+b")
    expect(page.locator("#status")).to_contain_text("Saved at")
    text = "First text.\n\n- [ ] one\n  - [ ] two\n  - [ ] three\n\nAnd a **word**"
    assert page.locator("#body").input_value() == text
    assert (fresh(post).body, fresh(post).state) == (text, "draft")
    assert len(list_revisions(post.id)) == 1, "one revision per ten minutes of one person's work"


def test_the_tools_write_links_footnotes_and_tables(post: Post, bob: Member, open_as: Callable[..., Page]) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.fill("#body", "We like bread.")
    page.evaluate("document.getElementById('body').setSelectionRange(8, 13)")
    page.evaluate(
        """() => { const data = new DataTransfer(); data.setData("text/plain", "https://bread.test/");
        document.getElementById("body").dispatchEvent(
          new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true })); }"""
    )
    page.click("[data-act=footnote]")
    page.keyboard.type("With butter.")
    assert page.locator("#body").input_value() == "We like [bread](https://bread.test/)[^1].\n\n[^1]: With butter."
    page.keyboard.type("\n\n")
    page.click("[data-act=table]")
    page.keyboard.type("Loaf")
    page.evaluate(
        "const area = document.getElementById('body'); area.setSelectionRange(...Array(2).fill(area.value.length - 6))"
    )
    page.keyboard.type("rye")
    page.keyboard.press("End")
    page.keyboard.type("\nspelt")
    assert (
        page.locator("#body").input_value().endswith("| Loaf | How many |\n| --- | ---: |\n| rye |  |\n| spelt |  |\n")
    )
    page.fill("#body", "Some words.\nMore.")
    page.evaluate("document.getElementById('body').setSelectionRange(0, 4)")
    page.click("[data-act=table]")
    assert page.locator("#body").input_value().startswith("Some words.\n\n| What"), "what is chosen stays"


def test_what_a_closed_tab_left_behind_is_offered_back_and_put_together(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    long = "One.\n\nTwo.\n\nThree.\n"
    save_post(post.id, 1, bob.id, title="", body=long)
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.context.set_offline(True)
    page.fill("#body", long.replace("Three", "Three, typed on a train"))
    expect(page.locator("#status")).to_contain_text("the site cannot be reached")
    # A tab that goes tries once more, and Chromium's pretended dead network may be gone before the tab is.
    page.evaluate("() => { window.fetch = () => Promise.reject(new TypeError('no network')); }")
    page.close(run_before_unload=False)
    save_post(post.id, 2, erin.id, title="", body=long.replace("One", "One, by Erin"))
    again = page.context.new_page()
    again.context.set_offline(False)
    again.goto(f"/posts/{post.id}/edit")
    expect(again.locator("#kept")).to_contain_text("that was not saved")
    again.click("text=Bring it back")
    expect(again.locator("#status")).to_contain_text("Erin Eames’s changes are in it, too")
    both = long.replace("One", "One, by Erin").replace("Three", "Three, typed on a train")
    assert again.locator("#body").input_value() == fresh(post).body == both
    expect(again.locator("#kept")).to_be_hidden()
    again.reload()
    expect(again.locator("#kept")).to_be_hidden()


def test_of_two_tabs_that_a_crash_took_both_texts_are_offered_back(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    publish(post.id, 1, bob.id)  # It does not save itself.
    pages = [open_as(bob, f"/posts/{post.id}/edit")]
    pages += [pages[0].context.new_page(), pages[0].context.new_page()]
    for page, words in zip(pages, ("tab one", "tab two", "of a tab that lives"), strict=True):
        page.goto(f"/posts/{post.id}/edit")
        page.fill("#body", f"From {words}.")
        expect(page.locator("#status")).to_contain_text("kept in this browser")
    for page in pages[:2]:
        page.close(run_before_unload=False)
    again = pages[2].context.new_page()
    again.goto(f"/posts/{post.id}/edit")
    for words in ("tab two", "tab one"):
        expect(again.locator("#kept pre")).to_have_text(f"From {words}.")
        again.click("text=Bring it back" if words == "tab one" else "text=Throw it away")
    expect(again.locator("#kept")).to_be_hidden()
    again.keyboard.press("Control+s")
    expect(again.locator("#status")).to_contain_text("Saved at")
    assert fresh(post).body == "From tab one."
    # What the one saved is no reason to forget what the other has not.
    pages[2].once("dialog", lambda dialog: dialog.accept())
    pages[2].reload()
    expect(pages[2].locator("#kept pre")).to_have_text("From of a tab that lives.")


def test_text_typed_after_the_log_in_ended_is_there_after_the_next_one(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.context.clear_cookies()
    page.fill("#body", "Typed by nobody in particular.")
    expect(page.locator("#status")).to_contain_text("You are logged out")
    page.once("dialog", lambda dialog: dialog.accept())
    page.click("#status a")
    page.fill("[name=email]", str(bob.email))
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    expect(page.locator("#kept")).to_contain_text("that was not saved")
    page.click("text=Bring it back")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert fresh(post).body == "Typed by nobody in particular."


def test_who_logs_in_again_in_another_tab_just_goes_on_writing(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    other = page.context.new_page()
    other.goto("/write")
    other.click("text=Log out")
    page.fill("#body", "Typed")
    expect(page.locator("#status")).to_contain_text("You are logged out")
    other.goto("/login")
    other.fill("[name=email]", str(bob.email))
    other.fill("[name=password]", PASSWORD)
    other.press("[name=password]", "Enter")
    other.wait_for_url("**/write")
    page.fill("#body", "Typed, and typed on.")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert fresh(post).body == "Typed, and typed on."
    expect(page.locator("#preview-text")).to_have_text("Typed, and typed on.")


def test_a_draft_saves_no_half_typed_setting_and_empties_no_field_under_ones_fingers(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.click("details.about summary")
    page.locator("#tags").press_sequentially("boats, ")
    page.locator("#title").fill("")
    expect(page.locator("#status")).to_contain_text("What else you changed waits for Save")
    assert page.locator("#title").input_value() == "", "whoever empties a title is about to type another"
    assert page.locator("#tags").input_value() == "boats, "
    assert tags_of(post.id) == []
    page.keyboard.type("Boats")
    page.keyboard.press("Control+s")
    expect(page.locator("#status")).to_have_text(re.compile(r"Saved at \d\d:\d\d\.\s*$"))
    assert (fresh(post).title, tags_of(post.id)) == ("Boats", ["boats"])


def test_two_people_in_one_draft_see_each_other_and_one_text(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    save_post(post.id, 1, bob.id, title="", body="One.\n\nTwo.\n\nThree.\n")
    bobs, erins = (open_as(person, f"/posts/{post.id}/edit") for person in (bob, erin))
    expect(erins.locator("#others")).to_have_text("Bob Barker has this post open, too.")
    bobs.locator("#body").click()
    bobs.keyboard.press("Control+Home")
    bobs.keyboard.type("Bob. ")
    expect(bobs.locator("#status")).to_contain_text("Saved at")
    erins.locator("#body").click()
    erins.keyboard.press("Control+End")
    erins.keyboard.type("Erin.")
    expect(erins.locator("#status")).to_contain_text("Bob Barker’s changes are in it, too")
    assert erins.locator("#body").input_value() == "Bob. One.\n\nTwo.\n\nThree.\nErin."
    erins.keyboard.type(" The cursor stayed.")
    assert erins.locator("#body").input_value().endswith("Three.\nErin. The cursor stayed.")
    # What Erin saved comes in while Bob types nothing, with the next sign of life.
    bobs.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(bobs.locator("#body")).to_have_value(re.compile("Erin"))
    assert bobs.locator("#others").text_content() == "Erin Eames has this post open, too."


def test_what_one_chose_and_another_saved_meanwhile_is_no_silent_loss(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.click("details.about summary")
    page.locator("#tags").fill("boats")
    page.locator("#body").press_sequentially("Bob. ")
    page.locator("#title").click()
    save_post(post.id, 1, erin.id, title="Erin’s title", body="First text.", tags=["rope"])
    expect(page.locator("#status")).to_contain_text("changes are in it, too")
    expect(page.locator("#title")).to_have_value("Erin’s title")
    assert page.locator("#tags").input_value() == "boats", "what is chosen and not saved stays"
    page.keyboard.press("End")
    page.keyboard.type("!")
    save_post(post.id, fresh(post).version, erin.id, title="Yes, Erin’s title", body=fresh(post).body)
    expect(page.locator("#status")).to_contain_text("Erin Eames’s changes are in it, too")
    assert page.locator("#title").input_value() == "Erin’s title!", "somebody is at it"
    page.keyboard.type("!")
    expect(page.locator("#status")).to_contain_text("What else you changed waits for Save")
    expect(page.locator("#status")).to_contain_text("Saved at")
    page.wait_for_timeout(2_500)
    assert (fresh(post).title, tags_of(post.id)) == ("Yes, Erin’s title!!", ["rope"])
    page.keyboard.press("Control+s")
    expect(page.locator("#tags")).to_have_value(re.compile("boats.*rope|rope.*boats"))
    assert sorted(tags_of(fresh(post).id)) == ["boats", "rope"], "both chose tags, and both have theirs"


def test_three_people_type_in_one_draft_at_once_and_no_letter_is_lost(
    post: Post, alice: Member, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    save_post(post.id, 1, bob.id, title="", body="One.\n\nTwo.\n\nThree.\n")
    sheets = [open_as(person, f"/posts/{post.id}/edit") for person in (alice, bob, erin)]
    # By turns, letter by letter, before anybody has saved: each types into a paragraph of their own.
    for sheet, number in zip(sheets, ("One", "Two", "Three"), strict=True):
        sheet.evaluate(f"const b = document.getElementById('body'); b.focus();"
                       f"b.setSelectionRange(b.value.indexOf('{number}'), b.value.indexOf('{number}'))")  # fmt: skip
    for letters in zip("Alice. ", "Bobby. ", "Erin E ", strict=True):
        for sheet, letter in zip(sheets, letters, strict=True):
            sheet.keyboard.type(letter)
    whole = "Alice. One.\n\nBobby. Two.\n\nErin E Three.\n"
    for sheet in sheets:
        expect(sheet.locator("#status")).to_contain_text("Saved at")
    for sheet in sheets:
        sheet.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
        expect(sheet.locator("#body")).to_have_value(whole)
    assert fresh(post).body == whole


def test_text_that_came_back_unsaved_from_the_server_is_guarded_too(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.locator(".about summary").click()
    page.fill("#slug", "login")
    page.click("button[value=save]")
    expect(page.locator(".summary")).to_contain_text("is a page of the site itself")
    page.click("#body")  # browsers ask only about pages that somebody has touched
    assert leave(page)


def test_nothing_typed_is_no_reason_to_ask(post: Post, bob: Member, open_as: Callable[..., Page]) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.click("#body")
    assert not leave(page)


def test_saving_keeps_the_place_and_the_keyboard_saves_as_well(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.evaluate("window.here = true")
    page.fill("#body", "Second text.")
    page.keyboard.press("Control+s")
    expect(page.locator("#status")).to_contain_text("Saved at")
    page.fill("#body", "Third text.")
    page.keyboard.press("Control+s")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert page.evaluate("window.here") is True
    assert (fresh(post).body, fresh(post).version) == ("Third text.", 3)


def test_a_site_that_cannot_be_reached_costs_no_text(post: Post, bob: Member, open_as: Callable[..., Page]) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")

    def cut(route: Route) -> None:
        route.abort()

    page.route("**/edit", cut)
    page.fill("#body", "Typed on a train.")
    page.click("button[value=save]")
    expect(page.locator("#status")).to_contain_text("the site cannot be reached. Your text is still here")
    page.unroute("**/edit", cut)
    page.click("button[value=save]")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert fresh(post).body == "Typed on a train."


def test_the_preview_follows_what_is_typed_and_words_are_counted(
    post: Post, bob: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit", viewport={"width": 1000, "height": 800})
    assert page.locator("#preview").is_hidden(), "there is no room beside the text"
    page.set_viewport_size({"width": 1280, "height": 800})
    page.reload()
    expect(page.locator("#preview-text")).to_have_text("First text.")
    page.fill("#body", "## Heading\n\nIt's **bold**, isn't it?")
    expect(page.locator("#preview-text strong")).to_have_text("bold")
    expect(page.locator("#preview-text h2")).to_have_text("Heading")
    expect(page.locator("#words")).to_have_text("5 words")
    page.fill("#title", "Another title")
    expect(page.locator("#preview-title")).to_have_text("Another title")
    page.click("#preview-button")
    assert page.locator("#preview").is_hidden()
    page.reload()
    assert page.locator("#preview").is_hidden(), "as it was left"


def test_where_two_changed_the_same_words_one_click_settles_it(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.fill("#body", "Bob's hours of work.")  # Before hers: into an untouched text hers would simply come in.
    save_post(post.id, 1, erin.id, title="", body="Erin's text.")
    expect(page.locator("#status")).to_contain_text("Erin Eames changed the same words")
    page.click("text=Look at both")
    expect(page.locator("h1")).to_have_text("Erin Eames saved this post, too")
    assert page.locator("mark").all_text_contents() == ["Erin's text.", "Bob's hours of work."]
    page.click("text=Take mine")
    expect(page.locator(".notice")).to_contain_text("Saved at")
    assert fresh(post).body == "Bob's hours of work."
    assert [r.body for r in list_revisions(post.id)][:2] == ["Bob's hours of work.", "Erin's text."]
    expect(page.locator("#kept")).to_be_hidden()
    page.fill("#body", "And on.")
    page.keyboard.press("Control+s")
    expect(page.locator("#status")).to_contain_text("Saved at")
    assert fresh(post).body == "And on."
    assert page.get_by_text("Saved at").count() == 1, "what was said before says nothing any more"


def test_a_clash_that_is_settled_with_the_others_words_offers_ones_own_no_more(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    page = open_as(bob, f"/posts/{post.id}/edit")
    page.fill("#body", "Bob's hours of work.")
    save_post(post.id, 1, erin.id, title="", body="Erin's text.")
    page.click("text=Look at both")
    page.click("text=Take theirs")
    expect(page.locator(".notice")).to_contain_text("Saved at")
    expect(page.locator("#body")).to_have_value("Erin's text.")
    page.reload()
    expect(page.locator("#preview-text")).to_have_text("Erin’s text.")
    assert page.locator("#kept").is_hidden()


def test_a_picture_is_put_where_the_cursor_is(
    post: Post, bob: Member, open_as: Callable[..., Page], tmp_path: Path
) -> None:
    picture = tmp_path / "The view.png"
    Image.new("RGB", (3, 2), "red").save(picture)
    page = open_as(bob, f"/posts/{post.id}/edit")
    expect(page.locator("#attach-button")).to_be_hidden()
    page.fill("#body", "Before.\n\nAfter.")
    page.evaluate("document.getElementById('body').setSelectionRange(9, 9)")
    page.set_input_files("#files", picture)
    expect(page.locator("#status")).to_contain_text("the-view.png is attached")
    text = page.locator("#body").input_value()
    assert re.fullmatch(r"Before\.\n\n!\[the view\]\(/files/\d+/the-view\.png\)\nAfter\.", text)
    big = tmp_path / "broken.png"
    big.write_bytes(picture.read_bytes()[:40])
    page.set_input_files("#files", big)
    expect(page.locator("#status")).to_contain_text("broken")
    assert page.locator("#body").input_value() == text


def test_without_javascript_the_same_buttons_work(
    post: Post, bob: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    attach(post.id, "a.txt", io.BytesIO(b"one"), bob.id)
    page = open_as(bob, f"/posts/{post.id}/edit", java_script_enabled=False)
    expect(page.locator("button.insert")).to_be_hidden()
    page.fill("#body", "*Second*")
    page.click("button[value=preview]")
    expect(page.locator("#preview-text em")).to_have_text("Second")
    page.click("button[value=save]")
    expect(page.locator(".notice")).to_contain_text("Saved at")
    save_post(post.id, 2, erin.id, title="", body="Erin's")
    page.fill("#body", "Third")
    page.click("button[value=save]")
    assert "Erin's" in page.locator("mark").all_text_contents()
    page.click("text=Take mine")
    assert fresh(post).body == "Third"


def test_the_members_pages_have_no_barriers_and_never_scroll_sideways(
    post: Post, alice: Member, erin: Member, open_as: Callable[..., Page]
) -> None:
    save_post(post.id, 1, erin.id, title="", body="Erin's " + "long" * 60)
    published = create_post("week", "", "x", alice.id, weeks=Weeks(472, 472))
    publish(published.id, 1, alice.id)
    paths = ["/write", "/write?words=nothing", "/write/new", f"/posts/{post.id}", f"/posts/{post.id}/edit",
             f"/posts/{post.id}/revisions", f"/posts/{post.id}/revisions/1", f"/posts/{post.id}/digest",
             f"/posts/{published.id}"]  # fmt: skip
    for scheme in ("light", "dark"):
        page = open_as(alice, "/write", color_scheme=scheme)
        for path in paths:
            page.goto(path)
            page.evaluate("document.querySelectorAll('details').forEach((part) => part.open = true)")
            found = Axe().run(page, options={"iframes": False})
            assert found.violations_count == 0, f"{path} ({scheme})\n{found.generate_report()}"
            for width in (320, 390, 768, 1280):
                page.set_viewport_size({"width": width, "height": 800})
                beyond = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
                assert beyond <= 0, f"{path} at {width}"
