"""What deciding and recording cost a CCR-U with one MSCC; run on a quiet machine (`-m acceptance`).

1,000 accounts with money, one allowance and one open session each; every round decides an update of each on the records
as they were, so that all rounds do the same. What the kernels wrote is looked at after the clock has stopped.
"""

import time
from typing import Any

import pytest

from balances.journal_chain import NO_ENTRY
from balances.stored_record import to_stored
from bench.workload import ALLOWANCE_NAME, GRANT_OCTETS, OFFER_NAME, RATING_GROUPS, SERVICE_CONTEXT, release
from catalog_loader.compile import compile_release
from cdr.assembly import Assembly, FinishedRecords, new_entry_reader
from cdr.edge.writer import PIECE_ROWS
from cdr.gathered_files import GatheredFiles
from cdr.manifest import FORMATS_OF
from charging.batch import INITIAL, TERMINATION, UPDATE
from charging.decision import ROWS_USAGES
from charging.engine import decide
from charging.grouping import group_requests
from tests.reference.engine_alone import EngineAlone, Memory, fill_batch, new_memory
from tests.reference.requests import Credit, CreditControl, Mscc, Open
from vocabulary.ids import number_of_name
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

pytestmark = pytest.mark.acceptance

REQUESTS = 1000
ROUNDS = 70
DECIDE_US_MAX = 1.2
RECORD_US_MAX = 1.0
UPDATES = 8
START_NS = 1_790_000_000 * NS_PER_S
ASKED = {Unit.OCTETS: GRANT_OCTETS}


def request(number: int, request_type: int, account: int, now_ns: int) -> CreditControl:
    used = None if request_type == INITIAL else {Unit.OCTETS: GRANT_OCTETS}
    asked = None if request_type == TERMINATION else ASKED
    return CreditControl(
        account,
        (account << 32 | 7, account),
        request_type,
        number,
        account * 100 + number,
        now_ns,
        1,
        (Mscc(RATING_GROUPS[0], None, asked, used),),
        service_context=SERVICE_CONTEXT,
    )


def with_sessions(accounts: int) -> EngineAlone:
    """Accounts with a session each."""
    alone = EngineAlone(compile_release(release(), 1), memory=new_memory(accounts))
    credits = (
        Credit(10**12, Unit.MONEY),
        Credit(5 * 10**6, Unit.OCTETS, number_of_name(ALLOWANCE_NAME)),
    )
    alone.decide(
        [Open(account, START_NS, 1, number_of_name(OFFER_NAME), credits=credits) for account in range(1, accounts + 1)],
        START_NS,
    )
    alone.decide([request(0, INITIAL, account, START_NS) for account in range(1, accounts + 1)], START_NS)
    return alone


@pytest.fixture
def engine() -> EngineAlone:
    """A full batch of them."""
    return with_sessions(REQUESTS)


def us_each(benchmark: Any, requests: int) -> float:
    """The median of the rounds, a request."""
    each: float = benchmark.stats.stats.median / requests * 1e6
    benchmark.extra_info["us_each"] = round(each, 3)
    return each


def _ns_of_update(alone: EngineAlone, accounts: int, number: int) -> int:
    """The least time that deciding this update of every session takes."""
    memory, now_ns = alone.memory, START_NS + number * NS_PER_S
    fill_batch(memory.batch, [request(number, UPDATE, account, now_ns) for account in range(1, accounts + 1)])
    least = 2**62
    for _ in range(200):
        group_requests(memory.batch, memory.table, memory.accounts)
        alone.load(accounts, now_ns)
        began_ns = time.perf_counter_ns()
        decide(
            memory.arena,
            accounts,
            alone.tariffs,
            memory.batch,
            memory.recorded,
            now_ns,
            memory.answers,
            memory.journal,
            memory.scratch,
        )
        least = min(least, time.perf_counter_ns() - began_ns)
    assert (memory.answers.answers["outcome"][:accounts] == Outcome.GRANTED).all()
    return least


def test_update_1000_costs_as_update_10() -> None:
    accounts = 100
    alone = with_sessions(accounts)
    cost_ns, octets = {}, {}
    for number in range(1, 1001):
        if number in (10, 1000):
            cost_ns[number] = _ns_of_update(alone, accounts, number)
            octets[number] = sum(len(to_stored(record)) for record in alone.records.values())
        now_ns = START_NS + number * NS_PER_S
        alone.decide([request(number, UPDATE, account, now_ns) for account in range(1, accounts + 1)], now_ns)
    assert octets[1000] <= 1.05 * octets[10]
    assert cost_ns[1000] <= 1.1 * cost_ns[10]


def test_decide(benchmark: Any, engine: EngineAlone) -> None:
    memory: Memory = engine.memory
    now_ns = START_NS + NS_PER_S
    fill_batch(memory.batch, [request(1, UPDATE, account, now_ns) for account in range(1, REQUESTS + 1)])

    def place() -> None:
        group_requests(memory.batch, memory.table, memory.accounts)
        engine.load(REQUESTS, now_ns)

    def decide_updates() -> None:
        decide(
            memory.arena,
            REQUESTS,
            engine.tariffs,
            memory.batch,
            memory.recorded,
            now_ns,
            memory.answers,
            memory.journal,
            memory.scratch,
        )

    benchmark.pedantic(decide_updates, setup=place, rounds=ROUNDS, warmup_rounds=3)
    assert (memory.answers.answers["outcome"][:REQUESTS] == Outcome.GRANTED).all()
    assert memory.journal.counts[ROWS_USAGES] == REQUESTS
    assert (memory.journal.usages["allowance_units"][:REQUESTS] == GRANT_OCTETS).all()
    assert (memory.answers.msccs["granted"][:REQUESTS] == GRANT_OCTETS).all()
    assert us_each(benchmark, REQUESTS) <= DECIDE_US_MAX


def test_records(benchmark: Any) -> None:
    """Journal entries to the octets of CSV and Parquet files, as many records as the writer makes octets of at once.

    Reading segments and fsync are apart.
    """
    journals = []
    for _ in range(PIECE_ROWS // REQUESTS):
        engine, now_ns = with_sessions(REQUESTS), START_NS
        for number in range(1, UPDATES + 1):
            now_ns += NS_PER_S
            engine.decide([request(number, UPDATE, account, now_ns) for account in range(1, REQUESTS + 1)], now_ns)
        ends = [request(UPDATES + 1, TERMINATION, account, now_ns) for account in range(1, REQUESTS + 1)]
        engine.decide(ends, now_ns)
        journals.append([octets for _, octets in engine.entries])
    requests = PIECE_ROWS * (UPDATES + 2)
    finished, reader = FinishedRecords(), new_entry_reader()

    def record() -> int:
        for partition, entries in enumerate(journals):
            assembly = Assembly(partition)
            for octets in entries:
                entry = reader.read(octets)
                assembly.apply(entry, finished)
                finished.movements.take(entry, NO_ENTRY)
        gathered = GatheredFiles()
        gathered.add(finished, {1: "default"})
        pieces = [files.octets(word) for files in gathered for word in FORMATS_OF[files.content]]
        return sum(piece.size for each in pieces for piece in each)

    written = benchmark.pedantic(record, setup=finished.clear, rounds=ROUNDS, warmup_rounds=3)
    assert finished.record_count == PIECE_ROWS
    assert written > 10 * requests
    assert us_each(benchmark, requests) <= RECORD_US_MAX
