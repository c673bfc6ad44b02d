"""What Hypothesis draws for the engine: catalogues, accounts, and the moves that a Traffic plays."""

import os
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st

from balances.journal import MovementKind
from balances.record import AccountStatus
from charging.batch import COMMAND_ABORT, COMMAND_END_SESSION, COMMAND_REAUTHORIZE
from charging.tariff_tables import ABSENT, ANY, Control, RoundingScope
from tests.charging.traffic import START_NS, WEEKS, ZONE, Service
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Applies, Credit, Debit, Ends
from tests.reference.tariffs import Catalogue, Price, Release
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.money import Rounding
from vocabulary.units import Unit

EXAMPLES = int(os.environ.get("FAREBOX_EXAMPLES", "110"))
"""Traffic that is tried; acceptance tries thousands."""
TRIED = settings(
    max_examples=EXAMPLES,
    phases=(Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
HOUR_S = 3600
ALLOWANCES = (11, 12)
OFFERS = (1, 2)
RATING_GROUPS: tuple[int | None, ...] = (None, 0, 10, 20, 2**32 - 1)

amounts = st.one_of(st.integers(0, 60), st.sampled_from((99, 100, 101, 1000, 1024, 10**6)))
money = st.one_of(st.integers(0, 300), st.sampled_from((999, 1000, 10**6, MICROS_MAX)))
few = st.integers(1, 60)
ends = st.sampled_from((FOREVER_NS, FOREVER_NS, START_NS + 60 * NS_PER_S, START_NS + HOUR_S * NS_PER_S))
begins = st.sampled_from((0, 0, 0, START_NS + 30 * NS_PER_S))


@st.composite
def prices(draw: st.DrawFn) -> Price:
    """Any price of any unit; most are charged, with blocks that grants don't fill."""
    lowest = draw(st.sampled_from((1, 1, 1, 10, 50)))
    return Price(
        rating_group=draw(st.sampled_from((10, 10, 20, 0, 2**32 - 1, ANY, ABSENT))),
        service_identifier=draw(st.sampled_from((ANY, ANY, ANY, 7))),
        service_context=draw(st.sampled_from((32251, 32251, 32251, 32274))),
        unit=draw(st.sampled_from((Unit.OCTETS, Unit.OCTETS, Unit.SECONDS, Unit.EVENTS))),
        block_units=draw(st.sampled_from((1, 7, 10, 10, 60, 1000, 2**40))),
        price_micros=draw(st.sampled_from((0, 1, 3, 7, 7, 50, 10**12))),
        has_price=draw(st.sampled_from((True, True, True, False))),
        allowances=draw(st.sampled_from(((), (11,), (11,), (11, 12)))),
        grant_units=draw(st.sampled_from((1, 10, 40, 100))),
        grant_units_min=lowest,
        grant_units_max=draw(st.sampled_from((lowest, 100, 2**40))),
        validity_s=draw(st.sampled_from((60, HOUR_S))),
        threshold_units=draw(st.sampled_from((0, 0, 1, 39, 2**32 - 1))),
        threshold_percent=draw(st.sampled_from((0, 0, 1, 20, 99))),
        holding_s=draw(st.sampled_from((0, 0, 1, 60))),
        number=draw(st.integers(1, 2**31 - 1)),
        control=draw(st.sampled_from((Control.CHARGED,) * 8 + (Control.FREE, Control.NOT_APPLICABLE, Control.DENIED))),
        rounding=draw(st.sampled_from(Rounding)),
        scope=draw(st.sampled_from(RoundingScope)),
        final_action=draw(st.sampled_from((1, 1, 0, 2, 3))),  # type: ignore[arg-type]
        final_unit=draw(st.sampled_from((0, 7, 2**31 - 1))),
        settled_by=draw(st.sampled_from((Unit.MONEY, Unit.MONEY, Unit.BILL))),
        bands=draw(st.sampled_from(((), (), (), *WEEKS))),
        zone=ZONE,
    )


def _key(price: Price) -> tuple[int, int, int]:
    return price.service_context, price.rating_group, price.service_identifier


@st.composite
def catalogues(draw: st.DrawFn) -> Catalogue:
    """One or two releases of tenant 1 (the second an hour later), and one of tenant 2."""
    some_prices = st.lists(prices(), max_size=4, unique_by=_key).map(tuple)
    offers = st.dictionaries(st.sampled_from(OFFERS), some_prices, min_size=1)
    releases = [Release(1, 0, 1, draw(offers))]
    if draw(st.booleans()):
        releases.append(Release(2, START_NS + HOUR_S * NS_PER_S, 1, draw(offers)))
    releases.append(Release(1, 0, 2, draw(offers)))
    return Catalogue(tuple(releases))


@st.composite
def buckets(draw: st.DrawFn, bucket_id: int) -> Bucket:
    """Money (maybe below zero) or an allowance, with any period and priority."""
    unit = draw(st.sampled_from((Unit.MONEY, Unit.MONEY, Unit.OCTETS, Unit.OCTETS, Unit.SECONDS, Unit.EVENTS)))
    is_money = unit == Unit.MONEY
    return Bucket(
        bucket_id,
        unit,
        0 if is_money else draw(st.sampled_from(ALLOWANCES)),
        draw(st.integers(0, 2)),
        draw(st.one_of(money, st.integers(-20, 0))) if is_money else draw(amounts),
        0,
        draw(begins),
        draw(ends),
    )


@st.composite
def balances(draw: st.DrawFn, bucket_id: int) -> Bucket:
    """One of several money buckets that are small beside a grant; some end while they are held, and some owe."""
    return Bucket(
        bucket_id,
        priority=draw(st.integers(0, 2)),
        remaining=draw(st.one_of(few, few, few, few, st.sampled_from((-5, 0, 300, 300, 300, MICROS_MAX)))),
        from_ns=draw(st.sampled_from((0, 0, 0, 0, 0, 0, START_NS + 30 * NS_PER_S))),
        to_ns=draw(st.one_of(ends, st.just(START_NS + 60 * NS_PER_S))),
    )


bills = st.sampled_from((None, 0, 0, -15, -990)).map(
    lambda owed: [] if owed is None else [Bucket(30, Unit.BILL, remaining=owed)]
)
"""The bill of an account, on which something may be owed; some accounts have none."""


@st.composite
def any_holdings(draw: st.DrawFn) -> list[Bucket]:
    """Up to five buckets of any unit."""
    return [draw(buckets(place + 1)) for place in range(draw(st.integers(0, 5)))] + draw(bills)


@st.composite
def several_balances(draw: st.DrawFn) -> list[Bucket]:
    """Money in a few buckets, or in more than a service has places for, and maybe an allowance."""
    of_money = [draw(balances(place + 1)) for place in range(draw(st.sampled_from((2, 2, 3, 3, 6, 14))))]
    return of_money + [draw(buckets(20 + place)) for place in range(draw(st.integers(0, 1)))] + draw(bills)


@st.composite
def accounts(draw: st.DrawFn, account_id: int) -> Account:
    """An account with up to two products and any holdings; most may spend."""
    status = draw(st.sampled_from((AccountStatus.ACTIVE,) * 6 + (AccountStatus.BARRED, AccountStatus.CLOSED)))
    offer_rows = draw(st.lists(st.sampled_from(OFFERS), min_size=1, max_size=2))
    return Account(
        account_id,
        tenant=draw(st.sampled_from((1, 1, 1, 2))),
        currency=draw(st.sampled_from((978, 840, 8))),
        status=status,
        credit_limit_micros=draw(st.sampled_from((0, 0, 20, 1000))),
        expires_ns=draw(ends),
        products=[
            Product(offer, draw(st.sampled_from((0, 0, 1, 3))), 0, draw(ends), draw(st.integers(0, 1)))
            for offer in offer_rows
        ],
        buckets=draw(st.one_of(any_holdings(), several_balances())),
    )


UNITS_OF_USE = (Unit.OCTETS, Unit.SECONDS, Unit.EVENTS)
services = st.builds(
    Service,
    rating_group=st.sampled_from((*RATING_GROUPS, 10, 10, 10)),
    identifier=st.sampled_from((None, None, None, 7, 0)),
    asked=st.one_of(st.none(), st.tuples(st.sampled_from((Unit.OCTETS, Unit.SECONDS, Unit.EVENTS)), amounts)),
    wants=st.sampled_from((True, True, True, False)),
    used=st.sampled_from((None, 0, 50, 100, 100, 100)),
    extra=st.sampled_from((0, 0, 0, 1, -1, 30, UNITS_MAX)),
    before=st.sampled_from((None, None, 0, 40, 100)),
    upf=st.sampled_from((None, None, None, 1, 2, 3)),
    units=st.sampled_from((*[UNITS_OF_USE] * 4, (Unit.SECONDS,), (Unit.OCTETS, Unit.EVENTS))),
)
service_lists = st.lists(services, max_size=3)
"""MSCCs of a request; now and then two are for the same service, or for UPFs of one rating group."""
who = st.tuples(st.integers(0, 2), st.integers(0, 2))


def move(name: str, *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[tuple[Any, ...]]:
    return st.tuples(st.just(name), *arguments)


def credit_of(unit: Unit, allowance: int, amount: int, **others: int) -> Credit:
    """A credit as commands have them: the bill has one bucket, and is settled."""
    if unit == Unit.BILL:
        return Credit(amount, unit, movement=MovementKind.SETTLED)
    return Credit(amount, unit, 0 if unit == Unit.MONEY else allowance, **others)


credits_drawn = st.lists(
    st.builds(
        credit_of,
        unit=st.sampled_from((Unit.MONEY, Unit.MONEY, Unit.OCTETS, Unit.OCTETS, Unit.BILL)),
        allowance=st.sampled_from(ALLOWANCES),
        amount=st.one_of(money.map(lambda amount: amount + 1), st.sampled_from((1, 1000, 0, UNITS_MAX))),
        from_ns=st.sampled_from((0, START_NS + 30 * NS_PER_S)),
        to_ns=ends,
        priority=st.integers(0, 2),
    ),
    min_size=1,
    max_size=3,
)
debits_drawn = st.builds(
    lambda unit, allowance, may, **others: Debit(
        unit=unit,
        allowance=allowance * (unit != Unit.MONEY),
        may_go_below_zero=may and unit == Unit.MONEY,
        **others,
    ),
    unit=st.sampled_from((Unit.MONEY, Unit.MONEY, Unit.OCTETS)),
    allowance=st.sampled_from(ALLOWANCES),
    amount=st.one_of(few, money.map(lambda amount: amount + 1), st.sampled_from((0, UNITS_MAX))),
    bucket_id=st.sampled_from((0, 0, 0, 1, 2, 9)),
    movement=st.sampled_from((MovementKind.ADJUSTED_OUT, MovementKind.FEE, MovementKind.MOVED_OUT)),
    may=st.sampled_from((False, False, True)),
)
named_credits = st.builds(
    Credit,
    few,
    bucket_id=st.integers(1, 3),
    movement=st.sampled_from((MovementKind.ADJUSTED_IN, MovementKind.REFUNDED, MovementKind.MOVED_IN)),
)
starts = st.integers(0, 4).map(lambda turn: START_NS + 30 * turn * NS_PER_S)
periods = st.builds(
    lambda offer, from_ns, length_s, **others: Applies(offer, from_ns, from_ns + length_s * NS_PER_S, **others),
    offer=st.sampled_from((*OFFERS, *range(1, 20))),
    from_ns=starts,
    length_s=st.sampled_from((1, 30, 60, HOUR_S)),
    release=st.sampled_from((0, 0, 1)),
    priority=st.integers(0, 1),
)
ended = st.builds(
    Ends,
    st.sampled_from((*OFFERS, 7)),
    starts,
    st.lists(st.tuples(st.just(Unit.OCTETS), st.sampled_from(ALLOWANCES)), max_size=2).map(tuple),
)
changes_drawn = st.fixed_dictionaries(
    {},
    optional={
        "status": st.sampled_from((AccountStatus.ACTIVE,) * 3 + (AccountStatus.BARRED, AccountStatus.CLOSED)),
        "applies": periods,
        "ends": ended,
        "credit_limit_micros": st.sampled_from((None, None, 0, 10, 20, 1000, 5000)),
        "amounts": st.lists(
            st.one_of(credits_drawn.map(lambda drawn: drawn[0]), debits_drawn, debits_drawn, named_credits), max_size=4
        ).map(tuple),
    },
)
moves = st.one_of(
    move("start", who, service_lists),
    move("go", who, service_lists),
    move("go", who, service_lists),
    move("go", who, service_lists),
    move("stop", who, service_lists),
    move("repeat", who, st.integers(1, 4), st.booleans(), st.booleans()),
    move("event", who, service_lists, st.sampled_from((0, 0, 0, 1, None))),
    move("top_up", st.integers(0, 3), credits_drawn),
    move("change", st.integers(0, 2), changes_drawn),
    move("change", st.integers(0, 2), changes_drawn),
    move("open", st.integers(0, 4), credits_drawn),
    move("ask", who, st.sampled_from((COMMAND_REAUTHORIZE, COMMAND_ABORT, COMMAND_END_SESSION)), st.booleans()),
    move("wake", st.integers(0, 2)),
    move("clock", st.sampled_from((0, 1, 29, 60, 120, HOUR_S, 2 * HOUR_S, -10))),
    move("cut"),
    move("cut"),
)
