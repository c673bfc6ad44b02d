"""What workflows ask besides the database, and what its answers mean to them."""

from collections.abc import Callable
from dataclasses import dataclass

from bss.catalog.release import CatalogRelease
from bss.engine_port import Done, EnginePort, NoEngine, Refused, SendResult
from bss.network_port import NetworkDone, NetworkPort, NetworkRefused, NetworkRequest
from bss.steps import NO_ENGINE, UNKNOWN, Answer, Failed, Made
from bss.work import Work


@dataclass(frozen=True, slots=True)
class Ports:
    """The engine, the network, and the catalogue.

    release   the catalogue release of a number; of 0 the one in force. NotFound
    """

    engine: EnginePort
    network: NetworkPort
    release: Callable[[Work, int], CatalogRelease]


def engine_answer(result: SendResult, *, fine: frozenset[str] = frozenset()) -> Answer:
    """What a command came to. `fine`: codes of refusals that leave what was wanted."""
    if isinstance(result, Done):
        return Made({"account_id": str(result.account_id)})
    if isinstance(result, Refused):
        return Made() if result.code in fine else Failed(result.code, result.reason)
    return Failed(NO_ENGINE if isinstance(result, NoEngine) else UNKNOWN, result.reason, is_transient=True)


def ask_network(network: NetworkPort, request: NetworkRequest, *, fine: frozenset[str] = frozenset()) -> Answer:
    """What a request came to."""
    result = network.send(request)
    if isinstance(result, NetworkDone):
        return Made()
    if isinstance(result, NetworkRefused):
        return Made() if result.code in fine else Failed(result.code, result.reason)
    return Failed(UNKNOWN, result.reason, is_transient=True)
