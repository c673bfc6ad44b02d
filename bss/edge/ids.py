"""Ids of the business side: UUIDs of version 7 (RFC 9562 §5.7), each above the one before of the same process."""

import io
import threading
from collections.abc import Callable
from typing import Final

_NS_PER_MS: Final = 1_000_000
_LOW_BITS: Final = 74
_ID_OCTETS: Final = 10
_STEP_OCTETS: Final = 4
_AT_ONCE_OCTETS: Final = 1000
"""Asked of the kernel: an order draws sixty ids, and at each call another thread gets its turn."""


class IdSource:
    """Draws ids. They sort by the instant, and within one by the order in which they were drawn."""

    def __init__(self, entropy: Callable[[int], bytes]) -> None:
        self._entropy = entropy
        self._last = 0
        self._octets = io.BytesIO()
        self._lock = threading.Lock()

    def new_id(self, now_ns: int) -> str:
        """An id of this instant; of a later one where earlier ids were."""
        with self._lock:
            drawn = self._draw(_ID_OCTETS) & (1 << _LOW_BITS) - 1
            ordered = (now_ns // _NS_PER_MS & (1 << 48) - 1) << _LOW_BITS | drawn
            if ordered <= self._last:
                ordered = self._last + 1 + self._draw(_STEP_OCTETS)
            self._last = ordered
        low = ordered & (1 << _LOW_BITS) - 1
        value = ordered >> _LOW_BITS << 80 | 0x7 << 76 | low >> 62 << 64 | 0b10 << 62 | low & (1 << 62) - 1
        digits = f"{value:032x}"
        return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))

    def _draw(self, count: int) -> int:
        octets = self._octets.read(count)
        if len(octets) < count:
            self._octets = io.BytesIO(self._entropy(_AT_ONCE_OCTETS))
            octets = self._octets.read(count)
        return int.from_bytes(octets, "big")
