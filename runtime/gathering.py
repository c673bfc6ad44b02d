"""When rows wait for others before they are loaded: many small batches cost more than few large ones."""

from collections.abc import Callable
from typing import Final

from vocabulary.instants import NS_PER_S

GATHER_NS: Final = 1_500_000
"""A partition's exchanges begin at least so far apart where it gathers. With less, engine and store take a sixth more of the
processors, for which others wait; with more, p50 and a rewrite's late answers are longer (docs/decisions/0039)."""
WORTH_REQUESTS: Final = 40
"""A partition gathers while its largest recent batch has so many requests: an account's sessions can't fill one, so the
few clients that wait for their answers before they ask again never wait for others."""
ENOUGH_REQUESTS: Final = 512
"""So many don't wait: what a batch costs beside its requests is small among them."""
_FADES: Final = 32
"""A largest batch is forgotten by a 32nd with each one after it."""

assert WORTH_REQUESTS < ENOUGH_REQUESTS


class Gathering:
    """Decides for one partition how long its next exchange waits.

    A batch costs engine and store about 0.4 ms beside its requests. Were each sent off as soon as the one before is
    back, a partition with 25,000 requests a second would take a processor for that alone.
    """

    def __init__(
        self, call_later: Callable[[float, Callable[[], None]], object], *, worth_requests: int = WORTH_REQUESTS
    ) -> None:
        """`call_later` calls a function after so many seconds, as an event loop's does."""
        self._call_later = call_later
        self._worth_requests = worth_requests
        self._largest = 0

    def note(self, requests: int) -> None:
        """A batch of so many requests is sent off."""
        self._largest = max(requests, self._largest - self._largest // _FADES)

    def wait_ns(self, queued: int, since_ns: int) -> int:
        """How long the next exchange waits where `queued` requests do, `since_ns` after the one before began; 0: not."""
        if self._largest < self._worth_requests or queued >= ENOUGH_REQUESTS:
            return 0
        return max(GATHER_NS - since_ns, 0)

    def call_after(self, wait_ns: int, go_on: Callable[[], None]) -> None:
        """Have the pipeline go on when the wait is over."""
        self._call_later(wait_ns / NS_PER_S, go_on)
