"""Ids of the business side: they sort as they were drawn, within a millisecond and when the clock goes back, too."""

import os
import uuid

from bss.edge.ids import IdSource

NOW_NS = 1_800_000_000_123_456_789
MS_NS = 1_000_000


def test_ids_sort_as_they_are_drawn_and_are_of_version_7() -> None:
    ids = IdSource(os.urandom)
    instants = [NOW_NS] * 500 + [NOW_NS + MS_NS] * 500 + [NOW_NS - MS_NS] * 500
    drawn = [ids.new_id(now_ns) for now_ns in instants]
    assert drawn == sorted(set(drawn))
    assert {(uuid.UUID(each).version, uuid.UUID(each).variant) for each in drawn} == {(7, uuid.RFC_4122)}
    assert uuid.UUID(drawn[0]).int >> 80 == NOW_NS // MS_NS


def test_no_octets_are_used_twice() -> None:
    """Those that are asked for at once are all used, and asked for anew before they end."""
    asked: list[bytes] = []

    def entropy(count: int) -> bytes:
        asked.append(os.urandom(count))
        return asked[-1]

    ids = IdSource(entropy)
    drawn = [uuid.UUID(ids.new_id(NOW_NS + number * MS_NS)).int for number in range(250)]
    used = [(each >> 64 & 0xFFF) << 62 | each & (1 << 62) - 1 for each in drawn]
    given = [int.from_bytes(block[at : at + 10], "big") & (1 << 74) - 1 for block in asked for at in range(0, 1000, 10)]
    assert len(asked) == 3
    assert used == given[:250]
