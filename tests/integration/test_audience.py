"""Who a digest goes to, and who it does not."""

from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given
from hypothesis import settings as how
from hypothesis import strategies as st
from sqlalchemy import delete, select

from blogapp.core.clock import now
from blogapp.core.db import db, transaction
from blogapp.delivery.models import Suppression
from blogapp.delivery.suppressions import suppress
from blogapp.digest.audience import Audience, audience, eligible, reason
from blogapp.subscribing.models import Subscriber
from tests.readers import subscriber

minutes = st.sampled_from([-90, -30, 30, 90])
people = st.lists(
    st.tuples(
        st.sampled_from(["pending", "confirmed", "unsubscribed"]),
        minutes,
        st.one_of(st.none(), minutes),
        st.booleans(),
    ),
    max_size=12,
)


@how(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(people, st.one_of(st.none(), minutes))
def test_somebody_gets_it_exactly_where_there_is_no_reason_why_not(
    app: Flask, people: list[tuple[str, int, int | None, bool]], planned: int | None
) -> None:
    at = now()
    with transaction() as session:
        session.execute(delete(Subscriber))
        session.execute(delete(Suppression))
        for number, (state, confirmed, paused, barred) in enumerate(people):
            address = f"r{number}@reader.test"
            session.add(
                Subscriber(
                    address=address,
                    state=state,
                    confirmed_at=at + timedelta(minutes=confirmed),
                    paused_until=None if paused is None else at + timedelta(minutes=paused),
                )
            )
            if barred:
                suppress(session, address, "complaint")
    planned_at = None if planned is None else at + timedelta(minutes=planned)
    why = dict(db.session.execute(select(Subscriber.address, reason(planned_at, at))).all())
    wanted = db.session.execute(select(Subscriber.address).where(eligible(planned_at, at))).scalars().all()
    assert set(wanted) == {address for address, reasons in why.items() if reasons is None}
    expected = {
        f"r{number}@reader.test"
        for number, (state, confirmed, paused, barred) in enumerate(people)
        if state == "confirmed"
        and (paused is None or paused < 0)
        and not barred
        and (planned is None or confirmed <= planned)
    }
    assert set(wanted) == expected
    db.session.rollback()


def test_before_publishing_one_sees_how_many_get_it_and_why_others_do_not(app: Flask) -> None:
    for number in range(3):
        subscriber(f"r{number}@reader.test")
    subscriber("pending@reader.test", "pending")
    subscriber("gone@reader.test", "unsubscribed")
    subscriber("away@reader.test", paused_until=now() + timedelta(days=1))
    subscriber("dead@reader.test")
    with transaction() as session:
        suppress(session, "dead@reader.test", "no such mailbox")
    assert audience() == Audience(3, {"not confirmed": 1, "unsubscribed": 1, "paused": 1, "suppressed": 1})


@pytest.mark.parametrize("spelling", ["Dead@Reader.test", " dead@reader.test "])
def test_a_suppression_holds_however_the_address_was_spelt(app: Flask, spelling: str) -> None:
    subscriber("dead@reader.test")
    with transaction() as session:
        suppress(session, spelling, "complaint", {"seen": "a report"})
        suppress(session, spelling, "no such mailbox")
    assert audience().count == 0
    assert db.session.get_one(Suppression, "dead@reader.test").reason == "complaint"
