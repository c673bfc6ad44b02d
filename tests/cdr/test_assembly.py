"""The assembly kernels against their plain twin, with any sessions over any entries, cut and restored anywhere."""

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balances.journal import decode_entry
from cdr.assembly import Assembly, AssemblyError, FinishedRecords
from cdr.checkpoint import pack, unpack_into
from cdr.columns import Limits
from cdr.record_table import tables_by_day
from tests.cdr.twin import ROW_NAMES, Twin
from tests.reference.journal_entries import FIRST_NS, Asked, S, Used, entry_of, read_rows
from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome

SMALL = Limits(sessions_max=4, octets_max=2**20, lines_max=3)
HOUR_NS = 3600 * S

outcomes = st.sampled_from((Outcome.GRANTED,) * 4 + (Outcome.CREDIT_LIMIT_REACHED, Outcome.RATING_FAILED))
usages = st.builds(
    Used,
    rating_group=st.sampled_from((-1, 10, 20, 2**32 - 1)),
    service_identifier=st.sampled_from((-1, -1, 7)),
    used_units=st.sampled_from((0, 1, 5, UNITS_MAX)),
    allowance_units=st.integers(0, 3),
    uncharged_units=st.integers(0, 3),
    charged_micros=st.sampled_from((0, 7, 100, MICROS_MAX)),
    from_ns=st.integers(1, 5),
    to_ns=st.integers(6, 9),
    release=st.integers(0, 1),
    offer=st.just(2),
    price=st.integers(0, 2),
    unit=st.sampled_from((0, 1, 3)),
    settled_by=st.sampled_from((0, 0, 4)),
    outcome=outcomes.map(int),
)
texts = st.sampled_from((b"", b"a", b"host.example", "prüfung".encode()))
values = st.sampled_from(
    (
        b"1",
        b"{}",
        b'"}"',
        rb'"\",{\\"',
        b'[{"a":1,"b":[2]},"["]',
        b'{"multipleUnitUsage":[1,2]}',
        b'"%s"' % (b"x" * 30_000),
    )
)
carried = st.lists(
    st.tuples(st.sampled_from((b"a", b"b", b"cd", b"multiple", b"multipleUnitUsage")), values),
    min_size=1,
    max_size=4,
    unique_by=lambda member: member[0],
).map(lambda members: b"{%s}" % b",".join(b'"%s":%s' % member for member in members))
requests = st.builds(
    Asked,
    session=st.sampled_from([(high, low) for high in (0, 1) for low in (8, 16, 2**11, 2**11 + 8, 2**64 - 1)]),
    account_id=st.sampled_from((5, 5, 6, -1)),
    service_context=st.sampled_from((-1, 32251)),
    currency=st.sampled_from((978, 840, 8, 9, 999, 0)),
    type=st.sampled_from((1, 1, 2, 2, 2, 3, 4)),
    outcome=outcomes.map(int),
    termination_cause=st.sampled_from((0, 1, 4)),
    session_id=texts,
    origin_host=texts,
    origin_realm=texts,
    identity=st.sampled_from((b"", b"\x00491700", b"\x01262", b"\x04p")),
    service_information=st.one_of(st.sampled_from((b"", b"", b"\x00\xff", b"\x07" * 40)), carried),
    usages=st.lists(usages, max_size=4).map(tuple),
)
endings = st.builds(
    Asked,
    session=st.sampled_from([(0, 8), (1, 16), (0, 2**11)]),
    account_id=st.sampled_from((5, 5, 6, -1)),
    kind=st.just(2),
    type=st.just(0),
    ended_session=st.sampled_from((0, 2, 3, 4)),
)
commands = st.just(Asked(kind=1, type=0, command=2))


@st.composite
def rows(draw: st.DrawFn) -> Asked:
    """A journal row; a termination that was decided ends its session."""
    row = draw(st.one_of(requests, requests, requests, endings, commands))
    if row.kind == 0 and row.type == 3 and row.outcome == Outcome.GRANTED:
        return replace(row, ended_session=1)
    if row.kind == 0 and row.type == 1 and row.outcome == Outcome.CREDIT_LIMIT_REACHED:
        return replace(row, ended_session=draw(st.sampled_from((0, 1))))
    return row


moves = st.lists(st.one_of(st.lists(rows(), max_size=6), st.sampled_from(("save", "clear", "due"))), max_size=12)


def table_rows(finished: FinishedRecords) -> list[dict[str, Any]]:
    """The finished rows as files have them, in the order of the records."""
    found = [row for day in tables_by_day(finished.rows, {1: "acme"}) for row in day.table.to_pylist()]
    return sorted(found, key=lambda row: (row["sequence"], row["line"]))


def run(script: list[Any], limits: Limits) -> None:
    """Both over the same moves; rows are compared at the end, and sums of money against the journal."""
    assembly, finished, twin = Assembly(0, limits), FinishedRecords(), Twin(0, limits.sessions_max, limits.lines_max)
    found: list[dict[str, Any]] = []
    now_ns, charged, counted = FIRST_NS, 0, 0
    for move in script:
        if move == "save":
            saved = pack({0: assembly})
            assembly = Assembly(0, limits)
            assert unpack_into(saved, {0: assembly})
        elif move == "clear":
            found += table_rows(finished)
            finished.clear()
        elif move == "due":
            now_ns += HOUR_NS
            assembly.close_due(finished, now_ns=now_ns, partial_after_ns=HOUR_NS)
            twin.close_due(now_ns, HOUR_NS)
        else:
            now_ns += S
            octets = entry_of([replace(row, received_ns=now_ns) for row in move], now_ns=now_ns)
            assembly.apply(read_rows(octets), finished)
            twin.apply(decode_entry(octets))
            charged += sum(used.charged_micros for row in move if row.kind == 0 for used in row.usages)
            counted += sum(row.kind == 0 for row in move)
        assert assembly.open_count == len(twin.sessions)
    assembly.close_due(finished, now_ns=now_ns, partial_after_ns=0)
    twin.close_due(now_ns, 0)
    found += table_rows(finished)
    compare(found, twin.rows)
    assert sum(row["charged_micros"] for row in found) == charged
    assert sum(row["request_count"] for row in found if row["line"] <= 1) == counted


def compare(found: list[dict[str, Any]], wanted: list[dict[str, Any]]) -> None:
    """Row for row; records that one instant closes by their time limit come in no particular order."""

    def canonical(rows: list[dict[str, Any]]) -> Counter[tuple[Any, ...]]:
        numbers = {row["sequence"] for row in rows}
        assert numbers == set(range(1, len(numbers) + 1))
        return Counter(
            tuple(
                sorted(
                    (name, row[name]) for name in ROW_NAMES if name != "sequence" or row["closed_by"] != "time_limit"
                )
            )
            for row in rows
        )

    assert canonical(found) == canonical(wanted)


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(moves)
def test_agrees_with_the_twin(script: list[Any]) -> None:
    run(script, Limits(sessions_max=1000, octets_max=2**20, lines_max=256))


@settings(max_examples=80, suppress_health_check=[HealthCheck.too_slow])
@given(moves)
def test_agrees_with_the_twin_at_its_limits(script: list[Any]) -> None:
    run(script, SMALL)


def test_many_sessions_outgrow_every_first_size() -> None:
    """Thousands of sessions open, change and close, over growing arrays and gathered texts."""
    script: list[Any] = []
    for turn in range(3):
        for first in range(0, 3000, 750):
            script.append(
                [
                    Asked(
                        session=(number, number % 977),
                        type=1 if turn == 0 else 3 if turn == 2 and number % 3 else 2,
                        ended_session=1 if turn == 2 and number % 3 else 0,
                        session_id=b"session;%d" % number if turn == 0 else b"",
                        identity=b"\x00%d" % number if turn == 0 else b"",
                        service_information=b"\x05" * (number % 50 * (turn + 1)),
                        usages=(Used(rating_group=number % 5, used_units=number, charged_micros=3, price=1),),
                    )
                    for number in range(first, first + 750)
                ]
            )
        script += ["save"] if turn == 1 else []
    run(script, Limits(sessions_max=2**20, octets_max=2**24, lines_max=256))


def test_a_refused_report_of_another_account_is_a_record_of_its_own() -> None:
    """An identity moved while its session was open: what the session's client says under it is none of that session's."""
    opened = Asked(session=(0, 1), account_id=5, type=1, session_id=b"s", usages=(Used(10, used_units=7, price=1),))
    used = Used(10, used_units=9, uncharged_units=9, outcome=int(Outcome.UNKNOWN_SESSION_ID))
    refused = replace(
        opened, account_id=6, type=2, identity=b"\x00491", outcome=int(Outcome.UNKNOWN_SESSION_ID), usages=(used,)
    )
    ended = replace(opened, type=3, ended_session=1, usages=())
    assembly, finished = Assembly(0), FinishedRecords()
    assembly.apply(read_rows(entry_of([opened, refused, ended])), finished)
    names = ("account_id", "closed_by", "used_units", "uncharged_units", "request_count")
    assert [tuple(row[name] for name in names) for row in table_rows(finished)] == [
        (6, "refusal", 9, 9, 1),
        (5, "termination", 7, 0, 2),
    ]


def test_sessions_of_one_name_are_their_accounts() -> None:
    """The account that has the identity now opens the session anew, while the other's is open."""
    first = Asked(session=(0, 1), account_id=5, type=1, session_id=b"s", usages=(Used(10, used_units=7, price=1),))
    second = replace(first, account_id=6)
    expired = Asked(session=(0, 1), account_id=5, kind=2, type=0, ended_session=2)
    ended = replace(second, type=3, ended_session=1)
    assembly, finished = Assembly(0), FinishedRecords()
    assembly.apply(read_rows(entry_of([first, second, expired, ended])), finished)
    assert [(row["account_id"], row["closed_by"], row["used_units"]) for row in table_rows(finished)] == [
        (5, "supervision", 7),
        (6, "termination", 14),
    ]
    assert assembly.open_count == 0


def test_uncharged_units_without_a_price_are_a_line_for_each_unit() -> None:
    used = [Used(99, used_units=units, uncharged_units=units, unit=unit) for unit, units in ((1, 500), (2, 30), (1, 7))]
    asked = Asked(session=(0, 1), type=4, outcome=int(Outcome.UNKNOWN_SESSION_ID), usages=(*used, Used(99, unit=0)))
    assembly, finished = Assembly(0), FinishedRecords()
    assembly.apply(read_rows(entry_of([asked])), finished)
    assert [(row["unit"], row["uncharged_units"], row["price"]) for row in table_rows(finished)] == [
        ("octets", 507, None),
        ("seconds", 30, None),
        (None, 0, None),
    ]


def test_texts_over_their_limit_make_partial_records() -> None:
    limits = Limits(sessions_max=100, octets_max=100, lines_max=9)
    assembly, finished = Assembly(0, limits), FinishedRecords()
    asked = [Asked(session=(0, number), type=1, session_id=b"s" * 60) for number in (1, 2)]
    assembly.apply(read_rows(entry_of(asked)), finished)
    assert assembly.open_count == 1
    assert [(row["closed_by"], row["session_id"]) for row in table_rows(finished)] == [("table_limit", "s" * 60)]


def test_texts_that_do_not_fit_the_rows_are_refused() -> None:
    entry = read_rows(entry_of([Asked(session=(0, 1), type=1, session_id=b"abc")]))
    torn = replace(entry, octets=entry.octets[:2])
    with pytest.raises(AssemblyError, match="rows and texts don't fit"):
        Assembly(0).apply(torn, FinishedRecords())


def test_usage_rows_of_no_request_are_refused() -> None:
    entry = read_rows(entry_of([Asked(session=(0, 1), type=4, usages=(Used(),))]))
    entry.usages["request"] += 1
    with pytest.raises(AssemblyError, match="don't fit"):
        Assembly(0).apply(entry, FinishedRecords())


def test_a_state_of_another_layout_is_refused() -> None:
    saved = Assembly(0).saved()
    saved["lines"] = saved["lines"].view("u1")
    with pytest.raises(AssemblyError, match="another layout of lines"):
        Assembly(0).restore(saved)


@pytest.mark.parametrize("octets", [b"", b"no archive", b"PK\x03\x04" + b"\0" * 60])
def test_what_is_no_checkpoint_is_passed_over(octets: bytes) -> None:
    assert not unpack_into(octets, {0: Assembly(0)})
