"""The demo from start to end: Farebox up, catalogue, accounts, sessions, records; then a plan that is sold, ordered, used,
topped up and renewed; an audit. And what of it was not as expected.
"""

import asyncio
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from rich.console import Console

from balances.edge.redis_store import RedisStore
from runtime import bss_extra
from runtime.data_folder import UpState
from runtime.demo.accounts import SAMPLE, DemoAccounts
from runtime.demo.business import BusinessSide
from runtime.demo.client import connected
from runtime.demo.operator import Operator
from runtime.demo.pdu_session import OVER_5G
from runtime.demo.process import DemoFailed, DemoProcess, SimulatedHss
from runtime.demo.records import await_records, record_faults, show_records
from runtime.demo.screen import euros, show_balances
from runtime.demo.script import ACCOUNTS, SESSIONS
from runtime.demo.sessions import play_pdu_session, run_session
from runtime.demo.stage import Stage
from runtime.settings import Settings

PARTS: Final = "embedded Valkey, engine with Diameter Gy, a 5G front end, archiver, record writer"


class Demo:
    """One run on a screen.

    stays   leave it running until ^C, for who wants to look around
    """

    def __init__(self, stage: Stage, *, stays: bool = False) -> None:
        self._stage = stage
        self._stays = stays
        self._has_business = bss_extra.is_installed()

    async def run(self, folder: Path) -> None:
        """Everything, in the folder. DemoFailed where it can't go on; the stage's faults tell the rest."""
        stage = self._stage
        stage.head(f"Farebox starts: {PARTS}{', business side' if self._has_business else ''}")
        hss = SimulatedHss(folder)
        up = DemoProcess(folder, stage.murmur, has_business=self._has_business)
        try:
            state = await up.start(await hss.start() if self._has_business else "")
            await self._charge(state)
            await self._show_records(folder)
            if self._has_business:
                business = BusinessSide(stage, folder, state)
                await business.run()
                await self._audit(folder)
                await business.show_console(stays=self._stays)
            else:
                stage.say(f"\nThe business side goes on from here where it is installed: {bss_extra.REMEDY}")
                await self._audit(folder)
        finally:
            stage.head("Farebox stops, in the order in which data flows")
            status = await up.stop()
            await hss.stop()
        stage.expect("exit code of farebox up", status, 0)

    async def _charge(self, state: UpState) -> None:
        stage, store = self._stage, RedisStore(state.store_url)
        try:
            await store.open()
            accounts = DemoAccounts(store)
            stage.head(f"The sample catalogue is published and two accounts are opened ({SAMPLE.name})")
            await accounts.open(await accounts.publish(), ACCOUNTS)
            await self._show_balances("balances before", accounts)
            stage.head("python-diameter connects as a packet core and asks for credit")
            gy = Settings().gy
            with connected(
                gy.host, state.ports["gy"], server_host=gy.origin_host, server_realm=gy.origin_realm
            ) as client:
                for number, session in enumerate(SESSIONS, start=1):
                    await run_session(stage, client, accounts, session, f"pgw.visited.example;1;{number}")
            stage.head("A simulated SMF asks for credit over HTTP/2 (farebox simulate smf plays others)")
            await play_pdu_session(stage, accounts, state.ports["chf"], OVER_5G)
            await self._show_balances("balances after", accounts)
        finally:
            await store.close()

    async def _show_balances(self, title: str, accounts: DemoAccounts) -> None:
        show_balances(self._stage.screen, title, [(account, await accounts.balance(account)) for account in ACCOUNTS])

    async def _show_records(self, folder: Path) -> None:
        stage = self._stage
        stage.head("Charging records, from the files of the record writer")
        rows = await await_records(folder, frozenset(stage.charged_micros))
        show_records(stage.screen, rows)
        stage.faults += record_faults(rows, stage.charged_micros)
        stage.screen.print(f"charged in all: {euros(sum(row['charged_micros'] or 0 for row in rows))}")

    async def _audit(self, folder: Path) -> None:
        self._stage.head("farebox audit: every balance follows from the journal, to the last micro")
        await Operator(self._stage, folder).farebox("audit")


def run_demo(screen: Console, *, keep: Path | None, shows_avps: bool, stays: bool = False) -> list[str]:
    """Run the demo; what was not as expected, nothing where all was. DemoFailed.

    keep   a new or empty folder that stays; else a temporary one
    """
    stage = Stage(screen, shows_avps=shows_avps)
    demo = Demo(stage, stays=stays)
    run: Callable[[Path], None] = lambda folder: asyncio.run(demo.run(folder))  # noqa: E731
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise DemoFailed(f"{keep} is not empty: name a new folder")
        run(keep.resolve())
    else:
        with tempfile.TemporaryDirectory(prefix="farebox-demo-") as name:
            run(Path(name))
    return stage.faults
