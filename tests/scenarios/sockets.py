"""Scenarios through everything: Diameter over TCP to real processes, balances in a real Valkey.

The engine has the Gy front end in its process, or that is a process of its own which hands over.
"""

import asyncio
import mmap
import socket
import time
from collections.abc import Coroutine, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from balances.commands import (
    Amount,
    Applied,
    Change,
    Credit,
    Debit,
    Opening,
    ProductEnd,
    ProductPeriod,
    Refused,
    Terms,
    fee,
)
from balances.edge.command_sender import CommandSender
from balances.edge.redis_store import RedisStore
from balances.keys import partition_of
from balances.record import AccountStatus
from catalog_loader.edge.publish import Published, publish
from catalog_loader.edge.read_files import check
from charging.batch import EVENT, TERMINATION
from tests.gy_interface.diameter_octets import avps_of, group, message, subscription, text, u32, u64
from tests.gy_interface.peer_messages import REQUEST, answer_to, cer
from tests.reference.forks import Forked, start_module
from tests.reference.private_valkey import private_valkey
from tests.reference.requests import Mscc
from tests.scenarios.alone import holdings_of, instant
from tests.scenarios.catalogues import CATALOGUES, TENANTS
from tests.scenarios.language import Asked, ChangeStep, CreditStep, Holdings, MsccSaid, OpenStep, Said, change_said
from tests.scenarios.served_engine import FRONT_END, OTHER_FRONT_END, host_of
from vocabulary.ids import IdentityKind, number_of_name
from vocabulary.instants import NS_PER_S, from_diameter_time
from vocabulary.outcomes import RESULT_CODES
from vocabulary.units import Unit

PARTITIONS: Final = 2
READY_WITHIN_S: Final = 500.0
"""Kernels may have to be compiled first."""
ANSWER_WITHIN_S: Final = 20.0
ROOT: Final = Path(__file__).resolve().parents[2]
UNIT_CODES: Final = {Unit.OCTETS: 421, Unit.SECONDS: 420, Unit.EVENTS: 417}
THRESHOLD_CODES: Final = {Unit.OCTETS: 869, Unit.SECONDS: 868, Unit.EVENTS: 1226}

_T = TypeVar("_T")


class Served:
    """The processes, their store and their clock; `ports` by role, Gy's is that of the last process with one."""

    def __init__(self, store_url: str, folder: Path, roles: tuple[str, ...]) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.store_url = store_url
        self.store = RedisStore(store_url)
        (folder / "clock").write_bytes(bytes(8))
        with (folder / "clock").open("r+b") as file:
            self._ahead = mmap.mmap(file.fileno(), 8)
        self.run(self._prepare())
        self.roles = roles
        self.processes = [self._start(store_url, role) for role in roles]
        self.ports: dict[str, int] = {}
        self.connections: dict[tuple[str, int], socket.socket] = {}
        self.asked = 0

    def _start(self, store_url: str, role: str) -> Forked:
        return start_module("tests.scenarios.served_engine", store_url, str(self.folder), role, log=self._log(role))

    def _log(self, role: str) -> Path:
        return self.folder / f"{role}-log"

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Ask the store something."""
        return self.loop.run_until_complete(work)

    async def _prepare(self) -> None:
        """A store with tenants and releases."""
        await self.store.create(PARTITIONS)
        await self.store.open()
        for path, tenant in CATALOGUES:
            assert await self.store.add_tenant(tenant) == TENANTS[tenant]
            report = check([path])
            assert report.checked is not None, report.lines()
            assert isinstance(await publish(self.store.client, report.checked, TENANTS[tenant]), Published)

    def wait_until_ready(self) -> None:
        """Until it takes connections."""
        ends = time.monotonic() + READY_WITHIN_S
        for role, process in zip(self.roles, self.processes, strict=True):
            ready = self.folder / f"{role}-ready"
            while not ready.exists():
                assert process.poll() is None, self._log(role).read_text()
                assert time.monotonic() < ends, f"{role} is not ready"
                time.sleep(0.02)  # tidy: the ready file is looked for as the supervisor looks for it
            self.ports[role] = int(ready.read_text().split()[0])

    @property
    def gy_ports(self) -> list[int]:
        """Where packet cores connect."""
        front_ends = [self.ports[role] for role in self.roles if role in (FRONT_END, OTHER_FRONT_END)]
        return front_ends or [self.ports[self.roles[0]]]

    def connection(self, peer: str) -> socket.socket:
        """An open connection of a peer: to each front end in turn."""
        ports = self.gy_ports
        port = ports[self.asked % len(ports)]
        self.asked += 1
        if (peer, port) not in self.connections:
            opened = socket.create_connection(("127.0.0.1", port), timeout=ANSWER_WITHIN_S)
            opened.sendall(cer(host=host_of(peer)))
            assert result_of(avps_of(receive(opened)[20:])) == 2001
            self.connections[peer, port] = opened
        return self.connections[peer, port]

    @property
    def ahead_ns(self) -> int:
        """How far the process's clock is ahead."""
        return int.from_bytes(self._ahead[:8], "little")

    def advance(self, seconds: int) -> None:
        """Move the process's clock on."""
        self._ahead[:8] = (self.ahead_ns + seconds * NS_PER_S).to_bytes(8, "little")

    def close(self) -> None:
        """End processes and connections."""
        for connection in self.connections.values():
            connection.close()
        self.run(self.store.close())
        for process in reversed(self.processes):
            process.terminate()
            process.wait(timeout=20)
        self.loop.close()
        for role in self.roles:
            log = self._log(role).read_text()
            assert "work failed" not in log, log
            assert "link closed" not in log, log
            assert "request failed" not in log, log


@contextmanager
def served(folder: Path, *roles: str) -> Iterator[Served]:
    """A store, processes on it, and everything published."""
    (folder / "store").mkdir()
    (folder / "engine").mkdir()
    with private_valkey(folder / "store") as store_url:
        running = Served(store_url, folder / "engine", roles)
        try:
            running.wait_until_ready()
            yield running
        finally:
            running.close()


def receive(connection: socket.socket) -> bytes:
    """One whole message."""
    octets = b""
    size = 20
    while len(octets) < size:
        more = connection.recv(size - len(octets))
        assert more, "the engine closed the connection"
        octets += more
        if len(octets) == 20:
            size = int.from_bytes(octets[1:4], "big")
    return octets


def receive_answer(connection: socket.socket) -> bytes:
    """The answer that is waited for; a watchdog's request, which a clock moved on brings about, is answered on the way."""
    while (octets := receive(connection))[4] & REQUEST:
        connection.sendall(answer_to(octets))
    return octets


Avps = list[tuple[int, int, int, bytes]]


def number_in(avps: Avps, code: int) -> int | None:
    """The number in the first AVP of a code."""
    return next((int.from_bytes(data, "big") for found, _, _, data in avps if found == code), None)


def result_of(avps: Avps) -> int:
    """Result-Code."""
    result = number_in(avps, 268)
    assert result is not None
    return result


def final_said(data: bytes) -> str:
    """A Final-Unit-Indication in words."""
    avps = {code: data for code, _, _, data in avps_of(data)}
    action = ("terminate", "redirect", "restrict")[int.from_bytes(avps[449], "big")]
    if 434 in avps:
        server = {code: data for code, _, _, data in avps_of(avps[434])}
        assert int.from_bytes(server[433], "big") == 2, "an URL"
        return f"{action} {server[435].decode()}"
    return f"{action} {avps[11].decode()}" if 11 in avps else action


def read_mscc(data: bytes) -> MsccSaid:
    """One Multiple-Services-Credit-Control of an answer."""
    avps = avps_of(data)
    granted = next((data for code, _, _, data in avps if code == 431), None)
    unit, units = Unit.MONEY, None
    if granted is not None:
        inside = avps_of(granted)
        unit = next(unit for unit, code in UNIT_CODES.items() if number_in(inside, code) is not None)
        units = number_in(inside, UNIT_CODES[unit])
    said = [number for number in (number_in(avps, code) for code in THRESHOLD_CODES.values()) if number is not None]
    assert len(said) <= 1
    assert not said or number_in(avps, THRESHOLD_CODES[unit]) == said[0], "a threshold is in the unit of its grant"
    final = next((final_said(data) for code, _, _, data in avps if code == 430), "")
    assert not final or units is not None or number_in(avps, 448), "an action at once has a validity"
    change = number_in(avps_of(granted), 451) if granted is not None else None
    told = "" if change is None else change_said(from_diameter_time(change) // NS_PER_S)
    return MsccSaid(result_of(avps), units, final, said[0] if said else None, number_in(avps, 871), told)


def unit_avps(amounts: Mapping[Unit, int]) -> list[bytes]:
    """What stands in a Requested- or Used-Service-Unit."""
    return [
        u32(UNIT_CODES[unit], amount) if unit == Unit.SECONDS else u64(UNIT_CODES[unit], amount)
        for unit, amount in amounts.items()
    ]


def mscc_octets(mscc: Mscc) -> bytes:
    """The MSCC of a request."""
    parts = []
    if mscc.requested is not None:
        parts.append(group(437, *unit_avps(mscc.requested)))
    if mscc.used is not None and mscc.before is None:
        parts.append(group(446, *unit_avps(mscc.used)))
    elif mscc.used is not None and mscc.before is not None:
        after = {unit: amount - mscc.before.get(unit, 0) for unit, amount in mscc.used.items()}
        parts.append(group(446, u32(452, 0), *unit_avps(mscc.before)))
        parts.append(group(446, u32(452, 1), *unit_avps(after)))
    if mscc.service_identifier is not None:
        parts.append(u32(439, mscc.service_identifier))
    if mscc.rating_group is not None:
        parts.append(u32(432, mscc.rating_group))
    return group(456, *parts)


class SocketMachine:
    """Machine on served processes; `prefix` keeps the names of one scenario from those of others."""

    def __init__(self, running: Served, prefix: int) -> None:
        self.running = running
        self.prefix = prefix
        self.accounts: dict[str, tuple[str, int]] = {}
        self.commands = 0
        self.began_ns = self.now_ns() // NS_PER_S * NS_PER_S
        """from which periods of products count"""

    def _imsi(self, name: str) -> str:
        return f"00101{self.prefix:08d}{ord(name):02d}"

    def now_ns(self) -> int:
        """See Machine."""
        return time.time_ns() + self.running.ahead_ns

    def _sender(self) -> CommandSender:
        return CommandSender(self.running.store, PARTITIONS)

    def _credits(self, credits: tuple[CreditStep, ...]) -> tuple[Credit, ...]:
        now_ns = self.now_ns()
        return tuple(
            Credit(
                credit.unit,
                credit.amount,
                number_of_name(credit.allowance) if credit.allowance else 0,
                now_ns + credit.from_s * NS_PER_S if credit.from_s else 0,
                instant(now_ns, credit.until_s),
                credit.priority,
                credit.kind,
            )
            for credit in credits
        )

    def open(self, step: OpenStep) -> None:
        """See Machine."""
        tenant = TENANTS[step.tenant]
        terms = Terms(
            978,
            offer=number_of_name(step.offer),
            status=AccountStatus.BARRED if step.is_barred else AccountStatus.ACTIVE,
            credit_limit_micros=step.limit_micros,
            expires_ns=instant(self.now_ns(), step.until_s),
            credits=self._credits(step.credits),
        )
        opening = Opening(tenant, (f"{tenant}:imsi:{self._imsi(step.name)}",), terms)
        batch_id = f"scenario-{self.prefix}-{step.name}"
        (result,) = self.running.run(self._sender().open_accounts(batch_id, [opening]))
        assert isinstance(result, Applied), result
        self.accounts[step.name] = step.tenant, result.account_id

    def top_up(self, name: str, credits: tuple[CreditStep, ...]) -> None:
        """See Machine."""
        tenant, account_id = self.accounts[name]
        self.commands += 1
        command = Change(
            f"scenario-{self.prefix}-{self.commands}", TENANTS[tenant], account_id, amounts=self._credits(credits)
        )
        (result,) = self.running.run(self._sender().send([command]))
        assert isinstance(result, Applied), result

    def change(self, name: str, step: ChangeStep) -> str:
        """See Machine."""
        tenant, account_id = self.accounts[name]
        applies = ends = None
        amounts: list[Amount] = [
            Debit(taken.unit, taken.amount, number_of_name(taken.allowance) if taken.allowance else 0)
            for taken in step.takes
        ]
        if step.applies:
            from_ns = self.began_ns + step.period * step.period_s * NS_PER_S
            applies = ProductPeriod(number_of_name(step.applies), from_ns, from_ns + step.period_s * NS_PER_S)
        if step.fee_micros:
            amounts.append(fee(step.fee_micros))
        if step.ends:
            ends = ProductEnd(number_of_name(step.ends), self.now_ns())
        self.commands += 1
        command = Change(
            f"scenario-{self.prefix}-{self.commands}",
            TENANTS[tenant],
            account_id,
            step.status,
            applies,
            ends,
            (*amounts, *self._credits(step.credits)),
        )
        (result,) = self.running.run(self._sender().send([command]))
        if isinstance(result, Refused):
            return f"!{RESULT_CODES[result.outcome]}"
        assert isinstance(result, Applied), result
        return "was so" if result.was_so else "done"

    def ask(self, asked: Asked) -> Said:
        """See Machine."""
        connection = self.running.connection(asked.peer)
        context = f"{asked.context}@3gpp.org"
        connection.sendall(
            message(
                text(263, f"{host_of(asked.peer)};{self.prefix};{asked.session}"),
                text(264, host_of(asked.peer)),
                text(296, "scenarios.example"),
                text(283, "farebox.example"),
                u32(258, 4),
                text(461, context),
                u32(416, asked.type),
                u32(415, asked.number),
                subscription(IdentityKind.IMSI, self._imsi(asked.name)),
                *([u32(295, 1)] if asked.type == TERMINATION else []),
                *([u32(436, asked.action)] if asked.type == EVENT and asked.action is not None else []),
                u32(455, 1),
                *map(mscc_octets, asked.msccs),
            )
        )
        avps = avps_of(receive_answer(connection)[20:])
        result = result_of(avps)
        if result != 2001:
            return Said(result)
        return Said(result, tuple(read_mscc(data) for code, _, _, data in avps if code == 456))

    def record(self, name: str) -> bytes:
        """The subscriber's account record."""
        tenant, account_id = self.accounts[name]
        partition = partition_of(account_id, PARTITIONS)
        (record,) = self.running.run(self.running.store.read_accounts(partition, [(TENANTS[tenant], account_id)]))
        assert record is not None
        return record

    def holdings(self, name: str) -> Holdings:
        """See Machine."""
        return holdings_of(self.record(name))

    def advance(self, seconds: int) -> None:
        """See Machine."""
        self.running.advance(seconds)
