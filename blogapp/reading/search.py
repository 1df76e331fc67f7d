"""The page that searches, and how browsers add it to their own search."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

from flask import render_template, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from blogapp.core.config import settings
from blogapp.core.web import local
from blogapp.posts.asking import LONGEST, Phrase, ask
from blogapp.posts.searching import MOST_WEEKS, is_english, tag_mark
from blogapp.posts.weeks import Weeks, parse_weeks
from blogapp.reading.blueprint import bp
from blogapp.reading.responses import public
from blogapp.reading.search_queries import MOST, UNPACKED, Answer, Writer, answers, find, meant, writers
from blogapp.reading.snippets import mark_words, snippet
from blogapp.reading.weekly import bounds

ON_A_PAGE = 20
LONGEST_TAG = 80


@dataclass(frozen=True)
class Asked:
    """What stands in the form. `week`: as typed; `weeks`: what it means, if it does."""

    q: str
    writer: Writer | None
    year: int | None
    tag: str
    week: str
    weeks: Weeks | None
    page: int

    @property
    def is_narrowed(self) -> bool:
        return bool(self.writer or self.year or self.tag or self.week)

    @property
    def is_empty(self) -> bool:
        return not (self.q or self.is_narrowed)

    def address(self, **changed: Any) -> str:
        """The address of this search, tidy, with some of it changed; from its first page unless `page` is given."""
        own = {"q": self.q, "author": self.writer and self.writer.slug, "year": self.year, "tag": self.tag}
        given = {**own, "week": self.week, **changed}
        return url_for("reading.search", **{name: value for name, value in given.items() if value})


@bp.get("/search")
def search() -> ResponseReturnValue:
    """The form, and what was found; whatever is asked is answered, never refused."""
    people = writers()
    asked = _asked(people)
    english = is_english()
    question = meant(ask(asked.q, english=english), people, english=english)
    question = question.narrowed(*_marks_of(asked.weeks))
    for mark in (
        asked.writer and f"a:{asked.writer.id}",
        asked.year and f"y:{asked.year}",
        asked.tag and tag_mark(asked.tag),
    ):
        question = question.narrowed(mark) if mark else question
    found = find(question)
    last_page = max(1, -(-len(found.places) // ON_A_PAGE))
    asked = replace(asked, page=min(asked.page, last_page))
    start = (asked.page - 1) * ON_A_PAGE
    return public(
        render_template(
            "reading/search.html",
            asked=asked,
            found=found,
            results=[_shown(post, question.wanted, english) for post in answers(found.places[start:][:ON_A_PAGE])],
            start=start + 1,
            last_page=last_page,
            cut=question.cut,
            words=question.typed,
            people=people,
            years=_years(),
            longest=LONGEST,
            most=MOST,
            unpacked=UNPACKED,
            most_weeks=MOST_WEEKS,
        )
    )


def _shown(post: Answer, wanted: Iterable[Phrase], english: bool) -> tuple[Answer, Markup, Markup, Markup]:
    """A post with its title, its author and the place in its text, all with marks."""
    title, author = (mark_words(words, wanted, english=english) for words in (post.title, post.author))
    return post, title, author, snippet(post.text, wanted, english=english)


def _asked(people: list[Writer]) -> Asked:
    given = request.args
    q = " ".join(given.get("q", "").replace("\0", " ").split())[: 2 * LONGEST]
    year, page = given.get("year", ""), given.get("page", "")
    week = " ".join(given.get("week", "").replace("\0", " ").split())[:20]
    return Asked(
        q=q,
        writer=next((person for person in people if person.slug == given.get("author")), None),
        year=int(year) if year.isascii() and year.isdigit() and len(year) == 4 else None,
        tag=" ".join(given.get("tag", "").replace("\0", " ").split())[:LONGEST_TAG],
        week=week,
        weeks=_weeks(week),
        page=max(1, int(page)) if page.isascii() and page.isdigit() and len(page) < 4 else 1,
    )


def _weeks(text: str) -> Weeks | None:
    """The weeks that were typed, if they can be looked for."""
    try:
        weeks = parse_weeks(text.lower().removeprefix("week").lstrip("s- "))
    except ValueError:
        return None
    return weeks if len(weeks) <= MOST_WEEKS else None


def _marks_of(weeks: Weeks | None) -> list[str]:
    return [f"w:{week}" for week in range(weeks.first, weeks.last + 1)] if weeks else []


def _years() -> list[int]:
    ends = bounds()
    if ends.first_at is None or ends.last_at is None:
        return []
    return list(range(local(ends.last_at).year, local(ends.first_at).year - 1, -1))[:100]


@bp.get("/opensearch.xml")
def opensearch() -> ResponseReturnValue:
    """How a browser searches here from its own bar (OpenSearch 1.1, draft 6)."""
    body = render_template("reading/opensearch.xml", language=settings().site_language)
    return public(body, "application/opensearchdescription+xml")
