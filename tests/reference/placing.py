"""Records into an arena, all of them out of octets, as an owner does who keeps none."""

import numpy as np
from numpy.typing import NDArray

from balances.arena import Arena
from balances.kept_records import new_kept_records, new_sought, place_sought

_NOTHING_KEPT = new_kept_records(0)


def place_records(
    arena: Arena,
    source: NDArray[np.uint8],
    first: NDArray[np.int64],
    octets: NDArray[np.int64],
    room_words: NDArray[np.int64],
    slot_count: int,
) -> int:
    """Lay source[first:first + octets] of each slot into the arena; -1, or the first slot whose octets are no record."""
    sought = new_sought(slot_count)
    sought.row_of[:] = np.arange(slot_count)
    return int(
        place_sought(
            arena,
            _NOTHING_KEPT,
            sought,
            np.zeros(slot_count, np.int32),
            np.zeros(slot_count, np.int64),
            source,
            first,
            octets,
            room_words,
            slot_count,
        )
    )
