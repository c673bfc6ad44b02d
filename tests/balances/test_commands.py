"""Account commands: what is built is well-formed, comes back from its octets, and any other octets are refused by name."""

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from balances.command_octets import decode_answer, decode_command, encode_answer, encode_command
from balances.commands import (
    Applied,
    Change,
    CommandError,
    Credit,
    Debit,
    Open,
    Opening,
    ProductEnd,
    ProductPeriod,
    Refused,
    Terms,
    fee,
)
from balances.journal import FIRST_DEBIT, MovementKind
from balances.record import AccountStatus
from vocabulary.instants import NS_PER_S
from vocabulary.limits import (
    COMMAND_ID_OCTETS_MAX,
    COMMAND_OCTETS_MAX,
    CREDITS_PER_COMMAND_MAX,
    IDENTITIES_PER_REQUEST_MAX,
    MICROS_MAX,
    REASON_OCTETS_MAX,
    TENANTS_MAX,
    UNITS_MAX,
)
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

INT64_MAX = 2**63 - 1
KINDS = [kind for kind in MovementKind if 0 < kind < FIRST_DEBIT and kind is not MovementKind.SETTLED]
OPENED_WITH = tuple(unit for unit in Unit if unit != Unit.BILL)
ids = st.integers(1, INT64_MAX)
numbers = st.integers(0, 2**31 - 1)
ids_of_names = st.integers(1, 2**31 - 1)
command_ids = st.text(
    st.characters(min_codepoint=33, max_codepoint=0x17F, exclude_categories=["Cc", "Cf", "Zs"]), min_size=1, max_size=64
)
periods = st.tuples(st.integers(0, INT64_MAX - 1), st.integers(1, INT64_MAX)).filter(lambda pair: pair[0] < pair[1])


@st.composite
def credits(draw, units=tuple(Unit)):
    unit = draw(st.sampled_from(units))
    if unit == Unit.BILL:
        amount, priority = draw(st.integers(1, MICROS_MAX)), draw(st.integers(0, 255))
        return Credit(unit, amount, priority=priority, kind=MovementKind.SETTLED)
    from_ns, to_ns = draw(periods)
    return Credit(
        unit,
        draw(st.integers(1, MICROS_MAX if unit == Unit.MONEY else UNITS_MAX)),
        0 if unit == Unit.MONEY else draw(st.integers(1, 2**31 - 1)),
        from_ns,
        to_ns,
        draw(st.integers(0, 255)),
        draw(st.sampled_from(KINDS)),
        draw(numbers),
    )


@st.composite
def debits(draw):
    unit = draw(st.sampled_from([unit for unit in Unit if unit != Unit.BILL]))
    is_money = unit == Unit.MONEY
    return Debit(
        unit,
        draw(st.integers(1, MICROS_MAX if is_money else UNITS_MAX)),
        0 if is_money else draw(st.integers(1, 2**31 - 1)),
        draw(st.sampled_from((MovementKind.ADJUSTED_OUT, MovementKind.MOVED_OUT))),
        draw(numbers),
        is_money and draw(st.booleans()),
    )


@st.composite
def changes(draw):
    from_s = draw(st.integers(1, 2**32 - 1))
    applies = ProductPeriod(7, from_s * NS_PER_S, draw(st.integers(2**62, INT64_MAX)), draw(numbers), draw(numbers))
    allowances = draw(st.lists(st.tuples(st.sampled_from((Unit.OCTETS, Unit.EVENTS)), ids_of_names), max_size=2))
    return Change(
        draw(command_ids),
        draw(st.integers(1, TENANTS_MAX)),
        draw(ids),
        draw(st.sampled_from(AccountStatus)),
        draw(st.sampled_from((None, applies))),
        draw(st.sampled_from((None, ProductEnd(8, draw(ids), tuple(allowances))))),
        (Credit(Unit.MONEY, 1), *draw(st.lists(st.one_of(credits(), debits()), max_size=4))),
        draw(st.sampled_from(("", "charged twice, ticket 17"))),
        draw(st.sampled_from((None, 0, 1, MICROS_MAX))),
    )


@st.composite
def terms(draw):
    from_ns, to_ns = draw(periods)
    return Terms(
        currency=draw(st.integers(1, 999)),
        offer=draw(numbers),
        release=draw(numbers),
        product_from_ns=from_ns,
        product_to_ns=to_ns,
        status=draw(st.sampled_from([AccountStatus.ACTIVE, AccountStatus.BARRED, AccountStatus.CLOSED])),
        credit_limit_micros=draw(st.integers(0, MICROS_MAX)),
        expires_ns=draw(st.integers(0, INT64_MAX)),
        credits=tuple(draw(st.lists(credits(OPENED_WITH), max_size=4))),
    )


identities = st.lists(
    st.tuples(st.integers(1, 9), st.sampled_from(("e164", "imsi")), st.integers(0, 10**15)),
    min_size=1,
    max_size=IDENTITIES_PER_REQUEST_MAX,
    unique=True,
).map(lambda rows: tuple(f"{tenant}:{word}:{value}" for tenant, word, value in rows))
commands = st.one_of(
    st.builds(Open, command_ids, st.integers(1, TENANTS_MAX), ids, identities, terms()),
    changes(),
)


@settings(max_examples=100)
@given(command=commands)
def test_commands_come_back_from_their_octets(command):
    octets = encode_command(command)
    assert len(octets) <= COMMAND_OCTETS_MAX
    assert decode_command(octets) == command


@settings(max_examples=150)
@given(
    octets=st.one_of(
        st.binary(max_size=60),
        st.recursive(
            st.one_of(st.integers(-(2**63), 2**64 - 1), st.text(max_size=5), st.none(), st.floats(), st.booleans()),
            lambda inner: st.lists(inner, max_size=7),
            max_leaves=20,
        ).map(msgpack.packb),
    )
)
def test_any_octets_are_a_command_or_refused(octets):
    try:
        command = decode_command(octets)
    except CommandError:
        return
    assert isinstance(command, Open | Change)


@settings(max_examples=100)
@given(command=commands, place=st.integers(0, 10_000), octet=st.integers(0, 255))
def test_one_octet_changed_is_a_well_formed_command_or_refused(command, place, octet):
    octets = encode_command(command)
    at = place % len(octets)
    try:
        found = decode_command(octets[:at] + bytes([octet]) + octets[at + 1 :])
    except CommandError:
        return
    assert decode_command(encode_command(found)) == found


def test_octets_of_later_releases_are_named():
    with pytest.raises(CommandError, match="of version 3: this release knows 2"):
        decode_command(msgpack.packb([3, 1, "a", 1, 1, []]))
    with pytest.raises(CommandError, match="of kind 9: this release knows 1 to 5"):
        decode_command(msgpack.packb([2, 9, "a", 1, 1, []]))
    with pytest.raises(CommandError, match=f"at most {COMMAND_OCTETS_MAX}"):
        decode_command(bytes(COMMAND_OCTETS_MAX + 1))


def test_largest_command_fits():
    credit = Credit(Unit.OCTETS, UNITS_MAX, 2**31 - 1, INT64_MAX - 1, INT64_MAX, 255, bucket_id=2**31 - 1)
    names = tuple(f"32767:private:{number:0>128}" for number in range(IDENTITIES_PER_REQUEST_MAX))
    wide = Terms(999, 2**31 - 1, 2**31 - 1, credits=(credit,) * CREDITS_PER_COMMAND_MAX)
    command = Open("x" * COMMAND_ID_OCTETS_MAX, TENANTS_MAX, INT64_MAX, names, wide)
    assert decode_command(encode_command(command)) == command
    amounts = (credit,) * CREDITS_PER_COMMAND_MAX
    change = Change("x" * COMMAND_ID_OCTETS_MAX, 1, 1, amounts=amounts, reason="x" * REASON_OCTETS_MAX)
    assert decode_command(encode_command(change)) == change


def test_a_change_without_a_credit_limit_has_the_octets_of_releases_before_it():
    change = Change("a", 1, 1, amounts=(MONEY,), reason="b")
    assert len(msgpack.unpackb(encode_command(change))[-1]) == 5
    with pytest.raises(CommandError, match="no account command"):
        decode_command(msgpack.packb([2, 2, "a", 1, 1, [0, None, None, [], "", 1, 2]]))


MONEY = Credit(Unit.MONEY, 1)
TERMS = Terms(978)
ONE = ("1:e164:49",)


@pytest.mark.parametrize(
    ("build", "told"),
    [
        (lambda: Credit(Unit.MONEY, 0), "amount in micros is 0: an integer from 1 to 10"),
        (lambda: Credit(Unit.MONEY, MICROS_MAX + 1), "amount in micros"),
        (lambda: Credit(Unit.OCTETS, UNITS_MAX + 1, 5), "amount in octets"),
        (lambda: Credit(Unit.MONEY, 1.5), "amount in micros is 1.5"),
        (lambda: Credit(Unit.MONEY, True), "amount in micros is True"),
        (lambda: Credit(Unit.MONEY, 1, 5), "allowance is 5 for micros: 0 for money"),
        (lambda: Credit(Unit.OCTETS, 1), "allowance is 0 for octets"),
        (lambda: Credit(Unit.MONEY, 1, from_ns=9, to_ns=9), "credit ends at 9, not after it starts at 9"),
        (lambda: Credit(Unit.MONEY, 1, from_ns=-1), "credit from_ns is -1"),
        (lambda: Credit(Unit.MONEY, 1, priority=256), "priority is 256: an integer from 0 to 255"),
        (lambda: Credit(Unit.MONEY, 1, kind=MovementKind.CHARGED), "kind is"),
        (lambda: Credit(Unit.MONEY, 1, kind=MovementKind.HELD), "kind is"),
        (lambda: Terms(0), "currency is 0"),
        (lambda: Terms(978, status=AccountStatus.NONE), "status is"),
        (lambda: Terms(978, credit_limit_micros=-1), "credit_limit_micros is -1"),
        (lambda: Credit(Unit.BILL, 1), "kind TOPPED_UP for bill_micros: a bill is SETTLED"),
        (lambda: Credit(Unit.MONEY, 1, kind=MovementKind.SETTLED), "kind SETTLED for micros: a bill is SETTLED"),
        (lambda: Credit(Unit.OCTETS, 1, 7, kind=MovementKind.SETTLED), "kind SETTLED for octets"),
        (lambda: Credit(Unit.BILL, 1, to_ns=5, kind=MovementKind.SETTLED), "a bill has no period"),
        (lambda: Credit(Unit.BILL, 1, 7, kind=MovementKind.SETTLED), "allowance is 7 for bill_micros"),
        (lambda: Credit(Unit.BILL, MICROS_MAX + 1, kind=MovementKind.SETTLED), "amount in bill_micros is"),
        (lambda: Terms(978, credits=(Credit(Unit.BILL, 1, kind=MovementKind.SETTLED),)), "nothing is owed yet"),
        (lambda: Terms(978, credits=(MONEY,) * (CREDITS_PER_COMMAND_MAX + 1)), "count of credits"),
        (lambda: Debit(Unit.MONEY, 0), "amount in micros is 0"),
        (lambda: Debit(Unit.OCTETS, 1), "allowance is 0 for octets"),
        (lambda: Debit(Unit.MONEY, 1, kind=MovementKind.CHARGED), "kind is"),
        (lambda: Debit(Unit.MONEY, 1, kind=MovementKind.TOPPED_UP), "kind is"),
        (lambda: Debit(Unit.OCTETS, 1, 5, may_go_below_zero=True), "octets can't go below zero: only money can"),
        (lambda: Debit(Unit.OCTETS, 1, 5, MovementKind.FEE), "a fee is in octets: only money pays fees"),
        (lambda: Debit(Unit.BILL, 1), "nothing is taken of a bill: usage alone is charged to it"),
        (lambda: ProductPeriod(0, 10**9, 2 * 10**9), "offer is 0"),
        (lambda: ProductPeriod(1, 10**9, 10**9), "product ends at 1000000000, not after it starts at"),
        (lambda: ProductPeriod(1, 10**9 + 1, 2 * 10**9), "a whole second from 1 to"),
        (lambda: ProductPeriod(1, 0, 2 * 10**9), "product from_ns is 0: a whole second from 1 to"),
        (lambda: ProductEnd(0, 1), "offer is 0"),
        (lambda: ProductEnd(1, 0), "product end is 0"),
        (lambda: ProductEnd(1, 1, ((Unit.MONEY, 0),)), "takes no money with it"),
        (lambda: Change("a", 1, 1), "a change of nothing: name a status, a product, a credit limit or amounts"),
        (lambda: Change("a", 1, 1, credit_limit_micros=-1), "credit_limit_micros is -1"),
        (lambda: Change("a", 1, 1, credit_limit_micros=MICROS_MAX + 1), "credit_limit_micros is"),
        (lambda: Change("a", 1, 1, amounts=(fee(1),)), "a fee without a product"),
        (
            lambda: Change("a", 1, 1, applies=ProductPeriod(5, 10**9, 2**62), ends=ProductEnd(5, 1)),
            "offer 5 is applied",
        ),
        (lambda: Change("a", 1, 1, amounts=(MONEY,) * (CREDITS_PER_COMMAND_MAX + 1)), "count of amounts"),
        (lambda: Change("a", 1, 1, amounts=(MONEY,), reason="x" * (REASON_OCTETS_MAX + 1)), "reason 'xxx"),
        (lambda: Change("a", 1, 1, amounts=(MONEY,), reason="a\nb"), "printable octets fit"),
        (lambda: Change("", 1, 1, amounts=(MONEY,)), "command id '' has not 1"),
        (lambda: Change("a\n", 1, 1, amounts=(MONEY,)), "printable"),
        (lambda: Change("a" * (COMMAND_ID_OCTETS_MAX + 1), 1, 1, amounts=(MONEY,)), "command id"),
        (lambda: Change("a", 0, 1, amounts=(MONEY,)), "tenant is 0"),
        (lambda: Change("a", 1, 0, amounts=(MONEY,)), "account_id is 0"),
        (lambda: Open("a", 1, 1, (), TERMS), "count of identities is 0"),
        (lambda: Open("a", 1, 1, ("49170",), TERMS), "identity '49170' is no key <tenant>:<kind>:<value>"),
        (lambda: Opening(1, ONE * 2, TERMS), "say one twice"),
        (lambda: Opening(TENANTS_MAX + 1, ONE, TERMS), "tenant is"),
    ],
)
def test_values_that_do_not_fit_are_named(build, told):
    with pytest.raises(CommandError, match=told.replace("(", r"\(").replace(".", r"\.")):
        build()


@given(
    answer=st.one_of(
        st.builds(Applied, ids, st.integers(-(2**63), INT64_MAX), st.booleans()),
        st.builds(Refused, ids, st.sampled_from([outcome for outcome in Outcome if outcome != Outcome.GRANTED])),
    )
)
def test_answers_come_back(answer):
    assert decode_answer(encode_answer(answer)) == answer


@pytest.mark.parametrize(
    "octets", [b"", b"\x80", b"\xc1", msgpack.packb({"outcome": 255, "account_id": 1, "remaining": 0}), b"ab"]
)
def test_octets_that_are_no_answer_are_refused(octets):
    with pytest.raises(ValueError, match="are no answer of an account command"):
        decode_answer(octets)
