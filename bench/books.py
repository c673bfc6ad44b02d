"""The generator's own books: what every account must hold after a run, from what was reported and answered.

In the timed loop only a row of 16 octets a service and answer is logged. Afterwards `fold` prices the log with a twin of
the tariff that shares nothing with the engine (docs/charging.md §5 and §6, for one money bucket and one allowance).

Why it is exact though sessions of one account share its allowance, and so order matters: all sessions of a subscriber
go over one connection; rows of an account are decided in one partition, one batch after the other, and answers of a
partition leave in the order of their rows; so on that connection the answers of an account come in the order in which
they were decided, and the log is in the order of answers. Over HTTP/2 answers come in any order: there a subscriber has one
session, with one request at a time. The fold therefore also knows what each grant had to be: a
granted amount or a final unit that it doesn't expect is counted (`unexpected_count`) beside differing balances.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vocabulary.kernel import inlined_kernel, kernel

LOG_DTYPE: Final = np.dtype(
    [
        ("subscriber", np.uint32),
        ("used_octets", np.uint32),
        ("granted_octets", np.uint32),
        ("place", np.uint8),  # which of the subscriber's sessions, 0..sessions_per_subscriber - 1
        ("request_type", np.uint8),  # CC-Request-Type: 1 I, 2 U, 3 T; create, update, release
        ("mscc", np.uint8),  # which of the request's services
        ("answer", np.uint8),  # ANSWER_* bits of its MSCC
    ]
)
"""One service of a request that was answered 2001 at command level, or 2xx, in the order of answers."""

ANSWER_GRANTED: Final = 1
"""The MSCC has a Granted-Service-Unit."""
ANSWER_LIMIT_REACHED: Final = 2
"""Its Result-Code is 4012, its resultCode QUOTA_LIMIT_REACHED."""
ANSWER_FINAL: Final = 4
"""It has a Final-Unit-Indication, a finalUnitIndication."""

TERMINATION: Final = 3
UNEXPECTED_KEPT: Final = 16

MONEY: Final = 0
MONEY_RESERVED: Final = 1
ALLOWANCE: Final = 2
ALLOWANCE_RESERVED: Final = 3
CHARGED: Final = 4
COLUMNS: Final = ("money_remaining", "money_reserved", "allowance_remaining", "allowance_reserved", "charged_micros")


class Prices(NamedTuple):
    """The tariff, a row a service of a request; rounding is up over the session, with carry."""

    block_octets: NDArray[np.int64]  # (MSCCs,)
    price_micros: NDArray[np.int64]  # (MSCCs,) of a block
    uses_allowance: NDArray[np.int64]  # (MSCCs,) 1: the allowance pays before money


class AccountsView(NamedTuple):
    """Balances of all subscribers, int64 (subscribers,) each, by subscriber number; 0 where a bucket is gone."""

    money_remaining: NDArray[np.int64]
    money_reserved: NDArray[np.int64]
    allowance_remaining: NDArray[np.int64]
    allowance_reserved: NDArray[np.int64]
    charged_micros: NDArray[np.int64]


class Books(NamedTuple):
    """What the fold of a log says."""

    accounts: AccountsView
    limit_reached: NDArray[np.uint8]  # (subscribers,) 1: was answered 4012 or granted a final unit
    used_octets: NDArray[np.int64]  # (subscribers,) reported in all requests that were answered 2001
    unexpected_count: int
    """Log rows whose grant is not what the tariff gives."""
    unexpected: NDArray[np.int64]  # (kept, 4): log row, granted as expected, granted, ANSWER_* bits expected


class Difference(NamedTuple):
    """One balance that is not what the books say."""

    subscriber: int
    column: str
    expected: int
    found: int

    def __str__(self) -> str:
        return f"subscriber {self.subscriber}: {self.column} is {self.found}, the books say {self.expected}"


@inlined_kernel
def _blocks_up(octets, block):
    """Started blocks of `octets`, 0 where they are paid ahead (octets <= 0)."""
    return (octets + block - 1) // block if octets > 0 else np.int64(0)


@kernel
def _charge(account, held, prices, service, used):
    """Give back what the service held, then take `used` octets: allowance held, allowance free, money.

    account   int64 (5,) of one subscriber, by column
    held      int64 (3,) of one service of a session: allowance octets, micros, carry (0 or below: paid ahead)
    """
    from_allowance = min(used, held[0])
    account[ALLOWANCE_RESERVED] -= held[0]
    account[ALLOWANCE] += held[0] - from_allowance
    account[MONEY_RESERVED] -= held[1]
    account[MONEY] += held[1]
    held[0] = 0
    held[1] = 0
    left = used - from_allowance
    if prices.uses_allowance[service] != 0:
        taken = min(left, max(account[ALLOWANCE], 0))
        account[ALLOWANCE] -= taken
        left -= taken
    if left > 0:
        block = prices.block_octets[service]
        blocks = _blocks_up(held[2] + left, block)
        held[2] += left - blocks * block
        account[MONEY] -= blocks * prices.price_micros[service]
        account[CHARGED] += blocks * prices.price_micros[service]


@kernel
def _grant(account, held, prices, service, asked):
    """(octets, ANSWER_* bits) that the service must be granted when it asks for `asked`; holds what covers them."""
    block = prices.block_octets[service]
    price = prices.price_micros[service]
    from_allowance = np.int64(0)
    if prices.uses_allowance[service] != 0:
        from_allowance = min(asked, max(account[ALLOWANCE], 0))
    account[ALLOWANCE] -= from_allowance
    account[ALLOWANCE_RESERVED] += from_allowance
    held[0] = from_allowance
    carry = held[2]
    payable = max(account[MONEY], 0) // price * block - carry
    from_money = min(asked - from_allowance, max(payable, 0))
    if from_money > 0:
        blocks = _blocks_up(carry + from_money, block)
        held[1] = blocks * price
        account[MONEY] -= held[1]
        account[MONEY_RESERVED] += held[1]
        carry += from_money - blocks * block
    granted = from_allowance + from_money
    if granted == 0:
        return granted, ANSWER_LIMIT_REACHED
    has_more = prices.uses_allowance[service] != 0 and account[ALLOWANCE] > 0
    has_more = has_more or max(account[MONEY], 0) // price * block - carry > 0
    if granted < asked or not has_more:
        return granted, ANSWER_GRANTED | ANSWER_FINAL
    return granted, ANSWER_GRANTED


@kernel
def _fold_into(log, accounts, used_octets, held, prices, asked, limit_reached, unexpected):
    """Fold log rows, in order, into accounts int64 (subscribers, 5); returns how many grants were unexpected."""
    count = 0
    for index in range(log.shape[0]):
        row = log[index]
        subscriber = np.int64(row.subscriber)
        service = np.int64(row.mscc)
        account = accounts[subscriber]
        service_held = held[subscriber, np.int64(row.place), service]
        _charge(account, service_held, prices, service, np.int64(row.used_octets))
        used_octets[subscriber] += row.used_octets
        granted, answer = np.int64(0), 0
        if row.request_type == TERMINATION:
            service_held[2] = 0
        else:
            granted, answer = _grant(account, service_held, prices, service, asked)
        if row.answer & (ANSWER_LIMIT_REACHED | ANSWER_FINAL):
            limit_reached[subscriber] = 1
        if granted != np.int64(row.granted_octets) or answer != row.answer:
            if count < unexpected.shape[0]:
                unexpected[count, 0] = index
                unexpected[count, 1] = granted
                unexpected[count, 2] = row.granted_octets
                unexpected[count, 3] = answer
            count += 1
    return count


def fold(
    log: NDArray[np.void],
    *,
    money_micros: NDArray[np.int64],
    allowance_octets: NDArray[np.int64],
    prices: Prices,
    asked_octets: int,
    sessions_per_subscriber: int,
) -> Books:
    """The books of a run. `log` is LOG_DTYPE in the order of answers; the amounts are what was provisioned."""
    subscribers = len(money_micros)
    accounts = np.zeros((subscribers, len(COLUMNS)), np.int64)
    accounts[:, MONEY] = money_micros
    accounts[:, ALLOWANCE] = allowance_octets
    held = np.zeros((subscribers, sessions_per_subscriber, len(prices.block_octets), 3), np.int64)
    used_octets = np.zeros(subscribers, np.int64)
    limit_reached = np.zeros(subscribers, np.uint8)
    unexpected = np.zeros((UNEXPECTED_KEPT, 4), np.int64)
    asked = np.int64(asked_octets)
    count = int(_fold_into(log, accounts, used_octets, held, prices, asked, limit_reached, unexpected))
    columns = [np.ascontiguousarray(accounts[:, column]) for column in range(len(COLUMNS))]
    kept = unexpected[: min(count, UNEXPECTED_KEPT)]
    return Books(AccountsView(*columns), limit_reached, used_octets, count, kept)


def beside(books: Sequence[Books]) -> Books:
    """Books of loads whose subscribers follow one another."""
    columns = zip(*(one.accounts for one in books), strict=True)
    return Books(
        AccountsView(*(np.concatenate(parts) for parts in columns)),
        np.concatenate([one.limit_reached for one in books]),
        np.concatenate([one.used_octets for one in books]),
        sum(one.unexpected_count for one in books),
        np.concatenate([one.unexpected for one in books])[:UNEXPECTED_KEPT],
    )


def together(books: Sequence[Books], money_micros: NDArray[np.int64]) -> Books:
    """The one set of books of loads on the same subscribers, who own this money alone and don't run out of it.

    So what a session costs depends on its own reports, and the order of two loads' requests, which neither knows, on nothing.
    """
    charged = np.sum([one.accounts.charged_micros for one in books], axis=0)
    reserved = np.sum([one.accounts.money_reserved for one in books], axis=0)
    nothing = np.zeros_like(charged)
    return Books(
        AccountsView(money_micros - charged - reserved, reserved, nothing, nothing, charged),
        np.maximum.reduce([one.limit_reached for one in books]),
        np.sum([one.used_octets for one in books], axis=0),
        sum(one.unexpected_count for one in books),
        np.concatenate([one.unexpected for one in books])[:UNEXPECTED_KEPT],
    )


def compare(books: Books, accounts: AccountsView) -> list[Difference]:
    """Every balance that differs, by column and subscriber; empty when store and books agree."""
    differences = []
    for column in COLUMNS:
        expected: NDArray[np.int64] = getattr(books.accounts, column)
        found: NDArray[np.int64] = getattr(accounts, column)
        if expected.shape != found.shape:
            raise ValueError(f"{column}: the books have {expected.shape[0]} subscribers, the store {found.shape[0]}")
        for subscriber in np.flatnonzero(expected != found):
            differences.append(Difference(int(subscriber), column, int(expected[subscriber]), int(found[subscriber])))
    return differences


def save_books(books: Books, path: Path) -> None:
    """Write books as the .npz that `load_books` reads."""
    np.savez(
        path,
        limit_reached=books.limit_reached,
        used_octets=books.used_octets,
        unexpected=books.unexpected,
        unexpected_count=np.int64(books.unexpected_count),
        **books.accounts._asdict(),
    )


def load_books(path: Path) -> Books:
    """Books that another process wrote."""
    with np.load(path) as saved:
        accounts = AccountsView(*(saved[name] for name in COLUMNS))
        return Books(
            accounts, saved["limit_reached"], saved["used_octets"], int(saved["unexpected_count"]), saved["unexpected"]
        )
