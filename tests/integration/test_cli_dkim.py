"""`blogapp dkim`, and mail that is signed as it leaves."""

import re
import tarfile
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
from blogapp.digest.compose import compose, personal_values
from tests import posts
from tests.commands import Command
from tests.dkimkeys import DOMAIN, keep, key, verified
from tests.relay import Relay

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
RSA, ED = key("rsa"), key("ed25519")


@ON_SQLITE
def test_a_new_key_comes_with_all_that_has_to_be_done(blogapp: Command, tmp_path: Path) -> None:
    said = blogapp("dkim new --selector one").stdout
    assert "   Name:   one._domainkey.blog.test\n" in said
    (value,) = re.findall(r"Value:  (v=DKIM1; k=rsa; p=\S+)\n", said)
    (line,) = re.findall(r"one\._domainkey\.blog\.test\. IN TXT \( (.*) \)", said)
    assert "".join(re.findall(r'"([^"]{1,255})"', line)) == value
    assert "   BLOG_DKIM_KEYS=one:dkim/one.pem\n" in said
    blogapp.environ = {**blogapp.environ, "BLOG_DKIM_KEYS": "one:dkim/one.pem"}
    both = "   BLOG_DKIM_KEYS=one:dkim/one.pem,two:dkim/two.pem\n"
    assert both in blogapp("dkim new --type ed25519 --selector two").stdout
    assert value in blogapp("dkim show").stdout
    assert "is there already" in blogapp.refused("dkim new --selector one")
    named_by_month = blogapp("dkim new").stdout
    assert f"Name:   blog-{now():%Y-%m}._domainkey.blog.test" in named_by_month


@ON_SQLITE
def test_keys_are_in_no_backup(blogapp: Command, tmp_path: Path) -> None:
    blogapp("dkim new --selector one")
    blogapp("backup site.tar.gz")
    with tarfile.open(tmp_path / "site.tar.gz") as archive:
        assert not [name for name in archive.getnames() if "dkim" in name]


@ON_SQLITE
def test_a_key_that_cannot_be_used_stops_the_start(blogapp: Command, tmp_path: Path) -> None:
    blogapp.environ = {**blogapp.environ, "BLOG_DKIM_KEYS": f"one:{keep(ED, tmp_path, 0o644)}"}
    assert "everybody on this machine can read" in blogapp.refused("check")


@ON_SQLITE
def test_the_test_mail_is_signed(blogapp: Command, relay: Relay, tmp_path: Path) -> None:
    keys = f"{RSA.selector}:{keep(RSA, tmp_path)}, {ED.selector}:{keep(ED, tmp_path)}"
    blogapp.environ = {**blogapp.environ, "BLOG_DKIM_KEYS": keys, "BLOG_SMTP_URL": relay.url}
    blogapp("mail test ann@example.org")
    assert verified(relay.bodies["ann@example.org"], RSA, ED) == [True, True]


class TestSingleMails:
    @pytest.fixture
    def chosen(self, relay: Relay, tmp_path: Path) -> dict[str, object]:
        return {"smtp_url": relay.url, "dkim_keys": (f"{ED.selector}:{keep(ED, tmp_path)}",)}

    @ON_SQLITE
    def test_they_are_signed_as_they_leave_and_a_retry_is_the_same_bytes(self, app: Flask, relay: Relay) -> None:
        with transaction() as session:
            context = {"member": {"name": "Zoë", "email": "zoe@blog.test"}}
            mail = queue_mail(session, "password-changed", "zoe@blog.test", context=context, to_name="Zoë")
            session.flush()
            kept = bytes(mail.message)
        deliver_outbox(owner_name("test"))
        received = relay.bodies["zoe@blog.test"]
        assert received.endswith(kept)
        assert verified(received, ED) == [True]
        with transaction() as session:
            again = session.merge(mail)
            again.state, again.due_at = "waiting", now()
        deliver_outbox(owner_name("test"))
        assert relay.accepted["zoe@blog.test"] == 2
        assert relay.bodies["zoe@blog.test"] == received


@ON_SQLITE
def test_a_digest_as_each_reader_gets_it_holds(app: Flask, alice: Member) -> None:
    body = "We baked  *bread*.\n\n    indented  code\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    post = posts.week(alice, 7, state="draft", body=body)
    template = compose(db.session(), post.id, date=now()).template
    sign = SignedTemplate(Signer(DOMAIN, [RSA, ED]), template)
    for number, name in enumerate(["", "Ada", "Zoë Ångström  of the far, far north \t and its many blanks " * 3]):
        address = f"r{number}@reader.test"
        signed = sign.splice(personal_values(link_key(), 3, number + 1, address, name))
        assert verified(signed, RSA, ED) == [True, True]
        assert settings().mail_from.encode() in signed
