"""A peer's connections are counted over all front ends, and those of a killed one no more."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gy_interface.config import GyConfig, PeerConfig
from gy_interface.peer import PeerRegistry
from runtime.peer_slots import PeerSlots

PEERS = {"pgw": PeerConfig(("pgw.example",), connections_max=3), "smf": PeerConfig(("smf.example",), connections_max=1)}
TAKER = """
import sys
from runtime.peer_slots import PeerSlots
from tests.runtime.test_peer_slots import PEERS
from pathlib import Path
slots = PeerSlots(Path(sys.argv[1]), PEERS)
print(sum(slots.take("pgw") for _ in range(int(sys.argv[2]))), flush=True)
sys.stdin.read()
"""


@contextmanager
def another_front_end(path: Path, connections: int) -> Iterator[int]:
    """A process that takes slots, and is killed at the end; how many it got."""
    process = subprocess.Popen(
        [sys.executable, "-c", TAKER, str(path), str(connections)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=Path(__file__).parents[2],
        text=True,
    )
    try:
        assert process.stdout is not None
        yield int(process.stdout.readline())
    finally:
        process.kill()
        process.communicate()


def test_slots_are_taken_over_all_processes_and_freed_by_death(tmp_path: Path) -> None:
    path = tmp_path / "run" / "gy.peers"
    slots = PeerSlots(path, PEERS)
    registry = PeerRegistry(GyConfig(peers=PEERS), slots)
    assert registry.try_enter("pgw")
    with another_front_end(path, 5) as taken:
        assert taken == 2, "the third is this process's"
        assert not registry.try_enter("pgw")
        assert registry.try_enter("smf"), "another peer has slots of its own"
        assert not registry.try_enter("smf")
    assert registry.try_enter("pgw")
    assert registry.try_enter("pgw")
    assert not registry.try_enter("pgw")
    assert registry.count("pgw") == 3
    registry.leave("pgw")
    with another_front_end(path, 5) as taken:
        assert taken == 1
    slots.close()
    with another_front_end(path, 5) as taken:
        assert taken == 3
