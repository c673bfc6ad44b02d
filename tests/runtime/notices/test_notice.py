"""Rows of what clients are owed: merged, tried, told, heeded or not, by any sequence of what may happen."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.notices.notice import (
    ABSENT,
    Notice,
    NoticeKind,
    NoticeRules,
    ServiceName,
    SessionName,
    Stage,
    Told,
    after_end_sent,
    after_report,
    after_try,
    before_try,
    decode_notice,
    end_command_id,
    in_words,
    merged,
    when_due,
)
from vocabulary.instants import NS_PER_S
from vocabulary.limits import NOTICE_SERVICES_MAX

RULES = NoticeRules(retry_s=1, retry_max_s=8, report_s=30, attempts_max=3, told_max=2)
SESSION = SessionName(2**64 - 1, 7)
TEN, TWENTY = ServiceName(10, ABSENT), ServiceName(20, 5)

services = st.builds(ServiceName, st.integers(-1, 2**32 - 1), st.integers(-1, 2**32 - 1))
notices = st.builds(
    Notice,
    st.builds(SessionName, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1)),
    st.integers(1, 10),
    st.integers(1, 2**63 - 1),
    st.sampled_from(NoticeKind),
    st.lists(services, max_size=3).map(tuple),
    st.integers(0, 2**63 - 1),
    st.integers(0, 2**63 - 1),
    st.sampled_from(Stage),
    st.integers(0, 100),
    st.integers(0, 100),
    st.text(max_size=20),
)


def owed(kind: NoticeKind = NoticeKind.REAUTHORIZE, *of: ServiceName, at_ns: int = 0) -> Notice:
    """A row that was just owed."""
    return Notice(SESSION, 1, 3, kind, of, at_ns, at_ns)


@given(notices)
def test_a_row_is_read_as_it_was_written(notice: Notice) -> None:
    assert decode_notice(notice.encode()) == notice


@pytest.mark.parametrize("octets", [b"", b"\x91\x02", b"\xc0", b"\x9d" + bytes(13)])
def test_what_is_no_row_is_said(octets: bytes) -> None:
    with pytest.raises(ValueError, match="no notice"):
        decode_notice(octets)


def test_what_is_owed_twice_is_told_once_and_names_both() -> None:
    both = merged(owed(NoticeKind.REAUTHORIZE, TEN), owed(NoticeKind.REAUTHORIZE, TWENTY, at_ns=5))
    assert (both.services, both.owed_ns, both.next_try_ns) == ((TEN, TWENTY), 5, 0)
    assert merged(both, owed()).services == (), "all is more than some"
    many = tuple(ServiceName(group, ABSENT) for group in range(NOTICE_SERVICES_MAX))
    assert merged(owed(NoticeKind.REAUTHORIZE, *many), owed(NoticeKind.REAUTHORIZE, TWENTY)).services == ()


def test_an_abort_takes_the_place_of_a_reauthorisation_and_keeps_it() -> None:
    abort = merged(owed(NoticeKind.REAUTHORIZE, TEN), owed(NoticeKind.ABORT))
    assert abort.kind is NoticeKind.ABORT
    assert merged(abort, owed(NoticeKind.REAUTHORIZE, TEN)) is abort
    closing = replace(owed(), stage=Stage.CLOSING)
    assert merged(closing, owed(NoticeKind.ABORT)) is closing


def test_reports_settle_what_they_are_of() -> None:
    notice = owed(NoticeKind.REAUTHORIZE, TEN, TWENTY)
    left = after_report(notice, [TEN, ServiceName(30, ABSENT)])
    assert left is not None
    assert left.services == (TWENTY,)
    assert after_report(left, [TWENTY]) is None
    assert after_report(owed(), [ServiceName(30, ABSENT)]) is None, "of everything any report will do"
    abort = owed(NoticeKind.ABORT)
    assert after_report(abort, [TEN]) is abort, "only its end settles an abort"


def test_tries_that_reach_nobody_wait_longer_each_time_and_never_end() -> None:
    notice, now_ns, waits = owed(), 0, []
    for _ in range(6):
        notice = before_try(notice, now_ns, 0, RULES)
        again = after_try(notice, Told.FAILED, "no answer", now_ns, RULES)
        assert again is not None
        assert again.stage is Stage.OWED
        waits.append((again.next_try_ns - now_ns) // NS_PER_S)
        notice, now_ns = again, again.next_try_ns
    assert waits == [1, 2, 4, 8, 8, 8]


def test_who_is_killed_within_a_try_makes_the_next_after_its_back_off() -> None:
    noted = before_try(owed(), 100, 3 * NS_PER_S, RULES)
    assert (noted.attempts, noted.next_try_ns) == (1, 100 + 4 * NS_PER_S)


def test_an_abort_that_reaches_nobody_ends_the_session_here() -> None:
    notice = replace(owed(NoticeKind.ABORT), attempts=RULES.attempts_max)
    ended = after_try(notice, Told.FAILED, "no answer", 9, RULES)
    assert ended is not None
    assert (ended.stage, ended.next_try_ns) == (Stage.CLOSING, 9)
    refused = after_try(owed(NoticeKind.ABORT), Told.REFUSED, "answered 3001", 9, RULES)
    assert refused is not None
    assert refused.stage is Stage.CLOSING


def test_a_reauthorisation_that_is_refused_is_given_up_until_it_is_owed_anew() -> None:
    given_up = after_try(replace(owed(NoticeKind.REAUTHORIZE, TEN), attempts=1), Told.REFUSED, "forbidden", 9, RULES)
    assert given_up is not None
    assert (given_up.stage, given_up.next_try_ns, given_up.last) == (Stage.GIVEN_UP, 9, "forbidden")
    assert decode_notice(given_up.encode()) == given_up
    again = merged(given_up, owed(NoticeKind.REAUTHORIZE, TWENTY, at_ns=50))
    assert (again.stage, again.attempts, again.next_try_ns) == (Stage.OWED, 0, 50)
    assert again.services == (TEN, TWENTY), "what couldn't be told is told with it"
    assert merged(given_up, owed(NoticeKind.ABORT)).kind is NoticeKind.ABORT
    assert after_report(given_up, [TEN]) is None, "who asks again of itself need not be told"


def test_a_client_that_takes_and_never_heeds_loses_its_session() -> None:
    notice: Notice | None = owed()
    for _ in range(RULES.told_max):
        assert notice is not None
        assert when_due(notice, 0, RULES).stage is not Stage.CLOSING
        notice = after_try(notice, Told.TAKEN, "answered 204", 0, RULES)
        assert notice is not None
        assert notice.next_try_ns == 30 * NS_PER_S
    assert notice is not None
    ended = when_due(notice, 30 * NS_PER_S, RULES)
    assert (ended.stage, ended.last) == (Stage.CLOSING, "answered 204, not heeded")


def test_a_client_that_has_nothing_left_to_do_is_done_with() -> None:
    assert after_try(owed(), Told.DONE, "answered 2001", 9, RULES) is None


def test_the_command_that_ends_a_session_has_one_id_a_notice() -> None:
    gone = after_try(owed(at_ns=16), Told.GONE, "answered 404", 9, RULES)
    assert gone is not None
    again = after_end_sent(gone, 9, RULES)
    assert end_command_id(again) == end_command_id(gone) == f"notice:{'f' * 16}{7:016x}.10"
    assert again.next_try_ns == 9 + 30 * NS_PER_S


def test_words_say_what_how_far_and_why() -> None:
    notice = replace(owed(NoticeKind.REAUTHORIZE, TEN), attempts=2, last="no answer within 3 s")
    assert in_words(notice) == (
        "re-authorisation of rating group 10; 2 tries, next at 1970-01-01T00:00:00.000Z; no answer within 3 s"
    )
    given_up = replace(notice, stage=Stage.GIVEN_UP, attempts=1, next_try_ns=9 * NS_PER_S, last="forbidden")
    assert in_words(given_up) == (
        "re-authorisation of rating group 10; given up at 1970-01-01T00:00:09.000Z after 1 try; forbidden"
    )
