"""What comes back of mails changes what is sent, if it can be proven; on both databases."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.config import EXTENSION, settings
from blogapp.core.db import db, transaction
from blogapp.core.site import link_key
from blogapp.core.tokens import link_token
from blogapp.delivery import verp
from blogapp.delivery.bounces import Kind
from blogapp.delivery.models import OutboxMail, Suppression
from blogapp.delivery.outbox import deliver_outbox
from blogapp.delivery.owners import owner_name
from blogapp.delivery.suppressions import suppressed
from blogapp.digest import bitmap
from blogapp.digest.compose import compose, personal_values
from blogapp.digest.feedback import Fate, take_in
from blogapp.digest.models import Batch, Sending, SendingException
from blogapp.digest.proofs import message_name
from blogapp.subscribing.adding import add_subscribers
from blogapp.subscribing.managing import lift_suppression
from blogapp.subscribing.models import Bounce
from blogapp.subscribing.moving import change_address, confirm_address
from blogapp.subscribing.privacy import data_held, erase
from blogapp.subscribing.signing_up import sign_up
from tests import bounced, posts, readers
from tests.bounced import Sent
from tests.mailbox import outbox
from tests.readers import everything
from tests.relay import Relay

ANN = "ann@reader.test"
HARD = [bounced.postfix, bounced.exchange, bounced.gmail, bounced.exim, bounced.qmail]


@pytest.fixture
def chosen() -> dict[str, Any]:
    return {"bounce_address": "bounces@notes.test"}


@pytest.fixture
def ann(app: Flask) -> int:
    return readers.subscriber(ANN, confirmed_at=now() - timedelta(days=90))


def sending(*accepted: int, later: int | None = None) -> int:
    """A sending that the relay took for these subscribers; for `later` at a second try."""
    with transaction() as session:
        row = Sending(subject="x", message=b"x", last_subscriber_id=9, state="sent")
        session.add(row)
        session.flush()
        bits = bitmap.from_ids(accepted, 1, 9)
        batch = Batch(sending_id=row.id, lo=1, hi=9, state="done", planned=bits, accepted=bits)
        session.add(batch)
        session.flush()
        if later:
            session.add(SendingException(sending_id=row.id, subscriber_id=later, batch_id=batch.id, state="accepted"))
        return row.id


def sent(sending_id: int, subscriber_id: int, to: str = ANN) -> Sent:
    """That sending's mail to a subscriber."""
    key = link_key()
    sender = verp.sender_for(key, sending_id, subscriber_id)
    link = f"http://blog.test/unsubscribe/{link_token(key, 'unsubscribe', subscriber_id)}"
    return Sent(sender, to, f"{message_name(key, sending_id, subscriber_id)}@blog.test", link)


def reason(address: str = ANN) -> str | None:
    db.session.rollback()
    found = suppressed(db.session(), address)
    return found.reason if found else None


def rows() -> list[tuple[int | None, int, str]]:
    db.session.rollback()
    query = select(Bounce.sending_id, Bounce.subscriber_id, Bounce.kind).order_by(Bounce.id)
    return [(row[0], row[1], row[2]) for row in db.session.execute(query)]


@pytest.mark.parametrize("write", HARD)
def test_a_hard_bounce_suppresses_the_address(ann: int, write: Callable[[Sent], bytes]) -> None:
    mail = sent(sending(ann), ann)
    outcome = take_in(write(mail))
    assert (outcome.fate, outcome.kind, outcome.about) == (Fate.SUPPRESSED, Kind.HARD, f"subscriber:{ann}")
    assert reason() == "no such mailbox"
    assert rows() == [(1, ann, "hard")]
    evidence = db.session.execute(select(Suppression.evidence)).scalar_one()
    assert evidence["status"].startswith("5.1.1")
    assert ANN not in str(evidence)
    assert readers.reload(ann).state == "confirmed"


def test_the_same_message_twice_is_once(ann: int, alice: Member) -> None:
    mail = bounced.postfix(sent(sending(ann), ann))
    take_in(mail)
    lift_suppression(ANN, alice.id)
    before = everything()
    assert take_in(mail).fate is Fate.KNOWN
    assert everything() == before


def test_a_forged_bounce_suppresses_nobody(ann: int) -> None:
    number = sending(ann)
    before = everything()
    forged = Sent(f"bounces+d{number}-{ann}-aaaaaaaaaaaaaaaa@notes.test", ANN, f"{number}.{ann}.{'0' * 16}@blog.test")
    stolen = Sent(sent(number, ann + 1).sender.replace(f"-{ann + 1}-", f"-{ann}-"), ANN)
    for mail in (forged, stolen):
        for write in (*HARD, bounced.full, bounced.complaint, bounced.outlook_complaint):
            outcome = take_in(write(mail))
            assert outcome.fate is Fate.UNPROVEN
            assert outcome.for_people
    assert everything() == before


def test_automatic_answers_and_late_mails_change_nothing(ann: int) -> None:
    mail = sent(sending(ann), ann)
    before = everything()
    late = bounced.dsn(mail, f"Final-Recipient: rfc822;{ANN}\nAction: delayed\nStatus: 4.4.1")
    for message in (bounced.vacation(mail), bounced.out_of_office(mail), late, bounced.complaint(mail, "not-spam")):
        assert take_in(message).fate is Fate.IGNORED
    assert take_in(bounced.letter(mail.sender)).fate is Fate.UNKNOWN
    assert everything() == before


def test_any_of_our_marks_in_the_mail_that_came_back_is_a_proof(ann: int) -> None:
    number, key = sending(ann), link_key()
    real = sent(number, ann)
    none = Sent(sender="notes@blog.test")
    for mail, known in (
        (Sent("notes@blog.test", ANN, real.message_id), number),
        (
            Sent(
                "notes@blog.test", ANN, unsubscribe=real.unsubscribe.upper().replace("HTTP://BLOG.TEST/UNSUB", "/unsub")
            ),
            None,
        ),
    ):
        assert take_in(bounced.complaint(mail, redacted=True)).fate is Fate.UNSUBSCRIBED
        assert rows()[-1] == (known, ann, "complaint")
    assert take_in(bounced.postfix(none), verp.sender_for(key, number, ann).upper()).fate is Fate.SUPPRESSED
    assert take_in(bounced.postfix(none), None).fate is Fate.UNPROVEN


def test_a_report_about_two_readers_is_for_people(ann: int) -> None:
    bea = readers.subscriber("bea@reader.test")
    number = sending(ann, bea)
    two = bounced.complaint(sent(number, ann), redacted=True) + bounced.complaint(sent(number, bea), redacted=True)
    assert take_in(two).fate is Fate.UNPROVEN


def test_three_soft_bounces_in_five_digests_are_enough(ann: int) -> None:
    sendings = [sending(ann) for _ in range(8)]
    soft = [take_in(bounced.full(sent(number, ann))).fate for number in (sendings[0], sendings[1], sendings[6])]
    assert soft == [Fate.COUNTED] * 3  # The first two of them are too long ago.
    assert take_in(bounced.full(sent(sendings[6], ann))).fate is Fate.KNOWN
    assert take_in(bounced.full(sent(sendings[4], ann))).fate is Fate.COUNTED
    assert reason() is None
    assert take_in(bounced.full(sent(sendings[7], ann))).fate is Fate.SUPPRESSED
    assert reason() == "mails kept coming back"


def test_a_block_list_that_we_are_on_costs_us_no_readers(ann: int) -> None:
    said = "550 5.7.1 Service unavailable; client host blocked using a list"
    for _ in range(4):
        assert take_in(bounced.postfix(sent(sending(ann), ann), "5.7.1", said)).fate is Fate.COUNTED
    assert take_in(bounced.postfix(sent(sending(ann), ann), "5.0.0", "550 this looks like spam")).fate is Fate.COUNTED
    assert (len(rows()), reason()) == (5, None)


def test_only_digests_that_a_reader_was_sent_count(ann: int) -> None:
    mine = [sending(ann), sending(1 + ann, later=ann)]
    for _ in range(5):
        sending(1 + ann)  # somebody else's
    for number in mine:
        assert take_in(bounced.full(sent(number, ann))).fate is Fate.COUNTED
    with transaction() as session:  # On its way: the batch that holds them is not written yet.
        session.add(Sending(subject="x", message=b"x", last_subscriber_id=9))
    assert take_in(bounced.full(sent(8, ann))).fate is Fate.SUPPRESSED


def test_a_bounce_of_an_address_that_was_left_counts_for_nothing(ann: int) -> None:
    number = sending(ann)
    change_address(ann, "new@reader.test")
    confirm_address(outbox()[-1].path("/confirm-address/").rpartition("/")[2])
    assert take_in(bounced.postfix(sent(number, ann))).fate is Fate.MOVED
    assert (rows(), reason("new@reader.test")) == ([], None)
    # What the report says to be the present one counts, and so does what was sent since.
    assert take_in(bounced.postfix(sent(sending(ann), ann, "new@reader.test"))).fate is Fate.SUPPRESSED


def test_a_dead_mailbox_that_mail_is_forwarded_to_counts_as_a_soft_bounce(ann: int) -> None:
    elsewhere = sent(sending(ann), ann, "ann@forwarded.test")
    outcome = take_in(bounced.postfix(elsewhere))
    assert (outcome.fate, outcome.kind) == (Fate.COUNTED, Kind.SOFT)


def test_a_complaint_unsubscribes_and_no_import_brings_them_back(ann: int, alice: Member) -> None:
    mail = sent(sending(ann), ann)
    assert take_in(bounced.complaint(mail)).fate is Fate.UNSUBSCRIBED
    assert take_in(bounced.complaint(mail)).fate is Fate.KNOWN
    assert (readers.reload(ann).state, reason()) == ("unsubscribed", "complaint")
    add_subscribers([ANN], by=alice.id, confirmed=True, source="admin")
    sign_up(ANN)
    assert (readers.reload(ann).state, outbox()) == ("unsubscribed", [])
    lift_suppression(ANN, alice.id)
    sign_up(ANN)
    assert [mail.purpose for mail in outbox()] == ["confirmation"]


def test_a_mail_to_its_own_address_takes_somebody_off_the_list(ann: int, bob: Member) -> None:
    post = posts.week(bob, 7)
    values = personal_values(link_key(), 1, ann, ANN)
    header = compose(db.session(), post.id, date=now()).template.splice(values)
    (address,) = [part.split(b"?")[0] for part in header.split(b"<mailto:")[1:2]]
    https, mailto = (
        part for part in header.replace(b"\r\n ", b" ").split(b"List-Unsubscribe: ")[1].split(b"\r\n")[0].split(b", ")
    )
    assert https.startswith(b"<http://blog.test/unsubscribe/")
    assert mailto.endswith(b"?subject=unsubscribe>")
    outcome = take_in(bounced.letter(address.decode()))
    assert (outcome.fate, readers.reload(ann).state, reason()) == (Fate.UNSUBSCRIBED, "unsubscribed", None)
    assert take_in(bounced.letter(address.decode())).fate is Fate.KNOWN
    assert take_in(bounced.letter(f"bounces+u{ann}-{'a' * 26}@notes.test")).fate is Fate.UNPROVEN


def test_a_confirmation_mail_to_a_dead_mailbox_is_understood(app: Flask) -> None:
    class Noting(Relay):
        async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:
            senders.append(address)
            return await super().handle_MAIL(server, session, envelope, address, options)

    senders: list[str] = []
    with Noting() as relay:
        app.extensions[EXTENSION] = replace(settings(), smtp_url=relay.url)
        sign_up(ANN)
        deliver_outbox(owner_name("test"))
    (sender,) = senders
    assert sender.startswith("bounces+o1-")
    message = bounced.postfix(Sent(sender))
    forged = Sent(sender.replace("o1-", "o2-"))
    assert take_in(bounced.postfix(forged)).fate is Fate.UNPROVEN
    assert take_in(message).fate is Fate.SUPPRESSED
    assert take_in(message).fate is Fate.KNOWN
    someone = readers.find(ANN)
    assert someone is not None
    assert (reason(), rows()) == ("no such mailbox", [(None, someone.id, "hard")])
    mail = db.session.execute(select(OutboxMail)).scalar_one()
    assert (mail.state, mail.reply.startswith("came back: hard, 5.1.1")) == ("failed", True)


def test_what_came_back_is_shown_and_erased(ann: int, alice: Member, log_in: Callable[[Member], FlaskClient]) -> None:
    take_in(bounced.full(sent(sending(ann), ann)))
    take_in(bounced.complaint(sent(1, ann)))
    held = data_held(ann)["bounces"]
    assert [(row["kind"], row["status"]) for row in held] == [("soft", "5.2.2"), ("complaint", "")]
    assert "552 5.2.2 Mailbox is over quota" in log_in(alice).get(readers.preferences(ann)).text
    page = log_in(alice).get(f"/admin/subscribers/{ann}").text
    assert "had a mail come back, for now" in page
    assert "unsubscribed, by reporting a mail as spam" in page
    erase(ann)
    assert rows() == []
    assert take_in(bounced.postfix(sent(1, ann))).fate is Fate.GONE
