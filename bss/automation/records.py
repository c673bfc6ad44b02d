"""Automation as others read it: frozen records of the rows in tables.py."""

from enum import StrEnum

import msgspec

from bss.record import Record


class RunState(StrEnum):
    """How far a run is."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    """a step failed: it can be replayed from there"""
    STOPPED = "stopped"
    """nothing was done: the rule seems to cause its own event"""


class RunStepState(StrEnum):
    """How far a step of a run is."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class RuleSet(Record, frozen=True):
    """Rules that were put in force."""

    id: str
    number: int
    created_ns: int
    hash: str
    text: str
    subject: str


class Run(Record, frozen=True):
    """A rule that an event fired."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    rule: str
    rule_set: int
    action: str
    texts: dict[str, str]
    event_id: str
    event_kind: str
    resource: str
    resource_id: str
    state: str
    depth: int
    reason: str
    made_id: str | None
    ended_ns: int | None


class RunStep(Record, frozen=True):
    """A step of a run."""

    id: str
    revision: int
    run_id: str
    place: int
    kind: str
    state: str
    attempts: int
    input: dict[str, str]
    outcome: dict[str, str]
    error_code: str
    error: str
    started_ns: int | None
    ended_ns: int | None


class RunView(msgspec.Struct, frozen=True, kw_only=True):
    """A run with its steps, by place, at one moment."""

    run: Run
    steps: tuple[RunStep, ...]


class RunTask(msgspec.Struct, frozen=True, kw_only=True):
    """A step that is to be done now."""

    run: Run
    step: RunStep
    outcomes: dict[str, str]
    """what the run's steps have made so far"""

    @property
    def kind(self) -> str:
        """What is to be done."""
        return self.step.kind

    @property
    def key(self) -> str:
        """What makes it safe to ask others for it again: the same at each try."""
        return self.step.id


class RuleCounts(msgspec.Struct, frozen=True, kw_only=True):
    """How many runs a rule has in each state."""

    rule: str
    running: int = 0
    done: int = 0
    failed: int = 0
    stopped: int = 0
