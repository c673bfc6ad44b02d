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
from pathlib import Path
slots = PeerSlots(Path(sys.argv[1]))
print(sum(slots.take("pgw", 3) for _ in range(int(sys.argv[2]))), flush=True)
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
    slots = PeerSlots(path)
    registry = PeerRegistry(GyConfig(peers=PEERS), slots)
    assert registry.try_enter("pgw", "PGW.example")
    with another_front_end(path, 5) as taken:
        assert taken == 2, "the third is this process's"
        assert not registry.try_enter("pgw", "PGW.example")
        assert registry.try_enter("smf", "smf.example"), "another peer has slots of its own"
        assert not registry.try_enter("smf", "smf.example")
    assert registry.try_enter("pgw", "PGW.example")
    assert registry.try_enter("pgw", "PGW.example")
    assert not registry.try_enter("pgw", "PGW.example")
    assert registry.count("pgw") == 3
    registry.leave("pgw", "pgw.example")
    with another_front_end(path, 5) as taken:
        assert taken == 1
    slots.close()
    with another_front_end(path, 5) as taken:
        assert taken == 3


def test_a_host_that_only_the_wildcard_takes_has_slots_of_its_own(tmp_path: Path) -> None:
    peers = {"lab": PeerConfig(("*", "one.example", "two.example"), connections_max=2)}
    hosts = [f"pgw{number}.example" for number in range(12)]
    slots = PeerSlots(tmp_path / "gy.peers")
    for registry in (PeerRegistry(GyConfig(peers=peers)), PeerRegistry(GyConfig(peers=peers), slots)):
        assert all(registry.try_enter("lab", host) for host in hosts * 2)
        assert not any(registry.try_enter("lab", host.upper()) for host in hosts)
        listed = [registry.try_enter("lab", host) for host in ("one.example", "two.example", "one.example")]
        assert listed == [True, True, False], "they share the peer's"
        assert registry.count("lab") == 26
        registry.leave("lab", hosts[0].upper())
        assert registry.try_enter("lab", hosts[0])
    slots.close()
