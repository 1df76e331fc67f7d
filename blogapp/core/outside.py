"""Looking whether something is at an address of the web: politely, briefly, and past the guard.

Each redirect begins anew: its name is resolved, its addresses are looked at, and the connection goes to one of these.
Proxies from the environment are not used: they would resolve the name again.
"""

import socket
import ssl
import time
from contextlib import closing
from dataclasses import dataclass
from functools import lru_cache
from http.client import HTTPConnection, HTTPException
from ipaddress import ip_address
from urllib.parse import urljoin

from blogapp.core.guard import PUBLIC, Guard, NoSuchName, Refused, Target, default_port, target_of
from blogapp.core.hurry import hurry
from blogapp.core.turns import Turns

# For each step: to connect, to send, for the next bytes to come.
TIMEOUT_SECONDS = 10.0
# For a whole answer, however its bytes drip; for an address with all its redirects.
ANSWER_SECONDS, ALL_SECONDS = 15.0, 60.0
MOST_REDIRECTS = 5
REDIRECTS, FOR_GOOD = frozenset([301, 302, 303, 307, 308]), frozenset([301, 308])
NOTHING_THERE = {404: "answers 404: nothing is there", 410: "answers 410: it was taken away"}
# "Not now": asked again once, later, and never at once in another way.
NOT_NOW = frozenset([429, 503])
AGAIN_SECONDS, LONGEST_WAIT_SECONDS = 60, 3600
# Characters that are shown of an address that a server leads on to.
LONGEST_SHOWN = 200


@dataclass(frozen=True)
class Outcome:
    """What is known of an address: `ok`, `moved`, `dead` or `unsure`. `why`: goes on after the address, no full stop.

    `again_seconds`: an answer may be had by asking once more after so long; 0: it would be the same.
    `no_name`: nobody was found under its name. Where no name at all is found, that says nothing about it.
    """

    state: str
    status: int | None = None
    why: str = ""
    moved_to: str = ""
    again_seconds: int = 0
    no_name: bool = False


NO_NAMES = Outcome(
    "unsure", None, "was not found, nor is any other name: perhaps this server is not online", again_seconds=60
)


@dataclass(frozen=True)
class _Answer:
    status: int
    location: str = ""
    retry_after: str = ""


class _Pinned(HTTPConnection):
    """A connection to one of the addresses that were looked at, whatever its name leads to by now."""

    def __init__(self, target: Target, addresses: list[str]) -> None:
        super().__init__(target.host, target.port, timeout=TIMEOUT_SECONDS)
        self.default_port = default_port(target.scheme)  # No port in the Host header then.
        self.encrypted, self.addresses = target.scheme == "https", addresses

    def connect(self) -> None:
        self.sock = self._reach()
        if self.encrypted:
            # Not until the socket is known here, so that `hurry` can cut a handshake short, too.
            self.sock = _tls().wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def _reach(self) -> socket.socket:
        """One connection; the first address of each kind is tried."""
        tried: dict[int, str] = {}
        for address in self.addresses:
            tried.setdefault(ip_address(address).version, address)
        trouble: OSError = OSError("it has no address")
        for address in tried.values():
            try:
                sock = socket.create_connection((address, self.port), TIMEOUT_SECONDS / len(tried))
                sock.settimeout(TIMEOUT_SECONDS)
                return sock
            except OSError as error:
                trouble = error
        raise trouble


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()


def look_at(url: str, *, agent: str, turns: Turns, guard: Guard = PUBLIC) -> Outcome:
    """Ask for an address, following its redirects; nothing of any text is read.

    Args:
        url: as `Target.url` spells it.
        agent: who asks, for the servers' logs.
        turns: who has a host's turn.
    """
    began, here, moved_to, for_good = time.monotonic(), url, "", True
    for _ in range(MOST_REDIRECTS + 1):
        try:
            target = target_of(here, guard.ports)
            here = target.url
            answer = _ask(target, agent, turns, guard)
        except Refused as refused:
            return Outcome("unsure", None, _said(url, here, str(refused)))
        except NoSuchName:
            return Outcome("dead", None, _said(url, here, "leads nowhere: there is no site of this name"), no_name=True)
        except (OSError, HTTPException) as error:
            return _trouble(url, here, error)
        if answer.status not in REDIRECTS or not answer.location:
            return _verdict(url, here, answer, _usable(moved_to, guard))
        try:
            here = urljoin(here, answer.location)
        except ValueError:
            return Outcome("unsure", answer.status, _said(url, here, "leads on to what is no address"))
        for_good = for_good and answer.status in FOR_GOOD
        moved_to = here if for_good else moved_to
        if time.monotonic() - began > ALL_SECONDS:
            return _trouble(url, here, TimeoutError())
    return Outcome("unsure", answer.status, "leads on, and on again, without an end")


def _ask(target: Target, agent: str, turns: Turns, guard: Guard) -> _Answer:
    """HEAD; where that is not answered as a browser would be, GET, of which only the head is read.

    Raises:
        Refused, NoSuchName: see `Guard.addresses`.
        OSError, HTTPException: nobody answers, or not in HTTP.
    """
    addresses = guard.addresses(target)
    try:
        answer = _ask_once("HEAD", target, addresses, agent, turns)
        if answer.status < 400 or answer.status in NOT_NOW:
            return answer
    except (HTTPException, ConnectionResetError):
        pass  # Some break off at what they do not know.
    return _ask_once("GET", target, addresses, agent, turns)


def _ask_once(method: str, target: Target, addresses: list[str], agent: str, turns: Turns) -> _Answer:
    headers = {"User-Agent": agent, "Accept": "*/*", "Connection": "close"}
    if method == "GET":
        headers["Range"] = "bytes=0-1023"  # Who knows it does not begin to send a film.
    connection = _Pinned(target, addresses)
    with turns.of(target.host), closing(connection), hurry(connection, ANSWER_SECONDS):
        connection.request(method, target.path, headers=headers)
        with closing(connection.getresponse()) as response:
            location, retry_after = response.getheader("Location"), response.getheader("Retry-After")
            return _Answer(response.status, _utf8(location or ""), retry_after or "")


def _utf8(header: str) -> str:
    """What http.client took for Latin-1 and is UTF-8 wherever it is not ASCII."""
    return header.encode("latin-1", "replace").decode("utf-8", "replace")


def _verdict(url: str, here: str, answer: _Answer, moved_to: str) -> Outcome:
    status = answer.status
    # 416: there is something, only not so much of it.
    if 200 <= status < 300 or status == 416:
        if moved_to and moved_to.rstrip("/") != url.rstrip("/"):
            return Outcome("moved", status, f"has moved for good to “{moved_to}”", moved_to)
        return Outcome("ok", status)
    if status in NOTHING_THERE:
        return Outcome("dead", status, _said(url, here, NOTHING_THERE[status]))
    again = _wait(answer.retry_after) if status in NOT_NOW else 0
    return Outcome("unsure", status, _said(url, here, f"answers {status}"), again_seconds=again)


def _usable(address: str, guard: Guard) -> str:
    try:
        return target_of(address, guard.ports).url if address else ""
    except Refused:
        return ""


def _wait(retry_after: str) -> int:
    """How long a server wants to be left alone; a date is as good as nothing said."""
    said = int(retry_after) if retry_after.isascii() and retry_after.isdigit() else 0
    return min(max(said, AGAIN_SECONDS), LONGEST_WAIT_SECONDS)


def _trouble(url: str, here: str, error: Exception) -> Outcome:
    if isinstance(error, ssl.SSLCertVerificationError):
        why = f"has a certificate that does not hold ({error.verify_message})"
        return Outcome("unsure", None, _said(url, here, why))
    why = "did not answer in time" if isinstance(error, TimeoutError) else "did not answer"
    return Outcome("unsure", None, _said(url, here, why), again_seconds=AGAIN_SECONDS)


def _said(url: str, here: str, why: str) -> str:
    """About the address itself, or about where it led: a stranger's words, so only what can be read of them."""
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in here[:LONGEST_SHOWN])
    shown += "…" if len(here) > LONGEST_SHOWN else ""
    return why if here == url else f"leads on to “{shown}”, which {why}"
