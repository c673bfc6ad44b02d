"""What presses on an engine from outside: a journal that nobody archives, a disk that fills up, a clock that runs away, a store
that hangs.

Looked at once a second. A journal or disk near its end, or a store that is silent, refuses new sessions while what is open
goes on to its end: used units can be stored later but not asked for again. Each limit is left only some way below where it
is reached, so that a value that dances around it doesn't open and close the door, or fill the log.
"""

import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import Final

import structlog

from balances.edge.redis_journal import ARCHIVER
from balances.edge.redis_notices import READER as NOTIFIER
from balances.store import EntryId
from runtime.partition_pipeline import PartitionPipeline
from runtime.telemetry import Telemetry
from vocabulary.instants import NS_PER_S
from vocabulary.limits import CLOCK_SKEW_NS_MAX, JOURNAL_ALARM_PERCENT, JOURNAL_FULL_PERCENT
from vocabulary.units import OCTETS_PER_MIB

STORE_SILENT_S: Final = 3.0
"""A store that is asked each second and answers behind two slow fsyncs is heard of more often."""
_LEFT_BELOW_PERCENT: Final = 5
"""A level of a journal is left this far below where it is reached."""
_ROOM_AGAIN_PERCENT: Final = 105
"""A disk has room again at this part of the least that must be free."""


class JournalLevel(IntEnum):
    """How full a partition's journal is."""

    ROOMY = 0
    ALARM = 1
    FULL = 2


_REACHED_AT_PERCENT: Final = {JournalLevel.ALARM: JOURNAL_ALARM_PERCENT, JournalLevel.FULL: JOURNAL_FULL_PERCENT}


@dataclass(frozen=True, slots=True)
class PressureLimits:
    """From where on there is too much of it."""

    journal_octets_max: int
    """of one partition"""
    disk_free_octets_min: int
    folders: tuple[Path, ...]
    """of store and segments; those that are there are on this machine's disks, and are looked at"""


def journal_level(percent: float, level: JournalLevel) -> JournalLevel:
    """The level at this fill of a journal that had `level` before."""
    for candidate in (JournalLevel.FULL, JournalLevel.ALARM):
        reached = _REACHED_AT_PERCENT[candidate]
        if percent >= (reached - _LEFT_BELOW_PERCENT if level >= candidate else reached):
            return candidate
    return JournalLevel.ROOMY


class Pressure:
    """The state of one engine's surroundings; says it to telemetry and log, and tells pipelines to take no new sessions."""

    def __init__(self, limits: PressureLimits, telemetry: Telemetry) -> None:
        self._limits = limits
        self._telemetry = telemetry
        self._log = structlog.get_logger(process="engine")
        self._levels: dict[int, JournalLevel] = {}
        self._held: dict[int, dict[str, int]] = {}
        """octets of each partition's journal, by whom they are kept for"""
        self._disk = ""
        """what is to say about a disk with too little room; '' where there is enough"""
        self._clock = ""
        """what is to say about a clock that is off; '' where it isn't"""
        self._heard_s = math.inf
        """when the store answered last, by the monotonic clock"""
        self._silence = ""
        """what is to say about a store that doesn't answer; '' where it does"""

    def look_at_journals(self, pipelines: Sequence[PartitionPipeline]) -> None:
        """Compare what the partitions' journals hold with their limit."""
        for pipeline in pipelines:
            partition = pipeline.partition
            ratio = pipeline.journal_fill.octets / self._limits.journal_octets_max
            self._telemetry.gauge("journal_fill_ratio", str(partition)).set(ratio)
            before = self._levels.get(partition, JournalLevel.ROOMY)
            level = self._levels[partition] = journal_level(100 * ratio, before)
            if level is not before:
                self._say_level(partition, level, before, round(100 * ratio))

    def look_at_readers(self, pipeline: PartitionPipeline, read_to: Mapping[str, EntryId]) -> None:
        """Note for whom a partition's journal is kept, and how much of it."""
        partition = pipeline.partition
        before = self._held.get(partition, {})
        held = {reader: pipeline.journal_fill.octets_behind(entry_id) for reader, entry_id in read_to.items()}
        for reader, octets in (dict.fromkeys(before, 0) | held).items():
            self._telemetry.gauge("journal_held_octets", str(partition), reader).set(octets)
        self._held[partition] = held

    def held_by(self, partition: int) -> str:
        """Whom most of the partition's journal is kept for; the archiver where nobody was looked at yet."""
        held = self._held.get(partition, {})
        return max(held, key=lambda reader: held[reader], default=ARCHIVER)

    def forget(self, partition: int) -> None:
        """The partition's journal is another engine's to look after."""
        self._levels.pop(partition, None)
        for reader in self._held.pop(partition, {}):
            self._telemetry.gauge("journal_held_octets", str(partition), reader).set(0)

    def _say_level(self, partition: int, level: JournalLevel, before: JournalLevel, percent: int) -> None:
        held_by = self.held_by(partition)
        remedy = f"look whether the {held_by} runs and what its /health/ready says, or raise store.journal_mib_max"
        if held_by == NOTIFIER:
            remedy += "; where none is to run any more: farebox notifier --retire"
        said = {"partition": partition, "fill_percent": percent, "held_by": held_by, "remedy": remedy}
        if level is JournalLevel.FULL:
            self._log.error("journal is full, new sessions are refused", **said)
        elif before is JournalLevel.FULL:
            self._log.warning("journal takes new sessions again", partition=partition, fill_percent=percent)
        elif level is JournalLevel.ALARM:
            self._log.warning("journal fills up", **said)
        else:
            self._log.info("journal has room again", partition=partition, fill_percent=percent)

    def look_at_disk(self) -> None:
        """Compare the room that store and segments have left with what must be free."""
        rooms = [(_free_octets(folder), folder) for folder in self._limits.folders if folder.exists()]
        if not rooms:
            return
        free_octets, folder = min(rooms)
        self._telemetry.gauge("disk_free_octets").set(free_octets)
        limit = self._limits.disk_free_octets_min
        if free_octets >= (limit * _ROOM_AGAIN_PERCENT // 100 if self._disk else limit):
            if self._disk:
                self._log.info("disk has room again", folder=str(folder), free_mib=free_octets // OCTETS_PER_MIB)
            self._disk = ""
            return
        had_room, wanted_mib = not self._disk, limit // OCTETS_PER_MIB
        self._disk = (
            f"{free_octets // OCTETS_PER_MIB} MiB of disk are free at {folder}, needed are {wanted_mib}"
            " (records.disk_free_min_mib): new sessions are refused until there is room"
        )
        if had_room:
            self._log.error("disk is nearly full", reason=self._disk)

    def look_at_clock(self, asked_ns: int, store_ns: int, answered_ns: int) -> None:
        """Compare the clocks: the store's was read at some instant between asking it and its answer."""
        skew_ns = (asked_ns + answered_ns) // 2 - store_ns
        self._telemetry.gauge("clock_skew_seconds").set(skew_ns / NS_PER_S)
        was_right = not self._clock
        if abs(skew_ns) - (answered_ns - asked_ns) // 2 <= CLOCK_SKEW_NS_MAX:
            if not was_right:
                self._log.info("clocks agree again", skew_s=skew_ns / NS_PER_S)
            self._clock = ""
            return
        word = "ahead of" if skew_ns > 0 else "behind"
        self._clock = (
            f"the clock is {abs(skew_ns) / NS_PER_S:.1f} s {word} the store's: have both follow one time source"
        )
        if was_right:
            self._log.error("clocks differ", reason=self._clock)

    def hear(self, now_s: float, pipelines: Iterable[PartitionPipeline]) -> None:
        """The store answers, at this instant of the monotonic clock."""
        self._heard_s = now_s
        if self._silence:
            self._silence = ""
            self._log.info("store answers again")
            self.apply(pipelines)

    def look_at_silence(self, now_s: float) -> None:
        """See how long ago the store answered what it is asked each second: a connection stands while nobody reads there."""
        silent_s = now_s - self._heard_s
        if silent_s < STORE_SILENT_S:
            return
        if not self._silence:
            self._log.error("store is silent", silent_s=round(silent_s, 1), remedy="look whether it runs, and its disk")
        self._silence = f"the store has not answered for {silent_s:.0f} s: new sessions are refused"

    def apply(self, pipelines: Iterable[PartitionPipeline]) -> None:
        """Have pipelines take new sessions, or not."""
        for pipeline in pipelines:
            is_full = self._levels.get(pipeline.partition) is JournalLevel.FULL
            pipeline.takes_new_sessions = not (is_full or self._disk or self._silence)

    def reasons(self) -> tuple[str, ...]:
        """Why the engine is not ready, as far as its surroundings go."""
        journals = tuple(
            f"partition {partition}: journal is full, held by the {self.held_by(partition)}: new sessions are refused"
            for partition, level in sorted(self._levels.items())
            if level is JournalLevel.FULL
        )
        return (*journals, *filter(None, (self._disk, self._clock, self._silence)))


def _free_octets(folder: Path) -> int:
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
