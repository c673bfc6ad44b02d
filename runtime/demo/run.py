"""The demo from start to end: Farebox up, catalogue, accounts, sessions, records, audit, and what of it was not as expected."""

import asyncio
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from diameter.message import dump
from rich.console import Console
from rich.markup import escape

from balances.edge.redis_store import RedisStore
from balances.queries import AccountView
from runtime.data_folder import UpState
from runtime.demo.accounts import SAMPLE, DemoAccounts
from runtime.demo.client import DemoClient, answered, connected
from runtime.demo.pdu_session import CHARGED_MICROS, TITLE, PduSessionTable, exchanges, session_id_of
from runtime.demo.process import DemoFailed, DemoProcess
from runtime.demo.records import await_records, record_faults, show_records
from runtime.demo.screen import SessionTable, euros, show_balances
from runtime.demo.script import ACCOUNTS, ANNA, LETTERS, SESSIONS, SUCCESS, DemoSession
from runtime.settings import Settings
from runtime.simulate.player import PlayStopped
from runtime.simulate.scenario import Kind
from vocabulary.units import Unit

AUDIT_S: Final = 60.0


class Demo:
    """One run on a screen; `faults` is what was not as expected."""

    def __init__(self, screen: Console, *, shows_avps: bool) -> None:
        self.faults: list[str] = []
        self._screen = screen
        self._shows_avps = shows_avps
        self._charged_micros: dict[str, int] = {}
        """expected in the charging record, by session id"""

    async def run(self, folder: Path) -> None:
        """Everything, in the folder. DemoFailed where it can't go on; `faults` tells the rest."""
        self._head("Farebox starts: embedded Valkey, engine with Diameter Gy, a 5G front end, archiver, record writer")
        up = DemoProcess(folder, lambda line: self._screen.print(f"  [dim]{escape(line)}[/]", soft_wrap=True))
        try:
            state = await up.start()
            await self._charge(state)
            await self._show_records(folder)
            await self._audit(state, folder)
        finally:
            self._head("Farebox stops, in the order in which data flows")
            status = await up.stop()
        if status != 0:
            self.faults.append(f"farebox up ended with exit code {status}")

    def _head(self, title: str) -> None:
        self._screen.print()
        self._screen.rule(f"[bold]{escape(title)}", align="left")

    async def _charge(self, state: UpState) -> None:
        store = RedisStore(state.store_url)
        try:
            await store.open()
            accounts = DemoAccounts(store)
            self._head(f"The sample catalogue is published and two accounts are opened ({SAMPLE.name})")
            await accounts.open(await accounts.publish(), ACCOUNTS)
            await self._show_balances("balances before", accounts)
            self._head("python-diameter connects as a packet core and asks for credit")
            gy = Settings().gy
            with connected(
                gy.host, state.ports["gy"], server_host=gy.origin_host, server_realm=gy.origin_realm
            ) as client:
                for number, session in enumerate(SESSIONS, start=1):
                    await self._run_session(client, accounts, session, f"pgw.visited.example;1;{number}")
            self._head("A simulated SMF asks for credit over HTTP/2 (farebox simulate smf plays others)")
            await self._play_pdu_session(state.ports["chf"], accounts)
            await self._show_balances("balances after", accounts)
        finally:
            await store.close()

    async def _show_balances(self, title: str, accounts: DemoAccounts) -> None:
        show_balances(self._screen, title, [(account, await accounts.balance(account)) for account in ACCOUNTS])

    async def _run_session(
        self, client: DemoClient, accounts: DemoAccounts, session: DemoSession, session_id: str
    ) -> None:
        self._charged_micros[session_id] = session.charged_micros
        table = SessionTable(session)
        for number, step in enumerate(session.steps):
            exchange = await asyncio.to_thread(client.ask, session, session_id, number, step)
            said = answered(session, exchange)
            remaining, reserved = (await accounts.balance(session.account)).total(Unit.MONEY)
            table.add(number, step, exchange, said, remaining + reserved)
            what = f"{session.title}, CCR-{LETTERS[step.type]} {number}"
            self._expect(f"{what}: result", said.result, SUCCESS)
            self._expect(f"{what}: MSCC result", said.mscc_result, step.mscc_result)
            self._expect(f"{what}: granted", said.granted, step.granted)
            self._expect(f"{what}: final unit", said.is_final, step.is_final)
            self._expect(f"{what}: money left", remaining + reserved, step.money_left_micros)
            if self._shows_avps:
                for message in (exchange.request, exchange.answer):
                    self._screen.print(escape(dump(message)), soft_wrap=True)
        table.show(self._screen)
        self._expect_closed(session.title, await accounts.balance(session.account))

    async def _play_pdu_session(self, port: int, accounts: DemoAccounts) -> None:
        table = PduSessionTable()
        try:
            async for exchange, money_left_micros in exchanges(Settings().chf.host, port):
                remaining, reserved = (await accounts.balance(ANNA)).total(Unit.MONEY)
                table.add(exchange, remaining + reserved)
                self.faults += [f"{TITLE}, {exchange.kind}: {fault}" for fault in exchange.faults]
                self._expect(f"{TITLE}, {exchange.kind}: money left", remaining + reserved, money_left_micros)
                if exchange.kind is Kind.CREATE:
                    self._charged_micros[session_id_of(exchange)] = CHARGED_MICROS
        except PlayStopped as error:
            raise DemoFailed(str(error)) from error
        table.show(self._screen)
        self._expect_closed(TITLE, await accounts.balance(ANNA))

    def _expect_closed(self, title: str, view: AccountView) -> None:
        self._expect(f"{title}: open sessions", len(view.sessions), 0)
        self._expect(f"{title}: held", [bucket.reserved for bucket in view.buckets if bucket.reserved], [])

    def _expect(self, what: str, found: Any, expected: Any) -> None:
        if found != expected:
            self.faults.append(f"{what} is {found}, expected {expected}")

    async def _show_records(self, folder: Path) -> None:
        self._head("Charging records, from the files of the record writer")
        rows = await await_records(folder, frozenset(self._charged_micros))
        show_records(self._screen, rows)
        self.faults += record_faults(rows, self._charged_micros)
        self._screen.print(f"charged in all: {euros(sum(row['charged_micros'] or 0 for row in rows))}")

    async def _audit(self, state: UpState, folder: Path) -> None:
        self._head("farebox audit: every balance follows from the journal, to the last micro")
        command = ("-m", "runtime.cli.main", "audit", "--store", state.store_url, "--data-dir", str(folder))
        process = await asyncio.create_subprocess_exec(
            sys.executable, *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT, cwd=folder
        )
        try:
            async with asyncio.timeout(AUDIT_S):
                output, _ = await process.communicate()
        except TimeoutError as error:
            process.kill()
            await process.wait()
            raise DemoFailed(f"farebox audit took more than {AUDIT_S:g} s") from error
        self._screen.print(escape(output.decode(errors="replace").rstrip()), soft_wrap=True)
        if process.returncode != 0:
            self.faults.append(f"farebox audit ended with exit code {process.returncode}")


def run_demo(screen: Console, *, keep: Path | None, shows_avps: bool) -> list[str]:
    """Run the demo; what was not as expected, nothing where all was. DemoFailed.

    keep   a new or empty folder that stays; else a temporary one
    """
    demo = Demo(screen, shows_avps=shows_avps)
    run: Callable[[Path], None] = lambda folder: asyncio.run(demo.run(folder))  # noqa: E731
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise DemoFailed(f"{keep} is not empty: name a new folder")
        run(keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="farebox-demo-") as name:
            run(Path(name))
    return demo.faults
