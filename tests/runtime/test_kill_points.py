"""FAREBOX_KILL_AT: what it may say, which point a start takes, and how a process ends there."""

import signal
import subprocess
import sys

import pytest

from runtime.kill_points import (
    KILL_POINTS,
    KILLED_LINE,
    PROCESS_OF,
    VARIABLE,
    Armed,
    KillPointError,
    after_start,
    arm,
    parse,
)

PASS = """
import sys
from runtime.kill_points import arm, reached
arm(sys.argv[1], environment="lab", process=sys.argv[2])
for passage in range(1, 4):
    for name in ("engine.loaded", "engine.decided"):
        reached(name)
    print(passage, flush=True)
"""


def run(value: str, process: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", PASS, value, process], capture_output=True, text=True, timeout=60, check=False
    )


def test_points_have_names_of_their_own_and_every_process_has_some() -> None:
    assert len(PROCESS_OF) == len(KILL_POINTS) >= 10
    assert set(PROCESS_OF.values()) == {"engine", "gy", "chf", "notifier", "archiver", "records", "bss-worker"}


def test_plan_is_read_in_its_order() -> None:
    assert parse("engine.loaded, writer.renamed:7") == [Armed("engine.loaded", 1), Armed("writer.renamed", 7)]
    assert parse("") == []


@pytest.mark.parametrize("value", ["engine.nowhere", "engine.loaded:0", "engine.loaded:x", "engine.loaded,no"])
def test_what_cannot_be_is_refused_and_named(value: str) -> None:
    with pytest.raises(KillPointError, match=VARIABLE) as caught:
        arm(value, environment="lab")
    assert value in str(caught.value)


def test_production_refuses_even_a_right_one() -> None:
    with pytest.raises(KillPointError, match="production"):
        arm("engine.loaded", environment="production")


def test_each_start_takes_the_first_of_its_own() -> None:
    plan = "engine.loaded:5,archiver.trimmed,engine.decided:2"
    assert after_start(plan, "engine") == "archiver.trimmed:1,engine.decided:2"
    assert after_start(plan, "archiver") == "engine.loaded:5,engine.decided:2"
    assert after_start(plan, "records") == "engine.loaded:5,archiver.trimmed:1,engine.decided:2"
    assert after_start("engine.loaded", "engine") == ""


def test_process_says_where_it_is_and_ends_at_the_passage_that_was_named() -> None:
    ended = run("archiver.trimmed,engine.decided:2,engine.loaded", "engine")
    assert ended.returncode == -signal.SIGKILL
    assert ended.stdout == "1\n", "the second passage has no end"
    assert ended.stderr == f"{KILLED_LINE} engine.decided\n"


def test_process_without_points_in_the_plan_runs_on() -> None:
    ended = run("archiver.trimmed:1", "engine")
    assert (ended.returncode, ended.stdout, ended.stderr) == (0, "1\n2\n3\n", "")
