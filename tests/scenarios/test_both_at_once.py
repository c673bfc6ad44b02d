"""One subscriber over 4G and 5G at once: sessions through Gy and Nchf share one account, and every unit is charged once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.reference.requests import Mscc
from tests.scenarios.language import CONTEXTS, Asked, CreditStep, OpenStep
from tests.scenarios.nchf import NchfMachine, http2_client
from tests.scenarios.served_engine import CHF, ENGINE
from tests.scenarios.sockets import READY_WITHIN_S, Served, SocketMachine, served
from vocabulary.units import Unit

MONEY = 500
"""Pays 500 octets of rating group 10: what both together want is more."""
ROUNDS = 60
ASKED = 7


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An engine with Gy, and a 5G front end before it."""
    with served(tmp_path_factory.mktemp("both"), ENGINE, CHF) as processes:
        yield processes


def use_all_that_is_granted(machine: SocketMachine, name: str, session: str) -> int:
    """A session that reports everything that it is granted; how much that was in all."""

    def ask(kind: int, number: int, used: int | None, asks: bool) -> int:
        units = {Unit.OCTETS: used} if used is not None else None
        mscc = Mscc(10, None, {Unit.OCTETS: ASKED} if asks else None, units)
        said = machine.ask(Asked(name, session, kind, number, "core", CONTEXTS["data"], (mscc,), None))
        assert said.result == 2001
        (answer,) = said.msccs
        return answer.granted or 0

    total, granted = 0, ask(INITIAL, 0, None, True)
    for number in range(1, ROUNDS):
        total, granted = total + granted, ask(UPDATE, number, granted, True)
    ask(TERMINATION, ROUNDS, granted, False)
    return total + granted


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_sessions_over_both_share_the_money_to_the_last_micro(running: Served) -> None:
    smf = http2_client()
    gy, nchf = SocketMachine(running, 7000), NchfMachine(running, smf, 7000)
    gy.open(OpenStep("A", credits=(CreditStep(Unit.MONEY, MONEY),)))
    nchf.accounts = gy.accounts
    with ThreadPoolExecutor(2) as threads:
        used = [
            threads.submit(use_all_that_is_granted, machine, "A", session)
            for machine, session in ((gy, "4g"), (nchf, "5g"))
        ]
        by_gy, by_nchf = (one.result(60) for one in used)
    smf.close()
    assert min(by_gy, by_nchf) > 0
    assert by_gy + by_nchf == MONEY
    assert gy.holdings("A") == {Unit.MONEY: (0, 0)}
