"""Plays a history on the site: each change becomes the calls that the editor's pages make, at its own time.

Where the site refuses, the player does what a person would do in the browser: first the others of the same commit
(one of them may give up the name), then choose another address. A week that another note covers is not written twice:
the copy waits until it is called otherwise.
"""

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select
from time_machine import Traveller

from blogapp.core.clock import now
from blogapp.core.db import db
from blogapp.core.errors import Invalid
from blogapp.digest import publishing
from blogapp.digest.models import Digest
from blogapp.posts.deleted import restore_post
from blogapp.posts.models import Post
from blogapp.posts.naming import WeekTaken
from blogapp.posts.queries import read_post
from blogapp.posts.writing import create_post, save_post
from tests.replay.documents import Wanted, is_person, wanted
from tests.replay.history import Commit, Shelf, Step, clock
from tests.replay.tally import Bulk, Tally
from tests.replay.team import Team
from tests.replay.worker import Worker

# A commit with so many changes is no writing: somebody moves or renames files, or changes a key in all of them.
BULK = 20


class Player:
    """One history on one site. `posts`: document -> post."""

    def __init__(self, travel: Traveller) -> None:
        self.travel = travel
        self.team = Team()
        self.shelf = Shelf()
        self.tally = Tally()
        self.posts: dict[int, int] = {}
        self.elsewhere: dict[int, str] = {}
        self.with_digest: bool | None = None

    def move_in(self, commits: Sequence[Commit]) -> None:
        """Bring the site to where these commits leave the files, published with the digest's box not ticked."""
        for commit in commits:
            self.shelf.take(commit)
        live = [Step(number, "made", path, content) for path, (number, content) in self.shelf.live.items()]
        self.with_digest = False
        self._put_all([step for step in live if not self._show(step)])
        self.with_digest = None
        self.tally.move_in()

    def play(self, commits: Sequence[Commit]) -> Tally:
        """All of it, and the day after."""
        worker = Worker(self.travel)
        for at, commit in clock(commits):
            worker.work_until(at)
            self._take(commit)
        worker.work_until(now() + timedelta(days=1))
        return self.tally

    def _take(self, commit: Commit) -> None:
        steps = self.shelf.take(commit)
        bulk = len(commit.changes) >= BULK
        before = digests() if bulk else set()
        for step in steps:
            if not self._show(step) and step.act == "deleted":
                self._delete(step)
        self.elsewhere.clear()
        self._put_all([step for step in steps if step.act != "deleted" and not is_person(step.path)])
        if bulk:
            armed = len(digests() - before)
            self.tally.bulks.append(Bulk(commit.at, len(commit.changes), len(steps), armed))
        self.tally.commits += 1
        self.tally.changes += len(commit.changes)
        self.tally.documents += sum(step.act == "made" for step in steps)
        self.tally.moved += sum(step.moved for step in steps)

    def _show(self, step: Step) -> bool:
        """Put it into somebody's profile, if it is a page about them."""
        if is_person(step.path):
            self.team.show(step)
        return is_person(step.path)

    def _put_all(self, steps: list[Step]) -> None:
        while steps:
            refused = {step: error for step in steps if (error := self._try(step))}
            steps = list(refused) if len(refused) < len(steps) else self._make_way(refused)

    def _try(self, step: Step) -> Invalid | None:
        """Put it, unless its name or its week is somebody else's just now."""
        try:
            self._put(step, wanted(step.path, step.content))
        except Invalid as error:
            if not {"slug", "weeks"} & error.fields.keys():
                raise
            return error
        return None

    def _put(self, step: Step, want: Wanted) -> None:
        post_id = self.posts.get(step.document)
        if post_id is None:
            post = self._begin(want, self.elsewhere.get(step.document, want.slug))
            self.posts[step.document] = post.id
        else:
            post = self._save(post_id, want, self.elsewhere.get(step.document, want.slug))
        if post.state == "draft" and not want.draft:
            post = publishing.publish(post.id, post.version, post.author_id, with_digest=self.with_digest)
            self.tally.published(post)
        self.tally.look(post)

    def _begin(self, want: Wanted, slug: str) -> Post:
        by = self.team.member(want.author) if want.author else self.team.admin_id
        return create_post(want.kind, want.title, want.body, by, weeks=want.weeks, slug=slug)

    def _save(self, post_id: int, want: Wanted, slug: str) -> Post:
        post = read_post(post_id)
        by = self.team.member(want.author) if want.author else post.author_id
        if post.deleted_at is not None:
            post = restore_post(post_id, by)
            self.tally.restored += 1
        if post.state == "published" and want.draft:
            self._recall(post)
            post = publishing.withdraw(post_id, post.version, by)
            self.tally.withdrawn += 1
        known_as = post.slug if post.first_published_at else None
        self.tally.saves += 1
        post = save_post(
            post_id,
            post.version,
            by,
            title=want.title,
            body=want.body,
            slug=slug,
            weeks=want.weeks,
            kind=want.kind,
            author_id=by,
        )
        if known_as and known_as != post.slug:
            self.tally.renamed.append((known_as, post_id))
        return post

    def _delete(self, step: Step) -> None:
        post_id = self.posts.get(step.document)
        if post_id is not None:
            post = read_post(post_id)
            self._recall(post)
            publishing.delete(post_id, post.version, post.author_id)
            self.tally.deleted += 1

    def _recall(self, post: Post) -> None:
        """Remember a note whose digest is still waiting when it is taken back."""
        waits = select(Digest.id).where(Digest.post_id == post.id, Digest.state == "waiting")
        if db.session.execute(waits).first() is not None:
            self.tally.recalled.add(post.id)

    def _make_way(self, refused: dict[Step, Invalid]) -> list[Step]:
        """Nobody of this commit gives way to the others: the first one does without its name or its week."""
        step, error = next(iter(refused.items()))
        if isinstance(error, WeekTaken):
            self.tally.note(f"{step.path} waits: {error}")
            return list(refused)[1:]
        self._choose_another(step, wanted(step.path, step.content).slug)
        return list(refused)

    def _choose_another(self, step: Step, slug: str) -> None:
        """The next of `slug-2`, `slug-3` … in this commit; with its next change it asks for its own name again."""
        tried = self.elsewhere.get(step.document, slug)
        number = int(tried.removeprefix(f"{slug}-")) + 1 if tried != slug else 2
        self.elsewhere[step.document] = f"{slug}-{number}"
        self.tally.note(f"{step.path} asks for /{slug}-{number}, since /{tried} is not free")


def digests() -> set[tuple[int, str]]:
    """Every digest that there is, with how far it is."""
    return {(number, state) for number, state in db.session.execute(select(Digest.id, Digest.state))}
