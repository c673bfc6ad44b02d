"""Services and operations of Nchf, as tables: the router, the description of the service and the NRF read the same rows.

TS 32.291 §6.1.3, §6.2.3.
"""

from enum import Enum
from functools import lru_cache
from typing import Final, NamedTuple


class Service(NamedTuple):
    """A service of the charging function: `/<name>/<version>/<collection>`."""

    name: str
    version: str
    collection: str
    ref_name: str
    """what the specification calls the ChargingDataRef in its paths"""
    full_version: str
    """of the API, as its OpenAPI file has it"""
    is_offline_only: bool = False
    """usage is reported and no quota is asked for or given"""

    @property
    def gives_quota(self) -> bool:
        """Is it converged charging?"""
        return not self.is_offline_only

    def base(self, api_prefix: str) -> str:
        """The path of its collection."""
        return f"{api_prefix}/{self.name}/{self.version}/{self.collection}"


SERVICES: Final = (
    Service("nchf-convergedcharging", "v3", "chargingdata", "ChargingDataRef", "3.2.0"),
    Service("nchf-convergedcharging", "v2", "chargingdata", "ChargingDataRef", "2.0.0"),
    Service(
        "nchf-offlineonlycharging", "v1", "offlinechargingdata", "OfflineChargingDataRef", "1.2.0", is_offline_only=True
    ),
)
"""Paths of version 2 are served with the bodies of version 3."""

OPENAPI: Final = "/openapi"
"""Behind the prefix: GET gives the description of the service."""


class Operation(Enum):
    """What a request wants."""

    CREATE = "create"
    UPDATE = "update"
    RELEASE = "release"


class OperationRow(NamedTuple):
    """An operation, of every service: how it is asked for, and what it answers when it was done."""

    operation: Operation
    method: str
    last: str
    """the segment behind the ref; empty: it is asked of the collection"""
    done_status: int
    has_body: bool
    headers: tuple[str, ...] = ()

    def path(self, service: Service) -> str:
        """The path below the prefix, as OpenAPI writes it."""
        collection = f"/{service.name}/{service.version}/{service.collection}"
        return f"{collection}/{{{service.ref_name}}}/{self.last}" if self.last else collection


OPERATIONS: Final = (
    #            operation          method  last       done  body   headers
    OperationRow(Operation.CREATE, "POST", "", 201, True, ("Location",)),
    OperationRow(Operation.UPDATE, "POST", "update", 200, True),
    OperationRow(Operation.RELEASE, "POST", "release", 204, False),
)


class Route(NamedTuple):
    """A path that is served. `ref` is the ChargingDataRef, empty for CREATE."""

    operation: Operation
    base: str
    """what Location puts before the ref: prefix, service, version and collection"""
    ref: str
    service: Service


_ROUTES: Final = {(row.method, row.last): row.operation for row in OPERATIONS}


ROUTES_KNOWN: Final = 16384
"""So many routes that were found are known again: an open session's update comes again and again."""


class NoRoute(Exception):
    """Nothing is served there: `status` is 404, or 405 where another method would be."""

    def __init__(self, status: int, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(status)
        self.status = status
        self.allowed = allowed


class Router:
    """Finds the route of a request below one prefix."""

    def __init__(self, api_prefix: str = "") -> None:
        self._bases = {one.base(api_prefix): one for one in SERVICES}
        self.find = lru_cache(ROUTES_KNOWN)(self._find)
        """The route of a method and a path. NoRoute."""

    def _find(self, method: str, path: str) -> Route:
        base, ref, last = path, "", ""
        service = self._bases.get(base)
        if service is None:
            base, _, last = path.rpartition("/")
            base, _, ref = base.rpartition("/")
            service = self._bases.get(base)
            if service is None or not ref or not last:
                raise NoRoute(404)
        operation = _ROUTES.get((method, last))
        if operation is None:
            allowed = tuple(row.method for row in OPERATIONS if row.last == last)
            raise NoRoute(405 if allowed else 404, allowed)
        return Route(operation, base, ref, service)
