"""The network's port: what the simulated HSS and the one in memory both hold to."""

import itertools
from collections.abc import Iterator

import pytest

from bss.edge.hss import HssClient
from bss.network_in_memory import MemoryNetwork
from bss.network_port import (
    ALREADY_PROVISIONED,
    KEY_USED,
    NUMBER_IN_USE,
    UNKNOWN_SUBSCRIBER,
    ChangeSim,
    Deprovision,
    NetworkDone,
    NetworkPort,
    NetworkRefused,
    NetworkRequest,
    NetworkSubscriber,
    Provision,
    Resume,
    SubscriberState,
    Suspend,
)
from tests.bss.simulated_hss import simulated_hss

_numbers = itertools.count(1)


@pytest.fixture(scope="module", params=["memory", "hss"])
def network(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[NetworkPort]:
    if request.param == "memory":
        yield MemoryNetwork()
        return
    with simulated_hss(tmp_path_factory.mktemp("hss")) as hss:
        yield HssClient(hss.url)


class Sim:
    """A SIM, another one to come, and a number, which nobody else has."""

    def __init__(self) -> None:
        number = next(_numbers)
        self.imsi, self.new_imsi = f"26201{number:010d}", f"26202{number:010d}"
        self.msisdn = f"4917{number:08d}"

    def key(self, step: str) -> str:
        return f"order-{self.imsi}/{step}"

    def provision(self, step: str = "provision") -> Provision:
        return Provision(self.key(step), self.imsi, self.msisdn)

    def as_it_is(self, state: SubscriberState = SubscriberState.ACTIVE) -> NetworkSubscriber:
        return NetworkSubscriber(self.imsi, self.msisdn, "default", state)


def code_of(network: NetworkPort, request: NetworkRequest) -> str:
    refused = network.send(request)
    assert isinstance(refused, NetworkRefused), refused
    return refused.code


def test_the_life_of_a_subscriber(network: NetworkPort) -> None:
    sim = Sim()
    assert network.read_subscriber(sim.imsi) is None
    assert network.send(sim.provision()) == NetworkDone(sim.as_it_is())
    suspended = sim.as_it_is(SubscriberState.SUSPENDED)
    assert network.send(Suspend(sim.key("suspend"), sim.imsi)) == NetworkDone(suspended)
    assert network.send(Suspend(sim.key("again"), sim.imsi)) == NetworkDone(suspended)
    assert network.read_subscriber(sim.imsi) == suspended
    assert network.send(Resume(sim.key("resume"), sim.imsi)) == NetworkDone(sim.as_it_is())
    swapped = NetworkSubscriber(sim.new_imsi, sim.msisdn, "default", SubscriberState.ACTIVE)
    assert network.send(ChangeSim(sim.key("sim"), sim.imsi, sim.new_imsi)) == NetworkDone(swapped)
    assert network.read_subscriber(sim.imsi) is None
    assert network.send(Deprovision(sim.key("end"), sim.new_imsi)) == NetworkDone(None)
    assert network.read_subscriber(sim.new_imsi) is None


def test_a_request_is_done_once_under_its_key(network: NetworkPort) -> None:
    sim = Sim()
    first = network.send(sim.provision())
    network.send(Suspend(sim.key("suspend"), sim.imsi))
    assert network.send(sim.provision()) == first, "as it was answered then"
    assert network.read_subscriber(sim.imsi) == sim.as_it_is(SubscriberState.SUSPENDED)
    assert code_of(network, Suspend(sim.key("provision"), sim.imsi)) == KEY_USED
    network.send(Deprovision(sim.key("end"), sim.imsi))
    assert network.send(sim.provision()) == first
    assert network.read_subscriber(sim.imsi) is None, "what was done isn't done again"


def test_what_contradicts_what_is_is_refused(network: NetworkPort) -> None:
    sim, other = Sim(), Sim()
    assert code_of(network, Suspend(sim.key("a"), sim.imsi)) == UNKNOWN_SUBSCRIBER
    assert code_of(network, Deprovision(sim.key("b"), sim.imsi)) == UNKNOWN_SUBSCRIBER
    network.send(sim.provision())
    network.send(other.provision())
    assert code_of(network, sim.provision("twice")) == ALREADY_PROVISIONED
    assert code_of(network, Provision(sim.key("c"), sim.new_imsi, other.msisdn)) == NUMBER_IN_USE
    assert code_of(network, ChangeSim(sim.key("d"), sim.imsi, other.imsi)) == ALREADY_PROVISIONED
    assert network.read_subscriber(sim.imsi) == sim.as_it_is()


def test_what_was_refused_may_be_asked_again(network: NetworkPort) -> None:
    sim = Sim()
    assert code_of(network, Suspend(sim.key("suspend"), sim.imsi)) == UNKNOWN_SUBSCRIBER
    network.send(sim.provision())
    assert isinstance(network.send(Suspend(sim.key("suspend"), sim.imsi)), NetworkDone)


@pytest.mark.parametrize(
    ("field", "values"),
    [("imsi", ("k", "26201", "491")), ("msisdn", ("k", "262011", "+491")), ("key", ("", "262011", "491"))],
)
def test_a_request_that_could_never_be_is_none(field: str, values: tuple[str, str, str]) -> None:
    with pytest.raises(ValueError, match=field):
        Provision(*values)
