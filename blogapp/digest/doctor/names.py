"""DNS, as far as the doctor asks it: records as text, an answer or a plain "there is no DNS here"."""

from collections.abc import Callable
from functools import cache
from ipaddress import ip_address
from typing import Any

from dns.exception import DNSException
from dns.resolver import NXDOMAIN, NoResolverConfiguration, Resolver
from dns.reversename import from_address

LIFETIME_SECONDS = 3
# Whoever knows no top-level domain knows nothing of the world.
KNOWN_TO_ALL = ("org.", "com.")

# (name, kind of record) -> its values as text; none where the name or such a record does not exist.
Lookup = Callable[[str, str], list[str]]


class NoDNS(Exception):
    """Nothing can be looked up here. `str()` says why."""


class NoAnswer(Exception):
    """This one name could not be looked up: nobody can say whether it exists."""


def ask_resolver(name: str, kind: str) -> list[str]:
    """What this machine's resolver says; it has three seconds.

    Raises:
        NoAnswer: it says nothing, or that it cannot tell.
    """
    try:
        answer = _resolver().resolve(name, kind, lifetime=LIFETIME_SECONDS, search=False, raise_on_no_answer=False)
    except NXDOMAIN:
        return []
    except NoResolverConfiguration:
        raise NoAnswer("this machine names no resolver (/etc/resolv.conf)") from None
    except (DNSException, OSError) as error:
        raise NoAnswer(str(error) or type(error).__name__) from None
    return [_as_text(kind, data) for data in answer]


class Names:
    """Looks names up, each one once.

    Every method raises NoDNS where nothing can be looked up at all, and NoAnswer where one name cannot.
    """

    def __init__(self, lookup: Lookup = ask_resolver) -> None:
        self._ask = cache(lookup)
        self._trouble: str | None = None

    def demand(self) -> None:
        """
        Raises:
            NoDNS: there is none.
        """
        if self._trouble is None:
            self._trouble = self._find_trouble()
        if self._trouble:
            raise NoDNS(self._trouble)

    def txt(self, name: str) -> list[str]:
        """Its TXT records, each with its strings joined."""
        return self._look(name, "TXT")

    def addresses(self, name: str) -> list[str]:
        """Its IP addresses; an address is its own."""
        try:
            return [str(ip_address(name.strip("[]")))]
        except ValueError:
            return self._look(name, "A") + self._look(name, "AAAA")

    def mail_hosts(self, name: str) -> list[str]:
        """Who takes its mail, the most wanted first; "." says that nobody does (RFC 7505)."""
        found = sorted((int(preference), host) for preference, host in map(str.split, self._look(name, "MX")))
        return [host.rstrip(".") or "." for _, host in found]

    def pointers(self, address: str) -> list[str]:
        """The names that an address says it has (PTR)."""
        return [name.rstrip(".") for name in self._look(from_address(address).to_text(), "PTR")]

    def _look(self, name: str, kind: str) -> list[str]:
        self.demand()
        return list(self._ask(name.rstrip(".") + ".", kind))

    def _find_trouble(self) -> str:
        why = "the resolver does not know even .org and .com"
        for name in KNOWN_TO_ALL:
            try:
                if self._ask(name, "NS"):
                    return ""
            except NoAnswer as error:
                why = str(error)
        return why


@cache
def _resolver() -> Resolver:
    return Resolver()


def _as_text(kind: str, data: Any) -> str:
    if kind == "TXT":
        return b"".join(data.strings).decode("utf-8", "replace")
    return str(data.to_text())
