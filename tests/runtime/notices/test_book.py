"""Rows of a partition: what is due, once each, and what has to be written."""

from dataclasses import replace

import pytest

from runtime.notices.book import NoticeBook
from runtime.notices.notice import Notice, NoticeKind, SessionName, Stage


def row(number: int, next_try_ns: int) -> Notice:
    """A row of the n-th session."""
    return Notice(SessionName(number, number), 1, number, NoticeKind.REAUTHORIZE, (), 0, next_try_ns)


def test_rows_are_due_in_order_and_given_once() -> None:
    book = NoticeBook([row(1, 30), row(2, 10), row(3, 20)])
    assert book.take_due(5, 9) == []
    assert [each.account_id for each in book.take_due(25, 9)] == [2, 3]
    assert book.take_due(25, 9) == []
    book.postpone(SessionName(2, 2), 40)
    assert [each.account_id for each in book.take_due(40, 1)] == [1]
    assert [each.account_id for each in book.take_due(40, 9)] == [2]


def test_a_row_that_was_put_off_is_not_due_by_its_old_place() -> None:
    book = NoticeBook([row(1, 10)])
    book.put(replace(row(1, 10), next_try_ns=50))
    assert book.take_due(40, 9) == []
    assert [each.next_try_ns for each in book.take_due(50, 9)] == [50]


def test_changes_are_written_once_unless_they_could_not_be() -> None:
    book = NoticeBook([row(1, 10)])
    book.put(row(1, 10))
    assert book.take_changes() == {}, "it is as it was"
    book.put(row(2, 10))
    assert book.drop(SessionName(1, 1))
    assert not book.drop(SessionName(1, 1))
    changes = book.take_changes()
    assert changes == {SessionName(1, 1): None, SessionName(2, 2): row(2, 10)}
    assert book.take_changes() == {}
    book.put_back(changes)
    assert book.take_changes() == changes


def test_first_halves_follow_the_rows() -> None:
    book = NoticeBook([row(9, 0), row(3, 0)])
    assert book.highs().tolist() == [3, 9]
    book.drop(SessionName(9, 9))
    book.put(row(2**64 - 1, 0))
    assert book.highs().tolist() == [3, 2**64 - 1]
    assert SessionName(3, 3) in book
    assert SessionName(3, 4) not in book
    assert len(book) == 2


def test_what_was_given_up_is_kept_and_never_due_until_it_is_owed_anew() -> None:
    given_up = replace(row(1, 10), stage=Stage.GIVEN_UP)
    for book in (NoticeBook([given_up]), NoticeBook([row(1, 5)])):
        book.put(given_up)
        assert book.take_due(99, 9) == []
        assert (len(book), book.given_up_count) == (1, 1)
        assert SessionName(1, 1) in book
        book.put(row(1, 20))
        assert book.given_up_count == 0
        assert book.take_due(99, 9) == [row(1, 20)]
        book.put(given_up)
        book.drop(SessionName(1, 1))
        assert book.given_up_count == 0


def test_of_what_was_given_up_the_newest_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.notices.book.NOTICES_GIVEN_UP_KEPT_MAX", 2)
    book = NoticeBook(replace(row(number, number), stage=Stage.GIVEN_UP) for number in (2, 1))
    book.put(replace(row(3, 3), stage=Stage.GIVEN_UP))
    assert book.get(SessionName(1, 1)) is None
    assert book.given_up_count == len(book) == 2
    assert book.take_changes() == {SessionName(1, 1): None, SessionName(3, 3): book.get(SessionName(3, 3))}
