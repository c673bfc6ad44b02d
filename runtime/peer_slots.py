"""How many connections a peer has over all front ends of a data directory: each holds a lock on one octet of a file.

Who holds them (gy_interface.peer.PeerRegistry) is a peer, or one host of a peer that takes any. A holder with
`connections_max` connections has so many octets, of which nobody writes any. The kernel lets go of a lock when its
process ends, however it does, so no count can be wrong and nothing is to be cleared up behind the dead.
"""

import fcntl
import os
from hashlib import sha256
from pathlib import Path
from typing import Final

from gy_interface.config import PEER_CONNECTIONS_MAX

SLOTS_FILE: Final = "gy.peers"
"""In the run folder of the data directory."""
_PLACES: Final = 1 << 48


class PeerSlots:
    """SharedSlots of one front-end process. Locks are a process's: one object a process and file."""

    def __init__(self, path: Path) -> None:
        """OSError: the file can't be made."""
        path.parent.mkdir(parents=True, exist_ok=True)
        self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        self._taken: dict[str, list[int]] = {}

    def take(self, holder: str, most: int) -> bool:
        """See SharedSlots."""
        taken = self._taken.get(holder, [])
        for slot in range(most):
            if slot not in taken and self._lock(holder, slot):
                self._taken[holder] = [*taken, slot]
                return True
        return False

    def _lock(self, holder: str, slot: int) -> bool:
        try:
            fcntl.lockf(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, _first_octet(holder) + slot)
        except (BlockingIOError, PermissionError):  # which of them is the system's choice
            return False
        return True

    def give_back(self, holder: str) -> None:
        """See SharedSlots."""
        slot = self._taken[holder].pop()
        if not self._taken[holder]:
            del self._taken[holder]
        fcntl.lockf(self._descriptor, fcntl.LOCK_UN, 1, _first_octet(holder) + slot)

    def close(self) -> None:
        """Let go of all."""
        os.close(self._descriptor)


def _first_octet(holder: str) -> int:
    """Where a holder's octets begin: by its name alone, so that front ends with unlike lists of peers agree."""
    digest = int.from_bytes(sha256(holder.encode()).digest()[:8], "big")
    return digest % _PLACES * PEER_CONNECTIONS_MAX
