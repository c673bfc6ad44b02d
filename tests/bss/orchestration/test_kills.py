"""Workers that die at each kill point, one after the other. Each next one goes on, and dies at its own; the last one ends what
is left. Then every order is completed or undone, inventory, engine and network agree, and every hub was told.
"""

import pytest

from bss.orchestration.order_steps import order_steps
from bss.orchestration.ports import Ports
from bss.orchestration.worker_tables import read_release
from runtime.kill_points import KILL_POINTS, STEPS_INSIDE, STEPS_OUTSIDE
from tests.bss.edge.webhook_target import webhook_target
from tests.bss.orchestration.yard import Yard

POINTS = [point.name for point in KILL_POINTS if point.process == "bss-worker"]
SECOND_PASSAGES = [f"automation.step.{moment}:2" for moment in ("before", "after")]
"""A run's next step, which others are asked for."""
LINES = 100
LIVES = 8
"""Of a worker, before one of another name takes over."""


def test_kill_points_are_the_steps() -> None:
    ports = Ports(None, None, read_release)  # type: ignore[arg-type]
    assert sorted(order_steps(ports)) == sorted((*STEPS_INSIDE, *STEPS_OUTSIDE))


@pytest.mark.timeout(300)
def test_who_dies_anywhere_is_followed(yard: Yard) -> None:
    with webhook_target() as target:
        yard.listen(target)
        yard.prepare(active=6, suspended=1, held=1)
        hits = yard.die_at(POINTS, at_once=1, lives=LIVES)
        hits += yard.die_at(SECOND_PASSAGES, at_once=1, lives=LIVES, kinds=["gift"])
        yard.settle()
        assert hits == dict.fromkeys((*POINTS, *SECOND_PASSAGES), 1)
        yard.check()
        yard.check_webhooks(target)
