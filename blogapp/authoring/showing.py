"""What the page about a post shows."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from blogapp.auth.session import current_member
from blogapp.authoring.checklist import checklist_of
from blogapp.authoring.contributions import sections_shown
from blogapp.authoring.noted import notes_shown
from blogapp.authoring.reach import Reach, reach_of
from blogapp.authoring.speed import speed_of
from blogapp.authoring.story import Story, story_of
from blogapp.authoring.wording import DigestFacts, PostFacts, State, on_a_day, people, span, state_of
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db
from blogapp.core.heartbeat import alive
from blogapp.digest.correcting import corrections_that_left
from blogapp.digest.figures import figures_of
from blogapp.digest.models import Schedule
from blogapp.digest.outlook import look
from blogapp.digest.progress import Progress, progress_of_post
from blogapp.digest.publishing import arms_by_default
from blogapp.digest.scheduling import schedule_of
from blogapp.posts.circles import circle_in_words, viewers_of
from blogapp.posts.deleted import gone_on
from blogapp.posts.models import Post
from blogapp.posts.queries import list_attachments, list_revisions, read_post
from blogapp.posts.sections import text_of
from blogapp.posts.sharelinks import live_links
from blogapp.posts.tags import tags_of

REVISIONS_SHOWN = 5
# A digest whose sending has begun: publishing the post again sends nothing more.
GONE = ("sending", "paused", "sent")


@dataclass(frozen=True)
class Outlook:
    """What publishing would do, said before anything leaves. `ticked`: it sends a digest unless somebody says no;
    `line`: why it sends none in any case."""

    ticked: bool
    hold: str
    warnings: list[str]
    reach: Reach | None = None
    line: str = ""

    @property
    def can_send(self) -> bool:
        """Whether publishing can send a digest."""
        return self.reach is not None


def post_page(post_id: int) -> dict[str, Any]:
    """Everything that templates/authoring/post.html needs."""
    post = read_post(post_id)
    progress = progress_of_post(post_id)
    at = now()
    revisions = list_revisions(post_id)
    story = told(progress, at) if progress else None
    planned = schedule_of(post_id) if post.state == "draft" else None
    draft = post.state == "draft" and post.deleted_at is None
    return {
        "post": post,
        "state": _state(post, progress, planned),
        "planned": planned,
        "share_links": live_links(post_id) if draft else [],
        "zone": settings().site_timezone,
        "planned_words": on_a_day(planned.publish_at, at) if planned else "",
        "progress": progress,
        "story": story,
        "corrections": corrections_that_left(post_id) if post.corrected_at else [],
        "outlook": _outlook(post, progress, at) if draft else None,
        "checklist": checklist_of(post, current_member()) if draft else None,
        "reach": reach_of(look(), at) if story and story.state in ("waiting", "held") and not story.live else None,
        "worker_missing": story is not None and story.live and not alive("worker"),
        "revisions": revisions[:REVISIONS_SHOWN],
        "older_revisions": max(0, len(revisions) - REVISIONS_SHOWN),
        "files": [file for file, _ in list_attachments(post_id) if file.removed_at is None],
        "tags": tags_of(post_id),
        "circle": circle_of_post(post),
        **sections_shown(post),
        **notes_shown(post),
        "gone_on": gone_on(post.deleted_at) if post.deleted_at else None,
    }


def told(progress: Progress, at: datetime) -> Story:
    """How a digest is doing, in sentences; what came after it once it is sent."""
    figures = figures_of(progress.digest_id) if progress.state == "sent" else None
    return story_of(progress, at, speed_of(progress), figures)


def _state(post: Post, progress: Progress | None, planned: Schedule | None) -> State:
    plan = (planned.publish_at, planned.stopped_at is not None) if planned else ()
    moments = (post.created_at, post.published_at, post.first_published_at, post.deleted_at)
    facts = PostFacts(post.state, *moments, circle_of_post(post), *plan)
    digest = None
    if progress is not None:
        paused = progress.state == "paused"
        state = "sending" if paused else progress.state
        digest = DigestFacts(state, progress.due_at, progress.accepted, progress.candidates, paused)
    return state_of(facts, digest, now())


def circle_of_post(post: Post) -> str:
    """Who may read it, in words; "" where everybody may."""
    return circle_in_words(post.visibility, post.author.name, viewers_of([post.id]).get(post.id, []))


def _outlook(post: Post, progress: Progress | None, at: datetime) -> Outlook:
    if post.is_limited:
        words = circle_of_post(post)
        return Outlook(False, "", _warnings(post), line=f"{words[0].upper()}{words[1:]}: no mail leaves.")
    if progress is not None and progress.state in GONE:
        line = f"Its digest has left already, to {people(progress.accepted)}. Publishing it again sends nothing."
        return Outlook(False, "", _warnings(post), line=line)
    ticked = arms_by_default(post, progress.state if progress else None)
    return Outlook(ticked, _hold(), _warnings(post), reach_of(look(), at))


def _hold() -> str:
    seconds = settings().digest_hold_seconds
    if seconds == 0:
        return "It leaves at once."
    return f"It leaves {span(timedelta(seconds=seconds))} later; until then it can be held or cancelled."


def _warnings(post: Post) -> list[str]:
    """What keeps it from being published."""
    there = text_of(db.session(), post.id, post.body).strip()
    return [] if there else ["There is no text yet, so it cannot be published."]
