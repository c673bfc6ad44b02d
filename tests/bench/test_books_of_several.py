"""Books of two loads: beside each other where subscribers follow, as one set where they are the same."""

import numpy as np

from bench.books import AccountsView, Books, beside, together


def books(money: list[int], charged: list[int], unexpected: int = 0) -> Books:
    """Of subscribers with this left and charged, nothing held, no allowance."""
    nothing = np.zeros(len(money), np.int64)
    view = AccountsView(np.array(money, np.int64), nothing, nothing, nothing, np.array(charged, np.int64))
    return Books(view, np.zeros(len(money), np.uint8), nothing + 7, unexpected, np.zeros((unexpected, 4), np.int64))


def test_subscribers_that_follow_one_another() -> None:
    both = beside([books([90], [10]), books([70, 60], [30, 40], unexpected=1)])
    assert both.accounts.money_remaining.tolist() == [90, 70, 60]
    assert both.accounts.charged_micros.tolist() == [10, 30, 40]
    assert both.unexpected_count == len(both.unexpected) == 1


def test_the_same_subscribers_pay_for_both() -> None:
    both = together([books([90, 100], [10, 0]), books([70, 95], [30, 5])], np.array([100, 100], np.int64))
    assert both.accounts.money_remaining.tolist() == [60, 95]
    assert both.accounts.charged_micros.tolist() == [40, 5]
    assert both.used_octets.tolist() == [14, 14]
    assert both.unexpected_count == 0
