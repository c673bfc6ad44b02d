"""A front end and an engine that are processes of their own: requests cross over, deaths of either side lose nothing."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.catalog_loader.sample_release import checked_sample
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE
from tests.reference.private_valkey import private_valkey
from tests.runtime.gy_client import gy_client
from tests.runtime.private_engine import create_store, private_engine, private_front_end, private_process
from tests.runtime.test_price_swap import IMSI, MIB, money_of, open_account, taken_up

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

SESSION = "pgw1.example.net;1"


def test_a_session_crosses_over_and_outlives_its_engine(tmp_path: Path) -> None:
    """The engine is killed with a request on the way: it is answered by the next one, over the same connection."""
    with private_valkey(tmp_path) as address, ExitStack() as stack:
        create_store(address)
        first = stack.enter_context(private_process("engine", address, tmp_path, "--metrics-port", "-1", "--no-gy"))
        asyncio.run(taken_up(address, checked_sample()))
        asyncio.run(open_account(address))
        port = stack.enter_context(private_front_end(address, tmp_path))
        client = stack.enter_context(gy_client(port))
        assert client.ask(INITIAL, 0, SESSION, IMSI, asked=MIB).result == 2001
        before, _ = asyncio.run(money_of(address))
        assert client.ask(UPDATE, 1, SESSION, "", used=MIB, asked=MIB).result == 2001
        assert client.ask(UPDATE, 0, "pgw1.example.net;9", "", used=MIB).result == 5002
        assert client.ask(INITIAL, 0, "pgw1.example.net;8", "001010000000999", asked=MIB).result == 5030
        after_one, _ = asyncio.run(money_of(address))

        first.process.kill()
        first.process.wait()
        threads = stack.enter_context(ThreadPoolExecutor(1))
        update = threads.submit(client.ask, UPDATE, 2, SESSION, IMSI, used=MIB, asked=MIB)
        stack.enter_context(private_engine(address, tmp_path, has_gy=False))
        assert update.result(20).result == 2001
        after_two, _ = asyncio.run(money_of(address))
        assert before - after_one == after_one - after_two > 0
        assert client.ask(TERMINATION, 3, SESSION, IMSI, used=0).result == 2001
        assert asyncio.run(money_of(address))[1] == 0
        log = (tmp_path / "gy.log").read_text()
        assert "failed" not in log, log
