"""SPF records, read as RFC 7208 has them."""

import pytest

from blogapp.digest.doctor.spf import BadSpf, Evaluation, find_record, parse
from tests.world import world

WORLD = world(
    {
        "blog.test TXT": [
            "google-site-verification=x",
            "v=spf1 ip4:192.0.2.0/24 include:relay.test mx:other.test ~all",
        ],
        "relay.test TXT": "v=spf1 a/30 ip6:2001:db8::/32 -all",
        "relay.test A": "198.51.100.5",
        "other.test MX": ["20 b.other.test.", "10 a.other.test."],
        "b.other.test A": "203.0.113.9",
        "moved.test TXT": "v=spf1 redirect=relay.test",
        "two.test TXT": ["v=spf1 -all", "v=spf1 mx"],
        "lost.test TXT": "v=spf1 include:nowhere.test -all",
        "circle.test TXT": "v=spf1 include:circle.test -all",
        "macro.test TXT": "v=spf1 exists:%{i}.spf.test -all",
    }
)


@pytest.mark.parametrize(
    ("domain", "address", "result"),
    [
        ("blog.test", "192.0.2.77", "pass"),
        ("blog.test", "198.51.100.6", "pass"),  # include, a with a network around it
        ("blog.test", "2001:db8::1", "pass"),
        ("blog.test", "203.0.113.9", "pass"),  # the second of the MX hosts
        ("blog.test", "198.51.100.8", "softfail"),  # the include's own -all ends nothing
        ("moved.test", "198.51.100.5", "pass"),
        ("moved.test", "203.0.113.1", "fail"),
        ("nothing.test", "203.0.113.1", "none"),
    ],
)
def test_who_may_send(domain: str, address: str, result: str) -> None:
    assert Evaluation(WORLD, address).result(domain) == result


@pytest.mark.parametrize(
    ("domain", "said"),
    [("two.test", "2 SPF records"), ("lost.test", "nowhere.test, which has no"), ("circle.test", "more than 10")],
)
def test_a_record_that_receivers_cannot_use(domain: str, said: str) -> None:
    with pytest.raises(BadSpf, match=said):
        Evaluation(WORLD, None).result(domain)


@pytest.mark.parametrize(
    "word", ["ip4:300.1.1.1", "ip4:2001:db8::1", "ip6:192.0.2.1", "include:", "al", "all:x", "a b:c"]
)
def test_a_word_that_is_none(word: str) -> None:
    with pytest.raises(BadSpf):
        parse(f"v=spf1 {word} -all")


def test_what_depends_on_the_single_mail_is_said_to() -> None:
    evaluation = Evaluation(WORLD, "192.0.2.1")
    assert evaluation.result("macro.test") == "fail"
    assert evaluation.uncertain


@pytest.mark.parametrize(
    ("record", "everybody"),
    [
        ("v=spf1 a -all", "fail"),
        ("V=SPF1 A ~ALL", "softfail"),
        ("v=spf1 ?all", "neutral"),
        ("v=spf1 a", "neutral"),
        ("v=spf1 +all", "pass"),
        ("v=spf1 all", "pass"),
        ("v=spf1 redirect=a.test exp=why.test", ""),
    ],
)
def test_what_is_said_of_everybody_else(record: str, everybody: str) -> None:
    assert parse(record).everybody == everybody


def test_a_record_of_something_else_is_not_taken_for_one() -> None:
    assert find_record(world({"a.test TXT": ["v=spf10 -all", "spf1"]}), "a.test") is None
