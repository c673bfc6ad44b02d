"""What a record writer is told, what it tells, and the one thing that it asks for."""

from dataclasses import dataclass, field, replace
from pathlib import Path


class UnknownTenantError(Exception):
    """Records of tenants whose names aren't known; nothing is lost, `numbers` says which to look up."""

    def __init__(self, numbers: frozenset[int]) -> None:
        listed = ", ".join(map(str, sorted(numbers)))
        super().__init__(f"no name is known of tenant {listed}: the segments are of another store than the tenants")
        self.numbers = numbers


@dataclass(frozen=True, slots=True)
class WriterSettings:
    """What a record writer works on, and how."""

    segments: Path
    folder: Path
    """of the records"""
    partitions: tuple[int, ...]
    partial_after_s: int = 3600
    file_rows_max: int = 100_000
    file_age_s: int = 60
    file_octets_max: int = 64 * 1024 * 1024
    disk_free_octets_min: int = 512 * 1024 * 1024
    checkpoint_octets_min: int = 16 * 1024 * 1024
    """so much journal goes by between two checkpoints,"""
    checkpoint_state_times: int = 8
    """and so many times the octets of the state, so that saving it is a small part of the work"""
    poll_ms: int = 50


@dataclass(slots=True)
class WriterProgress:
    """What a writer has done since its start."""

    entry_counts: dict[int, int] = field(default_factory=dict)
    """journal entries read, by partition"""
    journal_octets: int = 0
    record_count: int = 0
    """in files"""
    row_count: int = 0
    movement_count: int = 0
    """rows of movements in files"""
    set_counts: dict[str, int] = field(default_factory=dict)
    """files, counted once for all of their formats, by what they hold (cdr.manifest.FORMATS_OF)"""
    flush_count: int = 0
    open_count: int = 0
    """sessions that are open"""
    void_flush_count: int = 0
    stopped_because: dict[str, str] = field(default_factory=dict)
    """by `disk` or the partition: what it waits for; empty while it works"""

    def copy(self) -> "WriterProgress":
        """As it is now."""
        return replace(
            self,
            entry_counts=dict(self.entry_counts),
            set_counts=dict(self.set_counts),
            stopped_because=dict(self.stopped_because),
        )
