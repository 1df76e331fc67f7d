"""Plays a history on the site: each change becomes the calls that the editor's pages make, at its own time.

Where the site refuses, the player does what a person would do in the browser: first the others of the same commit
(one of them may hold the name), then move somebody out of the way who wants another name anyway, at last choose
another address. A week that another note covers is not written twice: the copy waits until it is called otherwise.
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
            if is_person(step.path):
                self.team.show(step)
            elif step.act == "deleted":
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
            post = publishing.publish(post.id, post.version, post.author_id)
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
        """Nobody can be put: one moves aside if another waits for its place, else one does without."""
        wants = {step: wanted(step.path, step.content) for step in refused}
        for step in refused:
            post = read_post(self.posts[step.document]) if step.document in self.posts else None
            if post and any(_is_in_the_way(post, want) for other, want in wants.items() if other != step):
                self._step_aside(post)
                return list(refused)
        step, error = next(iter(refused.items()))
        if isinstance(error, WeekTaken):
            self.tally.note(f"{step.path} waits: {error}")
            return list(refused)[1:]
        self._choose_another(step, wants[step].slug)
        return list(refused)

    def _step_aside(self, post: Post) -> None:
        self.tally.note(f"/{post.slug} moves aside for a moment")
        aside = f"{post.slug}-aside"
        if post.first_published_at:
            self.tally.renamed.append((post.slug, post.id))
        save_post(
            post.id,
            post.version,
            post.author_id,
            title=post.title,
            body=post.body,
            slug=aside,
            kind="article",
            weeks=None,
        )

    def _choose_another(self, step: Step, slug: str) -> None:
        """The next of `slug-2`, `slug-3` … in this commit; with its next change it asks for its own name again."""
        tried = self.elsewhere.get(step.document, slug)
        number = int(tried.removeprefix(f"{slug}-")) + 1 if tried != slug else 2
        self.elsewhere[step.document] = f"{slug}-{number}"
        self.tally.note(f"{step.path} asks for /{slug}-{number}, since /{tried} is not free")


def _is_in_the_way(post: Post, want: Wanted) -> bool:
    """Whether the post has the address or a week that somebody else wants."""
    if post.slug == want.slug:
        return True
    if post.kind != "week" or want.kind != "week" or not post.weeks or not want.weeks:
        return False
    return post.weeks.first <= want.weeks.last and want.weeks.first <= post.weeks.last


def digests() -> set[tuple[int, str]]:
    """Every digest that there is, with how far it is."""
    return {(number, state) for number, state in db.session.execute(select(Digest.id, Digest.state))}
