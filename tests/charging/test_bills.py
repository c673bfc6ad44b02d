"""What is owed on the bill: made at opening, settled by a credit of its own, and free of cost to accounts without one."""

from dataclasses import replace
from typing import Any

import msgpack
import pytest

from balances.journal import MovementKind, decode_entry
from balances.queries import decode_record
from balances.record import AccountStatus
from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Change, Credit, CreditControl, Mscc, Open
from tests.reference.side_by_side import SideBySide
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
ON_BILL = Price(10, price_micros=1, number=1, settled_by=Unit.BILL)
FROM_BALANCE = Price(20, price_micros=1, number=2)
CATALOGUE = Catalogue((Release(1, offers={1: (ON_BILL, FROM_BALANCE)}),))
BILL_ID, MONEY_ID = 1, 2

pytestmark = pytest.mark.usefixtures("warm_engine")


def account_of(owed: int = 0, limit: int = 100, money: int = 50, **others: AccountStatus) -> Account:
    """An account with so much owed on its bill."""
    buckets = [Bucket(BILL_ID, Unit.BILL, remaining=-owed), Bucket(MONEY_ID, remaining=money)]
    return Account(1, credit_limit_micros=limit, products=[Product(1)], buckets=buckets, **others)  # type: ignore[arg-type]


def settle(sides: SideBySide, *amounts: int, others: tuple[Credit, ...] = ()) -> Outcome:
    """Settle so much, each in a credit of its own; how that was answered."""
    credits_given = tuple(Credit(amount, Unit.BILL, movement=MovementKind.SETTLED) for amount in amounts)
    (answer,) = sides.decide([Change(1, START_NS, amounts=credits_given + others)], START_NS)
    return answer.outcome


def ask(
    sides: SideBySide, request_type: int, number: int, rating_group: int, used: int | None, asks: int | None
) -> None:
    """A request of the one session, with a service."""
    requested = None if asks is None else {Unit.OCTETS: asks}
    mscc = Mscc(rating_group, None, requested, None if used is None else {Unit.OCTETS: used})
    request = CreditControl(1, (1 << 40, 1), request_type, number, number, START_NS, msccs=(mscc,))
    (answer,) = sides.decide([request], START_NS)
    assert answer.outcome == Outcome.GRANTED


def held_by(sides: SideBySide) -> tuple[int, int]:
    """(remaining, reserved) of the bill."""
    bucket = sides.twin.accounts[1].bucket(BILL_ID)
    return bucket.remaining, bucket.reserved


def test_an_account_is_opened_with_a_bill_where_it_has_credit() -> None:
    sides = SideBySide(CATALOGUE)
    opened = Open(1, START_NS, credit_limit_micros=100, credits=(Credit(5, movement=MovementKind.OPENED),))
    sides.decide([opened, replace(opened, account_id=2, credit_limit_micros=0)], START_NS)
    first, second = (decode_record(sides.engine.records[(1, number)]) for number in (1, 2))
    assert [(bucket.unit, bucket.remaining) for bucket in first.buckets] == [(Unit.BILL, 0), (Unit.MONEY, 5)]
    assert [bucket.unit for bucket in second.buckets] == [Unit.MONEY]
    assert (first.owed_micros, second.owed_micros) == (0, None)


def test_an_account_is_not_opened_with_a_bill_and_as_many_balances_as_it_can_have() -> None:
    sides = SideBySide(CATALOGUE)
    balances = tuple(
        Credit(1, to_ns=START_NS + NS_PER_S * (number + 1), movement=MovementKind.OPENED)
        for number in range(BUCKETS_PER_ACCOUNT_MAX)
    )
    for limit, outcome in ((100, Outcome.UNABLE_TO_COMPLY), (0, Outcome.GRANTED)):
        (answer,) = sides.decide([Open(1, START_NS, credit_limit_micros=limit, credits=balances)], START_NS)
        assert answer.outcome == outcome


@pytest.mark.parametrize(
    ("amounts", "outcome"),
    [
        ((30,), Outcome.GRANTED),
        ((10, 20), Outcome.GRANTED),
        ((31,), Outcome.INVALID_AVP_VALUE),
        ((10, 21), Outcome.INVALID_AVP_VALUE),
        ((MICROS_MAX,), Outcome.INVALID_AVP_VALUE),
    ],
)
def test_what_is_owed_can_be_settled_and_no_more(amounts: tuple[int, ...], outcome: Outcome) -> None:
    """Also while something is held for a grant, which is not owed."""
    sides = SideBySide(CATALOGUE, (account_of(owed=30),))
    ask(sides, INITIAL, 0, 10, None, 60)
    assert held_by(sides) == (-90, 60)
    assert settle(sides, *amounts) == outcome
    assert held_by(sides) == ((-60, 60) if outcome == Outcome.GRANTED else (-90, 60))
    ask(sides, TERMINATION, 1, 10, 60, None)


def test_a_settlement_and_a_top_up_go_where_they_belong() -> None:
    sides = SideBySide(CATALOGUE, (account_of(owed=30),))
    assert settle(sides, 10, others=(Credit(500),)) == Outcome.GRANTED
    account = sides.twin.accounts[1]
    assert (held_by(sides), account.bucket(MONEY_ID).remaining) == ((-20, 0), 550)


def test_an_account_without_a_bill_settles_nothing() -> None:
    sides = SideBySide(CATALOGUE, (Account(1, products=[Product(1)], buckets=[Bucket(MONEY_ID, remaining=5)]),))
    assert settle(sides, 1) == Outcome.INVALID_AVP_VALUE
    ask(sides, INITIAL, 0, 10, None, 10)
    ask(sides, TERMINATION, 1, 10, 10, None)
    entry = decode_entry(sides.engine.entries[-1][1])
    assert (entry.usages["uncharged_units"].tolist(), entry.usages["settled_by"].tolist()) == ([10], [Unit.BILL])
    assert sides.twin.accounts[1].bucket(MONEY_ID).remaining == 5


def test_the_last_bill_of_a_closed_account_is_settled() -> None:
    for status in (AccountStatus.BARRED, AccountStatus.CLOSED):
        sides = SideBySide(CATALOGUE, (account_of(owed=30, status=status),))
        assert settle(sides, 30) == Outcome.GRANTED
        assert held_by(sides) == (0, 0)
    sides = SideBySide(CATALOGUE, (account_of(owed=30, status=AccountStatus.CLOSED),))
    assert settle(sides, 30, others=(Credit(1),)) == Outcome.END_USER_SERVICE_DENIED, "it gets no money with it"


def set_limit(sides: SideBySide, limit_micros: int, **others: Any) -> Outcome | str:
    """Give the account another credit limit; how that was answered, "was so" where nothing was done."""
    (answer,) = sides.decide([Change(1, START_NS, credit_limit_micros=limit_micros, **others)], START_NS)
    return "was so" if answer.is_duplicate else answer.outcome


def granted_to(sides: SideBySide, number: int, asks: int) -> tuple[Outcome, int | None]:
    """What an update of the open session is granted on the bill."""
    mscc = Mscc(10, None, {Unit.OCTETS: asks}, {Unit.OCTETS: 0})
    (answer,) = sides.decide(
        [CreditControl(1, (1 << 40, 1), UPDATE, number, number, START_NS, msccs=(mscc,))], START_NS
    )
    return answer.msccs[0].outcome, answer.msccs[0].granted


def test_a_higher_limit_grants_more_and_a_lower_one_nothing_more() -> None:
    """What is owed and what is held stay as they are, also where the limit falls below them."""
    sides = SideBySide(CATALOGUE, (account_of(owed=80),))
    ask(sides, INITIAL, 0, 10, None, 500)
    assert held_by(sides) == (-100, 20)
    assert set_limit(sides, 300) == Outcome.GRANTED
    assert set_limit(sides, 300) == "was so"
    assert granted_to(sides, 1, 150) == (Outcome.GRANTED, 150)
    assert held_by(sides) == (-230, 150)
    assert set_limit(sides, 50) == Outcome.GRANTED
    assert held_by(sides) == (-230, 150)
    ask(sides, UPDATE, 2, 10, 150, None)
    assert held_by(sides) == (-230, 0), "a report is charged whatever the limit is"
    assert granted_to(sides, 3, 1)[0] == Outcome.CREDIT_LIMIT_REACHED
    assert settle(sides, 200) == Outcome.GRANTED
    assert granted_to(sides, 4, 100) == (Outcome.GRANTED, 20)


def test_an_account_without_a_bill_gets_one_with_its_first_limit_and_keeps_it() -> None:
    sides = SideBySide(CATALOGUE, (Account(1, products=[Product(1)], buckets=[Bucket(MONEY_ID, remaining=5)]),))
    assert set_limit(sides, 0) == "was so"
    assert set_limit(sides, 40) == Outcome.GRANTED
    assert [(bucket.unit, bucket.remaining) for bucket in sides.twin.accounts[1].buckets] == [
        (Unit.MONEY, 5),
        (Unit.BILL, 0),
    ]
    ask(sides, INITIAL, 0, 10, None, 30)
    ask(sides, TERMINATION, 1, 10, 30, None)
    assert set_limit(sides, 0) == Outcome.GRANTED
    view = decode_record(sides.engine.records[(1, 1)])
    assert (view.credit_limit_micros, view.owed_micros) == (0, 30), "it still owes"


def test_a_limit_finds_no_room_for_a_bill_or_no_account_that_may_have_it() -> None:
    full = [Bucket(number + 1, to_ns=START_NS + NS_PER_S, remaining=1) for number in range(BUCKETS_PER_ACCOUNT_MAX)]
    sides = SideBySide(CATALOGUE, (Account(1, buckets=full),))
    assert set_limit(sides, 40, amounts=(Credit(1),)) == Outcome.UNABLE_TO_COMPLY
    assert sides.twin.accounts[1].credit_limit_micros == 0
    sides = SideBySide(CATALOGUE, (account_of(status=AccountStatus.CLOSED),))
    assert set_limit(sides, 40) == Outcome.END_USER_SERVICE_DENIED


def test_a_debt_on_the_bill_has_the_floor_of_any_debt() -> None:
    sides = SideBySide(CATALOGUE, (account_of(owed=MICROS_MAX - 5),))
    ask(sides, INITIAL, 0, 10, None, None)
    ask(sides, UPDATE, 1, 10, 6, None)
    assert held_by(sides) == (-(MICROS_MAX - 5), 0), "beyond it nothing is charged"
    ask(sides, TERMINATION, 2, 10, 5, None)
    assert held_by(sides) == (-MICROS_MAX, 0)


def test_who_settles_is_in_the_journal_only_where_a_bill_is_concerned() -> None:
    """Entries of prepaid accounts have the octets that they had before there were bills."""
    sides = SideBySide(CATALOGUE, (account_of(),))
    for number, rating_group in enumerate((20, 10, 20)):
        ask(sides, UPDATE if number else INITIAL, number, rating_group, None, 10)
        octets = sides.engine.entries[-1][1]
        is_billed = rating_group == 10
        assert ("usages.settled_by:|u1" in msgpack.unpackb(octets)) == is_billed
        assert decode_entry(octets).usages["settled_by"].tolist() == [Unit.BILL if is_billed else Unit.MONEY]
