"""Saying template helpers in plain words: a closed list, read and never run."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.porting.snips.calls import Call, Symbol, Unreadable, parse_call
from blogapp.porting.snips.templating import Listed, Translation, Translator, image_address

SHELF = {
    "about": ("markdown", "About *us*."),
    "street": ("html", "12 Canal Street"),
    "loop": ("markdown", "<%= include_snip 'loop' %>"),
    "broken": ("markdown", "<%= explode %>"),
}


class Shelf:
    """A few documents."""

    def find(self, name: str) -> Listed | None:
        known = {
            "ada": Listed("ada", "Ada Archer", None, image="images/people/ada.jpg"),
            "ledger": Listed("ledger", "Reading a <ledger>", None),
        }
        return known.get(name)

    def text_of(self, name: str) -> tuple[str, str] | None:
        found = SHELF.get(name)
        return None if found is None else (found[1], found[0])

    def folder(self, name: str) -> list[Listed]:
        if name not in ("blog", "show-and-tell"):
            return []
        days = [datetime(2018, 1, day, tzinfo=UTC) for day in (1, 2, 3)]
        return [
            Listed("second", "Second", days[1]),
            Listed("first", "First", days[0]),
            Listed("draft", "Draft", days[2], is_draft=True),
        ]


def said(text: str, format: str = "markdown", *, spare_code: bool = True) -> Translation:
    return Translator(Shelf(), format, spare_code, to_html=lambda words: f"<p>{words}</p>").translate(text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Good. <%= by('james-mead') %>", "Good. — [James Mead](/james-mead)"),
        ('<%=by("ada")%>', "— [Ada Archer](/ada)"),
        ("<%= by('ada', 'tom') %>", "— [Ada Archer](/ada), [Tom](/tom)"),
        ("<%= l('ledger', 'the ledger') %>", "[the ledger](/ledger)"),
        ("<%= link_to 'Here', '/there' %>", "[Here](/there)"),
        ("<%= link_to('A [b]', url_to('ledger')) %>", "[A \\[b\\]](/ledger)"),
        ("<%= image_tag 'blog/a.png', alt: 'A' %>", "![A](/images/blog/a.png)"),
        ("<%= image_tag('/x.png', :alt => 'X', title: 'Why') %>", '![X](/x.png "Why")'),
        (
            "<%= image_tag 'a.png', alt: 'A \"b\"', class: 'wide', width: 300, onload: 'x()' %>",
            '<img src="/images/a.png" alt="A &quot;b&quot;" class="wide" width="300">',
        ),
        ("<%= image_tag 'a.png', size: '3x4' %>", '<img src="/images/a.png" alt="" width="3" height="4">'),
        ("![a](<%= image_path 'blog/a.png' %>)", "![a](/images/blog/a.png)"),
        ("[Big](<%= image_path('https://x.test/a.png') -%>)", "[Big](https://x.test/a.png)"),
        ("<%= project 'ledger' %>", '<a href="/ledger">Reading a &lt;ledger&gt;</a>'),
        ("<%= member 'ada' %>", '<img src="/images/people/ada.jpg" alt=""> <a href="/ada">Ada Archer</a>'),
        ("<%= include_snip 'about' %>", "About *us*."),
        ("<%# a note for nobody %>", ""),
        ("<%% literally", "<%% literally"),
        ("  <li><%= link_to 'Here', '/there' %></li>", '  <li><a href="/there">Here</a></li>'),
    ],
)
def test_a_helper_is_said_in_markdown(text: str, words: str) -> None:
    assert said(text).text == words
    assert said(text).left == ()


def test_in_html_a_link_is_html_and_a_markdown_text_is_rendered() -> None:
    assert said("<%= by('ada') %>", "html").text == '— <a href="/ada">Ada Archer</a>'
    assert said("<%= include_snip 'about' %>", "html").text == "<p>About *us*.</p>"
    assert said("<p>At <%= include_snip 'street' %></p>", "html").text == "<p>At 12 Canal Street</p>"


def test_a_listing_becomes_the_links_that_it_would_list_without_drafts() -> None:
    text = """<ol>
  <% ShowAndTell.all.to_enum.with_index(1).reverse_each do |snip, index| %>
    <%= content_tag(:li, link_to(snip.page_title, url_to(snip.name)), value: index) %>
  <% end %>
</ol>"""
    items = '<li value="2"><a href="/second">Second</a></li>\n<li value="1"><a href="/first">First</a></li>'
    assert said(text).text == f"<ol>\n  {items}\n</ol>"
    listed = '<ol>\n<li><a href="/second">Second</a></li>\n<li><a href="/first">First</a></li>\n</ol>'
    assert said("<%= list_of kind: 'blog', element: 'ol' %>").text == listed


def test_who_signs_is_told() -> None:
    assert said("<%= by('ada') %> and <%= by('tom') %>").signers == {"ada", "tom"}


@pytest.mark.parametrize(
    "tag",
    [
        "<%= system('rm -rf /') %>",
        "<%= by('chris-lowis) %>",
        "<%= by('No Slug') %>",
        "<%= `ls` %>",
        '<%= by("#{name}") %>',
        "<% while true %>",
        "<%= member 'nobody' %>",
        "<%= include_snip 'nothing' %>",
        "<%= include_snip '../../etc/passwd' %>",
        "<%= include_snip 'loop' %>",
        "<%= include_snip 'broken' %>",
        "<%= link_to 'x' %>",
        "<%= image_tag %>",
        "<%= by('a').upcase %>",
        "<%= list_of kind: 'unknown' %>",
        "<%= tagline %>",
    ],
)
def test_anything_else_stays_as_text_and_is_told_with_its_line(tag: str) -> None:
    translation = said(f"One\n\nTwo {tag} three")
    assert translation.text == f"One\n\nTwo {tag} three"
    assert translation.left == ((3, tag),)


def test_tags_in_code_are_examples_unless_the_document_says_that_it_is_a_template() -> None:
    text = "`<%= by('ada') %>`\n\n```erb\n<%= by('ada') %>\n```\n\n<%= by('ada') %>"
    assert said(text).text == text.removesuffix("<%= by('ada') %>") + "— [Ada Archer](/ada)"
    assert said(text, spare_code=False).text.count("Ada Archer") == 3


def test_a_text_whose_tags_are_not_its_business_stays() -> None:
    text = "<%= by('ada') %>"
    assert Translator(Shelf(), "markdown", allowed=False).translate(text) == Translation(text)


def test_a_call_is_read_with_all_kinds_of_values() -> None:
    call = parse_call("tag(:li, link_to('a', url_to(\"b\")), value: 3, :open => true, none: nil)")
    assert call.arguments == [Symbol("li"), Call("link_to", ["a", Call("url_to", ["b"])])]
    assert call.options == {"value": "3", "open": True, "none": None}


@pytest.mark.parametrize("source", ["", "'a'", "a b c", "f(1", "f(1))", "f(1 2)", "a(b(c(d(e(1)))))", "x = 1", "f(&b)"])
def test_what_is_no_plain_call_is_not_read(source: str) -> None:
    with pytest.raises(Unreadable):
        parse_call(source)


def test_an_images_address_is_behind_the_images_folder_once() -> None:
    assert image_address("images/a.png") == image_address("a.png") == "/images/a.png"


@given(st.text(alphabet="<%=>-#' \"(){}ab\n:,", max_size=60))
def test_no_text_makes_the_translator_crash(text: str) -> None:
    translation = said(text)
    assert translation.text == text or "<%" in text
