"""Holding back, cancelling or hurrying a digest that waits to leave. Each function is one transaction."""

from collections.abc import Callable

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import transaction
from blogapp.core.errors import Conflict, NotFound
from blogapp.delivery.wake import DIGESTS, notify
from blogapp.digest import outlook
from blogapp.digest.models import Digest
from blogapp.posts.models import Post


def hold(digest_id: int, by: int) -> Digest:
    """Keep a waiting digest until somebody says `send_now`. Raises Conflict once it has begun to leave."""
    return _control(digest_id, by, "digest.hold", ("waiting", "cancelled"), "held")


def cancel(digest_id: int, by: int) -> Digest:
    """Let the post be public without its digest leaving. Can be undone with `send_now` or `hold`."""
    return _control(digest_id, by, "digest.cancel", ("waiting", "held"), "cancelled")


def send_now(digest_id: int, by: int, *, audience: int | None = None) -> Digest:
    """Let a waiting, held or cancelled digest leave at once, without those that wait to leave together with it.

    `audience` as for `publish`. Raises AudienceChanged.
    """
    seen = outlook.look_for(Digest.id == digest_id)
    allowed = ("waiting", "held", "cancelled")
    return _control(
        digest_id, by, "digest.send_now", allowed, "waiting", leave=lambda digest: outlook.agree(digest, seen, audience)
    )


def _control(
    digest_id: int,
    by: int,
    act: str,
    allowed: tuple[str, ...],
    state: str,
    *,
    leave: Callable[[Digest], None] | None = None,
) -> Digest:
    with transaction() as session:
        digest = session.get(Digest, digest_id, with_for_update={"of": Digest}, populate_existing=True)
        if digest is None:
            raise NotFound("There is no such digest.")
        post = session.get_one(Post, digest.post_id)
        demand(session.get(Member, by), "digest.control", owner_id=post.author_id, public=True)
        if digest.state not in allowed or not post.is_public:
            raise Conflict(why_not(digest))
        digest.state, digest.held_reason = state, ""
        if leave:
            leave(digest)
            digest.due_at, digest.alone = now(), True
            notify(session, DIGESTS)
        record(session, act, f"digest:{digest.id}", by=by, post=post.id)
        return digest


def why_not(digest: Digest) -> str:
    """Why nothing more can be done about a digest, for people."""
    reasons = {
        "sending": "The digest has begun to leave. What has left cannot be called back.",
        "sent": "The digest has left already.",
        "withdrawn": "The post is withdrawn, so its digest waits with it. Publish the post first.",
        "held": "The digest is held already.",
        "cancelled": "The digest is cancelled already.",
        "waiting": "The digest is waiting to leave already.",
    }
    return reasons[digest.state]
