"""Taking snips apart."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blogapp.porting.documents import BadDocument, Document
from blogapp.porting.files import MAX_BYTES, decode, find_candidates, read_bytes
from blogapp.porting.snips.parsing import BadSnip, Snip, first_heading, kind_of, parse_snip, parse_time, read_document
from blogapp.posts.weeks import Weeks

TEXT = """\
Week 473
========

Howdi folks. At 10:30: coffee.

[tog]: http://www.example.org/

:name: week-473
:updated_at: 2018-02-09 10:22:25.858411000 +00:00
:Render_as: Blog

:images:
  - one.png
  - two.png
:author: chris-roos
:odd key: no
"""


def snip(body: str = "Text.", folder: str = "weeknotes", name: str = "week-1", **meta: str) -> Document:
    lines = "".join(f":{key}: {value}\n" for key, value in {"created_at": "2018-02-09", **meta}.items())
    return read_document(parse_snip(f"{name}.snip.markdown", f"{body}\n\n{lines}"), folder)


def test_the_body_ends_where_the_first_line_begins_with_a_colon() -> None:
    parsed = parse_snip("week-473.snip.markdown", TEXT.replace(":odd key: no\n", ""))
    assert parsed.name == "week-473"
    assert parsed.body.startswith("Week 473\n====")
    assert parsed.body.endswith("[tog]: http://www.example.org/")
    assert parsed.meta == (
        ("name", "week-473"),
        ("updated_at", "2018-02-09 10:22:25.858411000 +00:00"),
        ("Render_as", "Blog"),
        ("images", "\n  - one.png\n  - two.png"),
        ("author", "chris-roos"),
    )
    assert parsed.get("render_as") == "Blog"
    assert parsed.get("nothing") == ""


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("Only text\n", "no metadata"),
        ("", "no metadata"),
        (TEXT, "line 16 stands in the metadata"),
        ("Term\n: its definition\n\n:name: x\n", "line 2 stands in the metadata"),
        (":name: x\nText that got lost\n", "line 2 stands in the metadata"),
        (" : indented\n:\n", "line 2 stands in the metadata"),
    ],
)
def test_what_is_no_snip_is_refused_with_the_line(text: str, reason: str) -> None:
    with pytest.raises(BadSnip, match=reason):
        parse_snip("a.snip.markdown", text)


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm() -> None:
    assert parse_snip("a.md", "\ufeffOne\r\nTwo\r\n\r\n:key: value\r\n") == Snip("a", "One\nTwo", (("key", "value"),))


def test_the_name_is_the_files_and_only_without_one_that_of_the_block() -> None:
    assert parse_snip("week-453.snip.markdown", ":name: week-454").name == "week-453"
    assert parse_snip(".snip", ":name: week-454").name == "week-454"
    assert parse_snip("v1.2.snip.markdown", ":name: v1.2").name == "v1.2"
    assert parse_snip("v1.2.snip.markdown", ":name: v1.3").name == "v1"


def test_what_our_way_out_says_of_kind_and_weeks_counts_more_than_the_name() -> None:
    def read(keys: str) -> tuple[str, Weeks | None]:
        document = read_document(parse_snip("week-7.snip.markdown", f"Text.\n\n{keys}"), "weeknotes")
        return document.kind, document.weeks

    assert read(":post_kind: week\n:weeks: 3-5") == ("week", Weeks(3, 5))
    assert read(":post_kind: article\n:weeks: 3-5") == ("article", None)
    assert read(":post_kind: something else") == ("week", Weeks(7, 7))
    for weeks in ("", "5-3", "soon"):
        with pytest.raises(BadSnip, match=":weeks:"):
            read(f":post_kind: week\n:weeks: {weeks}")


@pytest.mark.parametrize(
    ("name", "folder", "said", "kind", "weeks"),
    [
        ("week-473", "weeknotes", "blog", "week", Weeks(473, 473)),
        ("week-853-and-854", "anywhere", "", "week", Weeks(853, 854)),
        ("weeks-520-to-524", "weeknotes", "blog", "week", Weeks(520, 524)),
        ("week-230-links", "weeklinks", "blog", "links", Weeks(230, 230)),
        ("monday-links", "weeklinks", "blog", "links", None),
        ("introducing-harmonia", "blog", "blog", "article", None),
        ("show-and-tell-24", "show-and-tell", "show-and-tell", "article", None),
        ("about", "soups", "", "page", None),
        ("week-9-to-3", "blog", "", "article", None),
        ("week-10-notes", "soups", "page", "page", None),
    ],
)
def test_the_name_then_the_folder_then_the_block_say_the_kind(
    name: str, folder: str, said: str, kind: str, weeks: Weeks | None
) -> None:
    assert kind_of(name, folder, said) == (kind, weeks)


@pytest.mark.parametrize(
    ("value", "moment"),
    [
        ("2018-02-09 10:22:25.858411000 +00:00", datetime(2018, 2, 9, 10, 22, 25, 858411, UTC)),
        ("2017-08-19 10:50:48 +0100", datetime(2017, 8, 19, 9, 50, 48, 0, UTC)),
        ("2013-07-31 18:00:00 -06:30", datetime(2013, 8, 1, 0, 30, 0, 0, UTC)),
        ("2013-07-31T18:00:00Z", datetime(2013, 7, 31, 18, 0, 0, 0, UTC)),
        ("2013-07-31 18:00", datetime(2013, 7, 31, 18, 0, 0, 0, UTC)),
        ("2013-07-31", datetime(2013, 7, 31, 0, 0, 0, 0, UTC)),
    ],
)
def test_a_moment_is_read_with_its_offset(value: str, moment: datetime) -> None:
    assert parse_time("created_at", value) == moment


@pytest.mark.parametrize(
    "value", ["yesterday", "2013-02-30", "2013-07-31 25:00", "0001-01-01 00:00 +14:00", "٢٠١٣-٠٧-٣١"]
)
def test_what_is_no_moment_is_refused_by_its_key(value: str) -> None:
    with pytest.raises(BadSnip, match=":created_at:"):
        parse_time("created_at", value)


@pytest.mark.parametrize(
    ("body", "heading"),
    [
        ("Week 473\n========\n\nText", "Week 473"),
        ("Text\n\n## A *fine* [day](http://x.example) ##", "A fine day"),
        ("```\n# no heading\n```\n\nSub\n---", "Sub"),
        ("#nothing\n\ntext", ""),
        ("", ""),
        ("# Using `snake_case_names` {#names}", "Using snake_case_names"),
    ],
)
def test_the_first_heading_is_found_and_bare(body: str, heading: str) -> None:
    assert first_heading(body) == heading


def test_the_title_is_the_blocks_else_the_first_heading_else_the_name() -> None:
    assert snip(page_title='Some "Exciting"  news').title == 'Some "Exciting" news'
    assert snip("# From the text\n\nMore").title == "From the text"
    assert snip("Plain", name="weeks-520-to-524").title == "Weeks 520 to 524"
    assert snip("Plain", name="hello-you", folder="blog").title == "Hello You"


def test_draft_is_yes_or_no_and_nothing_else() -> None:
    assert snip(draft="true").draft
    assert snip(Draft="TRUE").draft
    assert not snip(draft="false").draft
    assert not snip().draft
    with pytest.raises(BadSnip, match=":draft:"):
        snip(draft="soon")


def test_a_script_in_the_title_is_refused() -> None:
    for title in ("<script>alert(1)</script>", "Hello <img src=x onerror=alert(1)>", "[x](javascript:alert)"):
        with pytest.raises(BadSnip, match="its title holds a script"):
            snip(page_title=title)
    assert snip(page_title="Why <blink> and onions went").title == "Why <blink> and onions went"


def test_a_name_that_is_no_address_leads_to_the_one_that_it_becomes() -> None:
    document = snip(name="Double Rainbow", folder="blog")
    assert (document.slug, document.old_paths) == ("double-rainbow", ("Double Rainbow",))
    assert snip(name="double_rainbow", folder="blog").old_paths == ()


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), max_size=40)
LINES = st.lists(WORDS.filter(lambda line: not line.startswith(":")), max_size=8)
KEYS = st.from_regex(r"[A-Za-z_-]{1,12}", fullmatch=True)
META = st.lists(st.tuples(KEYS, WORDS.map(str.strip)), min_size=1, max_size=8)


@given(LINES, META)
def test_what_goes_in_comes_out(lines: list[str], meta: list[tuple[str, str]]) -> None:
    body = "\n".join(lines).lstrip("\ufeff").strip()
    text = body + "\n\n" + "\n".join(f":{key}: {value}" for key, value in meta) + "\n"
    parsed = parse_snip("week-1.snip.markdown", text)
    assert parsed.body == body
    assert list(parsed.meta) == meta


@given(st.text(), st.text())
def test_no_text_makes_the_parser_crash(filename: str, text: str) -> None:
    for candidate in (text, f"{text}\n:created_at: {text}\n:draft: {text}\n:kind: {text}"):
        try:
            read_document(parse_snip(filename, candidate), "blog")
        except BadSnip as error:
            assert str(error)  # noqa: PT017


@given(st.binary())
def test_no_bytes_make_the_decoder_crash(data: bytes) -> None:
    try:
        assert decode(data).encode() == data
    except BadDocument as error:
        assert "binary" in str(error) or "UTF-8" in str(error)  # noqa: PT017


def test_what_is_not_utf_8_is_refused_with_the_byte_and_the_line() -> None:
    with pytest.raises(BadDocument, match="byte 0xe9 in line 2"):
        decode(b"one\ncaf\xe9\n")


def test_a_file_is_read_up_to_five_megabytes(tmp_path: Path) -> None:
    file = tmp_path / "large.md"
    file.write_bytes(b"x" * MAX_BYTES)
    assert len(read_bytes(file)) == MAX_BYTES
    file.write_bytes(b"x" * (MAX_BYTES + 1))
    with pytest.raises(BadDocument, match="larger than 5 MB"):
        read_bytes(file)


def test_links_are_named_and_not_followed_and_hidden_files_left_alone(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret.md").write_text("x")
    inside = tmp_path / "inside"
    (inside / "deep" / ".git").mkdir(parents=True)
    (inside / "deep" / "b.md").write_text("x")
    (inside / "a.md").write_text("x")
    (inside / "deep" / ".git" / "config").write_text("x")
    (inside / "away").symlink_to(tmp_path / "outside")
    (inside / "z.md").symlink_to(tmp_path / "outside" / "secret.md")
    found = [(c.path.relative_to(tmp_path).as_posix(), bool(c.reason)) for c in find_candidates([inside])]
    assert found == [
        ("inside/a.md", False),
        ("inside/away", True),
        ("inside/deep/b.md", False),
        ("inside/z.md", True),
    ]
    with pytest.raises(BadDocument, match="symbolic link"):
        read_bytes(inside / "z.md")
