"""Account commands beside open sessions: kernels and the plain twin decide alike, repeats change nothing."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from balances.journal import MovementKind
from balances.record import AccountStatus
from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.charging.drawn import HOUR_S, TRIED, accounts, changes_drawn, move, periods, service_lists, who
from tests.charging.traffic import START_NS, Traffic
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Applies, Change, Credit, CreditControl, Debit, Ends, Mscc
from tests.reference.side_by_side import SideBySide, holdings
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import NS_PER_S
from vocabulary.limits import MICROS_MAX, PRODUCTS_PER_ACCOUNT_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

CATALOGUE = Catalogue((Release(1, 0, 1, {1: (Price(10, grant_units=10, grant_units_max=100),)}),))
MONTH_NS = 30 * 86400 * NS_PER_S
FEE = Debit(300, movement=MovementKind.FEE)
ALLOTTED = Credit(1000, Unit.OCTETS, 11, START_NS, START_NS + MONTH_NS, movement=MovementKind.ALLOTTED)
PERIOD = Applies(1, START_NS, START_NS + MONTH_NS)
moves = st.one_of(
    move("change", st.integers(0, 1), changes_drawn),
    move("change", st.integers(0, 1), changes_drawn),
    move("start", who, service_lists),
    move("go", who, service_lists),
    move("clock", st.sampled_from((1, 30, 60, HOUR_S))),
    move("cut"),
)


@pytest.mark.usefixtures("warm_engine")
@TRIED
@given(first=accounts(1), second=accounts(2), script=st.lists(moves, min_size=5, max_size=30))
def test_changes_are_decided_as_the_page_says(first: Account, second: Account, script: list[tuple[Any, ...]]) -> None:
    """Answers, records, journal and movements are equal, and every bucket changes by its movements alone."""
    traffic = Traffic(SideBySide(CATALOGUE, (first, second)), False, False)
    for each in script:
        traffic.play(each)
    traffic.finish()


@pytest.mark.usefixtures("warm_engine")
@TRIED
@given(account=accounts(1), period=periods, parts=changes_drawn)
def test_a_period_is_applied_once(account: Account, period: Applies, parts: dict[str, Any]) -> None:
    """Once applied, the same product from the same instant moves nothing, whatever else the command asks for."""
    sides = SideBySide(CATALOGUE, (account,))
    changed = parts | {"applies": period, "ends": None}
    change = Change(1, START_NS, account.tenant, **changed)
    if sides.decide([change], START_NS)[0].outcome != Outcome.GRANTED:
        return
    if sides.twin.accounts[1].status == AccountStatus.CLOSED:
        return
    before = holdings(sides.twin.accounts)
    (again,) = sides.decide([change], START_NS)
    assert (again.outcome, again.is_duplicate) == (Outcome.GRANTED, True)
    assert holdings(sides.twin.accounts) == before


class Scene:
    """One account, changed again and again."""

    def __init__(self, account: Account) -> None:
        self.sides = SideBySide(CATALOGUE, (account,))
        self.now_ns = START_NS

    def change(self, **parts: Any) -> Outcome | str:
        """The outcome; "was so" where nothing was done."""
        (answer,) = self.sides.decide([Change(1, self.now_ns, **parts)], self.now_ns)
        return "was so" if answer.is_duplicate else answer.outcome

    def ask(self, request_type: int, number: int, used: int | None = None) -> list[Outcome]:
        """Outcomes of a request, at command level and of its service."""
        mscc = Mscc(10, requested={} if request_type != TERMINATION else None, used=used and {Unit.OCTETS: used})
        request = CreditControl(1, (7, 7), request_type, number, number, self.now_ns, msccs=(mscc,))
        (answer,) = self.sides.decide([request], self.now_ns)
        return [answer.outcome, *(mscc.outcome for mscc in answer.msccs)]

    @property
    def account(self) -> Account:
        return self.sides.twin.accounts[1]

    @property
    def holds(self) -> list[int]:
        return [bucket.remaining for bucket in self.account.buckets]


@pytest.mark.usefixtures("warm_engine")
def test_activation_renewal_and_their_repeats() -> None:
    scene = Scene(Account(1, buckets=[Bucket(1, remaining=700)]))
    assert scene.change(applies=PERIOD, amounts=(FEE, ALLOTTED)) == Outcome.GRANTED
    assert scene.holds == [400, 1000]
    assert scene.account.products == [Product(1, 0, START_NS, START_NS + MONTH_NS, 0, START_NS // NS_PER_S)]
    assert scene.change(applies=PERIOD, amounts=(FEE, ALLOTTED)) == "was so"
    scene.now_ns += MONTH_NS
    following = Applies(1, START_NS + MONTH_NS, START_NS + 2 * MONTH_NS)
    given = Credit(9, Unit.OCTETS, 11, following.from_ns, following.to_ns, movement=MovementKind.ALLOTTED)
    assert scene.change(applies=following, amounts=(FEE, given)) == Outcome.GRANTED
    assert scene.holds == [100, 9], "what was left of the first period is over"
    assert scene.account.products[0].from_ns == START_NS, "it has gone on"
    assert scene.account.products[0].to_ns == following.to_ns
    assert scene.change(applies=PERIOD, amounts=(FEE,)) == Outcome.UNABLE_TO_COMPLY, "a period that is past"
    third = Applies(1, following.to_ns, following.to_ns + MONTH_NS)
    before = scene.account
    assert scene.change(applies=third, amounts=(FEE, ALLOTTED)) == Outcome.CREDIT_LIMIT_REACHED
    assert scene.account.products == before.products
    assert scene.holds == [100, 9]


@pytest.mark.usefixtures("warm_engine")
def test_fees_are_paid_by_all_money_and_by_no_bill() -> None:
    money = [Bucket(1, priority=2, remaining=20), Bucket(2, priority=1, remaining=40, to_ns=START_NS + MONTH_NS)]
    scene = Scene(Account(1, credit_limit_micros=30, buckets=[*money, Bucket(3, Unit.BILL)]))
    assert scene.change(applies=PERIOD, amounts=(Debit(61, movement=MovementKind.FEE),)) == Outcome.CREDIT_LIMIT_REACHED
    assert scene.change(applies=PERIOD, amounts=(Debit(60, movement=MovementKind.FEE),)) == Outcome.GRANTED
    assert scene.holds == [0, 0, 0]
    assert scene.account.charged_micros == 0, "fees are no usage"


@pytest.mark.usefixtures("warm_engine")
def test_a_product_that_was_over_begins_anew() -> None:
    scene = Scene(Account(1, buckets=[Bucket(1, remaining=700)]))
    scene.change(applies=PERIOD)
    assert scene.change(ends=Ends(1, START_NS + NS_PER_S)) == Outcome.GRANTED
    assert scene.change(ends=Ends(1, START_NS + NS_PER_S)) == "was so"
    assert scene.change(applies=PERIOD, amounts=(FEE,)) == "was so", "a period that was ended was applied nevertheless"
    scene.now_ns += 60 * NS_PER_S
    anew = Applies(1, scene.now_ns, scene.now_ns + MONTH_NS, priority=5)
    assert scene.change(applies=anew) == Outcome.GRANTED
    (product,) = scene.account.products
    assert (product.from_ns, product.to_ns, product.priority) == (anew.from_ns, anew.to_ns, 0)


@pytest.mark.usefixtures("warm_engine")
def test_at_the_maximum_a_new_product_takes_the_place_of_one_that_is_over() -> None:
    products = [Product(10 + place, to_ns=START_NS + MONTH_NS) for place in range(PRODUCTS_PER_ACCOUNT_MAX)]
    scene = Scene(Account(1, products=products))
    assert scene.change(applies=PERIOD) == Outcome.UNABLE_TO_COMPLY
    scene.change(ends=Ends(13, START_NS))
    scene.change(ends=Ends(15, START_NS - 1))
    assert scene.change(applies=PERIOD) == Outcome.GRANTED
    offers = [product.offer for product in scene.account.products]
    assert (offers[5], offers[3], len(offers)) == (1, 13, PRODUCTS_PER_ACCOUNT_MAX), "over the longest"


@pytest.mark.usefixtures("warm_engine")
def test_allowances_end_with_their_product_where_that_is_said() -> None:
    allowances = [Bucket(2, Unit.OCTETS, 11, remaining=50), Bucket(3, Unit.OCTETS, 12, remaining=60)]
    scene = Scene(Account(1, products=[Product(1)], buckets=[Bucket(1, remaining=700), *allowances]))
    assert scene.change(ends=Ends(1, START_NS, ((Unit.OCTETS, 11),))) == Outcome.GRANTED
    scene.now_ns += NS_PER_S
    scene.change(amounts=(Credit(1),))
    assert [(bucket.bucket_id, bucket.remaining) for bucket in scene.account.buckets] == [(1, 701), (3, 60)]


@pytest.mark.usefixtures("warm_engine")
def test_a_debit_takes_what_is_there_or_what_it_may() -> None:
    units = Bucket(2, Unit.OCTETS, 11, remaining=50)
    scene = Scene(Account(1, buckets=[Bucket(1, remaining=100), units]))
    assert scene.change(amounts=(Debit(101),)) == Outcome.CREDIT_LIMIT_REACHED
    assert scene.change(amounts=(Debit(51, Unit.OCTETS, 11),)) == Outcome.CREDIT_LIMIT_REACHED
    assert scene.change(amounts=(Debit(1, Unit.OCTETS, 12),)) == Outcome.CREDIT_LIMIT_REACHED
    assert scene.change(amounts=(Debit(1, bucket_id=2),)) == Outcome.INVALID_AVP_VALUE
    assert scene.change(amounts=(Debit(50, Unit.OCTETS, 11, bucket_id=2),)) == Outcome.GRANTED
    assert scene.change(amounts=(Debit(101, may_go_below_zero=True), Credit(3, bucket_id=1))) == Outcome.GRANTED
    assert scene.holds == [2, 0]
    assert scene.change(amounts=(Debit(MICROS_MAX, may_go_below_zero=True),) * 2) == Outcome.CREDIT_LIMIT_REACHED
    assert scene.holds == [2, 0], "all of a command or nothing"


@pytest.mark.usefixtures("warm_engine")
def test_a_barred_account_reports_and_gets_nothing_until_it_is_active_again() -> None:
    scene = Scene(Account(1, products=[Product(1)], buckets=[Bucket(1, remaining=100)]))
    assert scene.ask(INITIAL, 0) == [Outcome.GRANTED, Outcome.GRANTED]
    assert scene.change(status=AccountStatus.BARRED) == Outcome.GRANTED
    assert scene.change(status=AccountStatus.BARRED) == "was so"
    assert scene.ask(UPDATE, 1, used=10) == [Outcome.GRANTED, Outcome.END_USER_SERVICE_DENIED]
    assert scene.account.charged_micros == 10, "the report is charged"
    assert scene.change(amounts=(Credit(5),)) == Outcome.GRANTED, "money may come in"
    assert scene.change(status=AccountStatus.ACTIVE) == Outcome.GRANTED
    assert scene.ask(UPDATE, 2) == [Outcome.GRANTED, Outcome.GRANTED]


@pytest.mark.usefixtures("warm_engine")
def test_closed_is_final_and_what_is_left_may_be_settled() -> None:
    scene = Scene(Account(1, products=[Product(1)], buckets=[Bucket(1, remaining=100)]))
    scene.ask(INITIAL, 0)
    assert scene.change(status=AccountStatus.CLOSED) == Outcome.GRANTED
    assert scene.change(status=AccountStatus.CLOSED) == "was so"
    denied: tuple[dict[str, Any], ...] = (
        {"status": AccountStatus.ACTIVE},
        {"status": AccountStatus.BARRED},
        {"amounts": (Credit(5),)},
        {"applies": PERIOD},
        {"amounts": (FEE,)},
    )
    for parts in denied:
        assert scene.change(**parts) == Outcome.END_USER_SERVICE_DENIED
    assert scene.ask(TERMINATION, 1, used=10)[0] == Outcome.GRANTED
    assert scene.holds == [90], "money stays until it is paid out"
    assert scene.change(amounts=(Debit(90),)) == Outcome.GRANTED
    assert scene.ask(INITIAL, 2)[0] in (Outcome.END_USER_SERVICE_DENIED, Outcome.UNKNOWN_SESSION_ID)
