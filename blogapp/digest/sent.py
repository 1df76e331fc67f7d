"""What a reader was sent, from the batches' bitmaps: no row per reader says it."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from blogapp.digest.models import Batch, Sending, SendingException

# How far back it looks for somebody who was sent little.
LOOK_BACK = 30


def last_sent(session: Session, subscriber_id: int, count: int) -> list[int]:
    """The last `count` sendings whose mail to this subscriber the relay took, the newest first."""
    sendings = select(Sending.id).where(Sending.last_subscriber_id >= subscriber_id).order_by(Sending.id.desc())
    found: list[int] = []
    for number in session.execute(sendings.limit(LOOK_BACK)).scalars().all():
        if len(found) < count and was_sent(session, number, subscriber_id):
            found.append(number)
    return found


def was_sent(session: Session, sending_id: int, subscriber_id: int) -> bool:
    """Whether the relay took that sending's mail to this subscriber, as far as its batch is written."""
    within = (Batch.sending_id == sending_id, Batch.lo <= subscriber_id, Batch.hi >= subscriber_id)
    for lo, accepted in session.execute(select(Batch.lo, Batch.accepted).where(*within)):
        place = subscriber_id - lo
        if accepted and accepted[place >> 3] >> (place & 7) & 1:
            return True
    exception = session.get(SendingException, (sending_id, subscriber_id))
    return exception is not None and exception.state == "accepted"
