"""`farebox up`: one data directory's store, engines, front ends, archiver and record writer, started, told of, kept running."""

import asyncio
import errno
import os
import signal
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from typing import Any, Final

from balances.edge.addresses import parse_address
from balances.edge.redis_store import RedisStore
from balances.store import StoreMeta
from runtime import kill_points
from runtime.acceptor import Acceptor, acceptor_socket
from runtime.bss_extra import require_bss
from runtime.config import environment_of
from runtime.data_folder import DataFolder, UpState, lock_data_folder, take_first_login, write_up_state
from runtime.fork_client import IS_USED, ForkServer
from runtime.launch import launch_alone
from runtime.moved_clock import begin_clock
from runtime.own_store import bind_to_store, refuse_new_store
from runtime.settings import Settings
from runtime.store_opening import await_store, check_engines, check_partitions, embedded_store
from runtime.supervisor import STOP_S, Child, ChildState, ProcessChild, StoreChild, Supervisor
from runtime.up_roles import PORT_WORDS, PlannedChild, accepted_limits, planned_children

PORT_FREE_S: Final = 15.0
"""How long the processes of a killed `farebox up` may take to answer what is under way and free their ports."""
UP_LINE: Final = "Farebox is up"
"""How the line begins that says that everything serves."""


class PortTaken(Exception):
    """Something else listens on a port that is needed; the message names it and the remedy."""


class Up:
    """Everything that runs for one data directory.

    flags    settings given as flags, by name: children get them through their environment
    report   called with a role, its state, and what is to say about it
    """

    def __init__(self, settings: Settings, flags: Mapping[str, Any], report: Callable[[str, str, str], None]) -> None:
        self.settings = settings
        self.folder = DataFolder(settings.store.data_dir)
        self._flags = dict(flags)
        self._report = report
        self._states: dict[str, str] = {}
        self._store_child = None if settings.store.url else StoreChild(lambda: embedded_store(settings.store))
        self._store_url = ""
        self._meta: StoreMeta | None = None
        self._supervisor: Supervisor | None = None
        self._planned = {child.name: child for child in planned_children(settings)}
        self._forks = ForkServer(os.environ, self.folder.logs / "fork-server.log") if IS_USED else None
        self._acceptors: dict[str, Acceptor] = {}
        """of ports whose front ends are processes of their own, by section"""
        self._is_announced = False

    async def run(self) -> None:
        """Run until SIGINT or SIGTERM. BssMissing, DataFolderTaken, ClockRefused, PortTaken, StoreError, KillPointError: it
        can't start.
        """
        require_bss(self.settings)
        value = os.environ.get(kill_points.VARIABLE)
        kill_points.arm(value, environment=self.settings.engine.environment)
        kill_points.arm(None, environment=self.settings.engine.environment)  # the children's, not this process's
        lock = lock_data_folder(self.folder)
        loop, starting = asyncio.get_running_loop(), asyncio.current_task()
        assert starting is not None
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, starting.cancel)
        try:
            if self._store_child is not None and self._store_child.store.is_new:
                refuse_new_store(self.folder, f"there is no store in {self.folder.store}")
            self.folder.up_file.unlink(missing_ok=True)
            begin_clock(self.folder, is_wanted=self.settings.engine.test_clock)
            for folder in (self.folder.run, self.folder.logs):
                folder.mkdir(exist_ok=True)
            await _await_ports(self.settings)
            self._start_acceptors()
            if self._forks is not None:
                await self._forks.begin()  # it loads while the store starts
            await self._open_store()
            await self._supervise()
        except asyncio.CancelledError:
            pass  # stopped while it started: what it had started is stopped
        finally:
            self.folder.up_file.unlink(missing_ok=True)
            if self._forks is not None:
                await self._forks.close()
            for acceptor in self._acceptors.values():
                acceptor.close()
            os.close(lock)

    def _start_acceptors(self) -> None:
        """Accept on the ports of front ends. PortTaken."""
        for name, limit in accepted_limits(self.settings).items():
            self._acceptors[name] = Acceptor(
                _bind(self.settings, name),
                acceptor_socket(self.folder.run, name),
                limit=limit,
                report=partial(self._report, name, "warning"),
            )
            self._acceptors[name].start()

    def last_words(self) -> str:
        """What is true of answers once all has stopped."""
        if self._meta is None:
            return "it hadn't begun to serve, nothing was answered"
        if self._meta.fsync == "always":
            return "everything that was answered is in the store"
        if self._store_child is not None and self._store_child.is_closed:
            return "everything that was answered is in the store, which wrote its file to disk as it ended"
        return (
            f"everything that was answered was given to the store; with appendfsync {self._meta.fsync} the last second or"
            " two are on its disk when it has written them"
        )

    async def _open_store(self) -> None:
        """Start or adopt the embedded store, or wait for the given one; create it where it is new."""
        child = self._store_child
        if child is not None:
            self._report("store", ChildState.STARTING.value, f"embedded, in {self.folder.store}")
            await _start_whole(child)
        self._store_url = self.settings.store.url if child is None else child.store.url
        store = RedisStore(self._store_url)
        try:
            self._meta = await await_store(
                store,
                self.settings,
                creates=True,
                report=lambda line: self._report("store", ChildState.STARTING.value, line),
            )
            check_partitions(self._meta, self._flags.get("store.partitions"))
            check_engines(self.settings, self._meta.partition_count)
            await bind_to_store(self.folder, store)
        except BaseException:
            if child is not None and not child.store.is_adopted:
                await asyncio.to_thread(child.stop, STOP_S)
            raise
        finally:
            await store.close()
        if child is None:
            self._states["store"] = ChildState.READY.value
            self._report("store", ChildState.READY.value, self._store_words())

    def _store_words(self) -> str:
        assert self._meta is not None
        child = self._store_child
        whose = f"process {child.pid}" if child is not None else "given"
        if child is not None and child.store.is_adopted:
            whose += ", adopted"
        address = parse_address(self._store_url)  # its text has no password
        words = f"{address} ({whose}, {self._meta.partition_count} partitions, appendfsync {self._meta.fsync})"
        notices = child.store.notices if child is not None else ()
        return "; ".join((words, *notices))

    async def _supervise(self) -> None:
        children: list[Child] = [self._process_child(planned) for planned in self._planned.values()]
        if self._store_child is not None:
            children.append(self._store_child)
        give_up = self._forks.give_up_loading if self._forks is not None else lambda: None
        self._supervisor = Supervisor(children, self._on_change, give_up)
        await self._supervisor.run()

    def _process_child(self, planned: PlannedChild) -> ProcessChild:
        port, role = self.settings.telemetry.port, planned.role
        flags = {
            **self._flags,
            **role.flags(self.settings, planned.name),
            "store.url": self._store_url,
            "store.data_dir": self.settings.store.data_dir,
            "telemetry.port": port + planned.metrics_place if port > 0 else port,
        }
        flags |= {f"{name}.port": acceptor.port for name, acceptor in self._acceptors.items()}
        return ProcessChild(
            planned.name,
            [role.name, *role.arguments(self.settings)],
            {**os.environ, **environment_of(flags)},
            ready_file=self.folder.run / f"{planned.name}.ready",
            log=self.folder.logs / f"{planned.name}.log",
            launch=launch_alone if self._forks is None else self._forks.start,
        )

    # --- what it says ------------------------------------------------------------------------------------------------

    def _on_change(self, child: Child, state: ChildState, words: str) -> None:
        """A child's state changed: to the terminal and to up.json."""
        self._states[child.name] = state.value
        if state is ChildState.READY:
            words = self._store_words() if child is self._store_child else self._listening(child)
        self._report(child.name, state.value, words)
        self._write_state()
        if child.name == "bss-web" and state is ChildState.READY:
            self._tell_first_login()
        everything = (*self._planned, "store")
        if not self._is_announced and all(self._states.get(name) == ChildState.READY.value for name in everything):
            self._is_announced = True
            ports = self._ports()
            where = [self._where(name, ports[name]) for name in PORT_WORDS if name in ports]
            self._report("", UP_LINE, f"{', '.join(where)}, ^C stops it")

    def _tell_first_login(self) -> None:
        """The first start of the business side made an administrator: who may log in is said here, once."""
        found = take_first_login(self.folder)
        if found is not None:
            words = f"{found[0]}, one-time password {found[1]} (good for 7 days, the console asks for one of your own)"
            self._report("", "First login", words)

    def _listening(self, child: Child) -> str:
        """Where a child listens, in words."""
        assert self._supervisor is not None
        ports = self._supervisor.ports()[child.name]
        listens = self._planned[child.name].role.listens(self.settings)
        words = [self._where(name, port) for name, port in zip(listens, ports, strict=False)]
        words.append(f"process {child.pid}")
        if self.settings.telemetry.port >= 0:
            words.append(f"metrics on http://{self.settings.telemetry.host}:{ports[-1]}/metrics")
        return ", ".join(words)

    def _where(self, name: str, port: int) -> str:
        """What listens on a port of up.json, and where."""
        return PORT_WORDS[name](self.settings).format(port=port)

    def _ports(self) -> dict[str, int]:
        """By name: what PORT_WORDS has, and `<child>_metrics` where there are metrics."""
        assert self._supervisor is not None
        named = {name: acceptor.port for name, acceptor in self._acceptors.items()}
        for child, ports in self._supervisor.ports().items():
            if child in self._planned:
                named.update(zip(self._planned[child].role.listens(self.settings), ports, strict=False))
            if ports and self.settings.telemetry.port >= 0:
                named[f"{child}_metrics"] = ports[-1]
        return named

    def _write_state(self) -> None:
        assert self._supervisor is not None
        child = self._store_child
        state = UpState(
            pid=os.getpid(),
            store_url=self._store_url,
            pids=self._supervisor.pids(),
            ports=self._ports(),
            states=dict(self._states),
            is_store_adopted=child is not None and child.store.is_adopted,
        )
        try:
            write_up_state(self.folder, state)
        except OSError as error:  # a full disk must not end what keeps everything else running
            self._report("up", "warning", f"{self.folder.up_file} can't be written: {error.strerror}")


async def _start_whole(child: StoreChild) -> None:
    """Start the store; one that is interrupted meanwhile is stopped as soon as it can be, not left behind."""
    starting = asyncio.ensure_future(child.start())
    try:
        await asyncio.shield(starting)
    except asyncio.CancelledError:
        await asyncio.wait([starting])
        if starting.exception() is None and not child.store.is_adopted:
            await asyncio.to_thread(child.stop, STOP_S)
        raise


async def _await_ports(settings: Settings) -> None:
    """Until the ports that were asked for are free. PortTaken."""
    wanted = [("gy.port", settings.gy.host, settings.gy.port)]
    if settings.chf.processes:
        wanted.append(("chf.port", settings.chf.host, settings.chf.port))
    if settings.nrf.url and settings.nrf.watched:
        wanted.append(("nrf.notify_port", settings.nrf.notify_host, settings.nrf.notify_port))
    if settings.bss.web:
        wanted.append(("bss.web_port", settings.bss.web_host, settings.bss.web_port))
    base = settings.telemetry.port
    if base > 0:
        places = [child.metrics_place for child in planned_children(settings)]
        wanted += [("telemetry.port", settings.telemetry.host, base + place) for place in sorted(places)]
    loop = asyncio.get_running_loop()
    ends = loop.time() + PORT_FREE_S
    for name, host, port in wanted:
        while port and not _is_free(name, host, port):
            if not _is_ours(settings) or loop.time() > ends:
                raise PortTaken(f"{name}: something listens on {host}:{port} already: choose another, or stop that")
            await asyncio.sleep(0.1)


def _bind(settings: Settings, name: str) -> socket.socket:
    """The port of a section. PortTaken."""
    section = getattr(settings, name)
    host, port = section.host, section.port
    bound = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    with suppress(OSError):
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        bound.bind((host, port))
    except OSError as error:
        bound.close()
        raise PortTaken(
            f"{name}.port: {host}:{port} can't be listened on ({error.strerror}): choose another"
        ) from error
    return bound


def _is_free(name: str, host: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return False
            raise PortTaken(f"{name}: {host}:{port} can't be listened on ({error.strerror}): choose another") from error
    return True


def _is_ours(settings: Settings) -> bool:
    """Do processes of an earlier `farebox up` of this data directory still run? Theirs end by themselves."""
    for path in DataFolder(settings.store.data_dir).run.glob("*.ready"):
        with suppress(OSError, ValueError, IndexError):
            os.kill(int(path.read_text().split()[-1]), 0)
            return True
    return False
