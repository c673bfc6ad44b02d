"""What a digest of a command tells apart: everything that was asked, but neither its id nor the clock of whoever asked."""

from dataclasses import replace

import pytest

from balances.command_digest import digest_of_command, digest_of_openings
from balances.commands import (
    AccountCommand,
    Change,
    Credit,
    Debit,
    Open,
    Opening,
    ProductEnd,
    ProductPeriod,
    Terms,
)
from balances.journal import MovementKind
from balances.record import AccountStatus
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

CREDIT = Credit(Unit.OCTETS, 100, 7, 10, 20)
TERMS = Terms(978, 5, 6, 10, credits=(CREDIT,))
TOP_UP = Change("a", 1, 2, amounts=(CREDIT,))
PERIOD = ProductPeriod(5, NS_PER_S, 9 * NS_PER_S)
END = ProductEnd(6, 77, ((Unit.OCTETS, 7),))
OPEN = Open("a", 1, 2, ("1:e164:49", "1:imsi:1"), TERMS)
FOREVER = Credit(Unit.OCTETS, 100, 7, 10)


@pytest.mark.parametrize(
    ("one", "same"),
    [
        (TOP_UP, replace(TOP_UP, command_id="b")),
        (TOP_UP, replace(TOP_UP, amounts=(replace(CREDIT, from_ns=11, to_ns=21),))),
        (replace(TOP_UP, ends=END), replace(TOP_UP, ends=replace(END, at_ns=78))),
        (OPEN, replace(OPEN, command_id="b", identities=OPEN.identities[::-1])),
        (OPEN, replace(OPEN, terms=replace(TERMS, product_from_ns=11))),
    ],
)
def test_a_repeat_at_another_instant_asks_the_same(one: AccountCommand, same: AccountCommand) -> None:
    assert digest_of_command(one) == digest_of_command(same)
    assert len(digest_of_command(one)) == 32


def test_whatever_else_differs_is_another_command() -> None:
    credits = [
        replace(CREDIT, unit=Unit.SECONDS),
        replace(CREDIT, amount=101),
        replace(CREDIT, allowance=8),
        replace(CREDIT, priority=1),
        replace(CREDIT, kind=MovementKind.OPENED),
        FOREVER,
    ]
    terms = [
        replace(TERMS, currency=840),
        replace(TERMS, offer=4),
        replace(TERMS, release=4),
        replace(TERMS, product_to_ns=99),
        replace(TERMS, status=AccountStatus(2)),
        replace(TERMS, credit_limit_micros=1),
        replace(TERMS, expires_ns=99),
        replace(TERMS, expires_ns=98),
        *(replace(TERMS, credits=(credit,)) for credit in credits),
        replace(TERMS, credits=(CREDIT, CREDIT)),
    ]
    debit = Debit(Unit.MONEY, 5)
    debits = [debit, replace(debit, amount=6), replace(debit, bucket_id=1), replace(debit, may_go_below_zero=True)]
    periods = [
        PERIOD,
        replace(PERIOD, offer=8),
        replace(PERIOD, from_ns=2 * NS_PER_S),
        replace(PERIOD, to_ns=8 * NS_PER_S),
        replace(PERIOD, release=3),
    ]
    commands = [
        TOP_UP,
        replace(TOP_UP, tenant=2),
        replace(TOP_UP, account_id=3),
        *(replace(TOP_UP, amounts=(credit,)) for credit in credits),
        replace(TOP_UP, amounts=(CREDIT, CREDIT)),
        replace(TOP_UP, amounts=(replace(CREDIT, bucket_id=1),)),
        *(replace(TOP_UP, amounts=(debit,)) for debit in debits),
        *(replace(TOP_UP, status=status) for status in AccountStatus if status),
        *(replace(TOP_UP, applies=period) for period in periods),
        *(replace(TOP_UP, ends=end) for end in (END, replace(END, offer=9), replace(END, allowances=()))),
        replace(TOP_UP, reason="ticket 17"),
        *(replace(TOP_UP, credit_limit_micros=limit) for limit in (0, 1)),
        OPEN,
        replace(OPEN, tenant=2),
        replace(OPEN, account_id=3),
        replace(OPEN, identities=("1:e164:49",)),
        *(replace(OPEN, terms=other) for other in terms),
    ]
    assert len({digest_of_command(command) for command in commands}) == len(commands)
    batches = [
        [],
        [Opening(1, OPEN.identities, TERMS)],
        [Opening(1, OPEN.identities, TERMS)] * 2,
        [Opening(2, OPEN.identities, TERMS)],
        [Opening(1, ("1:e164:49",), TERMS)],
        [Opening(1, ("1:e164:49",), TERMS), Opening(1, ("1:imsi:1",), TERMS)],
        [Opening(1, ("1:imsi:1",), TERMS), Opening(1, ("1:e164:49",), TERMS)],
        *([Opening(1, OPEN.identities, other)] for other in terms),
    ]
    assert len({digest_of_openings(batch) for batch in batches}) == len(batches)
