"""What the business side asks of the network's subscriber store (HSS, UDM). `bss/edge/hss.py` asks one over HTTP;
`bss/network_in_memory.py` stands for it in tests and dry runs. One suite of tests runs against both.

Each request has a key (`workflow id/step`): the same request under the same key is done once and gets its first answer
again. A time-out says Unknown, never Refused: send it again under the same key, and compensate only what is Done.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Protocol

KEY_CHARACTERS_MAX: Final = 200
ALREADY_PROVISIONED: Final = "already_provisioned"
NUMBER_IN_USE: Final = "number_in_use"
UNKNOWN_SUBSCRIBER: Final = "unknown_subscriber"
KEY_USED: Final = "key_used"
"""Codes of Refused that every network has; one may have more of its own."""
_IMSI: Final = re.compile(r"[0-9]{6,15}")
_MSISDN: Final = re.compile(r"[0-9]{3,15}")


class SubscriberState(StrEnum):
    """May the subscriber use the network?"""

    ACTIVE = "active"
    SUSPENDED = "suspended"


def _check(key: str, **identities: str) -> None:
    """ValueError names the field that doesn't fit."""
    if not 0 < len(key) <= KEY_CHARACTERS_MAX or not key.isascii() or not key.isprintable():
        raise ValueError(f"key {key[:40]!r}: 1 to {KEY_CHARACTERS_MAX} printable characters of ASCII fit")
    for name, value in identities.items():
        pattern, digits = (_MSISDN, "3 to 15") if name == "msisdn" else (_IMSI, "6 to 15")
        if not pattern.fullmatch(value):
            raise ValueError(f"{name} is {value[:40]!r}: write {digits} digits")


@dataclass(frozen=True, slots=True)
class Provision:
    """Let a SIM use the network under a number."""

    key: str
    imsi: str
    msisdn: str
    """without plus"""
    profile: str = "default"
    """what the network allows it, by a name that the network knows"""

    def __post_init__(self) -> None:
        _check(self.key, imsi=self.imsi, msisdn=self.msisdn)


@dataclass(frozen=True, slots=True)
class ChangeSim:
    """The subscriber of `imsi` has another SIM from now on; number, profile and state stay."""

    key: str
    imsi: str
    new_imsi: str

    def __post_init__(self) -> None:
        _check(self.key, imsi=self.imsi, new_imsi=self.new_imsi)


@dataclass(frozen=True, slots=True)
class Suspend:
    """No use until it is resumed. Done as well where it is so already."""

    key: str
    imsi: str

    def __post_init__(self) -> None:
        _check(self.key, imsi=self.imsi)


@dataclass(frozen=True, slots=True)
class Resume:
    """Use again. Done as well where it is so already."""

    key: str
    imsi: str

    def __post_init__(self) -> None:
        _check(self.key, imsi=self.imsi)


@dataclass(frozen=True, slots=True)
class Deprovision:
    """The network forgets the SIM and its number."""

    key: str
    imsi: str

    def __post_init__(self) -> None:
        _check(self.key, imsi=self.imsi)


NetworkRequest = Provision | ChangeSim | Suspend | Resume | Deprovision


@dataclass(frozen=True, slots=True)
class NetworkSubscriber:
    """A subscriber as the network has it."""

    imsi: str
    msisdn: str
    profile: str
    state: SubscriberState


@dataclass(frozen=True, slots=True)
class NetworkDone:
    """The request was done, now or when it was sent before."""

    subscriber: NetworkSubscriber | None
    """as it was then; None after Deprovision"""


@dataclass(frozen=True, slots=True)
class NetworkRefused:
    """The network said no, and did nothing."""

    code: str
    reason: str


@dataclass(frozen=True, slots=True)
class NetworkUnknown:
    """It may be done, or may yet be done: send it again under the same key."""

    reason: str


NetworkResult = NetworkDone | NetworkRefused | NetworkUnknown


class NetworkPort(Protocol):
    """The network, as the business sees it. Calls block, at most for the time-out that it was made with."""

    def send(self, request: NetworkRequest) -> NetworkResult:
        """Have a request done."""

    def read_subscriber(self, imsi: str) -> NetworkSubscriber | NetworkUnknown | None:
        """The subscriber of a SIM; None where the network knows none."""
