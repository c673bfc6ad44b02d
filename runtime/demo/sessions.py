"""Sessions of the demo, request by request: asked, shown, and compared with what the script says."""

import asyncio
from collections.abc import Sequence
from typing import Any

from diameter.message import dump
from rich.markup import escape

from balances.queries import AccountView
from runtime.demo.accounts import DemoAccounts
from runtime.demo.client import DemoClient, answered
from runtime.demo.pdu_session import PduSession, PduSessionTable, exchanges, session_id_of
from runtime.demo.process import DemoFailed
from runtime.demo.screen import SessionTable
from runtime.demo.script import LETTERS, SUCCESS, DemoSession, Step
from runtime.demo.stage import Stage
from runtime.settings import Settings
from runtime.simulate.player import PlayStopped
from runtime.simulate.scenario import Kind
from vocabulary.units import Unit


async def run_steps(
    stage: Stage,
    client: DemoClient,
    accounts: DemoAccounts,
    session: DemoSession,
    session_id: str,
    *,
    steps: Sequence[Step],
    first: int = 0,
) -> None:
    """Ask for these steps of a session and show them as a table.

    first   CC-Request-Number of the first of them
    """
    stage.charged_micros[session_id] = session.charged_micros
    table = SessionTable(session)
    for number, step in enumerate(steps, start=first):
        exchange = await asyncio.to_thread(client.ask, session, session_id, number, step)
        said = answered(session, exchange)
        remaining, reserved = (await accounts.balance(session.account)).total(Unit.MONEY)
        table.add(number, step, exchange, said, remaining + reserved)
        what = f"{session.title}, CCR-{LETTERS[step.type]} {number}"
        stage.expect(f"{what}: result", said.result, SUCCESS)
        stage.expect(f"{what}: MSCC result", said.mscc_result, step.mscc_result)
        stage.expect(f"{what}: granted", said.granted, step.granted)
        stage.expect(f"{what}: final unit", said.is_final, step.is_final)
        stage.expect(f"{what}: money left", remaining + reserved, step.money_left_micros)
        if stage.shows_avps:
            for message in (exchange.request, exchange.answer):
                stage.screen.print(escape(dump(message)), soft_wrap=True)
    table.show(stage.screen)


async def run_session(
    stage: Stage, client: DemoClient, accounts: DemoAccounts, session: DemoSession, session_id: str
) -> None:
    """A session from beginning to end: then it is closed, and holds nothing."""
    await run_steps(stage, client, accounts, session, session_id, steps=session.steps)
    expect_closed(stage, session.title, await accounts.balance(session.account))


async def play_pdu_session(stage: Stage, accounts: DemoAccounts, port: int, session: PduSession) -> None:
    """A PDU session of a simulated SMF from beginning to end. DemoFailed."""
    table = PduSessionTable(session)
    try:
        async for exchange, money_left_micros in exchanges(Settings().chf.host, port, session):
            remaining, reserved = (await accounts.balance(session.account)).total(Unit.MONEY)
            table.add(exchange, remaining + reserved)
            stage.faults += [f"{session.title}, {exchange.kind}: {fault}" for fault in exchange.faults]
            stage.expect(f"{session.title}, {exchange.kind}: money left", remaining + reserved, money_left_micros)
            if exchange.kind is Kind.CREATE:
                stage.charged_micros[session_id_of(exchange)] = session.charged_micros
    except PlayStopped as error:
        raise DemoFailed(str(error)) from error
    table.show(stage.screen)


def expect_closed(stage: Stage, title: str, view: AccountView) -> None:
    """No session of the account is open, nothing is held."""
    held: list[Any] = [bucket.reserved for bucket in view.buckets if bucket.reserved]
    stage.expect(f"{title}: open sessions", len(view.sessions), 0)
    stage.expect(f"{title}: held", held, [])
