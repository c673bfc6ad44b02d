"""What `farebox up` runs beside the store: a row a kind of process, and the children that come of it for given settings."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from chf_http2.config import CONNECTIONS_MAX
from runtime.acceptor import ConnectionsLimit
from runtime.settings import Settings


def _one(settings: Settings) -> int:
    return 1


def _no_flags(settings: Settings, name: str) -> Mapping[str, Any]:
    return {}


def _never(settings: Settings) -> bool:
    return False


def _always(settings: Settings) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Role:
    """A kind of child process, `farebox <name> <arguments>`.

    count       how many of them; 0: none
    is_many     are its children called `<name>-1`, `<name>-2` ...?
    arguments   further words of its command
    listens     names of the ports that its ready file begins with, as up.json has them and PORT_WORDS says them; the last
                port there is that of its metrics
    flags       settings that a child of a name is given besides those of `farebox up`, by name
    accepted    connections that `farebox up` accepts for its children, on the port of the section that is called as the role;
                None: it accepts none
    """

    name: str
    count: Callable[[Settings], int] = _one
    arguments: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    listens: Callable[[Settings], tuple[str, ...]] = lambda settings: ()
    flags: Callable[[Settings, str], Mapping[str, Any]] = _no_flags
    is_many: Callable[[Settings], bool] = _never
    accepted: Callable[[Settings], ConnectionsLimit] | None = None


def has_front_ends(settings: Settings) -> bool:
    """Is Gy in processes of its own, which get their connections from an acceptor?"""
    return settings.engine.front_ends > 0


def _shares_partitions(settings: Settings) -> bool:
    return settings.engine.processes > 1


ROLES: Final = (
    Role(  # first to stop: consumers go elsewhere before the front ends take no more
        "nrf",
        count=lambda settings: int(bool(settings.nrf.url)),
        listens=lambda settings: ("nrf",) if settings.nrf.watched else (),
    ),
    Role(
        "gy",
        count=lambda settings: settings.engine.front_ends,
        arguments=lambda settings: ("--no-listen",),
        is_many=_always,
        accepted=lambda settings: ConnectionsLimit(settings.gy.connections_max, "gy.connections_max", gives_way=True),
    ),
    Role(
        "chf",
        count=lambda settings: settings.chf.processes,
        arguments=lambda settings: ("--no-listen",),
        is_many=_always,
        accepted=lambda settings: ConnectionsLimit(CONNECTIONS_MAX * settings.chf.processes, "chf.processes"),
    ),
    Role(
        "engine",
        count=lambda settings: settings.engine.processes,
        arguments=lambda settings: ("--no-gy",) if has_front_ends(settings) else (),
        listens=lambda settings: () if has_front_ends(settings) else ("gy",),
        flags=lambda settings, name: {"engine.node": name} if _shares_partitions(settings) else {},
        is_many=_shares_partitions,
    ),
    Role("notifier"),
    Role("archiver"),
    Role("records"),
    Role(
        "bss-web",
        count=lambda settings: settings.bss.web,
        listens=lambda settings: ("bss_web",) if settings.bss.web else (),
    ),
    Role("bss-worker", count=lambda settings: settings.bss.workers, is_many=lambda settings: settings.bss.workers > 1),
)
"""In the order in which data flows, which is that in which they are stopped."""
METRICS_ORDER: Final = ("engine", "archiver", "records", "notifier")
"""Whose metrics have telemetry.port and the next ones, of several engines the first; all others follow in the order of
ROLES."""


def _web_words(settings: Settings) -> str:
    at = f"http://{settings.bss.web_host}:{{port}}"
    apis = f"TM Forum APIs on {at}/docs"
    return f"console on {at}/console, {apis}" if settings.bss.has_console else apis


PORT_WORDS: Final[Mapping[str, Callable[[Settings], str]]] = {
    "gy": lambda settings: f"Diameter Gy on {settings.gy.host}:{{port}}",
    "chf": lambda settings: f"5G Nchf on {settings.chf.host}:{{port}}",
    "nrf": lambda settings: f"NRF notifications on {settings.nrf.notify_host}:{{port}}",
    "bss_web": _web_words,
}
"""What listens on a port of up.json, and where, by its name there; `{port}` stands for its number."""


class PlannedChild(NamedTuple):
    """A process that is to run."""

    name: str
    role: Role
    metrics_place: int
    """what is added to telemetry.port"""


def accepted_limits(settings: Settings) -> dict[str, ConnectionsLimit]:
    """By section of the settings: whose port `farebox up` accepts on, and how many connections."""
    return {role.name: role.accepted(settings) for role in ROLES if role.accepted is not None and role.count(settings)}


def planned_children(settings: Settings) -> list[PlannedChild]:
    """Every process of these settings, in the order of ROLES."""
    named = [
        (f"{role.name}-{number}" if role.is_many(settings) else role.name, role)
        for role in ROLES
        for number in range(1, role.count(settings) + 1)
    ]
    firsts = [next(name for name, role in named if role.name == first) for first in METRICS_ORDER]
    later = [name for name, _ in named if name not in firsts]
    places = {name: place for place, name in enumerate((*firsts, *later))}
    return [PlannedChild(name, role, places[name]) for name, role in named]
