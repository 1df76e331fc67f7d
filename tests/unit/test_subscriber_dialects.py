"""How the lists of other services are understood."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from blogapp.porting.lists.files import BadList, read_layout, read_rows
from blogapp.porting.lists.reading import Reader, Unclear, Wishes
from blogapp.subscribing.entries import Entry
from tests import services

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
JOINED = datetime(2019, 3, 4, 10, 11, 12, tzinfo=UTC)
LEFT = datetime(2020, 5, 6, 7, 8, 9, tzinfo=UTC)

Read = Callable[..., list[Entry]]


@pytest.fixture
def reader(tmp_path: Path) -> Callable[..., tuple[Reader, Path]]:
    def reader(text: str, name: str = "list.csv", **wishes: Any) -> tuple[Reader, Path]:
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return Reader(read_layout(path), Wishes(name=name, **wishes), NOW), path

    return reader


@pytest.fixture
def read(reader: Callable[..., tuple[Reader, Path]]) -> Read:
    """The entries of a list."""

    def read(text: str, name: str = "list.csv", **wishes: Any) -> list[Entry]:
        found, path = reader(text, name, **wishes)
        return [found.read(row)[0] for row in read_rows(path, found.layout)]

    return read


def states(entries: list[Entry]) -> list[str]:
    return [entry.barred or entry.state for entry in entries]


@pytest.mark.parametrize(
    ("text", "service"),
    [
        (services.GHOST, "ghost"),
        (services.MAILCHIMP, "mailchimp"),
        (services.MAILCHIMP_UNSUBSCRIBED, "mailchimp"),
        (services.MAILCHIMP_CLEANED, "mailchimp"),
        (services.BUTTONDOWN, "buttondown"),
        (services.SUBSTACK, "substack"),
        (services.LISTMONK, "listmonk"),
        ("email,name,active\nann@example.org,Ann,1\n", "csv"),
    ],
)
def test_a_file_tells_where_it_comes_from(reader: Callable[..., tuple[Reader, Path]], text: str, service: str) -> None:
    assert reader(text)[0].service.name == service


def test_ghost(read: Read) -> None:
    ann, bea = read(services.GHOST)
    assert (ann.address, ann.name, ann.state, ann.confirmed_at) == ("ann@example.org", "Ann Lee", "confirmed", JOINED)
    assert (bea.state, bea.created_at, bea.unsubscribed_at) == ("unsubscribed", JOINED, None)


def test_mailchimp_keeps_when_and_from_where_they_agreed(read: Read) -> None:
    ann, old = read(services.MAILCHIMP, "subscribed_members_export_1a2b.csv")
    assert (ann.name, ann.state, ann.confirmed_at) == ("Ann Lee", "confirmed", JOINED)
    assert ann.created_at == datetime(2019, 3, 4, 10, tzinfo=UTC)
    assert ann.consent == {
        "source": "import",
        "service": "mailchimp",
        "file": "subscribed_members_export_1a2b.csv",
        "at": "2019-03-04T10:11:12Z",
        "ip": "192.0.2.7",
        "imported_at": "2026-11-23T12:00:00Z",
    }
    assert (old.state, old.confirmed_at, "ip" in old.consent) == ("confirmed", JOINED, False)


def test_mailchimps_other_files_are_known_by_their_columns_under_any_name(read: Read) -> None:
    bea, dan = read(services.MAILCHIMP_UNSUBSCRIBED, "list.csv")
    assert (bea.state, bea.unsubscribed_at) == ("unsubscribed", LEFT)
    assert (dan.state, dan.barred) == ("", "complaint")
    (eve,) = read(services.MAILCHIMP_CLEANED, "list.csv")
    assert (eve.state, eve.barred, eve.evidence["at"]) == ("", "cleaned at Mailchimp", "2020-05-06T07:08:09Z")


def test_mailchimps_non_subscribed_have_never_agreed(read: Read) -> None:
    assert states(read(services.MAILCHIMP, "nonsubscribed_email_audience_export_1a2b.csv")) == ["pending", "pending"]
    assert states(read(services.MAILCHIMP, "old unsubscribed_members_export.csv")) == ["unsubscribed", "unsubscribed"]
    no_dates = '"Email Address",MEMBER_RATING,OPTIN_TIME,CONFIRM_TIME,LEID\nann@example.org,2,,,1\n'
    assert states(read(no_dates, "renamed.csv")) == ["pending"]


def test_buttondown(read: Read) -> None:
    entries = read(services.BUTTONDOWN)
    assert states(entries) == [
        "confirmed",
        "unsubscribed",
        "undeliverable at Buttondown",
        "pending",
        "confirmed",
    ]
    assert entries[1].unsubscribed_at == LEFT
    assert entries[0].consent["ip"] == "192.0.2.7"


def test_substack_tells_by_whether_mail_is_off_not_by_who_pays(read: Read) -> None:
    assert states(read(services.SUBSTACK)) == ["confirmed", "unsubscribed"]
    table = (
        "Email,Name,Stripe plan,Cancel date,Start date\nann@example.org,Ann,,,2019-03-04\nb@example.org,,,2020-01-01,\n"
    )
    assert states(read(table)) == ["confirmed", "pending"]


def test_listmonk_and_its_moments(read: Read) -> None:
    ann, bea, eve = read(services.LISTMONK)
    assert (ann.state, ann.created_at) == ("confirmed", JOINED.replace(microsecond=123456))
    assert (bea.state, bea.created_at) == ("unsubscribed", JOINED.replace(microsecond=123456))
    assert eve.barred == "blocklisted at listmonk"


def test_any_other_list_by_the_names_of_its_columns(read: Read) -> None:
    text = (
        "Full Name,E-Mail,Status,Signup date\n"
        "Ann Lee,ann@example.org,Active,3/4/2019 10:11\n"
        ",Bea <bea@example.org>,Opted Out,\n"
        ",eve@example.org,Hard Bounced,\n"
    )
    ann, bea, eve = read(text)
    assert (ann.name, ann.state, ann.created_at) == ("Ann Lee", "confirmed", JOINED.replace(second=0))
    assert (bea.address, bea.name, bea.state) == ("bea@example.org", "Bea", "unsubscribed")
    assert eve.barred == "hard bounced at a list"


def test_of_several_columns_the_strictest_counts(read: Read) -> None:
    text = "email,status,subscribed,bounced\na@example.org,active,no,\nb@example.org,active,yes,2020-01-01\n"
    a, b = read(text)
    assert (a.state, b.state) == ("unsubscribed", "")
    assert b.barred


def test_what_the_importer_says_makes_stricter_and_never_milder(read: Read) -> None:
    assert states(read(services.LISTMONK, statuses={"": "unsubscribed"}))[:2] == ["unsubscribed", "unsubscribed"]
    assert states(read(services.GHOST, statuses={"": "confirmed"})) == ["confirmed", "unsubscribed"]


def test_a_word_of_ones_own_can_be_explained(read: Read) -> None:
    text = "email,status\nann@example.org,Abonnée\n"
    assert states(read(text, statuses={"abonnée": "confirmed"})) == ["confirmed"]
    with pytest.raises(Unclear, match="Abonnée"):
        read(text)


def test_a_column_can_be_named(read: Read) -> None:
    text = "E-post,Namn,email\nann@example.org,Ann,private@example.org\n"
    (ann,) = read(text, mapping={"email": "e-POST", "name": "Namn"}, statuses={"": "confirmed"})
    assert (ann.address, ann.name) == ("ann@example.org", "Ann")
    with pytest.raises(BadList, match="'Brev'"):
        read(text, mapping={"email": "Brev"})


def test_addresses_without_a_line_of_names_are_found(read: Read) -> None:
    ann, bea = read("Ann,ann@example.org\nBea,bea@example.org\n", mapping={"name": "1"}, statuses={"": "confirmed"})
    assert (ann.address, ann.name, bea.address) == ("ann@example.org", "Ann", "bea@example.org")


def test_a_file_that_says_of_nobody_that_they_agreed_is_silent(reader: Callable[..., tuple[Reader, Path]]) -> None:
    text = "email,name\nann@example.org,Ann\n"
    assert reader(text)[0].silent
    assert not reader(text, statuses={"": "confirmed"})[0].silent
    assert not reader(text, confirm=True)[0].silent
    assert not reader(services.SUBSTACK)[0].silent


def test_without_proof_everybody_is_to_be_asked_but_those_who_left(read: Read) -> None:
    entries = read(services.BUTTONDOWN, confirm=True)
    assert states(entries) == ["pending", "unsubscribed", "undeliverable at Buttondown", "pending", "pending"]
    assert entries[0].confirmed_at is None
    assert entries[0].consent["at"] == "2019-03-04T10:11:12Z"


def test_a_status_that_is_left_blank_is_no_consent(read: Read) -> None:
    assert states(read("email,subscribed_to_emails\nann@example.org,\n")) == ["pending"]
