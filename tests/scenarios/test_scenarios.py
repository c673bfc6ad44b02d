"""The scenario table: on the engine alone, and through sockets and processes with the same money."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import httpx
import pytest

from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from charging.tariff_tables import TariffTables
from tests.scenarios.alone import AloneMachine, tables
from tests.scenarios.language import CreditStep, OpenStep, play
from tests.scenarios.nchf import NOT_IN_NCHF, NchfMachine, NotInNchf, http2_client
from tests.scenarios.served_engine import CHF, ENGINE, ENGINE_ALONE, FRONT_END, OTHER_ENGINE, OTHER_FRONT_END
from tests.scenarios.sockets import READY_WITHIN_S, Served, SocketMachine, served
from tests.scenarios.table import SCENARIOS
from vocabulary.units import Unit

NCHF_PREFIX = 1000
"""Scenarios over Nchf have subscribers of their own beside those over Gy."""


@pytest.fixture(scope="module")
def tariffs() -> TariffTables:
    """Compiled once."""
    return tables()


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """An engine with Gy and a 5G front end on one store for all scenarios; each has subscribers of its own."""
    with served(tmp_path_factory.mktemp("served"), ENGINE, CHF) as process:
        yield process


@pytest.fixture(scope="module")
def smf() -> Iterator[httpx.Client]:
    """One connection for all scenarios."""
    with http2_client() as client:
        yield client


@pytest.mark.timeout(READY_WITHIN_S + 60)
@pytest.mark.parametrize("name", SCENARIOS)
def test_nchf(name: str, running: Served, smf: httpx.Client) -> None:
    """An SMF that says the same over Nchf is answered and charged alike."""
    machine = NchfMachine(running, smf, NCHF_PREFIX + list(SCENARIOS).index(name))
    with pytest.raises(NotInNchf) if name in NOT_IN_NCHF else nullcontext():
        play(SCENARIOS[name], machine)


@pytest.fixture(scope="module")
def handing_over(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The same with two engines that share the partitions, and two front ends before them."""
    roles = (ENGINE_ALONE, OTHER_ENGINE, FRONT_END, OTHER_FRONT_END)
    with served(tmp_path_factory.mktemp("handing_over"), *roles) as processes:
        yield processes


@pytest.mark.timeout(READY_WITHIN_S + 60)
@pytest.mark.parametrize("name", SCENARIOS)
def test_sockets(name: str, running: Served) -> None:
    """A packet core that sends the scenario over TCP is answered and charged alike."""
    play(SCENARIOS[name], SocketMachine(running, list(SCENARIOS).index(name)))


@pytest.mark.timeout(READY_WITHIN_S + 60)
@pytest.mark.parametrize("name", SCENARIOS)
def test_hand_off(name: str, handing_over: Served) -> None:
    """The same through two front ends in turn, which hand every request to the engine that owns its partition."""
    play(SCENARIOS[name], SocketMachine(handing_over, list(SCENARIOS).index(name)))


@pytest.mark.parametrize("name", SCENARIOS)
def test_engine_alone(name: str, tariffs: TariffTables) -> None:
    """The engine alone charges as the scenario says."""
    play(SCENARIOS[name], AloneMachine(tariffs))


def test_a_wrong_expectation_fails(tariffs: TariffTables) -> None:
    """The table can fail, and says where."""
    with pytest.raises(AssertionError, match="line 2: initial"):
        play("open A money 5\ninitial A s1 rg 10 rsu 9 -> granted 9", AloneMachine(tariffs))


OFFLINE, ONLINE, SUSPENDED = "OFFLINE_CHARGING", "ONLINE_CHARGING", "QUOTA_MANAGEMENT_SUSPENDED"


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_quota_management_is_suspended_and_goes_on(running: Served, smf: httpx.Client) -> None:
    """Usage without quota is debited when it is reported, and holds nothing; a request for quota ends the suspension."""
    machine = NchfMachine(running, smf, NCHF_PREFIX + len(SCENARIOS))
    machine.open(OpenStep("A", credits=(CreditStep(Unit.MONEY, 100),)))

    def report(number: int, used: int, indicator: str, asks: dict[str, int] | None) -> int | None:
        container = {"localSequenceNumber": 1, "totalVolume": used, "quotaManagementIndicator": indicator}
        wish = {} if asks is None else {"requestedUnit": asks}
        said = machine.send("A", "s1", number, [{"ratingGroup": 10, "usedUnitContainer": [container], **wish}])
        (information,) = said["multipleUnitInformation"]
        assert information["resultCode"] == "SUCCESS"
        granted: int | None = information.get("grantedUnit", {}).get("totalVolume")
        return granted

    play("initial A s1 rg 10 rsu 60 -> granted 60", machine)
    assert report(1, 20, ONLINE, None) is None
    assert machine.holdings("A")[Unit.MONEY] == (80, 0)
    assert report(2, 30, SUSPENDED, None) is None
    assert report(3, 5, OFFLINE, {}) is None
    assert machine.holdings("A")[Unit.MONEY] == (45, 0)
    assert report(4, 10, SUSPENDED, {"totalVolume": 20}) == 20
    assert machine.holdings("A")[Unit.MONEY] == (15, 20)


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_the_offline_only_service_charges_what_an_event_reports_and_no_wish(running: Served, smf: httpx.Client) -> None:
    machine = NchfMachine(running, smf, NCHF_PREFIX + len(SCENARIOS) + 1)
    machine.open(OpenStep("A", credits=(CreditStep(Unit.MONEY, 100),)))
    machine.send_offline_event("A", 1, {"ratingGroup": 10, "requestedUnit": {"totalVolume": 60}})
    assert machine.holdings("A")[Unit.MONEY] == (100, 0)
    used = [{"localSequenceNumber": 1, "totalVolume": 30}]
    machine.send_offline_event("A", 2, {"ratingGroup": 10, "requestedUnit": {}, "usedUnitContainer": used})
    assert machine.holdings("A")[Unit.MONEY] == (70, 0)


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_the_offline_only_service_takes_reports_of_whatever_account_it_knows(
    running: Served, smf: httpx.Client
) -> None:
    """What was used is used: nothing is authorised that a barred account could be refused (TS 32.290 §5.3)."""
    machine = NchfMachine(running, smf, NCHF_PREFIX + len(SCENARIOS) + 2)
    machine.open(OpenStep("A", credits=(CreditStep(Unit.MONEY, 100),), is_barred=True))

    def used(units: int) -> list[dict[str, Any]]:
        return [{"ratingGroup": 10, "usedUnitContainer": [{"localSequenceNumber": 1, "totalVolume": units}]}]

    created = machine.send_offline("A", INITIAL, 0, [])
    assert created.status_code == 201, created.text
    ref = created.headers["location"].rpartition("/")[2]
    assert machine.send_offline("A", INITIAL, 0, []).headers["location"] == created.headers["location"], "once"
    assert machine.send_offline("A", UPDATE, 1, used(30), f"/{ref}/update").status_code == 200
    assert machine.holdings("A")[Unit.MONEY] == (70, 0)
    assert machine.send_offline("A", TERMINATION, 2, used(90), f"/{ref}/release").status_code == 204
    assert machine.holdings("A")[Unit.MONEY] == (-20, 0)
    assert machine.send_offline("A", INITIAL, 7, used(5)).status_code == 201
    machine.send_offline_event("A", 8, used(5)[0])
    machine.send_offline_event("A", 9, {"ratingGroup": 10})
    assert machine.holdings("A")[Unit.MONEY] == (-30, 0)
    unknown = machine.send_offline("A", INITIAL, 10, used(5), subscriberIdentifier="imsi-999999999999999")
    assert (unknown.status_code, unknown.json()["cause"]) == (404, "USER_UNKNOWN")


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_reports_of_a_consumer_that_never_counts_are_charged_once(running: Served, smf: httpx.Client) -> None:
    machine = NchfMachine(running, smf, NCHF_PREFIX + len(SCENARIOS) + 3)
    machine.open(OpenStep("A", credits=(CreditStep(Unit.MONEY, 100),)))
    created = machine.send_offline("A", INITIAL, 0, [])
    update = f"/{created.headers['location'].rpartition('/')[2]}/update"
    reports = [
        [{"ratingGroup": 10, "usedUnitContainer": [{"localSequenceNumber": 1, "totalVolume": units}]}]
        for units in (1, 2, 3, 4, 5, 6)
    ]
    assert [machine.send_offline("A", UPDATE, 0, one, update).status_code for one in reports] == [200] * 6
    assert machine.holdings("A")[Unit.MONEY] == (79, 0)
    again = [machine.send_offline("A", UPDATE, 0, one, update, retransmissionIndicator=True) for one in reports]
    assert [answer.status_code for answer in again] == [400, 400, 400, 400, 200, 200]
    assert machine.holdings("A")[Unit.MONEY] == (79, 0)


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_messages_of_one_instant_to_two_recipients_are_two(running: Served, smf: httpx.Client) -> None:
    machine = NchfMachine(running, smf, NCHF_PREFIX + len(SCENARIOS) + 4)
    machine.open(OpenStep("A", credits=(CreditStep(Unit.MONEY, 100),)))
    used = [{"ratingGroup": 10, "usedUnitContainer": [{"localSequenceNumber": 1, "totalVolume": 30}]}]
    event = {"oneTimeEvent": True, "oneTimeEventType": "PEC", "chargingId": None}
    locations = []
    for recipient in ("491", "492", "491"):
        information = {"recipientInfo": [{"recipientGPSI": f"msisdn-{recipient}"}]}
        answer = machine.send_offline("A", EVENT, 0, used, sMSChargingInformation=information, **event)
        assert answer.status_code == 201, answer.text
        locations.append(answer.headers["location"])
    assert locations[0] == locations[2] != locations[1]
    assert machine.holdings("A")[Unit.MONEY] == (40, 0)
