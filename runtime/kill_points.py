"""Named places at which a process may be killed in a test, armed by FAREBOX_KILL_AT=<name>[:<times reached>].

Edges call `reached(name)` where durability is decided; unarmed that is one dictionary look-up. Armed, the process says
where it is on its standard error and ends by SIGKILL, as a crash would end it. A production configuration refuses to
start while the variable is set.

Several points, separated by commas, are a plan: each start of a process takes the first that is left of its own. So one
`farebox up` dies at every point in turn, and each death meets what the one before left behind.
"""

import os
import signal
from collections.abc import Iterable
from typing import Final, NamedTuple


class KillPoint(NamedTuple):
    """One place: the process that reaches it and what has just happened there."""

    name: str
    process: str
    happened: str


STEPS_INSIDE: Final = (
    "assign_resources",
    "free_resources",
    "activate_product",
    "suspend_product",
    "resume_product",
    "retire_product",
    "begin_move",
    "undo_move",
    "move_product",
)
"""Steps of orders that write rows (bss/orchestration/order_steps.py); a test holds these equal to the table there."""
STEPS_OUTSIDE: Final = (
    "open_account",
    "apply_product",
    "undo_account",
    "close_account",
    "bar_account",
    "unbar_account",
    "move_account",
    "return_account",
    "provision_network",
    "deprovision_network",
    "suspend_network",
    "resume_network",
)
"""Steps that ask others first, and then note what it came to."""


def _of_orders() -> tuple[KillPoint, ...]:
    """Before and after each step of an order; between asking and noting, too."""
    begun = [
        KillPoint(f"order.{kind}.before", "bss-worker", f"an order is about to {kind.replace('_', ' ')}")
        for kind in (*STEPS_INSIDE, *STEPS_OUTSIDE)
    ]
    asked = [
        KillPoint(f"order.{kind}.asked", "bss-worker", f"{kind.replace('_', ' ')} was answered, that isn't noted")
        for kind in STEPS_OUTSIDE
    ]
    done = [
        KillPoint(f"order.{kind}.after", "bss-worker", f"{kind.replace('_', ' ')} is done and noted")
        for kind in (*STEPS_INSIDE, *STEPS_OUTSIDE)
    ]
    return (*begun, *asked, *done)


KILL_POINTS: Final = (
    KillPoint("engine.loaded", "engine", "the records of a batch were loaded"),
    KillPoint("engine.decided", "engine", "a batch was decided, nothing of it is written"),
    KillPoint("engine.commit_sent", "engine", "a commit was sent, its reply isn't known"),
    KillPoint("engine.commit_done", "engine", "a commit is confirmed, its answers are not sent"),
    KillPoint("engine.answers_sent", "engine", "the answers of a batch are sent"),
    KillPoint("engine.rows_taken", "engine", "rows of a front end were taken, none is decided"),
    KillPoint("engine.answers_returned", "engine", "answers were returned to a front end"),
    KillPoint("engine.partition_claimed", "engine", "a partition was claimed, no front end knows of it"),
    KillPoint(
        "engine.partition_given", "engine", "a partition was drained for another engine, which doesn't know of it"
    ),
    KillPoint("gy.rows_kept", "gy", "a front end keeps rows, which aren't handed over"),
    KillPoint("gy.rows_handed", "gy", "rows were handed over to the engine"),
    KillPoint("gy.rows_handed_again", "gy", "rows that an engine had and didn't answer were handed to the next owner"),
    KillPoint("gy.answers_received", "gy", "answers came from the engine, none is sent to its peer"),
    KillPoint("gy.answers_sent", "gy", "the answers of the engine are sent to peers"),
    KillPoint("chf.rows_kept", "chf", "a 5G front end keeps rows, which aren't handed over"),
    KillPoint("chf.rows_handed", "chf", "rows were handed over to the engine"),
    KillPoint(
        "chf.rows_handed_again", "chf", "rows that an engine had and didn't answer were handed to the next owner"
    ),
    KillPoint("chf.answers_received", "chf", "answers came from the engine, none is sent to its client"),
    KillPoint(
        "chf.answers_sent",
        "chf",
        "the answers of the engine are given to their requests, whose responses may be unsent",
    ),
    KillPoint("notifier.read", "notifier", "entries were read from the stream"),
    KillPoint("notifier.owed", "notifier", "what entries owe is in the store, with the position behind them"),
    KillPoint("notifier.noted", "notifier", "a try is noted in the store, nothing was sent"),
    KillPoint("notifier.told", "notifier", "a message was answered, what it came to is not noted"),
    KillPoint("notifier.settled", "notifier", "what a try came to is in the store"),
    KillPoint("notifier.ended", "notifier", "the command that ends a session was appended"),
    KillPoint("notifier.prices_told", "notifier", "some sessions are owed new prices, others not yet"),
    KillPoint("archiver.before_write", "archiver", "entries were read from the stream"),
    KillPoint("archiver.segment_written", "archiver", "entries are in the segment file, not fsynced"),
    KillPoint("archiver.segment_fsynced", "archiver", "entries are durable in the segment file"),
    KillPoint("archiver.archived_set", "archiver", "the store knows how far segments reach"),
    KillPoint("archiver.trimmed", "archiver", "the stream was trimmed"),
    KillPoint("writer.assembled", "records", "records were assembled from segments"),
    KillPoint("writer.file_written", "records", "a record file is written under its temporary name"),
    KillPoint("writer.file_fsynced", "records", "the record file is durable"),
    KillPoint("writer.manifest_committed", "records", "the manifest names the file"),
    KillPoint("writer.renamed", "records", "the file has its own name"),
    KillPoint("writer.checkpointed", "records", "the assembly state is saved"),
    KillPoint("relay.listened", "bss-worker", "who listens heard of new events, which aren't spread to hubs"),
    KillPoint("relay.leased", "bss-worker", "messages were leased, none is sent"),
    KillPoint("relay.sent", "bss-worker", "a message was sent, what it came to is not noted"),
    KillPoint("relay.settled", "bss-worker", "what a message came to is in the database"),
    *_of_orders(),
    KillPoint("renewal.before", "bss-worker", "a product is about to be renewed"),
    KillPoint("renewal.asked", "bss-worker", "the engine answered a renewal, that isn't noted"),
    KillPoint("renewal.after", "bss-worker", "a renewal is noted, and the next one scheduled"),
    KillPoint("batch.before", "bss-worker", "orders of a migration are about to be placed, a chunk of them"),
    KillPoint("batch.after", "bss-worker", "a chunk of a migration's orders is placed"),
    KillPoint("automation.heard", "bss-worker", "an event fires a rule, its run isn't written"),
    KillPoint("automation.begun", "bss-worker", "a rule's run is written, its event isn't spread"),
    KillPoint("automation.step.before", "bss-worker", "a rule's run is about to do a step"),
    KillPoint("automation.step.asked", "bss-worker", "what a step of a run asked was answered, that isn't noted"),
    KillPoint("automation.step.after", "bss-worker", "a step of a rule's run is done and noted"),
)
PROCESS_OF: Final = {point.name: point.process for point in KILL_POINTS}
VARIABLE: Final = "FAREBOX_KILL_AT"
_STANDARD_ERROR: Final = 2
KILLED_LINE: Final = "killed at kill point"
"""How the last line of a process begins that ended at a point; its name follows."""


class KillPointError(ValueError):
    """FAREBOX_KILL_AT names no kill point, or stands where it may not."""


_left: dict[str, int] = {}


class Armed(NamedTuple):
    """One entry of FAREBOX_KILL_AT: where, and at which passage."""

    name: str
    times: int


def parse(value: str) -> list[Armed]:
    """The plan that FAREBOX_KILL_AT says. KillPointError names what can't be."""
    plan = []
    for word in filter(None, value.split(",")):
        name, _, times = word.strip().partition(":")
        if name not in PROCESS_OF:
            raise KillPointError(
                f"{VARIABLE}={value}: no such point as {name}; there are {', '.join(sorted(PROCESS_OF))}"
            )
        if times and (not times.isdecimal() or int(times) < 1):
            raise KillPointError(f"{VARIABLE}={value}: write {name}:<how often it is passed, 1 or more>")
        plan.append(Armed(name, int(times or 1)))
    return plan


def is_armed(value: str, process: str) -> bool:
    """Does a plan have a point for the next start of `process`?"""
    return any(PROCESS_OF[armed.name] == process for armed in parse(value))


def after_start(value: str, process: str) -> str:
    """What is left of a plan once `process` started: without the first of its own points."""
    plan = parse(value)
    first = next((place for place, armed in enumerate(plan) if PROCESS_OF[armed.name] == process), None)
    return ",".join(f"{armed.name}:{armed.times}" for place, armed in enumerate(plan) if place != first)


def arm(value: str | None, *, environment: str, process: str = "") -> None:
    """Arm the first point of FAREBOX_KILL_AT that `process` has, '' being any process.

    KillPointError for an unknown name, and in a production configuration.
    """
    _left.clear()
    if not value:
        return
    if environment == "production":
        raise KillPointError(f"{VARIABLE} is set: unset it, a production configuration runs no kill points")
    for armed in parse(value):
        if process in ("", PROCESS_OF[armed.name]):
            _left[armed.name] = armed.times
            return


def arm_each(names: Iterable[str]) -> None:
    """Arm several at once, in a test's own process: it ends at the first of them that it reaches. KillPointError."""
    _left.clear()
    for name in names:
        (armed,) = parse(name)
        _left[armed.name] = armed.times


def reached(name: str) -> None:
    """A kill point was reached: end here where it is armed and its count is down."""
    if not _left or name not in _left:
        return
    _left[name] -= 1
    if _left[name] == 0:
        os.write(_STANDARD_ERROR, f"{KILLED_LINE} {name}\n".encode())
        os.kill(os.getpid(), signal.SIGKILL)
