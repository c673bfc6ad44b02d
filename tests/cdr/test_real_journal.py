"""Records of journals that the real kernels wrote: what the records charge is what the journal moved, for any traffic."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from balances.edge.segment_writer import SegmentLimits, SegmentWriter
from balances.journal import JournalEntry, MovementKind, decode_entry
from balances.store import EntryId
from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from tests.cdr.edge.writing import Clock, rows_of, settings_of, work_off, write_all, writing
from tests.reference.engine_alone import EngineAlone
from tests.reference.requests import Credit, CreditControl, Mscc, Open, Wake
from tests.reference.tariffs import Catalogue, Price, Release, tariff_tables
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit

START_NS = 1_790_000_000 * NS_PER_S
PRICES = (
    Price(rating_group=10, price_micros=7, block_units=10, grant_units=100, allowances=(11,), validity_s=60),
    Price(rating_group=20, price_micros=50, unit=Unit.SECONDS, block_units=60, validity_s=3600, settled_by=Unit.BILL),
    Price(rating_group=30, price_micros=40, unit=Unit.EVENTS, grant_units=1),
)
CURRENCIES = {1: 978, 2: 840, 3: 999}
LETTERS = {1: "EUR", 2: "USD", 3: "999"}
CREDITS = (Credit(3000), Credit(150, Unit.OCTETS, 11))

msccs = st.builds(
    Mscc,
    rating_group=st.sampled_from((10, 10, 20, 30, 99)),
    requested=st.sampled_from(({}, None)),
    used=st.one_of(
        st.none(),
        st.builds(
            lambda units: {Unit.OCTETS: units, Unit.SECONDS: units % 90, Unit.EVENTS: units % 3}, st.integers(0, 300)
        ),
    ),
)
moves = st.tuples(
    st.sampled_from((INITIAL, INITIAL, UPDATE, UPDATE, UPDATE, TERMINATION, EVENT, 0)),
    st.integers(1, 3),
    st.integers(0, 4),
    st.lists(msccs, max_size=3).map(tuple),
    st.sampled_from((1, 30, 200)),
)


def play(script: list[Any]) -> EngineAlone:
    """The engine over the script: (type, account, session, MSCCs, seconds until it) a request, each an own batch."""
    engine = EngineAlone(tariff_tables(Catalogue((Release(1, 0, 1, {1: PRICES}),))))
    opens = [
        Open(account, START_NS, currency=number, credit_limit_micros=700, credits=CREDITS)
        for account, number in CURRENCIES.items()
    ]
    engine.decide(opens, START_NS)
    now_ns = START_NS
    for number, (kind, account, session, asked, pause_s) in enumerate(script, 1):
        now_ns += pause_s * NS_PER_S
        if kind == 0:
            engine.decide([Wake(account, now_ns)], now_ns)
            continue
        request = CreditControl(
            account,
            (account, session + 1),
            kind,
            number,
            number,
            now_ns,
            msccs=asked,
            requested_action=0 if kind == EVENT else None,
        )
        engine.decide([request], now_ns)
    return engine


def charged_to(unit: Unit, entries: list[JournalEntry]) -> int:
    """What left buckets of the unit as charges."""
    charged = 0
    for entry in entries:
        columns = entry.movements
        is_charge = (columns["kind"] == MovementKind.CHARGED) & (columns["unit"] == unit)
        charged += int(columns["amount"][is_charge].sum())
    return charged


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(moves, min_size=1, max_size=30), st.integers(1, 6))
def test_records_charge_what_the_journal_moved(script: list[Any], rows_a_file: int) -> None:
    engine = play(script)
    with TemporaryDirectory() as folder:
        where = settings_of(Path(folder), file_rows_max=rows_a_file, partial_after_s=1)
        segments = SegmentWriter(where.segments, 0, SegmentLimits(1 << 26, 10**18))
        segments.open()
        segments.append([(EntryId.parse(entry_id), octets) for entry_id, octets in engine.entries], START_NS)
        segments.sync()
        segments.close()
        clock = Clock(START_NS + 10**6 * NS_PER_S)
        write_all(where, clock)
        with writing(where, clock) as writer:  # what stayed open comes as partial records
            clock.now_ns += where.file_age_s * NS_PER_S
            work_off(writer)
        rows = rows_of(where.folder)
    entries = [decode_entry(octets) for _, octets in engine.entries]
    for word, unit in (("balance", Unit.MONEY), ("bill", Unit.BILL)):
        rated = sum(row["charged_micros"] for row in rows if row["settled_by"] == word)
        assert rated == charged_to(unit, entries), "rated = settled by balance + put on bills"
    assert all(row["currency"] == LETTERS[row["account_id"]] for row in rows)
    for name in ("used_units", "allowance_units", "uncharged_units", "charged_micros"):
        assert sum(row[name] for row in rows) == sum(int(entry.usages[name].sum()) for entry in entries)
    assert sum(row["report_count"] for row in rows) == sum(len(entry.usages["request"]) for entry in entries)
    usage_rows = sum(int((entry.requests["kind"] == 0).sum()) for entry in entries)
    assert sum(row["request_count"] for row in rows if row["line"] <= 1) == usage_rows
