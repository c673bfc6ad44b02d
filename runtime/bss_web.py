"""`farebox bss-web`: TM Forum APIs, their pages and the console, over HTTP. Several may run on one database."""

import asyncio
import contextlib
import gc
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Final

import structlog
import uvicorn
import uvloop
from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from bss.access import Caller
from bss.api.apis import APIS
from bss.api.serving import Apis, application
from bss.api.tokens import Tokens
from bss.console.pages import mount_console
from bss.console.site import ROOT, Site
from bss.edge.database import Database
from bss.edge.login import Logins
from bss.edge.token_keys import token_key
from bss.identity.operations import add_first_administrator, open_tenant
from bss.identity.tables import TENANT
from bss.work import Work
from runtime.bss_database import open_bss_database
from runtime.bss_ports import make_ports
from runtime.data_folder import DataFolder, write_first_login
from runtime.live_counters import UpCounters
from runtime.moved_clock import clock_of
from runtime.serving import serve
from runtime.session_stories import JournalStories
from runtime.settings import Settings
from runtime.telemetry import WEB, Health, Telemetry

DRAIN_S: Final = 5
_CONSOLE: Final = (f"{ROOT}/", "/_nicegui", "/_nicegui_ws")
_BEGINNER: Final = Caller("default", "first start", frozenset({"tenant:write", "user:write"}))


class WebProcess:
    """APIs and console with their telemetry; see ServingProcess."""

    name: ClassVar = WEB
    ready_line: ClassVar = "web ready"

    def __init__(self, settings: Settings, store_url: str) -> None:
        self.telemetry = Telemetry(self.name)
        self._settings = settings
        self._database = open_bss_database(settings)
        self._server = _Server(
            uvicorn.Config(
                web_application(settings, self._database, store_url),
                host=settings.bss.web_host,
                port=settings.bss.web_port,
                log_level="warning",
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        self._serving: asyncio.Task[None] | None = None

    async def start(self, stopping: asyncio.Event) -> dict[str, int] | None:
        """Listen. See ServingProcess."""
        self._serving = asyncio.create_task(self._server.serve())
        while not self._server.started:
            if self._serving.done():
                await self._serving
                raise OSError(f"{self._settings.bss.web_host}:{self._settings.bss.web_port} could not be listened on")
            await asyncio.sleep(0.02)
        port: int = self._server.servers[0].sockets[0].getsockname()[1]
        gc.collect()
        gc.freeze()  # a collection looks at what pages and requests made alone, or it would hold one up for 0.1 s
        return {"web_port": port}

    async def run(self, stopping: asyncio.Event) -> None:
        """Serve until told to stop, then let requests end. See ServingProcess."""
        await stopping.wait()
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    async def close(self) -> None:
        """See ServingProcess."""
        self._server.should_exit = True
        self._database.close()

    def health(self) -> Health:
        """Ready while it listens."""
        return Health(self._server.started, () if self._server.started else ("the web server doesn't listen",))


class _Server(uvicorn.Server):
    """Signals are the process's to take (runtime/serving.py)."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave them alone."""
        yield


def web_application(settings: Settings, database: Database, store_url: str) -> ASGIApp:
    """APIs and, where settings want it, the console as one application."""
    clock = clock_of(settings)
    key_id, key = token_key(settings.store.data_dir)
    tokens = Tokens({key_id: key}, key_id)
    ports = make_ports(settings, lambda: store_url)
    shared = Apis(
        database,
        tokens,
        now_ns=clock.now_ns,
        public_url=settings.bss.public_url,
        engine=ports.engine,
        networks=settings.webhooks.networks,
    )
    apis = application(APIS, shared, tokens)
    _begin(database, DataFolder(settings.store.data_dir))
    if not settings.bss.has_console:
        return apis
    console = FastAPI(openapi_url=None)
    folder = DataFolder(settings.store.data_dir)
    stories = JournalStories(lambda: store_url, folder)
    site = Site(database, ports.engine, UpCounters(folder, clock), Logins(database), stories)
    mount_console(console, site, secret=secrets.token_urlsafe())

    async def either(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope.get("path", "")
        is_console = scope["type"] == "lifespan" or path == ROOT or path.startswith(_CONSOLE)
        await (console if is_console else apis)(scope, receive, send)

    return either


def _begin(database: Database, folder: DataFolder) -> None:
    """The first start of an installation makes its tenant and its first administrator; `farebox up` says the password, once."""

    def first(work: Work) -> Any:
        if work.find(TENANT, work.caller.tenant) is None:
            open_tenant(work, name=work.caller.tenant)
        return add_first_administrator(work)

    made = database.write(_BEGINNER, first)
    if made is not None:
        write_first_login(folder, made.user.login, made.one_time_password)
        structlog.get_logger(process=WEB).warning(
            "first administrator", login=made.user.login, one_time_password_in=str(folder.first_login)
        )


def run_bss_web(settings: Settings, store_url: str, *, ready_file: Path | None = None) -> None:
    """Serve until SIGTERM or SIGINT.

    ready_file   gets `<web port> <telemetry port> <pid>` once it serves
    """
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(WebProcess(settings, store_url), settings.telemetry, ready_file))
