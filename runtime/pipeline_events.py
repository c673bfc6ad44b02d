"""What a partition's pipeline tells about itself: telemetry, and the engine that mends what it can't mend alone."""

from enum import Enum
from typing import Protocol

from runtime.batch_in_flight import BatchInFlight


class PipelineState(Enum):
    """Whether the partition decides, waits for its store, or is another's."""

    READY = "ready"
    AWAY = "store away"
    LOST = "owned by another"


class PipelineEvents(Protocol):
    """Called from the pipeline, once an event; none may raise."""

    def on_committed(self, partition: int, request_count: int, now_ns: int) -> None:
        """A batch is in the store."""

    def on_away(self, partition: int, reason: str) -> None:
        """The store doesn't answer, or not as it should: connect again, then `resume`."""

    def on_diverged(self, partition: int, stored_tail: str) -> None:
        """The store is older than the engine knows: claim a higher epoch, then `resume_diverged`."""

    def on_lost(self, partition: int, stored_token: str) -> None:
        """Another engine owns the partition."""

    def on_quarantined(self, partition: int, reason: str, batch: BatchInFlight) -> None:
        """A row can't be decided: keep its input for people to look at."""
