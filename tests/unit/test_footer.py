"""The links at the foot of a page, as people type and paste them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.core.footer import FooterLink, parse_links


def test_a_line_is_words_and_an_address_in_any_order_people_paste_them() -> None:
    text = (
        "About us /about\r\n\n  Mastodon: https://social.example/@notes  me\n"
        "<mailto:notes@example.org> Write to us\nCode (https://code.example/a(b))"
    )
    assert parse_links(text) == (
        FooterLink("About us", "/about"),
        FooterLink("Mastodon", "https://social.example/@notes", "me"),
        FooterLink("Write to us", "mailto:notes@example.org"),
        FooterLink("Code", "https://code.example/a(b)"),
    )
    assert parse_links("") == parse_links(" \n ") == ()


def test_in_the_environment_a_semicolon_ends_a_line() -> None:
    assert [link.label for link in parse_links("Code https://code.example/?a=1;b=2; About /about")] == ["Code", "About"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Code https://code.example\nAbout", "Line 2 has no address"),
        ("Code code.example", "Line 1 has no address"),
        ("Bad javascript:alert(1)", "Line 1 has no address"),
        ("https://code.example", "no words"),
        ("a https://one.example https://two.example", "more than one"),
        ("a //other.example/", "cannot|not an address"),
        ("a /\\other.example", "not an address"),
        ("a https://", "not an address"),
        ("a https://[x/", "not an address"),
        ("a mailto:nobody", "not an address"),
        ("x" * 61 + " /about", "too long"),
        ("\n".join(f"Page {n} /{n}" for n in range(13)), "13 links; at most 12"),
    ],
)
def test_what_is_no_link_is_explained_with_its_line(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse_links(text)


@given(st.text(max_size=80))
def test_no_text_breaks_it_and_no_address_runs_anything(text: str) -> None:
    try:
        links = parse_links(text)
    except ValueError:
        return
    assert all(link.address.lower().startswith(("http://", "https://", "mailto:", "/")) for link in links)
