"""To which addresses of the network an endpoint may lead: decided by the number that is connected to, not by its name.

Whoever opens the page names a host, and our machine connects to it: without this rule a reader of the page could ask
the servers beside us, this machine's own, and the address where clouds keep the machine's credentials.
"""

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from db.errors import UserError
from db.settings import settings

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

PRIVATE, NONE = "private", "none"
"""Words that PRICEWRIGHT_ENDPOINT_HOSTS may be: this machine and its private networks too; public addresses only."""

_OF_CLOUDS = frozenset(
    map(
        ipaddress.ip_address,
        # Credentials and control of a cloud's machine. Link-local ones among them are refused in any case.
        ("169.254.169.254", "fd00:ec2::254", "fd20:ce::254", "100.100.100.200", "168.63.129.16", "192.0.0.192"),
    )
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_PRIVATE_V6 = ipaddress.ip_network("fc00::/7")
_NAME = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Allowed:
    """What an operator allows beside public addresses."""

    private: bool
    names: frozenset[str] = frozenset()
    networks: tuple[Network, ...] = ()


class Refused(UserError):
    """The address is none that an endpoint may lead to."""


def allowed() -> Allowed:
    """What the settings allow. Nothing set: who reaches the pages only from this machine may name its own servers and
    those of its networks; where others reach them, public addresses only. Raises UserError."""
    return _read(settings().endpoint_hosts.strip(), settings().is_shared)


@lru_cache(maxsize=8)
def _read(text: str, is_shared: bool) -> Allowed:
    if not text:
        return Allowed(not is_shared)
    names: set[str] = set()
    networks: list[Network] = []
    private = False
    for entry in filter(None, re.split(r"[,\s]+", text)):
        if entry.lower() in (PRIVATE, NONE):
            private = private or entry.lower() == PRIVATE
            continue
        try:
            networks.append(ipaddress.ip_network(entry.strip("[]"), strict=False))
        except ValueError:
            if not _NAME.fullmatch(entry):
                raise UserError(
                    "PRICEWRIGHT_ENDPOINT_HOSTS is a list of hosts and networks such as vllm.internal 10.1.0.0/16, in "
                    f"which private and none are words; {entry[:60]!r} is none of them."
                ) from None
            names.add(entry.lower().rstrip("."))
    return Allowed(private, frozenset(names), tuple(networks))


def check(host: str, address: str) -> None:
    """Raises Refused, with what to do, unless an endpoint of that host may lead to that address."""
    may = allowed()
    if host.lower().rstrip(".") in may.names:
        return
    number = _inner(ipaddress.ip_address(address.split("%")[0]))
    if any(number.version == network.version and number in network for network in may.networks):
        return
    if number in _OF_CLOUDS or not (_is_public(number) or (may.private and _is_near(number))):
        shown = host if host == address else f"{host} ({address})"
        raise Refused(
            f"An endpoint may not lead to {shown}, which is no address of the internet: start Pricewright with {host} "
            "in PRICEWRIGHT_ENDPOINT_HOSTS if it is meant."
        )


def check_name(host: str) -> None:
    """Check what can be checked before anybody connects: a host that is a number, or names this machine."""
    try:
        check(host, str(ipaddress.ip_address(host)))
    except ValueError:
        if host.lower().rstrip(".") == "localhost":
            check(host, "127.0.0.1")


def resolve(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, all of them checked. Raises OSError for a host that nobody knows, Refused for one that
    may not be asked, also where only one of its addresses may not."""
    try:
        places = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except UnicodeError as error:
        raise OSError(str(error)) from error
    found = list(dict.fromkeys(str(place[4][0]) for place in places))
    for address in found:
        check(host, address)
    return found


def _inner(address: Address) -> Address:
    """The IPv4 address that an IPv6 one stands for, if it does: whoever is connected to is that one."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address in _NAT64:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    teredo = address.teredo
    return address.ipv4_mapped or address.sixtofour or (teredo[1] if teredo else None) or address


def _is_public(address: Address) -> bool:
    """Whether it is one of the internet's: no private, shared, reserved, multicast or unspecified one."""
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _is_near(address: Address) -> bool:
    """Whether it is this machine's or one of its private networks: nothing that is nobody's."""
    if address.is_loopback:
        return True
    if address.is_link_local or address.is_unspecified or address.is_multicast or address.is_reserved:
        return False
    return address.is_private if isinstance(address, ipaddress.IPv4Address) else address in _PRIVATE_V6
