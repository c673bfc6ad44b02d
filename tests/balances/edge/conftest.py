"""The stores that the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.balances.edge.stores import Harness, MemoryHarness, RedisHarness
from tests.balances.edge.valkey_process import ValkeyProcess, valkey_process
from tests.reference.private_valkey import private_valkey


@pytest.fixture(scope="module")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server of the module's own."""
    with private_valkey(tmp_path_factory.mktemp("v")) as url:
        yield url


@pytest.fixture(params=["memory", "redis"])
def harness(request: pytest.FixtureRequest) -> Harness:
    """Each store in turn, with nothing in it."""
    if request.param == "memory":
        return MemoryHarness()
    return RedisHarness(request.getfixturevalue("valkey"))


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ValkeyProcess]:
    """A server of the module's own that can be stopped and killed."""
    with valkey_process(tmp_path_factory.mktemp("v")) as server:
        yield server


@pytest.fixture
def server(shared_server: ValkeyProcess) -> ValkeyProcess:
    """The module's server, empty."""
    with shared_server.client() as client:
        client.flushall()
        client.function_flush()
    return shared_server
