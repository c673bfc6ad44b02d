"""The live engine's port when store and engine are away, hang, or lose replies: it says so in time, and the same id again
is done once."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import redis

from balances.commands import Credit, Terms, TopUp
from balances.queries import AccountView
from bss.engine_port import Done, Identity, MoveIdentities, NoEngine, OpenAccount, SendResult, Unknown
from runtime.bss_engine import BssEngine
from tests.balances.edge.cutting_proxy import cutting_proxy
from tests.balances.edge.valkey_process import ValkeyProcess, valkey_process
from tests.catalog_loader.sample_release import checked_sample
from tests.reference.forks import Forked
from tests.runtime.private_engine import create_store, private_process
from vocabulary.ids import IdentityKind, number_of_name
from vocabulary.units import Unit

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

TIMEOUT_S = 1.5
GRACE_S = 4.0
IMSI, OTHER = Identity(IdentityKind.IMSI, "262010000000001"), Identity(IdentityKind.IMSI, "262010000000002")
OPENING = OpenAccount("order-1/open", 1, (IMSI,), Terms(978, credits=(Credit(Unit.MONEY, 100),)))


@contextmanager
def port_on(address: str, *, timeout_s: float = TIMEOUT_S) -> Iterator[BssEngine]:
    port = BssEngine(lambda: address, timeout_s=timeout_s)
    try:
        yield port
    finally:
        port.close()


class World(NamedTuple):
    """A store and an engine, and what came of an opening before there was an engine."""

    store: ValkeyProcess
    engine: Forked
    before: SendResult
    before_s: float
    opened: SendResult


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("w")
    with valkey_process(folder) as store, port_on(store.url) as port:
        create_store(store.url)
        began = time.monotonic()
        before = port.send(OPENING)
        before_s = time.monotonic() - began
        with private_process("engine", store.url, folder, "--no-gy", "--metrics-port", "-1") as ready:
            yield World(store, ready.process, before, before_s, port.send(OPENING))


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def account_of(world: World) -> int:
    assert isinstance(world.opened, Done), world.opened
    return world.opened.account_id


def top_up(world: World, command_id: str) -> TopUp:
    return TopUp(command_id, 1, account_of(world), (Credit(Unit.MONEY, 5),))


def money(port: BssEngine, account_id: int) -> int:
    view = port.read_account(1, account_id)
    assert isinstance(view, AccountView), view
    return view.total()[0]


def test_without_a_store_every_call_says_so(tmp_path: Path) -> None:
    with port_on(f"unix://{tmp_path}/nobody") as port:
        began = time.monotonic()
        answers = [
            port.tenant_number("default"),
            port.send(OPENING),
            port.send(MoveIdentities("m", 1, 1, add=(IMSI,))),
            port.find_accounts(1, [IMSI]),
            port.read_account(1, 1),
            port.open_sessions(1, 1),
            port.explain("x"),
            port.publish_release(checked_sample(), now_ns=1),
        ]
        assert time.monotonic() - began < GRACE_S
    assert [type(answer) for answer in answers] == [NoEngine] * len(answers)
    assert "no store answers" in str(answers[0])


def test_a_command_waits_for_the_engine_and_is_done_once(world: World) -> None:
    assert isinstance(world.before, NoEngine), world.before
    assert "no engine runs" in world.before.reason
    assert world.before_s < GRACE_S
    with port_on(world.store.url) as port:
        assert port.find_accounts(1, [IMSI]) == (account_of(world),)
        assert money(port, account_of(world)) == 100


def test_an_engine_that_hangs_leaves_it_unknown(world: World) -> None:
    with port_on(world.store.url) as port:
        before = money(port, account_of(world))
        with stopped(world.engine.pid):
            answer = port.send(top_up(world, "hang"))
            assert isinstance(answer, Unknown), answer
            assert "answered nothing" in answer.reason
        assert port.send(top_up(world, "hang")) == Done(account_of(world), before + 5)
        assert money(port, account_of(world)) == before + 5


def test_a_store_that_hangs_costs_a_time_out(world: World) -> None:
    assert world.store.process is not None
    with port_on(world.store.url) as port:
        before = money(port, account_of(world))
        with stopped(world.store.process.pid):
            began = time.monotonic()
            assert isinstance(port.read_account(1, account_of(world)), NoEngine)
            assert isinstance(port.send(top_up(world, "dark")), NoEngine)
            assert time.monotonic() - began < 2 * TIMEOUT_S + GRACE_S
        assert port.send(top_up(world, "dark")) == Done(account_of(world), before + 5)


@pytest.mark.parametrize("word", ["farebox_1_move_identities", "farebox:command:", "command:cut"])
def test_a_lost_reply_is_unknown_and_the_same_id_again_is_done_once(world: World, tmp_path: Path, word: str) -> None:
    """Of a move; of the claim of an id; of the look for an answer."""
    account_id = account_of(world)
    move = MoveIdentities(f"cut-{os.urandom(4).hex()}", 1, account_id, add=(OTHER,))
    command = move if "move" in word else top_up(world, f"cut-{os.urandom(4).hex()}")

    async def run() -> list[SendResult]:
        async with cutting_proxy(world.store.url, tmp_path / "p") as proxy:
            port = BssEngine(lambda: proxy.url, timeout_s=10)
            try:
                await asyncio.to_thread(port.tenant_number, "default")
                proxy.cut_reply_to(word)
                first = await asyncio.to_thread(port.send, command)
                assert proxy.cuts == 1
                return [first, *[await asyncio.to_thread(port.send, command) for _ in range(2)]]
            finally:
                await asyncio.to_thread(port.close)

    with port_on(world.store.url) as port:
        before = money(port, account_id)
        first, second, third = asyncio.run(run())
        assert isinstance(first, Unknown), first
        assert isinstance(second, Done), second
        assert second == third
        assert money(port, account_id) == before + (0 if command is move else 5)
        if command is move:
            assert port.find_accounts(1, [OTHER]) == (account_id,)
            with world.store.client() as client:
                assert client.xlen("farebox:identity_moves") <= 1
            assert isinstance(port.send(MoveIdentities("back", 1, account_id, remove=(OTHER,))), Done)


def test_a_claim_whose_account_never_came_is_taken_over(world: World) -> None:
    """An opening that was cut off between claim and command holds its identity for nobody's good."""
    lonely = Identity(IdentityKind.IMSI, "262010000000009")
    with redis.Redis.from_url(world.store.url) as client:
        client.set(lonely.key(1), "999999:0")
    with port_on(world.store.url, timeout_s=10) as port:
        assert port.send(MoveIdentities("take", 1, account_of(world), add=(lonely,))) == Done(account_of(world))
        assert port.find_accounts(1, [lonely]) == (account_of(world),)


def test_many_threads_ask_at_once(world: World) -> None:
    async def run(port: BssEngine) -> list[SendResult]:
        loop = asyncio.get_running_loop()
        calls = [loop.run_in_executor(None, port.send, top_up(world, f"many-{number}")) for number in range(60)]
        return list(await asyncio.gather(*calls))

    with port_on(world.store.url, timeout_s=20) as port:
        before = money(port, account_of(world))
        assert {type(answer) for answer in asyncio.run(run(port))} == {Done}
        assert money(port, account_of(world)) == before + 300


def test_names_come_from_the_releases(world: World) -> None:
    with port_on(world.store.url, timeout_s=20) as port:
        port.publish_release(checked_sample(), now_ns=1)
        named = Terms(978, offer=number_of_name("prepaid-start"), credits=(Credit(Unit.MONEY, 1),))
        tenant = port.tenant_number("default")
        assert isinstance(tenant, int)
        done = port.send(OpenAccount("named", tenant, (Identity(IdentityKind.PRIVATE, "key-1"),), named))
        assert isinstance(done, Done)
        view = port.read_account(tenant, done.account_id)
        assert isinstance(view, AccountView)
        assert [product.name for product in view.products] == ["prepaid-start"]
