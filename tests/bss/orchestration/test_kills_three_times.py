"""Every kill point of workers three times, on both databases, under orders, changes and renewals at once, while a second worker
lives that takes over: nothing is lost, nothing is done twice, and everybody agrees.
"""

from collections import Counter

import pytest
import sqlalchemy as sa

from runtime.kill_points import KILL_POINTS
from tests.acceptance import evidence
from tests.bss.edge.webhook_target import webhook_target
from tests.bss.orchestration.worker_child import Told
from tests.bss.orchestration.yard import TRAFFIC, Yard

POINTS = [point.name for point in KILL_POINTS if point.process == "bss-worker"]
ROUNDS = 3
LINES = 1500
LEASE_S = 1.0
"""A worker that waits for a processor so long loses its slot, and ends."""
HEAD = ("what", "seen")


@pytest.mark.acceptance
@pytest.mark.timeout(1400)
def test_every_point_three_times_with_a_second_worker(yard: Yard, database_at: sa.URL) -> None:
    kind = database_at.get_backend_name()
    hits = Counter[str]()
    with webhook_target() as target:
        yard.listen(target)
        yard.prepare(active=8, suspended=2, held=2)
        for number in range(ROUNDS):
            beside = yard.worker(Told(f"beside-{number}", lease_s=LEASE_S))
            hits += yard.die_at(POINTS, at_once=len(TRAFFIC), lives=1, lease_s=LEASE_S)
            yard.end(beside)
        yard.settle()
        yard.check()
        messages = yard.check_webhooks(target)
    rows = [(point, hits[point]) for point in POINTS]
    rows += [*(("orders " + state, count) for state, count in sorted(yard.states().items())), *messages.items()]
    says = (
        f"Each kill point of workers hit {ROUNDS} times on {kind}, under orders of every kind, cancelled ones and renewals at"
        f" once, with a second worker that takes over. Behind it every order is completed or undone, inventory, engine and"
        f" network agree, each fee was taken once, and each event reached its hub, again only under its id."
    )
    evidence.write(f"kill-points-orders-{kind}", f"Kill points of workers, {kind}", says, HEAD, rows)
    assert all(hits[point] == ROUNDS for point in POINTS), hits
    assert messages["messages"] > messages["events"], "what was sent and not noted came again"
