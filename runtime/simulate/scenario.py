"""What a simulated SMF does, as read from a scenario file: where to, who it is, and its requests step by step.

Bodies are plain dictionaries with the members of TS 32.291 §6.1.6, by their own names: what is written is sent. What the
file leaves out and each request differs in (times, numbers) is filled in by session.py.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Body = dict[str, Any]

CREATED: Final = 201
UPDATED: Final = 200
RELEASED: Final = 204


class Kind(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    RELEASE = "release"
    EVENT = "event"
    REPEAT = "repeat"
    WAIT = "wait"


STATUS: Final = {Kind.CREATE: CREATED, Kind.UPDATE: UPDATED, Kind.RELEASE: RELEASED, Kind.EVENT: CREATED}
"""What a request is answered where all is well (TS 32.291 §6.1.3)."""


@dataclass(frozen=True, slots=True)
class Chf:
    """Where the charging function is, and how it is reached."""

    url: str = "http://127.0.0.1:7777"
    """apiRoot, with a prefix where it has one"""
    resource: str = "/nchf-convergedcharging/v3/chargingdata"
    """path of the collection below it"""
    headers: Mapping[str, str] = field(default_factory=dict)
    """sent with every request, such as authorization"""
    answer_s: float = 10.0
    ca: str = ""
    """PEM file with the authorities of an https server; empty: those of this machine"""
    certificate: str = ""
    key: str = ""
    """PEM files that we show to a server that asks who we are"""


@dataclass(frozen=True, slots=True)
class Notify:
    """Where notifications are listened for, and what is reported when one asks for it."""

    host: str = "127.0.0.1"
    port: int = 0
    """0: any free one"""
    path: str = "/nsmf-callback/notify_1"
    reports: Mapping[int, tuple[Body, ...]] = field(default_factory=dict)
    """UsedUnitContainers by rating group, each time; a group that isn't there reports nothing used"""


@dataclass(frozen=True, slots=True)
class Step:
    """One request, so many times, or a wait.

    status   what must be answered
    answer   members that the answer must have; None: a member that it must not have
    """

    kind: Kind
    place: str
    """in the file, such as steps[2]"""
    body: Body = field(default_factory=dict)
    times: int = 1
    status: int = 0
    answer: Body = field(default_factory=dict)
    note: str = ""
    wait_s: float = 0.0
    notification: str = ""
    """notificationType that ends a wait and must come; empty: wait for as long as is said"""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A whole scenario file.

    common        members that every request has
    is_counting   requests are numbered; else invocationSequenceNumber and localSequenceNumber are 0 each time
    """

    name: str
    chf: Chf
    notify: Notify
    common: Body
    steps: tuple[Step, ...]
    is_counting: bool = True
