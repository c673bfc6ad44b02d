"""`farebox nrf`: the registration with an NRF, one a data directory, in a process that charging doesn't need."""

import asyncio
import dataclasses
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Final

from balances.edge.redis_store import RedisStore
from chf_http2.edge.listener import Listener
from chf_http2.edge.nrf_client import NrfClient
from chf_http2.edge.nrf_notifications import NrfNotifications
from runtime.chf_load import told_load
from runtime.config import ConfigError
from runtime.data_folder import DataFolder
from runtime.moved_clock import clock_of
from runtime.nf_instance import nf_instance_id
from runtime.serving import serve
from runtime.settings import Settings
from runtime.telemetry import NRF, Health, Telemetry

LOOK_S: Final = 1.0


class NrfProcess:
    """NRF client, its notifications and telemetry of one process, wired; see ServingProcess."""

    name: ClassVar = NRF
    ready_line: ClassVar = "NRF client ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.telemetry = Telemetry(self.name)
        self._settings = settings
        self._store_url = store_url
        self._clock = clock_of(settings)
        self._folder = DataFolder(settings.store.data_dir).run
        self._client: NrfClient | None = None
        self._listener: Listener | None = None
        self._notifications = NrfNotifications(settings.nrf.watched, self._count_notification)

    def health(self) -> Health:
        """See ServingProcess: ready while the NRF has us."""
        why_away = "starting" if self._client is None else self._client.why_away
        return Health(not why_away, (why_away,) if why_away else ())

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Ask the store who we are; listen, where anything is watched. See ServingProcess."""
        store = RedisStore(self._store_url)
        try:
            meta = await store.open()
        finally:
            await store.close()
        nrf, chf = self._settings.nrf, self._settings.chf
        ports = {}
        if nrf.watched:
            where = dataclasses.replace(chf, host=nrf.notify_host, port=nrf.notify_port)
            self._listener = Listener(self._notifications.answer, where, now_ns=self._clock.now_ns)
            await self._listener.start()
            ports["nrf_port"] = self._listener.port
        scheme = "https" if chf.tls_certificate else "http"
        host = f"[{nrf.notify_host}]" if ":" in nrf.notify_host else nrf.notify_host
        try:
            self._client = NrfClient(
                nrf,
                chf,
                nf_instance_id(chf.nf_instance_id, meta),
                notify_url=nrf.notify_url or f"{scheme}://{host}:{ports.get('nrf_port', 0)}",
                load=self._load,
                now_ns=self._clock.now_ns,
                observe=lambda asked, status: self.telemetry.counter("nrf_requests_total", asked, str(status)).inc(),
            )
        except ssl.SSLError as error:
            raise ConfigError([f"nrf.tls_ca or chf.tls_certificate: {error}"]) from None
        return ports

    async def run(self, stopping: asyncio.Event) -> None:
        """Until told to stop; then the NRF is told that we go. See ServingProcess."""
        assert self._client is not None
        looking = asyncio.ensure_future(self._look())
        try:
            await self._client.run(stopping)
        finally:
            looking.cancel()

    async def _look(self) -> None:
        """Bring to the metrics what changes without a request."""
        assert self._client is not None
        while True:
            self.telemetry.gauge("nrf_registered").set(int(not self._client.why_away))
            for nf_type in self._settings.nrf.watched:
                self.telemetry.gauge("nrf_network_functions", nf_type).set(self._notifications.count_of(nf_type))
            await asyncio.sleep(LOOK_S)

    def _load(self) -> int | None:
        load = told_load(self._folder, self._clock.now_ns())
        self.telemetry.gauge("nrf_load_percent").set(load or 0)
        return load

    def _count_notification(self, event: str) -> None:
        self.telemetry.counter("nrf_notifications_total", event).inc()

    async def close(self) -> None:
        """See ServingProcess."""
        if self._listener is not None:
            await self._listener.close()


def run_nrf(
    settings: Settings, store_url: str, *, ready_file: Path | None = None, report: Callable[[str], None] = print
) -> None:
    """Keep the registration until SIGTERM or SIGINT. ConfigError where there is nothing to register, or nowhere.

    ready_file   gets `<port of notifications, where there is one> <telemetry port> <pid>` once it works
    """
    faults = []
    if not settings.nrf.url:
        faults.append("nrf.url is empty: say which NRF, such as http://nrf.example:7777")
    if not (settings.nrf.port or settings.chf.port):
        faults.append("chf.port is 0: give the port of the 5G front ends, or nrf.port")
    if faults:
        raise ConfigError(faults)
    report(f"NRF: {settings.nrf.url}")
    asyncio.run(serve(NrfProcess(settings, store_url), settings.telemetry, ready_file))
