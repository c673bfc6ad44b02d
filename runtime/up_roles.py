"""What `farebox up` runs beside the store: a row a kind of process, and the children that come of it for given settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from runtime.settings import Settings


def _one(settings: Settings) -> int:
    return 1


def _no_flags(settings: Settings) -> Mapping[str, Any]:
    return {}


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of child process, `farebox <name> <arguments>`.

    count       how many of them; 0: none. Where it may be more than one, children are called `<name>-1`, `<name>-2` ...
    arguments   further words of its command
    listens     names of the ports that its ready file begins with, as up.json has them and PORT_WORDS says them; the last
                port there is that of its metrics
    flags       settings that it is given besides those of `farebox up`, by name
    """

    name: str
    count: Callable[[Settings], int] = _one
    arguments: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    listens: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    flags: Callable[[Settings], Mapping[str, Any]] = _no_flags
    is_many: bool = False


def _has_front_ends(settings: Settings) -> bool:
    return settings.engine.front_ends > 0


ROLES: Final = (
    Role(  # first to stop: consumers go elsewhere before the front ends take no more
        "nrf",
        count=lambda settings: int(bool(settings.nrf.url)),
        listens=lambda settings: ("nrf",) if settings.nrf.watched else (),
    ),
    Role(
        "gy",
        count=lambda settings: settings.engine.front_ends,
        listens=lambda settings: ("gy",),
        flags=lambda settings: {"gy.shares_port": True},
        is_many=True,
    ),
    Role("chf", count=lambda settings: settings.chf.processes, listens=lambda settings: ("chf",), is_many=True),
    Role(
        "engine",
        arguments=lambda settings: ("--no-gy",) if _has_front_ends(settings) else (),
        listens=lambda settings: () if _has_front_ends(settings) else ("gy",),
    ),
    Role("notifier"),
    Role("archiver"),
    Role("records"),
)
"""In the order in which data flows, which is that in which they are stopped."""
METRICS_ORDER: Final = ("engine", "archiver", "records", "notifier")
"""Whose metrics have telemetry.port and the next ones; all others follow in the order of ROLES."""
PORT_WORDS: Final[Mapping[str, Callable[[Settings], tuple[str, str]]]] = {
    "gy": lambda settings: ("Diameter Gy", settings.gy.host),
    "chf": lambda settings: ("5G Nchf", settings.chf.host),
    "nrf": lambda settings: ("NRF notifications", settings.nrf.notify_host),
}
"""What listens on a port of up.json, and on which address, by its name there."""


class PlannedChild(NamedTuple):
    """A process that is to run."""

    name: str
    role: Role
    metrics_place: int
    """what is added to telemetry.port"""


def shared_ports(settings: Settings) -> list[str]:
    """Names of the ports that several processes listen on together, each a section of the settings."""
    return [name for role in ROLES if role.is_many and role.count(settings) for name in role.listens(settings)]


def planned_children(settings: Settings) -> list[PlannedChild]:
    """Every process of these settings, in the order of ROLES."""
    named = [
        (f"{role.name}-{number}" if role.is_many else role.name, role)
        for role in ROLES
        for number in range(1, role.count(settings) + 1)
    ]
    later = [name for name, _ in named if name not in METRICS_ORDER]
    places = {name: place for place, name in enumerate((*METRICS_ORDER, *later))}
    return [PlannedChild(name, role, places[name]) for name, role in named]
