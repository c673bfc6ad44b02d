"""Paths of Nchf to operations, as tables (TS 32.291 §6.1.3, §6.2.3)."""

from enum import Enum
from typing import Final, NamedTuple


class Service(NamedTuple):
    """A service of the charging function: `/<name>/<version>/<collection>`."""

    name: str
    version: str
    collection: str
    is_offline_only: bool = False
    """usage is reported and no quota is asked for or given"""


SERVICES: Final = (
    Service("nchf-convergedcharging", "v3", "chargingdata"),
    Service("nchf-convergedcharging", "v2", "chargingdata"),
    Service("nchf-offlineonlycharging", "v1", "offlinechargingdata", is_offline_only=True),
)
"""Paths of version 2 are served with the bodies of version 3."""


VERSIONS: Final = tuple(one.version for one in SERVICES if not one.is_offline_only)
"""Of converged charging."""
OPENAPI: Final = "/openapi"
"""Behind the prefix: GET gives the description of the service."""


class Operation(Enum):
    """What a request wants."""

    CREATE = "create"
    UPDATE = "update"
    RELEASE = "release"


class Route(NamedTuple):
    """A path that is served. `ref` is the ChargingDataRef, empty for CREATE."""

    operation: Operation
    base: str
    """what Location puts before the ref: prefix, service, version and collection"""
    ref: str
    service: Service


ROUTES: Final = {
    ("POST", 0, ""): Operation.CREATE,
    ("POST", 2, "update"): Operation.UPDATE,
    ("POST", 2, "release"): Operation.RELEASE,
}
"""(method, path segments behind the collection, the last of them) -> operation."""


class NoRoute(Exception):
    """Nothing is served there: `status` is 404, or 405 where another method would be."""

    def __init__(self, status: int, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.allowed = allowed


class Router:
    """Finds the route of a request below one prefix."""

    def __init__(self, api_prefix: str = "") -> None:
        self._bases = {f"{api_prefix}/{one.name}/{one.version}/{one.collection}": one for one in SERVICES}

    def find(self, method: str, path: str) -> Route:
        """The route. NoRoute."""
        base, ref, last, segments = path, "", "", 0
        if base not in self._bases:
            base, _, last = path.rpartition("/")
            base, _, ref = base.rpartition("/")
            segments = 2
        service = self._bases.get(base)
        if service is None or (segments and not ref):
            raise NoRoute(404)
        operation = ROUTES.get((method, segments, last))
        if operation is None:
            allowed = tuple(one for one, count, name in ROUTES if (count, name) == (segments, last))
            raise NoRoute(405 if allowed else 404, allowed)
        return Route(operation, base, ref, service)
