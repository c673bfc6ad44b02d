"""The business side's ports as the settings name them: the live engine, the network, the catalogue."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from bss.edge.hss import HssClient
from bss.network_port import NetworkPort, NetworkRequest, NetworkResult, NetworkSubscriber, NetworkUnknown
from bss.orchestration.ports import Ports
from bss.orchestration.worker_tables import read_release
from runtime.bss_engine import BssEngine
from runtime.settings import Settings


class NoNetwork:
    """NetworkPort where none is set: every request waits for the setting."""

    _REASON = "no subscriber store is set: set bss.hss_url, and retry"

    def send(self, request: NetworkRequest) -> NetworkResult:
        """See NetworkPort."""
        return NetworkUnknown(self._REASON)

    def read_subscriber(self, imsi: str) -> NetworkSubscriber | NetworkUnknown | None:
        """See NetworkPort."""
        return NetworkUnknown(self._REASON)


def make_ports(settings: Settings, store_url: Callable[[], str]) -> Ports:
    """Ports of this process. `store_url` is asked again after the store was away."""
    network: NetworkPort = HssClient(settings.bss.hss_url) if settings.bss.hss_url else NoNetwork()
    return Ports(BssEngine(store_url), network, read_release)


if TYPE_CHECKING:
    _KEPT_CONTRACT: type[NetworkPort] = NoNetwork
