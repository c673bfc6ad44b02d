"""Reports that nothing decides, of refused requests and beside MSCCs: on record as used and paid by nothing."""

from copy import deepcopy
from typing import Any

import pytest

from balances.journal import decode_entry
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Answer, CreditControl, Mscc
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
USED = {Unit.OCTETS: 10, Unit.SECONDS: 3}
KEY = (1 << 40, 1)
MSCCS = (Mscc(10, None, USED, USED), Mscc(99, 7, None, {Unit.SECONDS: 5}), Mscc(10, 1, USED, None))
"""Three services: one reports octets, one (whose price isn't known) seconds, one nothing."""
INVALID = Outcome.INVALID_AVP_VALUE

pytestmark = pytest.mark.usefixtures("warm_engine")


@pytest.fixture
def sides() -> SideBySide:
    catalogue = Catalogue((Release(1, offers={1: (Price(10, price_micros=1, number=1),)}),))
    return SideBySide(catalogue, (Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=1000)]),))


def ask(sides: SideBySide, request_type: int, number: int, body: int, msccs: tuple[Mscc, ...], **more: Any) -> Answer:
    """One request in a batch of its own."""
    request = CreditControl(1, KEY, request_type, number, body, START_NS, msccs=msccs, **more)
    return sides.decide([request], START_NS)[0]


def recorded(sides: SideBySide) -> list[tuple[int, int, int, int, int]]:
    """(rating group, unit, used, uncharged, outcome) of the usage rows of the last entry."""
    usages = decode_entry(sides.engine.entries[-1][1]).usages
    names = ("rating_group", "unit", "used_units", "uncharged_units", "outcome")
    return list(zip(*(usages[name].tolist() for name in names), strict=True))


def uncharged(outcome: Outcome) -> list[tuple[int, int, int, int, int]]:
    """What is recorded of MSCCS where nothing of them is decided."""
    return [(10, Unit.OCTETS, 10, 10, outcome), (99, Unit.SECONDS, 5, 5, outcome)]


def money_of(sides: SideBySide) -> int:
    bucket = sides.twin.accounts[1].bucket(1)
    return bucket.remaining + bucket.reserved


@pytest.mark.parametrize("request_type", [UPDATE, TERMINATION])
def test_of_a_session_that_is_not_open(sides: SideBySide, request_type: int) -> None:
    answer = ask(sides, request_type, 1, 1, MSCCS)
    assert answer.outcome == Outcome.UNKNOWN_SESSION_ID
    assert money_of(sides) == 1000
    assert recorded(sides) == uncharged(Outcome.UNKNOWN_SESSION_ID)
    assert set(decode_entry(sides.engine.entries[-1][1]).usages["to_ns"]) == {START_NS}


def test_a_late_initial_request_reports_nothing(sides: SideBySide) -> None:
    """Of a session that has ended: refused as well, and its record has no line."""
    first = (Mscc(10, None, USED, None),)
    outcomes = [
        ask(sides, INITIAL, 0, 1, first).outcome,
        ask(sides, TERMINATION, 1, 2, (Mscc(10, None, None, USED),)).outcome,
        ask(sides, INITIAL, 0, 1, first).outcome,
    ]
    assert outcomes == [Outcome.GRANTED, Outcome.GRANTED, Outcome.UNKNOWN_SESSION_ID]
    assert recorded(sides) == []


@pytest.mark.parametrize("request_type", [INITIAL, UPDATE, TERMINATION, EVENT])
@pytest.mark.parametrize("is_open", [True, False])
def test_of_a_request_that_the_codec_refuses(sides: SideBySide, request_type: int, is_open: bool) -> None:
    """A good group beside a bad one: nothing is charged, and an open session stays as it was."""
    if is_open:
        ask(sides, INITIAL, 0, 1, (Mscc(10, None, {}, None),))
    before = deepcopy(sides.twin.accounts[1].sessions)
    answer = ask(sides, request_type, 1, 2, MSCCS, refusal=INVALID)
    assert (answer.outcome, answer.failed_code, money_of(sides)) == (INVALID, 0, 1000)
    assert recorded(sides) == uncharged(INVALID)
    assert sides.twin.accounts[1].sessions == before
    row = decode_entry(sides.engine.entries[-1][1]).requests
    assert (row["outcome"].tolist(), row["ended_session"].tolist()) == ([INVALID], [0])


def test_what_the_codec_refuses_of_nobody_is_answered_so(sides: SideBySide) -> None:
    entries = len(sides.engine.entries)
    for account_id in (None, 7):
        request = CreditControl(account_id, KEY, UPDATE, 1, 1, START_NS, msccs=MSCCS, refusal=INVALID)
        assert sides.decide([request], START_NS)[0].outcome == INVALID
    assert len(sides.engine.entries) == entries


def test_of_a_number_that_was_answered(sides: SideBySide) -> None:
    ask(sides, INITIAL, 0, 1, (Mscc(10, None, {}, None),))
    ask(sides, UPDATE, 1, 2, (Mscc(10, None, {}, {Unit.OCTETS: 4}),))
    answer = ask(sides, UPDATE, 1, 3, MSCCS)
    assert (answer.outcome, answer.failed_code, money_of(sides)) == (INVALID, 415, 996)
    assert recorded(sides) == uncharged(INVALID)


def test_of_what_was_charged_before_nothing_is_recorded_again(sides: SideBySide) -> None:
    ask(sides, INITIAL, 0, 1, (Mscc(10, None, {}, None),))
    for number in (1, 2, 3):
        ask(sides, UPDATE, number, 10 + number, (Mscc(10, None, {}, {Unit.OCTETS: 4}),))
    answer = ask(sides, UPDATE, 1, 11, (Mscc(10, None, {}, {Unit.OCTETS: 4}),))
    assert (answer.outcome, answer.failed_code, money_of(sides)) == (INVALID, 415, 988)
    assert recorded(sides) == []


@pytest.mark.parametrize(
    ("action", "outcome", "failed_code"), [(1, INVALID, 436), (None, Outcome.MISSING_AVP, 436), (0, INVALID, 415)]
)
def test_of_an_event(sides: SideBySide, action: int | None, outcome: Outcome, failed_code: int) -> None:
    """Of an action that isn't served, of none, and with the number of another."""
    ask(sides, EVENT, 1, 1, (Mscc(10, None, {}, None),), requested_action=0)
    before = money_of(sides)
    answer = ask(sides, EVENT, 1 if action == 0 else 2, 2, MSCCS, requested_action=action)
    assert (answer.outcome, answer.failed_code, money_of(sides)) == (outcome, failed_code, before)
    assert recorded(sides) == uncharged(outcome)


@pytest.mark.parametrize("request_type", [INITIAL, UPDATE, TERMINATION, EVENT])
def test_beside_msccs(sides: SideBySide, request_type: int) -> None:
    """The MSCC is charged as without, and what stands beside it isn't, though it is of the same use."""
    if request_type in (UPDATE, TERMINATION):
        ask(sides, INITIAL, 0, 1, (Mscc(10, None, {}, None),))
    beside = Mscc(None, None, None, {Unit.SECONDS: 30}, outcome=INVALID)
    msccs = (Mscc(10, None, None, {Unit.OCTETS: 4}), beside)
    for _ in range(2):  # a repeat moves nothing more
        answer = ask(sides, request_type, 1, 2, msccs, requested_action=0)
        assert (answer.outcome, money_of(sides)) == (Outcome.GRANTED, 996)
        assert answer.msccs[0].outcome == Outcome.GRANTED
        assert recorded(sides) == [
            (10, Unit.OCTETS, 4, 0, Outcome.GRANTED),
            (-1, Unit.SECONDS, 30, 30, INVALID),
        ]


def test_beside_msccs_that_met_the_credit_limit(sides: SideBySide) -> None:
    """They alone say whether the command did."""
    sides = SideBySide(sides.catalogue, (Account(1, products=[Product(1, 0)], buckets=[Bucket(1, remaining=0)]),))
    beside = Mscc(None, None, None, {Unit.SECONDS: 30}, outcome=INVALID)
    answer = ask(sides, INITIAL, 0, 1, (Mscc(10, None, {}, None), beside), command_level_limit=True)
    assert answer.outcome == Outcome.CREDIT_LIMIT_REACHED
