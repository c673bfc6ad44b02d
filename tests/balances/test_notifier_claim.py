"""Whose turn it is to tell clients, judged by beats on one's own clock."""

import pytest

from balances.notifier_claim import NO_CLAIM, SILENT_NS, ClaimWatch, NotifierClaim, decode_claim, encode_claim
from vocabulary.instants import NS_PER_S

OTHER = NotifierClaim(7, "host:1f", 3)
STEP_NS = NS_PER_S // 2


@pytest.mark.parametrize("claim", [NO_CLAIM, OTHER, NotifierClaim(8, "", 4)])
def test_a_claim_is_read_as_it_was_written(claim: NotifierClaim) -> None:
    assert decode_claim(encode_claim(claim)) == claim


@pytest.mark.parametrize("text", ["7", "7 host", "x host 1", "7 host 1 2", "7 host x"])
def test_what_is_no_claim_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        decode_claim(text)


def test_it_is_free_where_nobody_has_it_or_one_of_our_own_that_is_dead() -> None:
    for claim in (NO_CLAIM, NotifierClaim(8, "", 4), NotifierClaim(8, "mine", 4)):
        assert ClaimWatch("mine").is_free(claim, 0)


def test_one_that_beats_has_it_and_one_that_is_silent_has_it_no_more() -> None:
    watch, now_ns = ClaimWatch("mine"), 10**18
    for beat in range(20):
        assert not watch.is_free(OTHER._replace(beat=beat), now_ns)
        now_ns += STEP_NS
    silent_from_ns = now_ns
    while now_ns < silent_from_ns + SILENT_NS:
        assert not watch.is_free(OTHER, now_ns)
        now_ns += STEP_NS
    assert watch.is_free(OTHER, now_ns)
    assert not watch.is_free(OTHER._replace(epoch=8), now_ns), "a third one was quicker"


def test_who_slept_or_had_no_store_counts_anew() -> None:
    watch, now_ns = ClaimWatch("mine"), 10**18
    watch.is_free(OTHER, now_ns)
    now_ns += SILENT_NS
    assert not watch.is_free(OTHER, now_ns), "it was asleep itself"
    for _ in range(5):
        now_ns += STEP_NS
        assert not watch.is_free(OTHER, now_ns)
    watch.forget()
    for _ in range(6):
        now_ns += STEP_NS
        assert not watch.is_free(OTHER, now_ns)
    assert watch.is_free(OTHER, now_ns + STEP_NS)
