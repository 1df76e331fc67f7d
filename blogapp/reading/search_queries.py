"""What answers a question: the best of what is public, in a bounded number of steps whatever was typed.

A question that few posts answer is ranked, by its rare words, and those in titles weigh more. One that more than MOST
answer is not, since that would mean to weigh every post there is: it gives those that say it in their titles, then the
newest.
"""

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import bindparam, func, select, text

from blogapp.core.db import db, on_sqlite
from blogapp.posts.asking import Phrase, Question, for_postgresql, for_sqlite
from blogapp.posts.searching import search_texts
from blogapp.posts.weeks import Weeks
from blogapp.posts.words import words_of
from blogapp.reading.queries import ENTRY, NOTES, PUBLIC, SEEN, Entry, asked, members, posts
from blogapp.reading.snippets import READ

MOST = 200
MOST_NAMESAKES = 20
NEWEST = text("SELECT rowid FROM search_words WHERE search_words MATCH :asked ORDER BY rowid DESC LIMIT :most")
# `+ 0`: else the planner may walk all posts by date and unpack the words of each (two seconds, measured).
NEWEST_THERE = text(
    "SELECT place FROM search_words WHERE words @@ CAST(:asked AS tsquery) ORDER BY place + 0 DESC LIMIT :most"
)
# PostgreSQL's index knows neither what stands in a row nor what is excluded: it unpacks the words of each post that has
# them all. So only of the newest.
NEWEST_UNPACKED = text(
    "WITH newest AS (SELECT place, words FROM search_words WHERE words @@ CAST(:simple AS tsquery)"
    " ORDER BY place + 0 DESC LIMIT :unpacked) SELECT (SELECT count(*) FROM newest), ARRAY(SELECT place FROM newest"
    " WHERE words @@ CAST(:asked AS tsquery) ORDER BY place DESC LIMIT :most)"
)
UNPACKED = 1000
# For the same reason no question is answered by reading the table from its beginning.
BY_INDEX = text("SET LOCAL enable_seqscan = off")
BEST = text(
    "SELECT rowid FROM search_words WHERE search_words MATCH :asked"
    " ORDER BY bm25(search_words, 8, 1, 4), rowid DESC LIMIT :most"
)
WEIGHED = text(
    "SELECT place FROM search_words WHERE place = ANY(:places)"
    " ORDER BY ts_rank('{0.1, 0, 0, 1}', words, CAST(:asked AS tsquery), 1) DESC, place DESC"
)
# A word that more posts have is not ranked by: bm25 counts how many have each word (50 ms for the commonest, measured).
RARE = 400
MANY = text("SELECT rowid FROM search_words WHERE search_words MATCH :asked LIMIT 1 OFFSET :most")


@dataclass(frozen=True)
class Found:
    """Where the answers are, the best first.

    more: there are others that are not among them. unsure: there may be, as only the newest were looked at.
    """

    places: list[int]
    more: bool = False
    unsure: bool = False


@dataclass(frozen=True)
class Answer(Entry):
    """A post that was found, with the beginning of its plain text."""

    place: int
    text: str


def find(question: Question) -> Found:
    """The places of the best MOST posts."""
    if question.is_empty:
        return Found([])
    places, unsure = _newest(question, MOST + 1)
    more = len(places) > MOST
    if more:
        in_title = _newest(_in_title(question), MOST)[0] if question.wanted else []
        places = list(dict.fromkeys([*in_title, *places]))
    elif question.wanted and len(places) > 1:
        places = _ranked(question, places)
    if question.weeks and (note := _note_about(question.weeks)) and not question.marks:
        places = [note, *(place for place in places if place != note)]
    return Found(places[:MOST], more, unsure and not more)


def _newest(question: Question, most: int) -> tuple[list[int], bool]:
    """The places of the newest posts that answer; and whether older ones were left out."""
    if on_sqlite(db.session()):
        given: dict[str, Any] = {"asked": for_sqlite(question), "most": most}
        return list(db.session.execute(NEWEST, given).scalars()), False
    given = {"asked": for_postgresql(question), "most": most}
    db.session.execute(BY_INDEX)
    simple = question.loosened()
    if simple == question:
        return list(db.session.execute(NEWEST_THERE, given).scalars()), False
    given |= {"simple": for_postgresql(simple), "unpacked": UNPACKED}
    looked_at, places = db.session.execute(NEWEST_UNPACKED, given).one()
    return list(places), looked_at == UNPACKED


def _ranked(question: Question, places: list[int]) -> list[int]:
    """The best first of these few."""
    if not on_sqlite(db.session()):
        given = {"asked": for_postgresql(question), "places": places}
        return list(db.session.execute(WEIGHED, given).scalars())
    words = dict.fromkeys(word for phrase in question.wanted for word in phrase)
    rare = tuple((word,) for word in words if not _is_common(word))
    first = _best(rare) if rare else _newest(_in_title(question), MOST)[0]
    here = set(places)
    return list(dict.fromkeys([*(place for place in first if place in here), *places]))


def _best(rare: tuple[Phrase, ...]) -> list[int]:
    given = {"asked": for_sqlite(Question(wanted=rare)), "most": RARE}
    return list(db.session.execute(BEST, given).scalars())


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
    query = query.where(SEEN, NOTES, posts.c.week_from <= weeks.first)
    query = query.where(posts.c.week_to >= weeks.last).order_by(posts.c.week_from.desc(), posts.c.id).limit(1)
    return db.session.execute(query).scalar_one_or_none()


def answers(places: list[int]) -> list[Answer]:
    """The posts at these places, in their order."""
    found = (Answer(*row) for row in asked(ANSWERS, places=places))
    by_place = {answer.place: answer for answer in found}
    return [by_place[place] for place in places if place in by_place]


ANSWERS = select(*ENTRY, search_texts.c.place, func.substr(search_texts.c.text, 1, READ)).select_from(search_texts)
ANSWERS = ANSWERS.join(posts, posts.c.id == search_texts.c.post_id).join(members, members.c.id == posts.c.author_id)
ANSWERS = ANSWERS.where(search_texts.c.place.in_(bindparam("places", expanding=True)), PUBLIC)


@dataclass(frozen=True)
class Writer:
    """A member who has something public."""

    id: int
    name: str
    slug: str


def writers() -> list[Writer]:
    """Everybody who has a public post, by name."""
    return [Writer(*row) for row in asked(WRITERS)]


# As one value for each member: EXISTS lets PostgreSQL read all posts (17 ms, measured).
NEWEST_OF = select(posts.c.published_at).where(PUBLIC, posts.c.author_id == members.c.id)
WROTE = NEWEST_OF.order_by(posts.c.published_at.desc()).limit(1).scalar_subquery().is_not(None)
WRITERS = select(members.c.id, members.c.name, members.c.slug).where(WROTE).order_by(members.c.name, members.c.id)


def meant(question: Question, people: list[Writer], *, english: bool) -> Question:
    """The same where a word may also be an author's name: `boiler james`."""
    named: dict[str, list[str]] = {}
    for person in people:
        for word in set(words_of(person.name, english=english)):
            named.setdefault(word, []).append(f"a:{person.id}")
    alone = [phrase for phrase in question.wanted if len(phrase) == 1 and phrase[0] in named]
    return replace(question, instead={phrase: tuple(named[phrase[0]][:MOST_NAMESAKES]) for phrase in alone})
