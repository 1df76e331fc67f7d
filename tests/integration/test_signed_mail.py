"""Mail that is signed as it leaves: what the relay got holds before a receiver (dkimpy)."""

from pathlib import Path

import pytest
from flask import Flask

from blogapp.auth.models import Member
from blogapp.core.clock import now
from blogapp.core.config import settings
from blogapp.core.db import db, transaction
from blogapp.core.site import link_key
from blogapp.delivery.dkim import SignedTemplate, Signer
from blogapp.delivery.outbox import deliver_outbox, queue_mail
from blogapp.delivery.owners import owner_name
from blogapp.digest.compose import compose, personal_values, send_test_copy
from tests import posts
from tests.dkimkeys import DOMAIN, keep, key, verified
from tests.readers import subscriber
from tests.relay import Relay
from tests.worker import publish_draft, send_all

RSA, ED = key("rsa"), key("ed25519")
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def chosen(relay: Relay, tmp_path: Path) -> dict[str, object]:
    keys = tuple(f"{found.selector}:{keep(found, tmp_path)}" for found in (RSA, ED))
    return {"smtp_url": relay.url, "dkim_keys": keys}


def test_they_are_signed_as_they_leave_and_a_retry_is_the_same_bytes(app: Flask, relay: Relay) -> None:
    with transaction() as session:
        context = {"member": {"name": "Zoë", "email": "zoe@blog.test"}}
        mail = queue_mail(session, "password-changed", "zoe@blog.test", context=context, to_name="Zoë")
        session.flush()
        kept = bytes(mail.message)
    deliver_outbox(owner_name("test"))
    received = relay.bodies["zoe@blog.test"]
    assert received.endswith(kept)
    assert verified(received, RSA, ED) == [True, True]
    with transaction() as session:
        again = session.merge(mail)
        again.state, again.due_at = "waiting", now()
    deliver_outbox(owner_name("test"))
    assert relay.accepted["zoe@blog.test"] == 2
    assert relay.bodies["zoe@blog.test"] == received


def test_a_test_copy_is_signed(app: Flask, relay: Relay, alice: Member) -> None:
    send_test_copy(posts.week(alice, 7).id, alice.id)
    deliver_outbox(owner_name("test"))
    assert verified(relay.bodies[str(alice.email)], RSA, ED) == [True, True]


def test_a_digest_as_each_reader_would_get_it_holds(app: Flask, alice: Member) -> None:
    body = "We baked  *bread*.\n\n    indented  code\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    post = posts.week(alice, 7, state="draft", body=body)
    template = compose(db.session(), post.id, date=now()).template
    sign = SignedTemplate(Signer(DOMAIN, [RSA, ED]), template)
    for number, name in enumerate(["", "Ada", "Zoë Ångström  of the far, far north \t and its many blanks " * 3]):
        address = f"r{number}@reader.test"
        signed = sign.splice(personal_values(link_key(), 3, number + 1, address, name))
        assert verified(signed, RSA, ED) == [True, True]
        assert settings().mail_from.encode() in signed


def test_a_digest_as_the_relay_got_it_holds(app: Flask, relay: Relay, bob: Member) -> None:
    readers = {"ada@reader.test": "", "zoe@reader.test": "Zoë  Ångström"}
    for address, name in readers.items():
        subscriber(address, name=name)
    publish_draft(bob)
    send_all()
    assert relay.accepted == dict.fromkeys(readers, 1)
    for address in readers:
        assert verified(relay.bodies[address], RSA, ED) == [True, True]
