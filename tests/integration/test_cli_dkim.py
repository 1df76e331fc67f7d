"""`blogapp dkim`, the keys it makes, and what keeps them."""

import re
import tarfile
from pathlib import Path

import pytest

from blogapp.core.clock import now
from tests.commands import Command
from tests.dkimkeys import keep, key, verified
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
