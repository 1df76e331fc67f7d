"""What members are told about labels: where each leads, where it was used, whether its address changed."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from difflib import get_close_matches
from itertools import islice
from typing import Any

from sqlalchemy import Row, Select, func, or_, select

from blogapp.auth.models import Member
from blogapp.core.db import db
from blogapp.core.dialect.references import Use, references_in
from blogapp.posts.glossary import links, members_pages, posts, read_frozen

# Of a label that hundreds of posts use, the last ones say enough.
LOOKED_AT = 200
SUGGESTED = 8
PAGE = 100
# Labels that a mistyped one is held against, the latest first.
NEAR_AMONG = 5_000
ALIKE = 0.75
# Labels of a text that are told of, and those of them that are held against others: each takes some milliseconds.
MOST, MOST_NEAR = 2_000, 20


@dataclass(frozen=True)
class Usage:
    """A public post that uses a label."""

    label: str
    url: str
    at: datetime
    post_id: int
    title: str
    slug: str


@dataclass(frozen=True)
class History:
    """The public uses of a label, the latest first; never empty."""

    uses: tuple[Usage, ...]

    @property
    def last(self) -> Usage:
        return self.uses[0]

    @property
    def addresses(self) -> list[str]:
        """All it has led to, the present one first."""
        return list(dict.fromkeys(use.url for use in self.uses))

    @property
    def moved(self) -> Usage | None:
        """The first post with the present address, where there was one other before it and none came back."""
        runs = [use for use, older in zip(self.uses, [*self.uses[1:], None], strict=True)
                if older is None or older.url != use.url]  # fmt: skip
        return runs[0] if len(runs) == len(self.addresses) == 2 else None

    @property
    def is_ambiguous(self) -> bool:
        """Whether nobody can tell from the past where it should lead."""
        return len(self.addresses) > 1 and self.moved is None


@dataclass(frozen=True)
class Line:
    """A reference of a text: where it leads and by whose word (`own`, `frozen`, `member`, `glossary`, "" nobody's)."""

    label: str
    text: str
    url: str
    by: str
    history: History | None = None
    member: str = ""
    near: tuple[str, ...] = ()


@dataclass(frozen=True)
class Listed:
    """A label in the list of all."""

    label: str
    url: str
    uses: int
    addresses: int
    last_at: datetime
    post_id: int
    title: str


def histories(labels: Iterable[str], *, most: int = LOOKED_AT) -> dict[str, History]:
    """Label -> its public uses; without those that nobody has used."""
    turn = func.row_number().over(partition_by=links.c.label, order_by=(links.c.used_at.desc(), links.c.post_id.desc()))
    newest = select(links, turn.label("turn")).where(links.c.label.in_(list(labels))).subquery()
    query = (
        select(newest.c.label, newest.c.url, newest.c.used_at, newest.c.post_id, posts.c.title, posts.c.slug)
        .join_from(newest, posts, posts.c.id == newest.c.post_id)
        .where(newest.c.turn <= most)
        .order_by(newest.c.label, newest.c.turn)
    )
    found: dict[str, list[Usage]] = {}
    for row in db.session.execute(query):
        found.setdefault(row.label, []).append(Usage(*row))
    return {label: History(tuple(uses)) for label, uses in found.items()}


def lines_of(text: str, post_id: int | None, format: str = "markdown") -> list[Line]:
    """The references of a text in its order, each label once; what HTML links to is its own affair."""
    found = references_in(text) if format == "markdown" else None
    if found is None or not found.uses:
        return []
    uses: dict[str, Use] = {}
    for use in found.uses:
        if len(uses) < MOST:
            uses.setdefault(use.label, use)
    defined = found.defined
    frozen = read_frozen(post_id) if post_id is not None else {}
    people = members_pages(label for label in found.missing if label not in frozen)
    names = _names(people)
    past = histories(uses)
    lines = [_line(use, defined, frozen, people, names, past) for use in uses.values()]
    return _with_near(lines)


def _line(
    use: Use, defined: dict[str, str], frozen: dict[str, str], people: dict[str, str], names: dict[str, str],
    past: dict[str, History],
) -> Line:  # fmt: skip
    label, history = use.label, past.get(use.label)
    for by, known in (("own", defined), ("frozen", frozen), ("member", people)):
        if label in known:
            return Line(label, use.text, known[label], by, history, names.get(label, ""))
    if history:
        return Line(label, use.text, history.last.url, "glossary", history)
    return Line(label, use.text, "", "")


def _names(people: dict[str, str]) -> dict[str, str]:
    if not people:
        return {}
    query = select(Member.slug, Member.name).where(Member.slug.in_([url[1:] for url in people.values()]))
    names = {row.slug: row.name for row in db.session.execute(query)}
    return {label: names[url[1:]] for label, url in people.items()}


def _with_near(lines: list[Line]) -> list[Line]:
    if all(line.by for line in lines):
        return lines
    query = select(links.c.label).group_by(links.c.label).order_by(func.max(links.c.used_at).desc()).limit(NEAR_AMONG)
    known = [
        *db.session.execute(select(Member.slug).order_by(Member.id)).scalars(),
        *db.session.execute(query).scalars(),
    ]

    def near(line: Line) -> tuple[str, ...]:
        return tuple(get_close_matches(line.label, known, 3, ALIKE))

    asked = {line.label for line in islice((line for line in lines if not line.by), MOST_NEAR)}
    return [replace(line, near=near(line)) if line.label in asked else line for line in lines]


def suggest_labels(typed: str, words: str = "") -> list[tuple[str, str, History | None]]:
    """(label, address, its past; None for a member) for what somebody has typed of a label, the likeliest first.

    Args:
        words: the text before it, which says what is meant while no label is typed.
    """
    wanted = " ".join((typed or words).split()).lower()[:100]
    forms = list(dict.fromkeys([wanted, wanted.replace(" ", "-")]))
    if not wanted:
        return []
    labels: list[str] = []
    for condition in (
        or_(*(links.c.label.startswith(form, autoescape=True) for form in forms)),
        or_(*(links.c.label.contains(form, autoescape=True) for form in forms)),
    ):
        query = select(links.c.label).where(condition, links.c.label.not_in(labels)).group_by(links.c.label)
        query = query.order_by(func.max(links.c.used_at).desc(), links.c.label).limit(SUGGESTED - len(labels))
        labels += db.session.execute(query).scalars() if len(labels) < SUGGESTED else []
    people = _people(forms)
    past = histories([*labels, *people])
    # A member's name wins over the glossary where it is not defined.
    found = [(slug, url, past.get(slug)) for slug, url in people.items()]
    found += [(label, past[label].last.url, past[label]) for label in labels if label not in people]
    return found[:SUGGESTED]


def _people(forms: list[str]) -> dict[str, str]:
    named = or_(*(Member.slug.startswith(form, autoescape=True) for form in forms),
                *(func.lower(Member.name).startswith(form, autoescape=True) for form in forms))  # fmt: skip
    return members_pages(db.session.execute(select(Member.slug).where(named).order_by(Member.slug).limit(4)).scalars())


def list_labels(words: str = "", *, several: bool = False, page: int = 1) -> tuple[list[Listed], bool]:
    """Labels, those used last first, and whether there are more.

    Args:
        words: in the label or one of its addresses.
        several: only those that have led to more than one address.
    """
    query = _grouped(words.strip().lower(), several).limit(PAGE + 1).offset(PAGE * (page - 1))
    rows = db.session.execute(query).all()
    past = histories([row.label for row in rows[:PAGE]], most=1)
    return [_listed(row, past[row.label].last) for row in rows[:PAGE]], len(rows) > PAGE


def _grouped(words: str, several: bool) -> Select[Any]:
    addresses = func.count(links.c.url.distinct())
    last = func.max(links.c.used_at)
    query = select(links.c.label, func.count().label("uses"), addresses.label("addresses"), last.label("last_at"))
    query = query.group_by(links.c.label).order_by(last.desc(), links.c.label)
    if words:
        having = (
            links.c.label.contains(words, autoescape=True),
            func.lower(links.c.url).contains(words, autoescape=True),
        )
        query = query.where(links.c.label.in_(select(links.c.label).where(or_(*having))))
    return query.having(addresses > 1) if several else query


def _listed(row: Row[Any], last: Usage) -> Listed:
    return Listed(row.label, last.url, row.uses, row.addresses, row.last_at, last.post_id, last.title)
