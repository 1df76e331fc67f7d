"""What a replay did, as the player saw it: the expectation that the site is held against."""

from dataclasses import dataclass, field
from datetime import datetime

from blogapp.core.clock import now
from blogapp.posts.models import Post

Text = tuple[str, str]


@dataclass(frozen=True)
class Bulk:
    """A commit that touched many files at once, and how many digests it armed."""

    at: datetime
    changes: int
    documents: int
    digests: int


@dataclass
class Tally:
    """Counts, and who is owed what. Posts go by their ids.

    Attributes:
        first: when a post became public for the first time, and what kind it was then.
        brought: posts that were public before the replay began.
        recalled: week posts taken back before their digest had begun to leave, and not published since.
        seen: the texts (title, body) that readers could see, in order, without repeats in a row.
        renamed: the addresses under which readers knew a post that has another now.
        otherwise: what the player had to do in another way than the files say, in words.
    """

    commits: int = 0
    changes: int = 0
    documents: int = 0
    moved: int = 0
    saves: int = 0
    first: dict[int, tuple[datetime, str]] = field(default_factory=dict)
    brought: set[int] = field(default_factory=set)
    again: int = 0
    withdrawn: int = 0
    deleted: int = 0
    restored: int = 0
    recalled: set[int] = field(default_factory=set)
    seen: dict[int, list[Text]] = field(default_factory=dict)
    renamed: list[tuple[str, int]] = field(default_factory=list)
    bulks: list[Bulk] = field(default_factory=list)
    otherwise: list[str] = field(default_factory=list)

    def published(self, post: Post) -> None:
        """It has just become public."""
        self.recalled.discard(post.id)
        if post.id in self.first or post.id in self.brought:
            self.again += 1
        else:
            self.first[post.id] = (now(), post.kind)

    def move_in(self) -> None:
        """Count anew: what was done so far brought the site to where the replay begins."""
        self.brought = set(self.first)
        self.first.clear()
        self.otherwise.clear()

    def look(self, post: Post) -> None:
        """Note what readers see of it now."""
        if post.state == "published":
            texts = self.seen.setdefault(post.id, [])
            if texts[-1:] != [(post.title, post.body)]:
                texts.append((post.title, post.body))

    def note(self, what: str) -> None:
        self.otherwise.append(f"{now():%Y-%m-%d %H:%M} {what}")

    @property
    def first_weeks(self) -> set[int]:
        """The posts that were notes of a week when they first became public."""
        return {post_id for post_id, (_, kind) in self.first.items() if kind == "week"}

    @property
    def owed(self) -> set[int]:
        """The posts that leave as a digest, once each; no others do."""
        return self.first_weeks - self.recalled

    @property
    def edits(self) -> int:
        """How often a text was changed after readers had seen it first."""
        return sum(len(texts) - 1 for texts in self.seen.values())
