"""What readers find at flat addresses: posts, pages, members; who may see what."""

from collections.abc import Callable
from datetime import timedelta

from flask import Flask
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.addresses import Redirect, claim_slug
from blogapp.core.db import transaction
from tests import people
from tests.pages import soup, text
from tests.posts import SOME_DAY, article, week


def test_a_note_shows_its_week_its_dates_its_author_and_its_text(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473, body="Week 473\n========\n\nWe *worked*.\n")
    response = reader.get("/week-473")
    assert response.status_code == 200
    assert text(response, "h1") == "Week 473"
    assert text(response, "h1 .figure") == "473"
    assert text(response, ".dates") == "5 to 9 February 2018"
    heard = soup(response).select_one(".head .meta")
    heard.select_one("[aria-hidden=true].face").extract()  # type: ignore[union-attr]
    assert " ".join(heard.get_text(" ").split()) == "By Bob Barker , published 12 February 2018"  # type: ignore[union-attr]
    assert soup(response).select_one('.head .meta a[href="/bob-barker"][rel~=author]')
    assert text(response, ".prose") == "We worked ."
    assert soup(response).title.string == "Week 473 · The Notebook"  # type: ignore[union-attr]
    assert len(soup(response).select("h1")) == 1


def test_a_title_of_its_own_stands_beside_the_figure(reader: FlaskClient, bob: Member) -> None:
    week(bob, 853, 854, title="Two weeks of snow")
    response = reader.get("/week-853-and-854")
    assert text(response, "h1") == "Two weeks of snow"
    assert text(response, ".figure[aria-hidden=true]").replace(" ", "") == "853–854"


def test_a_later_edit_is_dated_and_one_on_the_same_day_is_not(reader: FlaskClient, bob: Member) -> None:
    article(bob, "soon", updated_at=SOME_DAY + timedelta(hours=3))
    article(bob, "later", updated_at=SOME_DAY + timedelta(days=3))
    assert "updated" not in text(reader.get("/soon"), ".head")
    assert "updated 15 February 2018" in text(reader.get("/later"), ".head")


def test_notes_lead_to_the_weeks_before_and_after_whatever_their_order_of_publication(
    reader: FlaskClient, bob: Member
) -> None:
    week(bob, 472, at=SOME_DAY + timedelta(minutes=5))
    week(bob, 473, at=SOME_DAY)
    week(bob, 475, 476, at=SOME_DAY + timedelta(days=30))
    week(bob, 474, state="draft")
    article(bob, "between", at=SOME_DAY + timedelta(minutes=1))
    page = soup(reader.get("/week-473"))
    assert [a["href"] for a in page.select(".pager a")] == ["/week-472", "/week-475-and-476"]
    assert [link["href"] for link in page.select("link[rel=prev], link[rel=next]")] == [
        "/week-472",
        "/week-475-and-476",
    ]
    assert [a["href"] for a in soup(reader.get("/week-472")).select(".pager a")] == ["/week-473"]


def test_articles_lead_to_articles_by_date_and_pages_nowhere(reader: FlaskClient, bob: Member) -> None:
    for number, slug in enumerate(["one", "two", "three"]):
        article(bob, slug, at=SOME_DAY + timedelta(days=number))
        article(bob, f"page-{slug}", kind="page", at=SOME_DAY + timedelta(days=number))
    assert [a["href"] for a in soup(reader.get("/two")).select(".pager a")] == ["/one", "/three"]
    assert soup(reader.get("/page-two")).select(".pager") == []
    assert soup(reader.get("/page-two")).select(".head .meta") == []


def test_a_note_names_the_links_of_its_week(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473)
    week(bob, 473, kind="links", slug="week-473-links", title="Week 473 links")
    week(bob, 473, kind="links", slug="more-links", title="More links", state="draft")
    assert [a["href"] for a in soup(reader.get("/week-473")).select(".companions a")] == ["/week-473-links"]
    assert [a["href"] for a in soup(reader.get("/week-473-links")).select(".companions a")] == ["/week-473"]


def test_a_draft_does_not_exist_for_strangers(reader: FlaskClient, bob: Member) -> None:
    article(bob, "draft", state="draft", title="Canary")
    article(bob, "withdrawn", state="draft", first_published_at=SOME_DAY, title="Canary")
    for address in ("/draft", "/withdrawn"):
        response = reader.get(address)
        assert response.status_code == 404
        assert "Canary" not in response.text
    assert reader.get("/draft").data.replace(b"/draft", b"") == reader.get("/nothing").data.replace(b"/nothing", b"")


def test_a_member_sees_a_draft_with_a_banner_and_no_cache_keeps_it(
    log_in: Callable[[Member], FlaskClient], bob: Member, carol: Member
) -> None:
    article(bob, "draft", state="draft", title="Not yet")
    article(bob, "withdrawn", state="draft", first_published_at=SOME_DAY)
    browser = log_in(carol)
    response = browser.get("/draft")
    assert response.status_code == 200
    assert "Draft." in text(response, ".notice")
    assert response.headers["Cache-Control"] == "private, no-store"
    assert "ETag" not in response.headers
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert soup(response).select("link[rel=canonical], meta[property]") == []
    assert "Withdrawn." in text(browser.get("/withdrawn"), ".notice")


def test_what_was_public_and_is_deleted_is_gone_for_everybody(
    reader: FlaskClient, log_in: Callable[[Member], FlaskClient], bob: Member
) -> None:
    article(bob, "gone", state="draft", first_published_at=SOME_DAY, deleted_at=SOME_DAY, title="Canary")
    article(bob, "never", state="draft", deleted_at=SOME_DAY, title="Canary")
    with transaction() as session:
        session.add(Redirect(path="purged", target=None))
    for browser in (reader, log_in(bob)):
        for address, status in [("/gone", 410), ("/purged", 410), ("/never", 404)]:
            response = browser.get(address)
            assert response.status_code == status
            assert "Canary" not in response.text


def test_a_renamed_post_is_found_by_its_old_address(reader: FlaskClient, bob: Member) -> None:
    post = article(bob, "old-name")
    with transaction() as session:
        session.merge(post).slug = "new-name"
        claim_slug(session, "new-name", f"post:{post.id}", moved_from="old-name")
    response = reader.get("/old-name")
    assert (response.status_code, response.location) == (301, "/new-name")
    assert reader.get("/new-name").status_code == 200


def test_an_old_address_tells_strangers_nothing_of_a_post_that_they_may_not_see(
    reader: FlaskClient, log_in: Callable[[Member], FlaskClient], bob: Member
) -> None:
    for slug, changes in {"withdrawn": {}, "deleted": {"deleted_at": SOME_DAY}}.items():
        post = article(bob, f"new-{slug}", state="draft", first_published_at=SOME_DAY, **changes)
        with transaction() as session:
            claim_slug(session, f"canary-{slug}", f"post:{post.id}", moved_from=f"old-{slug}")
            session.merge(post).slug = f"canary-{slug}"
    for slug, status in [("withdrawn", 404), ("deleted", 410)]:
        response = reader.get(f"/old-{slug}")
        assert response.status_code == status
        assert "canary" not in response.text + str(response.headers)
    assert log_in(bob).get("/old-withdrawn").location == "/canary-withdrawn"


def test_a_week_leads_to_the_note_that_covers_it(reader: FlaskClient, bob: Member) -> None:
    week(bob, 853, 854)
    for address in ("/week-853", "/week-854", "/weeks-853-to-854", "/week-853-and-854/"):
        response = reader.get(address)
        assert (response.status_code, response.location) == (301, "/week-853-and-854"), address


def test_a_week_does_not_lead_to_a_draft_or_to_what_covers_only_a_part(reader: FlaskClient, bob: Member) -> None:
    week(bob, 853, 854, state="draft")
    week(bob, 470, 471)
    assert reader.get("/week-853").status_code == 404
    assert reader.get("/weeks-470-to-473").status_code == 404


def test_slashes_and_capitals_lead_to_the_tidy_address(reader: FlaskClient, bob: Member) -> None:
    week(bob, 473)
    for address in ("/Week-473", "/week-473/", "/WEEK-473/"):
        response = reader.get(address)
        assert (response.status_code, response.location) == (301, "/week-473"), address


def test_a_missing_page_names_its_nearest_neighbours_but_no_draft(reader: FlaskClient, bob: Member) -> None:
    article(bob, "introducing-harmonia", title="Introducing Harmonia")
    article(bob, "introducing-harmony", title="Canary", state="draft")
    week(bob, 470)
    week(bob, 475)
    response = reader.get("/introducing-harmona")
    assert response.status_code == 404
    assert [a["href"] for a in soup(response).select("main ul a")] == ["/introducing-harmonia"]
    assert [a["href"] for a in soup(reader.get("/week-472")).select("main ul a")] == ["/week-470", "/week-475"]
    assert [a["href"] for a in soup(reader.get("/people/bob-barkr")).select("main ul a")] == ["/bob-barker"]
    assert soup(response).select('main a[href="/archive"]')


def test_an_odd_address_is_simply_not_found(reader: FlaskClient, bob: Member) -> None:
    for address in ("/%00", "/%C3%A9t%C3%A9", "/a'b", "/%25", "/" + "x" * 5000, "/-", "/week-99999999"):
        assert reader.get(address).status_code == 404, address


def test_a_member_has_a_page_with_their_weeks_and_posts(reader: FlaskClient, bob: Member, erin: Member) -> None:
    with transaction() as session:
        session.merge(bob).bio_html = "<p>Writes <strong>code</strong>.</p>"
    week(bob, 473)
    week(erin, 474)
    article(bob, "essay", at=SOME_DAY - timedelta(days=400))
    response = reader.get("/bob-barker")
    assert text(response, "h1") == "Bob Barker"
    assert "Writes code ." in text(response, ".member")
    assert [a["href"] for a in soup(response).select(".weeks ol a")] == ["/week-473"]
    assert [a["href"] for a in soup(response).select(".stream a")] == ["/week-473", "/essay"]
    assert "code" not in text(reader.get("/erin-eames"), "main")


def test_who_left_keeps_a_page_for_their_posts_and_who_never_came_has_none(reader: FlaskClient, app: Flask) -> None:
    left, unread, invited = (people.member(name, "author") for name in ("Lou Left", "Una Unread", "Ivo Invited"))
    article(left, "legacy")
    article(unread, "secret", state="draft")
    with transaction() as session:
        session.merge(left).active = False
        session.merge(unread).active = False
        session.merge(invited).password_hash = None
    assert "No longer writes here" in reader.get("/lou-left").text
    assert reader.get("/una-unread").status_code == 404
    assert reader.get("/ivo-invited").status_code == 404


def test_a_long_list_of_a_members_posts_goes_on_by_keyset(reader: FlaskClient, bob: Member) -> None:
    for number in range(65):
        article(bob, f"post-{number}", at=SOME_DAY + timedelta(days=number))
    first = soup(reader.get("/bob-barker"))
    older = first.select_one(".pager [rel=next]")
    assert older is not None
    second = soup(reader.get(str(older["href"])))
    both = [a["href"] for page in (first, second) for a in page.select(".stream a")]
    assert both == [f"/post-{number}" for number in range(64, -1, -1)]
