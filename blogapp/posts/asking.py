"""What a reader typed, taken apart: any text is a question, none is an error. Pure functions."""

import re
import unicodedata
from dataclasses import dataclass, field, replace

from blogapp.posts.weeks import Weeks
from blogapp.posts.words import telling, words_of

LONGEST = 300
MOST_PARTS = 12
# What words in a row cost grows with each that is common: further ones are looked for anywhere.
MOST_IN_A_ROW, MOST_ROWS = 8, 3
PART = re.compile(r'(?P<minus>(?<!\S)-)?(?:"(?P<quoted>[^"]*)"?|(?P<bare>[^\s"]+))')
ABOUT_WEEKS = re.compile(r"(?:weeks?|wk)?[\s#-]*(\d{1,4})(?:\s*(?:-|–|to|and)\s*(\d{1,4}))?", re.IGNORECASE)

# Words that stand beside each other.
Phrase = tuple[str, ...]


@dataclass(frozen=True)
class Question:
    """What is looked for.

    wanted: each has to be there. unwanted: none may be. marks: filters; of each group one has to be there.
    typed: the wanted as they were typed. instead: what may stand for a wanted phrase, as marks.
    weeks: the note that was asked for by its number. cut: there was more than is looked at.
    """

    wanted: tuple[Phrase, ...] = ()
    unwanted: tuple[Phrase, ...] = ()
    marks: tuple[tuple[str, ...], ...] = ()
    typed: tuple[str, ...] = ()
    instead: dict[Phrase, tuple[str, ...]] = field(default_factory=dict)
    weeks: Weeks | None = None
    cut: bool = False

    @property
    def is_empty(self) -> bool:
        """Nothing would limit what is found."""
        return not self.wanted and not self.marks

    def loosened(self) -> "Question":
        """The same without order and exclusions: all of its words, wherever they stand."""
        if not self.unwanted and all(len(phrase) == 1 for phrase in self.wanted):
            return self
        words = tuple((word,) for word in dict.fromkeys(word for phrase in self.wanted for word in phrase))
        return replace(self, wanted=words, unwanted=())

    def narrowed(self, *marks: str) -> "Question":
        """The same among what bears one of these marks."""
        return replace(self, marks=(*self.marks, marks)) if marks else self


def ask(text: str, *, english: bool) -> Question:
    """Take apart what was typed: words, `"phrases"`, `-without`, `week 473`; a word like `e-mail` is a phrase.

    Words that tell nothing are left out; where there are no others, they are looked for in titles.
    """
    text = unicodedata.normalize("NFC", text.replace("\0", " ")).strip()
    cut = len(text) > LONGEST
    text = re.sub("[“”„«»]", '"', text[:LONGEST])
    wanted: dict[Phrase, str] = {}
    idle: dict[Phrase, str] = {}
    unwanted: dict[Phrase, str] = {}
    for part in PART.finditer(text):
        typed = part["quoted"] or part["bare"] or ""
        phrase = tuple(words_of(typed, english=english))
        if not phrase:
            continue
        telling_words = tuple(telling(phrase, english=english))[:MOST_IN_A_ROW]
        if not telling_words:
            idle.setdefault(phrase, typed)
        elif part["minus"]:
            unwanted[telling_words] = typed
        elif len(telling_words) > 1 and sum(len(row) > 1 for row in wanted) == MOST_ROWS:
            wanted.update(((word,), word) for word in telling_words)
        else:
            wanted.setdefault(telling_words, typed)
    titles = dict.fromkeys(word for phrase in idle for word in phrase) if not wanted else {}
    return Question(
        tuple(wanted)[:MOST_PARTS],
        tuple(unwanted)[:MOST_PARTS],
        marks=tuple((f"i:{word}",) for word in titles)[:MOST_PARTS],
        typed=tuple((wanted or idle).values())[:MOST_PARTS],
        weeks=_weeks(text),
        cut=cut or len(wanted) > MOST_PARTS,
    )


def _weeks(text: str) -> Weeks | None:
    match = ABOUT_WEEKS.fullmatch(text)
    if match is None:
        return None
    first, last = int(match[1]), int(match[2] or match[1])
    return Weeks(first, last) if first <= last else None


# The same question in each database's language. Words hold letters, digits, + and #; marks : and - as well: nothing
# that would have to be escaped between quotes.


def for_sqlite(question: Question) -> str:
    """As FTS5's MATCH takes it."""

    def phrase(words: Phrase) -> str:
        return f'"{" ".join(words)}"'

    def either(parts: list[str]) -> str:
        return parts[0] if len(parts) == 1 else f"({' OR '.join(parts)})"

    groups = [either([phrase(w), *(phrase((m,)) for m in question.instead.get(w, ()))]) for w in question.wanted]
    groups += [either([phrase((mark,)) for mark in group]) for group in question.marks]
    match = " AND ".join(groups)
    return f"({match}) NOT {either([phrase(w) for w in question.unwanted])}" if question.unwanted else match


def for_postgresql(question: Question) -> str:
    """As a tsquery."""

    def phrase(words: Phrase) -> str:
        return "(" + " <-> ".join(f"'{word}'" for word in words) + ")"

    groups = [[phrase(w), *(phrase((m,)) for m in question.instead.get(w, ()))] for w in question.wanted]
    groups += [[phrase((mark,)) for mark in group] for group in question.marks]
    parts = [f"({' | '.join(group)})" for group in groups] + [f"!{phrase(w)}" for w in question.unwanted]
    return " & ".join(parts)
