"""Paths of Nchf_ConvergedCharging to operations, as a table (TS 32.291 §6.1.3)."""

from enum import Enum
from typing import Final, NamedTuple

SERVICE: Final = "nchf-convergedcharging"
VERSIONS: Final = ("v3", "v2")
"""Paths of version 2 are served with the bodies of version 3."""
COLLECTION: Final = "chargingdata"


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
        self._bases = {f"{api_prefix}/{SERVICE}/{version}/{COLLECTION}": version for version in VERSIONS}

    def find(self, method: str, path: str) -> Route:
        """The route. NoRoute."""
        base, ref, last, segments = path, "", "", 0
        if base not in self._bases:
            base, _, last = path.rpartition("/")
            base, _, ref = base.rpartition("/")
            segments = 2
        if base not in self._bases or (segments and not ref):
            raise NoRoute(404)
        operation = ROUTES.get((method, segments, last))
        if operation is None:
            allowed = tuple(one for one, count, name in ROUTES if (count, name) == (segments, last))
            raise NoRoute(405 if allowed else 404, allowed)
        return Route(operation, base, ref)
