"""A reader of bodies with the memory of one front end, for tests of what it makes of them."""

from typing import Any

import numpy as np

from charging.batch import (
    UsageBatch,
    new_usage_batch,
)
from chf_http2.charging_data_ref import Refs, SessionName
from chf_http2.requests import RequestReader
from chf_http2.routes import SERVICES, Operation, Route, Service
from chf_http2.rows import place_packed
from chf_http2.tick_memory import HELD_TICK, new_packed_rows, new_tick_memory
from tests.chf_http2.charging_bodies import octets
from vocabulary.held import Held

SECRET = np.array([3, 5], np.uint64)
REFS = Refs(SECRET, 1)
SESSION = SessionName("ab" * 16, 77)
NOW_NS = 1_790_000_000_000_000_000


def route_of(operation: Operation, service: Service = SERVICES[0]) -> Route:
    return Route(operation, "/base", "" if operation is Operation.CREATE else "ref", service)


class Desk:
    """A reader with the memory of one front end."""

    def __init__(self, *, wraps_volumes: bool = False) -> None:
        self.batch: UsageBatch = new_usage_batch()
        self.tick = Held(new_tick_memory(self.batch, new_packed_rows(), SECRET, 1), HELD_TICK)
        self.reader = RequestReader(REFS, self.tick.value, wraps_volumes=wraps_volumes)

    def take(
        self,
        operation: Operation,
        session: SessionName | None,
        *bodies: dict[str, Any],
        service: Service = SERVICES[0],
    ) -> np.ndarray[Any, Any]:
        """Rows of some requests in one tick; they wait under 0, 1, 2 ..."""
        self.tick.value.counts[:] = 0
        for waiting, said in enumerate(bodies):
            body = octets(said)
            self.reader.pack(route_of(operation, service), session, self.reader.decode(body), body, waiting)
        place_packed(self.tick.octets, NOW_NS)
        return self.batch.requests[: len(bodies)]

    def text(self, row: Any, name: str) -> bytes:
        """A text of a row."""
        first = int(row[f"{name}_offset"])
        return self.batch.octets[first : first + int(row[f"{name}_length"])].tobytes()
