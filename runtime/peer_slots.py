"""How many connections a peer has over all front ends of a data directory: each holds a lock on one octet of a file.

A peer with `connections_max` connections has so many octets, of which nobody writes any. The kernel lets go of a lock when
its process ends, however it does, so no count can be wrong and nothing is to be cleared up behind the dead.
"""

import fcntl
import os
from collections import defaultdict
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

from gy_interface.config import PEER_CONNECTIONS_MAX, PeerConfig

SLOTS_FILE: Final = "gy.peers"
"""In the run folder of the data directory."""
_PLACES: Final = 1 << 48


class PeerSlots:
    """SharedSlots of one front-end process. Locks are a process's: one object a process and file."""

    def __init__(self, path: Path, peers: Mapping[str, PeerConfig]) -> None:
        """OSError: the file can't be made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._peers = peers
        self._taken: dict[str, list[int]] = defaultdict(list)

    def take(self, peer_name: str) -> bool:
        """See SharedSlots."""
        taken = self._taken[peer_name]
        for slot in range(self._peers[peer_name].connections_max):
            if slot not in taken and self._lock(peer_name, slot):
                taken.append(slot)
                return True
        return False

    def _lock(self, peer_name: str, slot: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _first_octet(peer_name) + slot)
        except (BlockingIOError, PermissionError):  # which of them is the system's choice
            return False
        return True

    def give_back(self, peer_name: str) -> None:
        """See SharedSlots."""
        slot = self._taken[peer_name].pop()
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _first_octet(peer_name) + slot)

    def close(self) -> None:
        """Let go of all."""
        os.close(self._descriptor)


def _first_octet(peer_name: str) -> int:
    """Where a peer's octets begin: by its name alone, so that front ends with unlike lists of peers agree."""
    digest = int.from_bytes(sha256(peer_name.encode()).digest()[:8], "big")
    return digest % _PLACES * PEER_CONNECTIONS_MAX
