"""Every kill point of workers three times, on both databases, under orders, changes, renewals, migrations and rules at once,
while a second worker lives that takes over: nothing is lost, nothing is done twice, and everybody agrees.
"""

from collections import Counter

import pytest
import sqlalchemy as sa

from runtime.kill_points import KILL_POINTS
from tests.acceptance import evidence
from tests.bss.edge.webhook_target import webhook_target
from tests.bss.orchestration.yard import Beside, Yard

POINTS = [point.name for point in KILL_POINTS if point.process == "bss-worker"]
ROUNDS = 3
LINES = 1500
PATIENCE_S = 1.0
AT_ONCE = 3
HEAD = ("what", "seen")


@pytest.mark.acceptance
@pytest.mark.timeout(1400)
def test_every_point_three_times_with_a_second_worker(yard: Yard, database_at: sa.URL) -> None:
    kind = database_at.get_backend_name()
    hits = Counter[str]()
    with webhook_target() as target:
        yard.listen(target)
        yard.prepare(active=10, suspended=2, held=2)
        beside = Beside(yard)
        for _ in range(ROUNDS):
            hits += yard.die_at(POINTS, at_once=AT_ONCE, lives=1, beside=beside, patience_s=PATIENCE_S)
        takeovers = beside.text().count("worker died, its workflows go on here")
        beside.end()
        yard.settle()
        yard.check()
        messages = yard.check_webhooks(target)
    rows = [(point, hits[point]) for point in POINTS]
    rows += [(f"orders {state}", count) for state, count in sorted(yard.states().items())]
    rows += [*messages.items(), ("taken over", takeovers)]
    says = (
        f"Each kill point of workers hit {ROUNDS} times on {kind}, under orders of every kind, cancelled ones, renewals,"
        f" batches of migrations and rules at once, with a second worker that takes over. Behind it every order is completed"
        f" or undone, inventory, engine and network agree, each fee was taken once, each event ran its rule once, and each"
        f" event reached its hub, again only under its id."
    )
    evidence.write(f"kill-points-orders-{kind}", f"Kill points of workers, {kind}", says, HEAD, rows)
    assert all(hits[point] == ROUNDS for point in POINTS), hits
    assert takeovers >= ROUNDS
    assert messages["messages"] > messages["events"], "what was sent and not noted came again"
