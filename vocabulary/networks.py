"""Where messages may go that somebody else gave the address of, a notifyUri or the callback of a webhook: every name is
resolved once, its addresses are checked, and one that passed is connected to.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

DEFAULT: Final = "default"
"""The word for every address but those that are excluded, which are UNUSUAL or PRIVATE."""
UNUSUAL: Final = tuple(
    ip_network(text)
    for text in (
        "0.0.0.0/8",  # this host
        "127.0.0.0/8",  # loopback
        "169.254.0.0/16",  # link-local, where clouds keep their metadata
        "100.100.100.200/32",  # metadata
        "168.63.129.16/32",  # metadata
        "192.0.0.192/32",  # metadata
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
        "::/128",
        "::1/128",
        "fe80::/10",
        "fd00:ec2::254/128",  # metadata
        "fd20:ce::254/128",  # metadata
        "ff00::/8",
    )
)
PRIVATE: Final = (
    *UNUSUAL,
    *(
        ip_network(text)
        for text in (
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "100.64.0.0/10",  # of carriers
            "192.0.0.0/24",
            "192.0.2.0/24",  # documentation, as the next three
            "198.18.0.0/15",
            "198.51.100.0/24",
            "203.0.113.0/24",
            "fc00::/7",
            "fec0::/10",
            "100::/64",  # discarded
            "2001:db8::/32",
        )
    ),
)
"""What no host of the public internet has: those that the default excludes where it stands for strangers' servers."""
_LOOPBACK_NAME: Final = "localhost"
_NUMBER: Final = re.compile(r"(0[xX])[0-9a-fA-F]+|(0)[0-7]*|[1-9][0-9]*", re.ASCII)
_LIKE_A_NUMBER: Final = re.compile(r"[0-9]+|0[xX][0-9a-fA-F]*", re.ASCII)
_PARTS_MAX: Final = 4
_NAT64: Final = IPv6Network("64:ff9b::/96")
_COMPATIBLE: Final = IPv6Network("::/96")
_Address = IPv4Address | IPv6Address
_Network = IPv4Network | IPv6Network


class NetworkError(ValueError):
    """A text is no network; the message says what to write."""


def _plain(address: _Address) -> _Address:
    """The IPv4 address within an IPv6 one that leads to it: mapped (RFC 4291 §2.5.5), NAT64 (RFC 6052), 6to4 (RFC 3056)."""
    if isinstance(address, IPv4Address):
        return address
    if address in _NAT64 or (address in _COMPATIBLE and int(address) > 1):  # :: and ::1 are addresses of their own
        return IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour or address


@dataclass(frozen=True, slots=True)
class AllowedNetworks:
    """Networks that messages may go to."""

    networks: tuple[_Network, ...]
    takes_default: bool
    """and everything but `excluded`"""
    excluded: tuple[_Network, ...] = UNUSUAL

    def allows(self, text: str) -> bool:
        """May the address be used? What is no address may not."""
        try:
            address = _plain(ip_address(text.partition("%")[0]))
        except ValueError:
            return False
        if any(address in network for network in self.networks):
            return True
        return self.takes_default and not any(address in network for network in self.excluded)

    def first_allowed(self, addresses: Iterable[str]) -> str | None:
        """The address to connect to, of those that a name has; None where none may be used."""
        return next((address for address in addresses if self.allows(address)), None)


EVERYWHERE: Final = AllowedNetworks((), takes_default=True, excluded=())
"""All addresses."""


def address_of(host: str) -> str | None:
    """The address that a host is taken for without asking anybody; None where it is a name that has to be resolved.

    Resolvers take IPv4 addresses of one to four numbers, each decimal, octal or hexadecimal, the last of which fills what is
    left (inet_aton): 127.1, 0x7f000001. `localhost` and names within it are loopback (RFC 6761 §6.3).
    """
    name = host.rstrip(".").lower()
    if name == _LOOPBACK_NAME or name.endswith(f".{_LOOPBACK_NAME}"):
        return "127.0.0.1"
    try:
        return str(ip_address(name.partition("%")[0]))
    except ValueError:
        return _of_numbers(name)


def ends_in_a_number(host: str) -> bool:
    """What does is an address, or nothing: no name of the internet ends so (WHATWG URL, "ends in a number")."""
    return _LIKE_A_NUMBER.fullmatch(host.rstrip(".").rpartition(".")[2]) is not None


def _of_numbers(text: str) -> str | None:
    parts = text.split(".")
    matches = [_NUMBER.fullmatch(part) for part in parts]
    if len(parts) > _PARTS_MAX or None in matches:
        return None
    *first, last = (int(m[0], 16 if m[1] else 8 if m[2] else 10) for m in matches if m is not None)
    octets_left = _PARTS_MAX - len(first)
    if any(number > 0xFF for number in first) or last >= 1 << 8 * octets_left:
        return None
    return str(IPv4Address(bytes(first) + last.to_bytes(octets_left, "big")))


def read_networks(words: Iterable[str], *, excluded: tuple[_Network, ...] = UNUSUAL) -> AllowedNetworks:
    """Networks of their texts, such as 10.0.0.0/8, and the word `default`. NetworkError names what is neither.

    excluded   what `default` doesn't stand for
    """
    networks: list[_Network] = []
    takes_default = False
    for word in words:
        if word == DEFAULT:
            takes_default = True
            continue
        try:
            networks.append(ip_network(word))
        except ValueError as error:
            raise NetworkError(f"{word!r} is no network ({error}): write such as 10.0.0.0/8, or {DEFAULT}") from None
    return AllowedNetworks(tuple(networks), takes_default, excluded)
