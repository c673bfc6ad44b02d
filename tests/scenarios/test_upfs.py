"""Several UPFs of one rating group over Nchf: each has quota of its own, and nothing is charged or granted twice."""

import asyncio
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from balances.audit_report import AuditReport
from balances.edge.redis_store import RedisStore
from balances.queries import decode_record
from runtime.audit_store import audit_store
from tests.runtime.audited_store import assert_sound
from tests.scenarios.language import CreditStep, OpenStep, play
from tests.scenarios.nchf import NchfMachine, http2_client
from tests.scenarios.served_engine import CHF, ENGINE
from tests.scenarios.sockets import READY_WITHIN_S, Served, served
from vocabulary.units import Unit

A, B, C = "upf-a", "upf-b", "upf-c"

pytestmark = pytest.mark.timeout(READY_WITHIN_S + 60)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An engine and a 5G front end; in the end the books of all that was played are sound."""
    with served(tmp_path_factory.mktemp("upfs"), ENGINE, CHF) as processes:
        yield processes
        assert_sound(asyncio.run(_audit(processes.store_url)))


async def _audit(store_url: str) -> AuditReport:
    store = RedisStore(store_url)
    try:
        await store.open()
        return await audit_store(store, None)
    finally:
        await store.close()


@pytest.fixture(scope="module")
def smf() -> Iterator[httpx.Client]:
    with http2_client() as client:
        yield client


@pytest.fixture
def machine(request: pytest.FixtureRequest, running: Served, smf: httpx.Client) -> NchfMachine:
    """A subscriber A with 100 micros and an open session s1, for each test its own."""
    machine = NchfMachine(running, smf, 2000 + request.session.items.index(request.node))
    machine.open(OpenStep("A", credits=(CreditStep(Unit.MONEY, 100),)))
    play("initial A s1", machine)
    return machine


def usage(upf: str | None, used: tuple[int, ...] = (), asks: int | None = None, group: int = 10) -> dict[str, Any]:
    said: dict[str, Any] = {"ratingGroup": group}
    if upf is not None:
        said["uPFID"] = upf
    if used:
        said["usedUnitContainer"] = [
            {"localSequenceNumber": number, "totalVolume": octets} for number, octets in enumerate(used)
        ]
    if asks is not None:
        said["requestedUnit"] = {"totalVolume": asks}
    return said


def answers(said: dict[str, Any]) -> list[tuple[str | None, int | None]]:
    """(uPFID, octets granted) of each entry."""
    return [
        (one.get("uPFID"), one.get("grantedUnit", {}).get("totalVolume")) for one in said["multipleUnitInformation"]
    ]


def money(machine: NchfMachine) -> tuple[int, int]:
    """Free and held, in micros: an octet of rating group 10 costs one."""
    free, held = machine.holdings("A")[Unit.MONEY]
    return free, held


def test_each_upf_is_granted_quota_that_stays_held_while_the_other_reports(machine: NchfMachine) -> None:
    said = machine.send("A", "s1", 1, [usage(A, asks=30), usage(B, asks=50)])
    assert answers(said) == [(A, 30), (B, 50)]
    assert money(machine) == (20, 80)
    assert answers(machine.send("A", "s1", 2, [usage(A, used=(10, 5), asks=30)])) == [(A, 30)]
    assert money(machine) == (5, 80)
    assert answers(machine.send("A", "s1", 3, [usage(B, used=(50,)), usage(A, used=(20,))])) == [(B, None), (A, None)]
    assert money(machine) == (15, 0)


def test_what_one_upf_holds_is_not_granted_to_another(machine: NchfMachine) -> None:
    assert answers(machine.send("A", "s1", 1, [usage(A, asks=60), usage(B, asks=60)])) == [(A, 60), (B, 40)]
    said = machine.send("A", "s1", 2, [usage(C, asks=1)])
    assert (answers(said), said["multipleUnitInformation"][0]["resultCode"]) == ([(C, None)], "QUOTA_LIMIT_REACHED")
    assert answers(machine.send("A", "s1", 3, [usage(A, used=(20,)), usage(C, asks=60)])) == [(A, None), (C, 40)]
    assert money(machine) == (0, 80)


def test_a_request_sent_again_has_the_answer_that_it_had(machine: NchfMachine) -> None:
    first = [usage(A, asks=30), usage(B, asks=40)]
    second = [usage(B, used=(40,), asks=20), usage(A, used=(10,), asks=20)]
    for number, usages, granted, left in (
        (1, first, [(A, 30), (B, 40)], (30, 70)),
        (2, second, [(B, 20), (A, 20)], (10, 40)),
    ):
        for _ in range(2):
            assert answers(machine.send("A", "s1", number, usages)) == granted
            assert money(machine) == left
    assert answers(machine.send("A", "s1", 1, first)) == [(A, 30), (B, 40)], "the answer before the last is kept, too"
    assert money(machine) == (10, 40)


def test_requests_that_are_not_counted_are_told_apart_by_their_upfs(machine: NchfMachine) -> None:
    """free5GC's SMF sends 0 each time: the same units at the same time, but of another UPF, are another report."""
    for upf, left in ((A, 80), (B, 60), (A, 60)):
        machine.send("A", "s1", 0, [usage(upf, used=(20,))])
        assert money(machine) == (left, 0)


def test_quota_that_was_granted_without_a_upf_is_of_the_one_that_reports_it(machine: NchfMachine) -> None:
    assert answers(machine.send("A", "s1", 1, [usage(None, asks=90)])) == [(None, 90)]
    said = machine.send("A", "s1", 2, [usage(A, used=(30,), asks=20), usage(B, asks=20)])
    assert (answers(said), money(machine)) == ([(A, 20), (B, 20)], (30, 40))
    assert answers(machine.send("A", "s1", 3, [usage(None, used=(20,))])) == [(None, None)]
    assert money(machine) == (30, 20), "without a name it is the rating group's first"


def test_usages_of_one_upf_are_one_and_one_without_a_name_is_the_firsts(machine: NchfMachine) -> None:
    said = machine.send("A", "s1", 1, [usage(A, asks=10), usage(B, asks=20), usage(A, asks=5), usage(None, asks=1)])
    assert answers(said) == [(A, 16), (B, 20)]
    assert money(machine) == (64, 36)


def test_upfs_that_come_and_go_take_each_others_places(machine: NchfMachine) -> None:
    """More of them than an account has room for, one after another: each leaves with a report that asks for nothing."""
    number = 1
    machine.send("A", "s1", number, [usage("upf-0", asks=10, group=23)])
    for place in range(1, 200):
        number += 1
        said = machine.send(
            "A",
            "s1",
            number,
            [usage(f"upf-{place - 1}", used=(5,), group=23), usage(f"upf-{place}", asks=10, group=23)],
        )
        assert answers(said) == [(f"upf-{place - 1}", None), (f"upf-{place}", 10)]
    (session,) = decode_record(machine.record("A")).sessions
    assert len(session.services) < 5


def test_what_upfs_hold_goes_back_with_the_session(machine: NchfMachine) -> None:
    machine.send("A", "s1", 1, [usage(A, asks=30), usage(B, asks=40)])
    play("terminate A s1 rg 10 usu 20", machine)
    assert money(machine) == (80, 0)


def test_an_event_is_debited_for_each_upf(machine: NchfMachine) -> None:
    said = machine.send_event("A", 7, [usage(A, asks=30), usage(B, used=(20,))])
    assert (answers(said), money(machine)) == ([(A, 30), (B, None)], (50, 0))
