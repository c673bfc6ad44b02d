"""What the tests of the engine's port need beside it: a published catalogue, and a client that opens a session."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from bss.engine_in_memory import MemoryEngine
from bss.engine_port import EnginePort, Identity
from runtime.bss_engine import BssEngine
from tests.reference.private_valkey import private_valkey
from tests.runtime.gy_client import gy_client
from tests.runtime.private_engine import create_store, private_engine
from vocabulary.instants import from_rfc3339

NOW_NS = from_rfc3339("2026-03-01T12:00:00Z")
MIB = 1024**2


class Engine(Protocol):
    """One of the two, under test."""

    port: EnginePort

    def begin_session(self, imsi: Identity, session_id: str) -> None:
        """A client of the tenant `default` opens a session of 1 MiB in rating group 10."""


class InMemory:
    """The one in memory."""

    def __init__(self) -> None:
        self.port = MemoryEngine(lambda: NOW_NS)

    def begin_session(self, imsi: Identity, session_id: str) -> None:
        """See Engine."""
        tenant = self.port.tenant_number("default")
        assert isinstance(tenant, int)
        self.port.begin_session(tenant, imsi, session_id)


class Live:
    """A real engine on a real store."""

    def __init__(self, port: BssEngine, gy_port: int) -> None:
        self.port = port
        self._gy_port = gy_port

    def begin_session(self, imsi: Identity, session_id: str) -> None:
        """See Engine."""
        with gy_client(self._gy_port) as client:
            assert client.ask(1, 0, session_id, imsi.value, asked=MIB).result == 2001


@contextmanager
def live_engine(folder: Path) -> Iterator[Live]:
    """A running engine; it ends with the context."""
    with private_valkey(folder) as address:
        create_store(address)
        with private_engine(address, folder) as gy_port:
            port = BssEngine(lambda: address)
            try:
                yield Live(port, gy_port)
            finally:
                port.close()
