"""What of the web may be asked by a server of ours: nothing inside our own network.

Whoever writes a text chooses what a server is asked, and redirects choose further (SSRF). So a name is resolved here,
every address that it leads to has to be a public one, and who asks connects to just these: what the name means a moment
later (DNS rebinding) is of no matter.
"""

import re
import socket
from collections.abc import Callable, Container
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network
from urllib.parse import quote, urlsplit

PORTS = frozenset([80, 443, 8080, 8443])
# What an index of either database takes, as ASCII; browsers and servers stop not far above.
LONGEST = 2000

HOST = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*")
PLAIN = "/%:@!$&'()*+,;=~-._?"

NAT64 = ip_network("64:ff9b::/96")
# All of IPv6 that is given out to hosts (RFC 4291 §2.4); not the tunnels and examples within it.
GIVEN_OUT = ip_network("2000::/3")
# Public by their numbers, and no host of the web: 6to4 and Teredo (whose addresses hold another), documentation;
# IETF protocol assignments, relays of 6to4, and what answers a virtual machine in Azure about itself.
NO_HOSTS = [ip_network(net) for net in ("2002::/16", "2001::/32", "3fff::/20", "192.0.0.0/24", "192.88.99.0/24",
                                        "168.63.129.16/32")]  # fmt: skip


class Refused(Exception):
    """This is not asked. `str()` says why, after its address."""


class NoSuchName(Exception):
    """Nobody has this name."""


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet's; one that holds another is judged by that."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    if isinstance(ip, IPv6Address):
        if ip.ipv4_mapped:
            return is_public(str(ip.ipv4_mapped))
        if ip in NAT64:
            return is_public(str(IPv4Address(int(ip) & 0xFFFFFFFF)))
        if ip not in GIVEN_OUT:
            return False
    return ip.is_global and not ip.is_multicast and not any(ip in net for net in NO_HOSTS)


def addresses_of(host: str, port: int) -> list[str]:
    """The addresses that a name leads to, by the machine's own resolver.

    Raises:
        NoSuchName: there is none.
        OSError: nobody knows just now.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except socket.gaierror as error:
        if error.errno in (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)):
            raise NoSuchName from None
        raise
    except UnicodeError:  # A label too long for DNS.
        raise NoSuchName from None
    return list(dict.fromkeys(str(each[4][0]) for each in found))


@dataclass(frozen=True)
class Guard:
    """What may be asked: `allows` an IP address, `ports`; and who resolves names. Only tests have others."""

    resolve: Callable[[str, int], list[str]] = addresses_of
    allows: Callable[[str], bool] = is_public
    ports: Container[int] = PORTS

    def addresses(self, target: "Target") -> list[str]:
        """Where to connect to.

        Raises:
            Refused: any of its addresses is not a public one.
            NoSuchName, OSError: see `addresses_of`.
        """
        found = self.resolve(target.host, target.port)
        if not all(self.allows(address) for address in found):
            raise Refused("is not on the public internet, so it was not asked")
        return found


PUBLIC = Guard()


@dataclass(frozen=True)
class Target:
    """An address of the web, taken apart. `host`: without brackets; `path`: with its query, as it is sent."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def url(self) -> str:
        """The address in one spelling, in ASCII, without a fragment."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        port = "" if self.port == default_port(self.scheme) else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.path}"


def target_of(url: str, ports: Container[int] = PORTS) -> Target:
    """Take an address apart.

    Raises:
        Refused: it is none of the web that anybody may ask for.
    """
    try:
        parts = urlsplit(url.strip())
        port = default_port(parts.scheme) if parts.port is None else parts.port
        host = _host(parts.hostname or "")
        path = quote(parts.path or "/", safe=PLAIN) + (f"?{quote(parts.query, safe=PLAIN)}" if parts.query else "")
    except ValueError:
        raise Refused("is no address that can be asked") from None
    if parts.scheme not in ("http", "https"):
        raise Refused("does not begin with http:// or https://")
    if "@" in parts.netloc:
        raise Refused("holds a user’s name or password, so it was not asked")
    if port not in ports:
        raise Refused(f"is at a port that websites do not use ({port}), so it was not asked")
    target = Target(parts.scheme, host, port, path)
    if len(target.url) > LONGEST:
        raise Refused("is too long to be asked")
    return target


def default_port(scheme: str) -> int:
    """Where a scheme's servers listen."""
    return 443 if scheme == "https" else 80


def _host(host: str) -> str:
    """The name as DNS knows it.

    Raises:
        ValueError: it is none.
    """
    if ":" in host and "%" not in host:  # No address that only one interface knows.
        return str(IPv6Address(host))
    ascii_host = host.rstrip(".").encode("idna").decode("ascii").lower()
    if not HOST.fullmatch(ascii_host):
        raise ValueError("not a host")
    return ascii_host
