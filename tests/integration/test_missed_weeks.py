"""Weeks without a note, and why; the map of weeks, years and months."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient

from blogapp.auth.models import Member
from blogapp.core.errors import Conflict, Invalid, NotAllowed
from blogapp.core.site import site_version
from blogapp.posts.missed import forget_missed, record_missed
from tests.pages import soup, text
from tests.posts import SOME_DAY, article, week


@time_machine.travel(datetime(2018, 2, 28, 12, tzinfo=UTC), tick=False)
def test_a_reason_stands_in_the_map_on_the_year_and_at_the_address(
    reader: FlaskClient, log_in: Callable[[Member], FlaskClient], bob: Member
) -> None:
    week(bob, 470)
    week(bob, 473)
    before = site_version()
    browser = log_in(bob)
    assert browser.get("/archive/2018").text.count("Say why") == 5, "weeks 471, 472 and 474 to 476"
    page = browser.post("/write/weeks/471", data={"reason": "  We were all <at> the lake.\n"})
    assert (page.status_code, page.location) == (303, "/archive/2018#week-471")
    assert site_version() > before
    cell = soup(reader.get("/archive")).select_one('.weeks a[href="/archive/2018#week-471"]')
    assert cell is not None
    assert cell["title"] == cell.get_text() == "Week 471, 22 to 26 January 2018: no note (We were all <at> the lake.)"
    assert text(reader.get("/archive/2018"), "#week-471") == "471 (We were all <at> the lake.)"
    assert "Say why" not in reader.get("/archive/2018").text
    missing = reader.get("/week-471")
    assert missing.status_code == 404
    assert "There is no note about week 471: We were all &lt;at&gt; the lake." in missing.text
    assert [a["href"] for a in soup(missing).select("main ul a")] == ["/week-470", "/week-473"]
    week(bob, 471)
    assert "lake" not in reader.get("/archive").text + reader.get("/archive/2018").text
    assert reader.get("/week-471").status_code == 200


def test_who_may_say_why_and_what_cannot_be_said(
    bob: Member, carol: Member, log_in: Callable[[Member], FlaskClient]
) -> None:
    with pytest.raises(NotAllowed):
        record_missed(471, "Away.", carol.id)
    for reason in ("", " \n ", "x" * 201):
        with pytest.raises(Invalid):
            record_missed(471, reason, bob.id)
    with pytest.raises(Invalid):
        record_missed(10_000, "Away.", bob.id)
    week(bob, 470, 471)
    assert log_in(bob).get("/write/weeks/471").headers["Location"] == "/week-470-and-471"
    with pytest.raises(Conflict):
        record_missed(471, "Away.", bob.id)
    record_missed(472, "Away.", bob.id)
    assert record_missed(472, "Ill.", bob.id).reason == "Ill."
    forget_missed(472, bob.id)
    forget_missed(472, bob.id)


@time_machine.travel(datetime(2018, 2, 28, 12, tzinfo=UTC), tick=False)
def test_a_site_that_began_long_after_its_epoch_has_no_years_of_empty_boxes(reader: FlaskClient, bob: Member) -> None:
    week(bob, 415)
    week(bob, 473)
    page = soup(reader.get("/archive"))
    assert [a["href"] for a in page.select(".weeks .year")] == ["/archive/2018", "/archive/2017", "/archive/2016"]
    assert "Before that there is no note about weeks 0 to 414" in page.get_text()
    assert [li.get_text(" ", strip=True) for li in page.select(".writers li")] == ["Bob Barker 415–473"]


@time_machine.travel(datetime(2018, 12, 30, 12, tzinfo=UTC), tick=False)
def test_a_month_with_many_posts_has_a_page_that_goes_on_by_keyset(reader: FlaskClient, bob: Member) -> None:
    thursday = datetime(2018, 2, 8, tzinfo=UTC)
    week(bob, 473, at=SOME_DAY)
    for number in range(40):
        article(bob, f"early-{number}", at=datetime(2018, 2, 1, tzinfo=UTC) + timedelta(hours=4 * number))
    for number in range(30):
        week(bob, 473, kind="links", slug=f"links-{number}", title=f"Links {number}", at=SOME_DAY)
    article(bob, "on-the-moment", at=thursday)
    for number in range(60):
        article(bob, f"late-{number}", at=thursday + timedelta(hours=number + 1))
    article(bob, "page", kind="page", at=thursday)
    article(bob, "march", at=datetime(2018, 3, 1, tzinfo=UTC))
    year = soup(reader.get("/archive/2018"))
    february = year.select(".month")[0]
    assert len(february.select(".stream a")) == 12
    assert [a["href"] for a in february.select(".on a")] == ["/archive/2018/02"]
    seen, address = [], "/archive/2018/02"
    while address:
        page = soup(reader.get(address))
        seen += [a["href"] for a in page.select(".stream a")]
        address = next((str(a["href"]) for a in page.select(".pager [rel=next]")), "")
    notes = ["/week-473", *(f"/links-{number}" for number in range(30)), "/on-the-moment"]
    before = [f"/early-{number}" for number in range(40)]
    assert seen == before + notes + [f"/late-{number}" for number in range(60)]
    for address in ("/archive/2018/04", "/archive/2018/13", "/archive/2018/00", "/archive/2018/2", "/archive/0001/01",
                    "/archive/2018/02?after=9999", "/archive/2018/02?after=x", "/archive/9999/12"):  # fmt: skip
        assert reader.get(address).status_code == 404, address
