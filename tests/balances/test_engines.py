"""Who lives, who holds what, and who is to hold it: engines that know the same come to the same, with few moves."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balances.engines import (
    OWN_GAP_NS,
    SILENT_NS,
    BeatWatch,
    EngineEntry,
    decode_entry,
    encode_entry,
    holders_of,
    share_out,
)

NODES = ("a", "b", "c", "d")
LOOK_NS = OWN_GAP_NS // 4
entries = st.builds(
    EngineEntry,
    st.sampled_from(NODES),
    st.integers(0, 2**62),
    st.integers(0, 2**40),
    st.booleans(),
    st.frozensets(st.integers(0, 4095), max_size=20),
)


@given(entries)
def test_an_entry_is_read_as_it_was_written(entry: EngineEntry) -> None:
    assert decode_entry(entry.node, encode_entry(entry)) == entry


@pytest.mark.parametrize("text", ["", "1 2 alone", "1 2 both 3", "x 2 shares ", "1 2 shares 3,x"])
def test_what_is_no_entry_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_entry("a", text)


@given(
    st.lists(st.sampled_from(("", "gone", *NODES)), min_size=1, max_size=40),
    st.sets(st.sampled_from(NODES), min_size=1),
)
def test_shares_are_equal_and_what_can_stay_stays(holders: list[str], nodes: set[str]) -> None:
    wanted = share_out(holders, nodes)
    counts = {node: wanted.count(node) for node in nodes}
    assert sum(counts.values()) == len(holders), "every partition is somebody's"
    assert max(counts.values()) - min(counts.values()) <= 1
    for node in nodes:
        stays = sum(holder == node == wants for holder, wants in zip(holders, wanted, strict=True))
        assert stays == min(holders.count(node), counts[node]), "nothing moves that needn't"
    assert share_out(wanted, nodes) == wanted, "and then it is still"
    assert share_out(holders, sorted(nodes, reverse=True)) == wanted


@given(st.integers(1, 16), st.sets(st.sampled_from(NODES), min_size=1))
def test_each_engine_has_a_partition_where_there_are_enough(partitions: int, nodes: set[str]) -> None:
    wanted = share_out([""] * partitions, nodes)
    assert (set(wanted) == nodes) == (partitions >= len(nodes))


def test_without_engines_nobody_holds_anything() -> None:
    assert share_out(["a", ""], []) == ["", ""]


def test_a_partition_is_held_by_who_says_so_and_of_two_by_its_owner() -> None:
    living = [EngineEntry("a", 1, 1, False, frozenset({0, 1})), EngineEntry("b", 1, 1, False, frozenset({1, 2, 9}))]
    assert holders_of(4, living, ["a", "b", "a", "gone"]) == ["a", "b", "b", ""]
    assert holders_of(4, living, ["", "a", "", ""])[1] == "a"


def test_an_engine_is_silent_when_its_beat_stands_still() -> None:
    watch, now_ns = BeatWatch(), 10**18
    for beat in range(20):
        now_ns += LOOK_NS
        beating, still = EngineEntry("a", 1, beat, False), EngineEntry("b", 1, 7, False)
        silent = watch.silent([beating, still], now_ns)
        assert silent == ({"b"} if beat * LOOK_NS > SILENT_NS else set())
    assert watch.silent([EngineEntry("a", 1, 99, False), EngineEntry("b", 2, 7, False)], now_ns + LOOK_NS) == set(), (
        "another process of the name"
    )


def test_who_did_not_look_for_long_judges_nobody() -> None:
    watch, still = BeatWatch(), EngineEntry("b", 1, 7, False)
    assert watch.silent([still], 10**18) == set()
    assert watch.silent([still], 10**18 + 100 * SILENT_NS) == set()
