"""Addresses as people type them."""

from datetime import date

import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.errors import Invalid
from blogapp.subscribing.addresses import (
    UNSEEN,
    clean_page,
    network_of,
    normalise_address,
    numbered,
    readable,
    split_lines,
    split_name,
)
from blogapp.subscribing.forms import months_on


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("ann@example.org", "ann@example.org"),
        ("  Ann.Lee+Notes@Example.ORG\n", "ann.lee+notes@example.org"),
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("ann@BÜCHER.example", "ann@xn--bcher-kva.example"),
        ("ann@XN--BCHER-KVA.example", "ann@xn--bcher-kva.example"),
        ("ann@ｅxample.org", "ann@example.org"),
        ("\u200bann@example.org\ufeff", "ann@example.org"),
        ("\u202aann@example.org\u202c", "ann@example.org"),
        ("o'brien@example.org", "o'brien@example.org"),
    ],
)
def test_one_person_has_one_address_however_they_type_it(typed: str, kept: str) -> None:
    assert normalise_address(typed) == kept
    assert normalise_address(kept) == kept


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "   ",
        "ann",
        "ann@",
        "@example.org",
        "ann@example",
        "ann@@example.org",
        "ann@exa mple.org",
        "ann@example.org\r\nBcc: bob@example.org",
        "ann@example.org\nbob@example.org",
        "ann\x00@example.org",
        "ann@exam\u200bple.org",
        "ann@example\u202e.org",
        "änn@example.org",
        "аnn@example.org",
        "Ann <ann@example.org>",
        '"ann lee"@example.org',
        "ann@[192.0.2.1]",
        "a" * 10_000 + "@example.org",
        "ann@" + "a." * 200 + "org",
        "ann@example.org,bob@example.org",
    ],
)
def test_what_is_no_address_is_refused_with_a_word_about_the_field(typed: str) -> None:
    with pytest.raises(Invalid) as refused:
        normalise_address(typed)
    assert refused.value.fields == {"address": str(refused.value)}
    assert len(str(refused.value)) < 300


TYPED = st.text(max_size=200)


@given(TYPED | st.emails() | st.builds("{}@{}".format, TYPED, TYPED | st.just("bücher.example")))
def test_anything_typed_is_an_address_that_stays_itself_or_a_refusal(typed: str) -> None:
    try:
        kept = normalise_address(typed)
    except Invalid:
        return
    assert kept.isascii()
    assert kept == kept.lower()
    assert not set(kept) & set(' \r\n\t\x00<>,;"')
    assert len(kept) <= 254
    assert normalise_address(kept) == kept


def test_an_international_domain_is_shown_as_its_owner_writes_it() -> None:
    assert readable("ann@xn--bcher-kva.example") == "ann@bücher.example"
    assert readable("ann@example.org") == "ann@example.org"
    assert readable("ann@xn--.example") == "ann@xn--.example"


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("ann@example.org", ("", "ann@example.org")),
        ("Ann Lee <ann@example.org>", ("Ann Lee", "ann@example.org")),
        ('"Lee, Ann" <ann@example.org>', ("Lee, Ann", "ann@example.org")),
        ("<ann@example.org>", ("", "ann@example.org")),
        ("Ann <broken", ("Ann", "broken")),
    ],
)
def test_a_line_may_carry_a_name(line: str, parts: tuple[str, str]) -> None:
    assert split_name(line) == parts


@pytest.mark.parametrize(
    ("pasted", "lines"),
    [
        ("a@x.org\nb@x.org\r\n c@x.org ", ["a@x.org", "b@x.org", "c@x.org"]),
        ("a@x.org, b@x.org;c@x.org d@x.org", ["a@x.org", "b@x.org", "c@x.org", "d@x.org"]),
        ("Ann <a@x.org>, Bob <b@x.org>", ["Ann <a@x.org>", "Bob <b@x.org>"]),
        ('"Lee, Ann" <a@x.org>', ['"Lee, Ann" <a@x.org>']),
        ("a@x.org,", ["a@x.org"]),
    ],
)
def test_a_pasted_list_falls_into_its_addresses(pasted: str, lines: list[str]) -> None:
    assert list(split_lines(pasted)) == lines


def test_blank_lines_and_comments_are_passed_over_but_counted() -> None:
    assert list(numbered(["a@x.org", "", "# the old list", "  b@x.org "])) == [(1, "a@x.org"), (4, "b@x.org")]


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.77", "203.0.113.0/24"),
        ("unknown", ""),
        ("", ""),
    ],
)
def test_of_an_ip_address_only_the_network_is_kept(address: str, network: str) -> None:
    assert network_of(address) == network


@pytest.mark.parametrize("page", ["/", "/week-473", "/archive", "/weeks-520-to-524"])
def test_a_page_of_the_site_is_kept_as_where_they_signed_up(page: str) -> None:
    assert clean_page(page) == page


@pytest.mark.parametrize(
    "page", ["", "week-473", "//evil.example", "/evil.example", "/a/b", "/a?b", "/a\r\nBcc: x", "/" + "a" * 99, "/ä"]
)
def test_nothing_else_gets_into_a_mail_by_way_of_the_page(page: str) -> None:
    assert clean_page(page) == ""


def test_a_month_on_from_the_last_day_is_the_last_day() -> None:
    assert months_on(date(2026, 11, 30), 3) == date(2027, 2, 28)
    assert months_on(date(2026, 12, 5), 1) == date(2027, 1, 5)


def test_a_name_keeps_only_what_can_be_shown() -> None:
    assert split_name("A\0nn\x07 Lee <ann@example.org>") == ("Ann Lee", "ann@example.org")


@given(st.emails() | st.text("aB1._+-@é <", min_size=3, max_size=12).map(lambda text: f"{text}@Example.test"))
def test_what_is_quick_for_plain_addresses_decides_as_the_library_does(typed: str) -> None:
    try:
        valid = validate_email(
            typed.strip(UNSEEN), check_deliverability=False, allow_smtputf8=False, test_environment=True
        )
    except EmailNotValidError:
        with pytest.raises(Invalid):
            normalise_address(typed)
    else:
        assert normalise_address(typed) == f"{valid.ascii_local_part}@{valid.ascii_domain}".lower()
