"""What the checks look with; a test puts in others."""

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from ipaddress import ip_address

from blogapp.delivery.relay import Relay
from blogapp.digest.doctor.names import Names
from blogapp.digest.doctor.web import Answer, fetch

# Documentation addresses (RFC 5737, RFC 3849): on the way there is every other host.
ELSEWHERE = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1"))


def own_addresses() -> list[str]:
    """The addresses that this machine sends from, as it knows them. Nothing is sent."""
    found = []
    for family, address in ELSEWHERE:
        try:
            with closing(socket.socket(family, socket.SOCK_DGRAM)) as sock:
                sock.connect((address, 9))
                found.append(str(sock.getsockname()[0]))
        except OSError:
            continue
    return found


@dataclass(frozen=True)
class Tools:
    """`fetch`: a GET of an address of ours. `own_addresses`: see there."""

    names: Names = field(default_factory=Names)
    fetch: Callable[[str], Answer] = fetch
    own_addresses: Callable[[], list[str]] = own_addresses

    def sending_addresses(self, relay: Relay) -> list[str]:
        """The public addresses from which mail may reach others: the relay's, or our own where it is this machine.

        A relay may well send from others than the one it listens at.
        """
        found = self.own_addresses() if is_here(relay.host) else self.names.addresses(relay.host)
        return [address for address in found if ip_address(address).is_global]


def is_here(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
