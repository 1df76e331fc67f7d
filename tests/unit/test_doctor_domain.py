"""What receivers find of the sender's domain, with a DNS of the test's own."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from blogapp.core.config import EXTENSION
from blogapp.digest.doctor import domain, relay
from blogapp.digest.doctor.examining import Check, tried
from blogapp.digest.doctor.findings import Verdict
from blogapp.digest.doctor.names import Names
from blogapp.digest.doctor.tools import Tools
from tests.conftest import make_settings
from tests.dkimkeys import keep, key
from tests.world import Records, no_world, world

OK, WARNING, FAILED, UNKNOWN = Verdict.OK, Verdict.WARNING, Verdict.FAILED, Verdict.UNKNOWN
# A public address that is nobody's example: those of the documentation are not public.
PUBLIC = "9.9.9.9"
NAME = "sel-ed25519._domainkey.blog.test TXT"

Look = Callable[..., list[tuple[Verdict, str]]]


@pytest.fixture
def look(tmp_path: Path) -> Iterator[Look]:
    """Run a check in a world; verdicts and texts."""
    app = Flask("doctor")

    def run(
        check: Check, records: Records | Names, own: tuple[str, ...] = (), **chosen: Any
    ) -> list[tuple[Verdict, str]]:
        app.extensions[EXTENSION] = make_settings(tmp_path, **chosen)
        names = records if isinstance(records, Names) else world(records)
        found = check(Tools(names=names, own_addresses=lambda: list(own)))
        return [(finding.verdict, finding.text) for finding in found]

    with app.app_context():
        yield run


def test_without_dns_it_is_said_once_and_plainly(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    ((verdict, text),) = look(domain.dns, no_world())
    assert verdict is UNKNOWN
    assert text.startswith("There is no DNS here (no answer in time)")
    monkeypatch.setattr("blogapp.digest.doctor.examining.db.session.rollback", lambda: None)
    for check in (domain.receives, domain.spf, domain.dmarc):
        assert look(lambda tools, c=check: tried("x", c, tools), no_world()) == [(UNKNOWN, "It takes DNS to tell.")]


def test_one_name_that_is_not_answered_is_no_judgement(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("blogapp.digest.doctor.examining.db.session.rollback", lambda: None)
    ((verdict, text),) = look(lambda tools: tried("SPF", domain.spf, tools), {"blog.test TXT": None})
    assert verdict is UNKNOWN
    assert "not answered in time" in text


@pytest.mark.parametrize(
    ("records", "verdict"),
    [
        ({"blog.test MX": "10 mx.blog.test.", "mx.blog.test AAAA": "2001:db8::1"}, OK),
        ({"blog.test MX": "10 mx.blog.test."}, FAILED),
        ({"blog.test MX": "0 ."}, FAILED),
        ({"blog.test A": PUBLIC}, WARNING),
        ({}, FAILED),
    ],
)
def test_a_sender_has_to_take_mail(look: Look, records: Records, verdict: Verdict) -> None:
    assert [found for found, _ in look(domain.receives, records)] == [verdict]


RELAY = {"smtp_url": "smtp://relay.test:25?starttls=opportunistic"}


@pytest.mark.parametrize(
    ("record", "chosen", "verdicts"),
    [
        (f"v=spf1 ip4:{PUBLIC} -all", {}, [OK]),
        (f"v=spf1 ip4:{PUBLIC} -all", RELAY, [OK]),
        ("v=spf1 -all", {}, [FAILED]),  # the relay is this machine: its address is known
        ("v=spf1 -all", RELAY, [WARNING]),  # a provider may send from elsewhere
        (f"v=spf1 ip4:{PUBLIC} ?all", {}, [OK, WARNING]),
        ("v=spf1 +all", {}, [FAILED]),
        ("v=spf1 exists:%{i}.x.test -all", {}, [UNKNOWN]),
        ("v=spf1 include:nowhere.test ~all", {}, [FAILED]),
        ("hello", {}, [FAILED]),
    ],
)
def test_spf(look: Look, record: str, chosen: dict[str, str], verdicts: list[Verdict]) -> None:
    found = look(domain.spf, {"blog.test TXT": record, "relay.test A": PUBLIC}, own=(PUBLIC,), **chosen)
    assert [verdict for verdict, _ in found] == verdicts


def test_spf_behind_a_private_address_says_what_it_cannot_know(look: Look) -> None:
    ((verdict, text),) = look(domain.spf, {"blog.test TXT": "v=spf1 mx -all"}, own=("10.0.0.4",))
    assert verdict is UNKNOWN
    assert "a sound record" in text


@pytest.mark.parametrize(
    ("record", "verdict", "said"),
    [
        ("v=DKIM1; k=ed25519; p=OURS", OK, "is that of its key"),
        ("v=DKIM1 ;\tk=ed25519;p= OURS;", OK, ""),
        ("v=DKIM1; k=ed25519; p=THEIRS", FAILED, "another key"),
        ("v=DKIM1; p=OURS", FAILED, "another key"),  # without k= it is one for RSA
        ("", FAILED, "no record"),
        ("v=DKIM1; k=ed25519; p=", FAILED, "takes its key back"),
        ("v=DKIM1; k=ed25519; p=OURS; h=sha1", FAILED, "does not let it sign"),
        ("v=DKIM1; k=ed25519; p=OURS; t=y:s", WARNING, "a test"),
    ],
)
def test_a_keys_record(look: Look, tmp_path: Path, record: str, verdict: Verdict, said: str) -> None:
    ours = key("ed25519")
    entry = f"{ours.selector}:{keep(ours, tmp_path)}"
    record = record.replace("OURS", ours.public).replace("THEIRS", key("rsa").public)
    ((found, text),) = look(domain.dkim, {NAME: record}, dkim_keys=(entry,))
    assert found is verdict
    assert said in text
    ((twice, _),) = look(domain.dkim, {NAME: [record, record]}, dkim_keys=(entry,))
    assert twice is FAILED


@pytest.mark.parametrize(
    ("sender", "records", "verdicts"),
    [
        ("a@blog.test", {"_dmarc.blog.test TXT": "v=DMARC1; p=reject"}, [OK, OK]),
        ("a@news.blog.test", {"_dmarc.blog.test TXT": "v=DMARC1; p=none; sp=quarantine"}, [OK, OK]),
        ("a@blog.test", {"_dmarc.blog.test TXT": "v=DMARC1; rua=mailto:x@blog.test"}, [FAILED]),
        ("a@blog.test", {}, [WARNING]),
        ("a@blog.test", {"_dmarc.blog.test TXT": ["v=DMARC1; p=none"] * 2}, [WARNING]),
    ],
)
def test_dmarc(look: Look, sender: str, records: Records, verdicts: list[Verdict]) -> None:
    assert [verdict for verdict, _ in look(domain.dmarc, records, mail_from=sender)] == verdicts


@pytest.mark.parametrize(
    ("signs", "mode", "verdict"),
    [
        ("blog.test", "", OK),
        ("mail.blog.test", "", OK),
        ("mail.blog.test", "; adkim=s", WARNING),
        ("esp.test", "", WARNING),
    ],
)
def test_a_signature_of_another_domain_proves_nothing(look: Look, signs: str, mode: str, verdict: Verdict) -> None:
    records = {"_dmarc.blog.test TXT": f"v=DMARC1; p=none{mode}"}
    found = look(domain.dmarc, records, dkim_keys=("never:read",), dkim_domain=signs)
    assert found[1][0] is verdict


def test_bounces_to_a_domain_of_their_own(look: Look, monkeypatch: pytest.MonkeyPatch) -> None:
    records = {"_dmarc.blog.test TXT": "v=DMARC1; p=none"}
    for bounces, verdict in (("bounce.blog.test", OK), ("relay.test", FAILED)):
        monkeypatch.setattr(domain, "envelope_domain", lambda found=bounces: found)
        assert look(domain.dmarc, records)[1][0] is verdict


BACK = {"9.9.9.9.in-addr.arpa PTR": "mail.blog.test.", "mail.blog.test A": PUBLIC}


@pytest.mark.parametrize(
    ("records", "chosen", "verdict"),
    [
        (BACK, {}, OK),
        (BACK | {"mail.blog.test A": "9.9.9.10"}, {}, FAILED),
        ({}, {}, FAILED),
        (BACK | {"relay.test A": PUBLIC}, RELAY, OK),
        ({"relay.test A": PUBLIC}, RELAY, WARNING),
        ({"relay.test A": "10.0.0.1"}, RELAY, UNKNOWN),
    ],
)
def test_the_name_of_the_sending_address(
    look: Look, records: Records, chosen: dict[str, str], verdict: Verdict
) -> None:
    ((found, _),) = look(relay.pointer, records, own=(PUBLIC,), **chosen)
    assert found is verdict
