"""The plain part of the digest against its HTML, for every week's post of a real team: no word and no address lost."""

import re
import shutil
import unicodedata
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask
from lxml import etree
from lxml import html as lxml_html

from blogapp.auth.models import Member
from blogapp.core.db import transaction
from blogapp.core.markup import render
from blogapp.digest.compose import Preview, preview
from blogapp.porting.snips.parsing import parse_snip, read_document
from blogapp.posts.models import Post

pytestmark = pytest.mark.corpus
INLINE = frozenset("a abbr b cite code del em i ins kbd mark q s small span strong sub sup u var".split())
URL = re.compile(r"(?:https?://|www\.)\S+")


@pytest.fixture
def database_url(tmp_path: Path, sqlite_template: Path) -> str:
    """One database is enough: what is looked at here is text."""
    file = tmp_path / "blog.sqlite3"
    shutil.copy(sqlite_template, file)
    return f"sqlite:///{file}"


def words(text: str) -> list[str]:
    """The words in order, without addresses and the numbers of links."""
    text = re.sub(r" ?\[\d+\]", "", URL.sub(" ", text))
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text.replace("\u00ad", "")).replace("_", "").casefold())


def html_words(html: str) -> list[str]:
    """What somebody sees who reads the HTML, pictures by their alt text. Read with another parser than our own."""
    body = lxml_html.document_fromstring(html).body
    for element in body.xpath("//*[contains(@class, 'preheader') or contains(@class, 'footnote-backref')]"):
        element.drop_tree()
    pieces = []
    for event, element in etree.iterwalk(body, events=("start", "end", "comment")):
        block = element.tag not in INLINE
        if event == "start":
            pieces.append((" " if block else "") + (element.get("alt") or "") + (element.text or ""))
        else:
            pieces.append((" " if block else "") + (element.tail or ""))
    return words("".join(pieces))


def addresses(html: str) -> set[str]:
    body = lxml_html.document_fromstring(html).body
    found = {str(url) for url in body.xpath("//a/@href | //img/@src") if not url.startswith("#")}
    return {re.sub(r"^mailto:([^?]*).*", r"\1", url) for url in found}


def missing(wanted: list[str], text: list[str]) -> list[str]:
    """The first words that `text` does not have in this order; empty where it has them all."""
    rest = iter(text)
    for number, word in enumerate(wanted):
        if word not in rest:
            return wanted[max(0, number - 5) : number + 5]
    return []


def lost(seen: Preview) -> list[str]:
    text_addresses = set(re.findall(r"[^\s<>]+", seen.text))
    gone = [url for url in addresses(seen.html) if url not in text_addresses and url not in seen.text]
    # Notes stand at the end of both, tables row by row: the order of the words is the same throughout.
    return gone + missing(html_words(seen.html), words(seen.text))


def keep_posts(folder: Path, author: Member) -> dict[str, int]:
    """Every week's post of the corpus, rendered as it would be at saving."""
    ids = {}
    with transaction() as session:
        for path in sorted(folder.glob("*.snip.*")):
            document = read_document(parse_snip(path.name, path.read_text(encoding="utf-8")), "weeknotes")
            rendered = render(document.body, title=document.title)
            weeks = document.weeks
            post = Post(
                author_id=author.id,
                kind="week" if weeks else "article",
                week_from=weeks.first if weeks else None,
                week_to=weeks.last if weeks else None,
                slug=document.name,
                title=document.title,
                body=document.body,
                html=rendered.html,
                summary=rendered.summary,
                created_at=datetime(2017, 12, 31, tzinfo=UTC),
            )
            session.add(post)
            session.flush()
            ids[document.name] = post.id
    return ids


def test_the_plain_part_loses_no_word_and_no_address(app: Flask, bob: Member, corpus: Path) -> None:
    ids = keep_posts(corpus / "soups" / "weeknotes", bob)
    assert len(ids) > 300
    losses, smallest = {}, 10**9
    for name, post_id in ids.items():
        seen = preview(post_id)
        smallest = min(smallest, len(html_words(seen.html)))
        if gone := lost(seen):
            losses[name] = gone
        wide = [line for line in seen.text.splitlines() if len(line) > 72 and not URL.search(line)]
        assert all(line.startswith(("    ", "> ")) or " " not in line.strip() for line in wide), (name, wide)
    assert smallest > 40, "the oracle reads hardly anything"
    assert losses == {}


def test_the_oracle_sees_a_word_and_an_address_that_are_lost() -> None:
    html = '<body><p>One <a href="https://a.test/x">two</a> three<img alt="four" src="https://a.test/i"></p></body>'
    whole = "One two [1] three [four] [2]\n[1] https://a.test/x\n[2] https://a.test/i"
    for text, gone in [(whole, False), (whole.replace("three", ""), True), (whole.replace("/x", "/y"), True)]:
        assert bool(lost(Preview("", html, text, 0, [], shortened=False))) is gone
