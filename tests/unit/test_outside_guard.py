"""The guard of outside links: which addresses are asked, which never, and under which spelling."""

import socket
import threading
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from blogapp.core.guard import Guard, NoSuchName, Refused, addresses_of, is_public, target_of
from blogapp.core.outside import look_at
from blogapp.core.turns import Turns


def leading_to(*addresses: str) -> Callable[[str, int], list[str]]:
    return lambda host, port: list(addresses)


@pytest.mark.parametrize(
    "address",
    ["1.1.1.1", "93.184.216.34", "2606:4700::1111", "::ffff:1.1.1.1", "64:ff9b::101:101", "172.32.0.1", "100.128.0.1"],
)
def test_a_public_address_is_asked(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    """127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 169.254.169.254
    100.64.0.1 100.100.100.200 192.0.0.1 192.0.0.192 192.0.2.1 198.18.0.1 198.51.100.1 203.0.113.1 192.88.99.1
    224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255 168.63.129.16
    :: ::1 ::7f00:1 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 64:ff9b::7f00:1 64:ff9b::a00:1
    64:ff9b:1::101:101 fe80::1 fe80::1%eth0 fec0::1 fc00::1 fd00:ec2::254 ff02::1 2001:db8::1 3fff::1
    2002:7f00:1:: 2002:101:101:: 2001::1 100::1 5f00::1 4000::1 nothing 1.2.3 2130706433""".split(),
)
def test_an_inside_or_odd_address_never_is(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "javascript:alert(1)", "mailto:a@b.test",
        "https://user@example.org/", "https://user:word@example.org/", "https://@example.org/",
        "https://example.org:22/", "https://example.org:25/", "https://example.org:6379/", "https://example.org:0/",
        "https://example.org:99999/", "https://example.org:x/", "http://", "https:///path", "http://[::1", "http://[x]/",
        "http://[fe80::1%25eth0]/", "http://exa mple.org/", "http://a..b/", "http://a\\b.example/", "http://-a.example/",
        f"http://{'a' * 64}.example/", f"https://example.org/{'a' * 2000}",
    ],
)  # fmt: skip
def test_what_is_no_plain_address_of_the_web_is_refused(url: str) -> None:
    with pytest.raises(Refused):
        target_of(url)


@pytest.mark.parametrize(
    ("url", "spelt"),
    [
        ("HTTPS://Example.ORG", "https://example.org/"),
        ("https://example.org:443/a?b=c#d", "https://example.org/a?b=c"),
        ("http://example.org:8080/a", "http://example.org:8080/a"),
        ("https://bücher.example/straße?q=ö&x=a b", "https://xn--bcher-kva.example/stra%C3%9Fe?q=%C3%B6&x=a%20b"),
        ("https://example.org/a%20b/%E2%9C%93", "https://example.org/a%20b/%E2%9C%93"),
        ("http://example.org./", "http://example.org/"),
        ("http://[2606:4700:0::1111]:8080/", "http://[2606:4700::1111]:8080/"),
        ("http://example.org/a\r\nHost: inside", "http://example.org/aHost:%20inside"),
    ],
)
def test_an_address_has_one_spelling(url: str, spelt: str) -> None:
    assert target_of(url).url == spelt
    assert target_of(spelt).url == spelt


@pytest.mark.parametrize("inside", ["127.0.0.1", "10.0.0.1", "::1", "::ffff:192.168.0.1", "169.254.169.254"])
def test_a_name_with_one_public_and_one_inside_address_is_refused(inside: str) -> None:
    target = target_of("https://both.example/")
    for found in (["1.1.1.1", inside], [inside, "1.1.1.1"]):
        with pytest.raises(Refused, match="public internet"):
            Guard(resolve=leading_to(*found)).addresses(target)
    assert Guard(resolve=leading_to("1.1.1.1")).addresses(target) == ["1.1.1.1"]


@pytest.mark.parametrize(
    "host", ["127.1", "2130706433", "0x7f.1", "0177.0.0.1", "localhost", "[::1]", "[::ffff:a00:1]"]
)
def test_other_spellings_of_this_machine_are_seen_through(host: str) -> None:
    target = target_of(f"http://{host}/")
    try:
        found = Guard().addresses(target)
    except (Refused, NoSuchName):
        return
    pytest.fail(f"{host} leads to {found}")


def test_a_name_that_means_another_address_a_moment_later_is_not_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolved, reached = [], []

    def rebinds(host: str, port: int) -> list[str]:
        resolved.append(host)
        return ["1.1.1.1" if len(resolved) == 1 else "127.0.0.1"]

    def reach(address: tuple[str, int], timeout: float) -> socket.socket:
        reached.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(socket, "create_connection", reach)
    found = look_at("http://rebinds.example/", agent="test", turns=Turns(0), guard=Guard(resolve=rebinds))
    assert (found.state, found.why) == ("unsure", "did not answer")
    assert (resolved, reached) == (["rebinds.example"], [("1.1.1.1", 80)])


def test_no_connection_is_made_to_what_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "create_connection", lambda *_: pytest.fail("it connects"))
    for url in ("http://inside.example/", "http://169.254.169.254/latest/meta-data/", "http://inside.example:6379/"):
        found = look_at(url, agent="test", turns=Turns(0), guard=Guard(resolve=leading_to("169.254.169.254")))
        assert found.state == "unsure"
        assert "it was not asked" in found.why


def test_a_name_that_nobody_has_is_dead_and_one_that_cannot_be_looked_up_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    troubles = [socket.gaierror(socket.EAI_NONAME, "x"), socket.gaierror(socket.EAI_AGAIN, "x")]

    def fails(*_: object, **__: object) -> None:
        raise troubles.pop(0)

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    with pytest.raises(NoSuchName):
        addresses_of("nobody.example", 80)
    found = look_at("http://nobody.example/", agent="test", turns=Turns(0))
    assert (found.state, found.again_seconds > 0) == ("unsure", True)
    troubles.append(socket.gaierror(socket.EAI_NONAME, "x"))
    found = look_at("http://nobody.example/", agent="test", turns=Turns(0))
    assert (found.state, found.why) == ("dead", "leads nowhere: there is no site of this name")


def test_a_host_has_one_request_at_a_time_and_a_pause_after_it_and_others_do_not_wait() -> None:
    turns, spans = Turns(0.1), list[tuple[str, float, float]]()

    def ask(host: str) -> None:
        with turns.of(host):
            began = time.monotonic()
            time.sleep(0.02)
            spans.append((host, began, time.monotonic()))

    began = time.monotonic()
    threads = [threading.Thread(target=ask, args=(host,)) for host in ("one", "one", "one", "other")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (other,) = [span for span in spans if span[0] == "other"]
    assert other[1] - began < 0.1
    ones = sorted(span[1:] for span in spans if span[0] == "one")
    assert all(after[0] - before[1] >= 0.09 for before, after in pairwise(ones))
