"""What answers a question: the best of what is public, in a bounded number of steps whatever was typed.

A question that few posts answer is ranked, by its rare words, and those in titles weigh more. One that more than MOST
answer is not, since that would mean to weigh every post there is: it gives those that say it in their titles, then the
newest.
"""

from dataclasses import dataclass, replace

from sqlalchemy import bindparam, func, select, text

from blogapp.core.db import db, on_sqlite
from blogapp.posts.asking import Question, for_postgresql, for_sqlite
from blogapp.posts.searching import search_texts
from blogapp.posts.weeks import Weeks
from blogapp.posts.words import words_of
from blogapp.reading.queries import ENTRY, PUBLIC, PUBLIC_BY_WEEK, Entry, members, posts
from blogapp.reading.snippets import READ

MOST = 200
MOST_NAMESAKES = 20
NEWEST = {
    True: text("SELECT rowid FROM search_words WHERE search_words MATCH :asked ORDER BY rowid DESC LIMIT :most"),
    False: text(
        "SELECT place FROM search_texts WHERE words @@ CAST(:asked AS tsquery) ORDER BY place DESC LIMIT :most"
    ),
}
BEST = {
    True: text(
        "SELECT rowid FROM search_words WHERE search_words MATCH :asked"
        " ORDER BY bm25(search_words, 8, 1, 4), rowid DESC LIMIT :most"
    ),
    False: text(
        "SELECT place FROM search_texts WHERE words @@ CAST(:asked AS tsquery)"
        " ORDER BY ts_rank('{0.1, 0, 0, 1}', words, CAST(:asked AS tsquery), 1) DESC, place DESC LIMIT :most"
    ),
}
# A word that more posts have is not ranked by: bm25 counts how many have each word (50 ms for the commonest, measured).
RARE = 400
MANY = text("SELECT rowid FROM search_words WHERE search_words MATCH :asked LIMIT 1 OFFSET :most")


@dataclass(frozen=True)
class Found:
    """Where the answers are, the best first; `more`: there are others that are not among them."""

    places: list[int]
    more: bool


@dataclass(frozen=True, kw_only=True)
class Answer(Entry):
    """A post that was found, with the beginning of its plain text."""

    place: int
    text: str


def find(question: Question) -> Found:
    """The places of the best MOST posts."""
    if question.is_empty:
        return Found([], more=False)
    places = _places(NEWEST, question, MOST + 1)
    more = len(places) > MOST
    if more:
        in_title = _places(NEWEST, _in_title(question), MOST) if question.wanted else []
        places = list(dict.fromkeys([*in_title, *places]))
    elif question.wanted and len(places) > 1:
        places = _ranked(question, places)
    if question.weeks and (note := _note_about(question.weeks)) and not question.marks:
        places = [note, *(place for place in places if place != note)]
    return Found(places[:MOST], more)


def _places(statements: dict[bool, object], question: Question, most: int) -> list[int]:
    sqlite = on_sqlite(db.session())
    asked = for_sqlite(question) if sqlite else for_postgresql(question)
    return list(db.session.execute(statements[sqlite], {"asked": asked, "most": most}).scalars())  # type: ignore[call-overload]


def _ranked(question: Question, places: list[int]) -> list[int]:
    """The best first of these few."""
    if not on_sqlite(db.session()):
        return _places(BEST, question, MOST)
    words = dict.fromkeys(word for phrase in question.wanted for word in phrase)
    rare = tuple((word,) for word in words if not _is_common(word))
    first = _places(BEST, Question(wanted=rare), RARE) if rare else _places(NEWEST, _in_title(question), MOST)
    here = set(places)
    return list(dict.fromkeys([*(place for place in first if place in here), *places]))


def _is_common(word: str) -> bool:
    asked = for_sqlite(Question(wanted=((word,),)))
    return db.session.execute(MANY, {"asked": asked, "most": RARE}).first() is not None


def _in_title(question: Question) -> Question:
    words = dict.fromkeys(word for phrase in question.wanted for word in phrase)
    marks = tuple((f"i:{word}",) for word in words)
    return replace(question, wanted=(), marks=(*marks, *question.marks), instead={})


def _note_about(weeks: Weeks) -> int | None:
    """The place of the note about these weeks."""
    query = select(search_texts.c.place).join_from(posts, search_texts, search_texts.c.post_id == posts.c.id)
    query = query.where(PUBLIC_BY_WEEK, posts.c.kind == "week", posts.c.week_from <= weeks.first)
    query = query.where(posts.c.week_to >= weeks.last).order_by(posts.c.week_from.desc(), posts.c.id).limit(1)
    return db.session.execute(query).scalar_one_or_none()


def answers(places: list[int]) -> list[Answer]:
    """The posts at these places, in their order."""
    words = func.substr(search_texts.c.text, 1, READ).label("text")
    query = select(*ENTRY, search_texts.c.place, words).select_from(search_texts)
    query = query.join(posts, posts.c.id == search_texts.c.post_id).join(members, members.c.id == posts.c.author_id)
    query = query.where(search_texts.c.place.in_(bindparam("places", expanding=True)), PUBLIC)
    found = (Answer(**row._mapping) for row in db.session.execute(query, {"places": places}))
    by_place = {answer.place: answer for answer in found}
    return [by_place[place] for place in places if place in by_place]


@dataclass(frozen=True)
class Writer:
    """A member who has something public."""

    id: int
    name: str
    slug: str


def writers() -> list[Writer]:
    """Everybody who has a public post, by name."""
    wrote = select(posts.c.id).where(PUBLIC, posts.c.author_id == members.c.id).exists()
    query = select(members.c.id, members.c.name, members.c.slug).where(wrote).order_by(members.c.name, members.c.id)
    return [Writer(*row) for row in db.session.execute(query)]


def meant(question: Question, people: list[Writer], *, english: bool) -> Question:
    """The same where a word may also be an author's name: `boiler james`."""
    named: dict[str, list[str]] = {}
    for person in people:
        for word in set(words_of(person.name, english=english)):
            named.setdefault(word, []).append(f"a:{person.id}")
    alone = [phrase for phrase in question.wanted if len(phrase) == 1 and phrase[0] in named]
    return replace(question, instead={phrase: tuple(named[phrase[0]][:MOST_NAMESAKES]) for phrase in alone})
