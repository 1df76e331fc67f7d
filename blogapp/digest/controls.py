"""What a person can do about a digest that has begun to leave: settle doubts, or have a pause end now."""

from sqlalchemy import update
from sqlalchemy.orm import Session

from blogapp.audit import record
from blogapp.auth.models import Member
from blogapp.auth.permissions import demand
from blogapp.core.clock import now
from blogapp.core.db import transaction
from blogapp.core.errors import Conflict, NotFound
from blogapp.delivery.wake import DIGESTS, notify
from blogapp.digest.family import digests_of, family_of
from blogapp.digest.models import Digest, Sending, SendingException
from blogapp.posts.models import Post


def settle_doubts(digest_id: int, by: int, *, resend: bool) -> int:
    """Decide about the mails whose connection broke after the final dot and that wait for a person. Returns how many.

    Args:
        resend: send them again (some come twice), or count them as accepted.

    Raises:
        NotFound: there is no such digest.
        NotAllowed: `by` may not control it.
        Conflict: nothing is in doubt.
    """
    with transaction() as session:
        digest, sendings = _find(session, digest_id, by)
        doubts = update(SendingException).where(
            SendingException.sending_id.in_([sending.id for sending in sendings]),
            SendingException.state == "in_doubt",
            SendingException.due_at.is_(None),
        )
        if resend:
            doubts = doubts.values(due_at=now())
        else:
            doubts = doubts.values(state="accepted", reply="counted as accepted by hand")
        settled = session.execute(
            doubts.returning(SendingException.sending_id), execution_options={"synchronize_session": False}
        ).scalars()
        concerned = list(settled)
        if not concerned:
            raise Conflict("Nothing is in doubt here any more.")
        if resend:
            for sending in sendings:
                if sending.id in concerned and sending.state == "sent":
                    # `sent_at` stays: who joined since is not owed it because of a few that are sent again.
                    sending.state = "sending"
            for other in digests_of(session, sendings[0]):
                other.state = "sending"
        record(session, "digest.settle_doubts", f"digest:{digest.id}", by=by, resend=resend, count=len(concerned))
        notify(session, DIGESTS)
        return len(concerned)


def resume_now(digest_id: int, by: int) -> None:
    """Have a paused sending try the relay now rather than when its pause is over.

    Raises:
        NotFound, NotAllowed: as above.
        Conflict: it is not paused.
    """
    with transaction() as session:
        digest, sendings = _find(session, digest_id, by)
        _resume(session, sendings)
        record(session, "digest.resume", f"digest:{digest.id}", by=by)


def resume_sending_now(sending_id: int, by: int) -> None:
    """The same for what is no post's digest: a month's catch-up, a correction.

    Raises:
        NotFound, NotAllowed, Conflict: as above.
    """
    with transaction() as session:
        demand(session.get(Member, by), "site.settings")
        sendings = _lock(session, sending_id)
        if not sendings:
            raise NotFound("There is no such sending.")
        _resume(session, sendings)
        record(session, "digest.resume", f"sending:{sending_id}", by=by)


def _resume(session: Session, sendings: list[Sending]) -> None:
    paused = [sending for sending in sendings if sending.state == "paused"]
    if not paused:
        raise Conflict("It is not paused.")
    for sending in paused:
        sending.resume_at = now()
    notify(session, DIGESTS)


def _find(session: Session, digest_id: int, by: int) -> tuple[Digest, list[Sending]]:
    """The digest, and the main sending with its editions, all locked."""
    digest = session.get(Digest, digest_id, populate_existing=True)
    if digest is None:
        raise NotFound("There is no such digest.")
    post = session.get_one(Post, digest.post_id)
    demand(session.get(Member, by), "digest.control", owner_id=post.author_id, public=True)
    if digest.sending_id is None:
        raise Conflict("The digest has not begun to leave.")
    return digest, _lock(session, digest.sending_id)


def _lock(session: Session, main_id: int) -> list[Sending]:
    numbers = family_of(session, main_id)
    return [session.get_one(Sending, number, with_for_update=True, populate_existing=True) for number in numbers]
