"""SPF (RFC 7208): whether a record can be understood, and whom it lets send."""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network

from blogapp.digest.doctor.names import Names

TERM = re.compile(r"([+?~-]?)(all|include|a|mx|ptr|ip4|ip6|exists)(?:([:/])(.*))?", re.IGNORECASE)
MODIFIER = re.compile(r"([a-z][a-z0-9_.-]*)=(.*)", re.IGNORECASE)
RESULTS = {"+": "pass", "-": "fail", "~": "softfail", "?": "neutral"}
# §4.6.4: whoever needs more is refused as broken.
MOST_LOOKUPS = 10
ASKING = frozenset({"include", "a", "mx", "ptr", "exists"})


class BadSpf(Exception):
    """A receiver cannot use this record. `str()` says why."""


@dataclass(frozen=True)
class Term:
    """One mechanism: `~all` is ("~", "all", ""), `include:a.example` ("+", "include", "a.example")."""

    qualifier: str
    name: str
    value: str


@dataclass(frozen=True)
class Policy:
    """A record taken apart."""

    terms: tuple[Term, ...]
    redirect: str = ""

    @property
    def everybody(self) -> str:
        """What it says of all others: fail, softfail, neutral or (bad) pass; nothing where it goes on elsewhere."""
        found = [RESULTS[term.qualifier] for term in self.terms if term.name == "all"]
        return found[0] if found else "" if self.redirect else "neutral"


def find_record(names: Names, domain: str) -> str | None:
    """The domain's SPF record.

    Raises:
        BadSpf: it has several.
    """
    found = [text for text in names.txt(domain) if text.lower().split(" ")[0] == "v=spf1"]
    if len(found) > 1:
        raise BadSpf(f"{domain} has {len(found)} SPF records, and receivers then use none")
    return found[0] if found else None


def parse(record: str) -> Policy:
    """
    Raises:
        BadSpf: a word of it is none of SPF's.
    """
    terms, redirect = [], ""
    for word in record.split()[1:]:
        if found := TERM.fullmatch(word):
            qualifier, name, sign, value = found.groups(default="")
            terms.append(_checked(Term(qualifier or "+", name.lower(), sign.strip(":") + value), word))
        elif modifier := MODIFIER.fullmatch(word):
            redirect = modifier[2] if modifier[1].lower() == "redirect" else redirect
        else:
            raise BadSpf(f"{word!r} is no word of SPF")
    return Policy(tuple(terms), redirect)


def _checked(term: Term, word: str) -> Term:
    if term.name in ("ip4", "ip6"):
        try:
            right = ip_network(term.value, strict=False).version == int(term.name[2])
        except ValueError:
            right = False
        if not right:
            raise BadSpf(f"{word!r} names no {'IPv4' if term.name == 'ip4' else 'IPv6'} address or network")
    if (term.name in ("include", "exists") and not term.value) or (term.name == "all" and term.value):
        raise BadSpf(f"{word!r} is not whole")
    return term


class Evaluation:
    """Reads a domain's record, and those that it includes, as a receiver does.

    Args:
        address: who wants to send; None: nobody, so that everything is read.
    """

    def __init__(self, names: Names, address: str | None) -> None:
        self._names = names
        self._address = ip_address(address) if address else None
        self.lookups = 0
        self.uncertain = False  # something in it depends on the single mail

    def result(self, domain: str) -> str:
        """pass, fail, softfail or neutral; `none` where there is no record.

        Raises:
            BadSpf: the record, or one that it includes, cannot be used.
        """
        record = find_record(self._names, domain)
        if record is None:
            return "none"
        policy = parse(record)
        for term in policy.terms:
            if self._matches(term, domain):
                return RESULTS[term.qualifier]
        if policy.redirect and not any(term.name == "all" for term in policy.terms):
            self._count()
            return self._elsewhere(policy.redirect)
        return "neutral"

    def _matches(self, term: Term, domain: str) -> bool:
        if term.name in ASKING:
            self._count()
        target, slash, bits = term.value.partition("/")
        if "%" in term.value or term.name in ("ptr", "exists"):
            self.uncertain = True
            return False
        if term.name == "include":
            return self._elsewhere(term.value) == "pass"
        if term.name in ("ip4", "ip6"):
            return self._address is not None and self._address in ip_network(term.value, strict=False)
        if self._address is None:
            return False
        if term.name in ("a", "mx"):
            hosts = self._names.mail_hosts(target or domain)[:10] if term.name == "mx" else [target or domain]
            return any(self._within(found, slash + bits) for host in hosts for found in self._names.addresses(host))
        return term.name == "all"

    def _within(self, found: str, lengths: str) -> bool:
        """`lengths`: "/24", "//64" or "/24//64" (§5.6)."""
        four, _, six = lengths.partition("//")
        bits = (four.strip("/") or "32") if ip_address(found).version == 4 else (six or "128")
        try:
            return self._address in ip_network(f"{found}/{bits}", strict=False)
        except ValueError:
            raise BadSpf(f"{lengths!r} is no length of a network") from None

    def _elsewhere(self, domain: str) -> str:
        if "%" in domain:
            self.uncertain = True
            return "neutral"
        result = self.result(domain)
        if result == "none":
            raise BadSpf(f"it includes {domain}, which has no SPF record")
        return result

    def _count(self) -> None:
        self.lookups += 1
        if self.lookups > MOST_LOOKUPS:
            raise BadSpf(f"it takes more than {MOST_LOOKUPS} look-ups, and receivers stop there")
