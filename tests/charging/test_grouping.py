"""Requests to slots: one a (tenant, account), room for what they may append, and rows of recorded answers."""

from hypothesis import given, settings
from hypothesis import strategies as st

from balances.arena import ROOM_WORDS_FIXED, ROOM_WORDS_PER_CREDIT, ROOM_WORDS_PER_MSCC
from charging.batch import EVENT, UPDATE, new_usage_batch
from charging.grouping import group_requests, new_accounts, new_group_table
from tests.reference.engine_alone import fill_batch
from tests.reference.requests import Change, Credit, CreditControl, Mscc, Request
from vocabulary.outcomes import Outcome

ROWS = 64
BATCH = new_usage_batch(ROWS, 4 * ROWS, 4096)
TABLE = new_group_table()
ACCOUNTS = new_accounts()

usages = st.builds(
    lambda account_id, number, session, type_, tenant, never, msccs, outcome: CreditControl(
        account_id,
        (session << 40, session),
        type_,
        number,
        number * 7 + session,
        1,
        tenant,
        (Mscc(),) * msccs,
        never_counts=never,
        outcome=outcome,
    ),
    account_id=st.one_of(st.none(), st.integers(1, 6), st.sampled_from((2**62, 2**40 + 1))),
    number=st.integers(0, 3),
    session=st.integers(1, 3),
    type_=st.sampled_from((UPDATE, EVENT)),
    tenant=st.integers(1, 2),
    never=st.booleans(),
    msccs=st.integers(0, 3),
    outcome=st.sampled_from((Outcome.UNDECIDED,) * 5 + (Outcome.MISSING_AVP,)),
)
commands = st.builds(
    lambda account_id, count: Change(account_id, 1, 1, (Credit(1),) * count), st.integers(1, 6), st.integers(1, 3)
)


def event_name(request: CreditControl) -> tuple[object, ...]:
    """What tells events apart; the tenant's digest of the Session-Id is part of the session here."""
    told_by = ("body", request.body_hash) if request.never_counts else ("number", request.number)
    return request.session, *told_by


@settings(max_examples=75)
@given(st.lists(st.one_of(usages, usages, commands), max_size=ROWS))
def test_each_account_has_one_slot_with_room_for_all_its_rows(requests: list[Request]) -> None:
    """Slots in order of first meeting; rooms are sums; undecided events share rows of answers where they are the same."""
    fill_batch(BATCH, requests)
    group_requests(BATCH, TABLE, ACCOUNTS)
    slots: dict[tuple[int, int], int] = {}
    rooms: list[int] = []
    events: dict[tuple[object, ...], int] = {}
    for row, request in enumerate(requests):
        columns = BATCH.requests[row]
        is_open = not isinstance(request, CreditControl) or request.outcome == Outcome.UNDECIDED
        if request.account_id is None or not is_open:
            assert columns["slot"] == columns["answered"] == -1
            continue
        key = request.account_id, request.tenant
        slot = slots.setdefault(key, len(slots))
        assert columns["slot"] == slot
        if slot == len(rooms):
            rooms.append(ROOM_WORDS_FIXED)
        is_usage = isinstance(request, CreditControl)
        credits = 0 if is_usage else len(request.amounts)  # type: ignore[union-attr]
        msccs = len(request.msccs) if isinstance(request, CreditControl) else 0
        rooms[slot] += ROOM_WORDS_FIXED + ROOM_WORDS_PER_MSCC * msccs + ROOM_WORDS_PER_CREDIT * credits
        if isinstance(request, CreditControl) and request.type == EVENT:
            assert columns["answered"] == events.setdefault(event_name(request), len(events))
        else:
            assert columns["answered"] == -1
    assert ACCOUNTS.counts.tolist() == [len(slots), len(events)]
    assert list(zip(ACCOUNTS.account_ids.tolist(), ACCOUNTS.tenants.tolist(), strict=True))[: len(slots)] == list(slots)
    assert ACCOUNTS.room_words[: len(slots)].tolist() == rooms
