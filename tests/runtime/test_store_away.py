"""The first requests that meet a store which went away while nobody asked for anything."""

import asyncio
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.catalog_loader.sample_release import checked_sample
from tests.gy_interface.client_messages import INITIAL, UPDATE
from tests.reference.private_valkey import private_valkey
from tests.runtime.gy_client import gy_client
from tests.runtime.private_engine import create_store, private_engine
from tests.runtime.test_price_swap import IMSI, MIB, money_of, open_account, taken_up
from vocabulary.limits import ANSWER_DEADLINE_S

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

SESSION = "pgw1.example.net;1"
LATE_S = 3.0
"""Deadlines are looked at each second."""


def test_they_are_refused_in_time_and_charged_when_they_come_again(tmp_path: Path) -> None:
    with ExitStack() as stack, ExitStack() as store:
        address = store.enter_context(private_valkey(tmp_path))
        create_store(address)
        port = stack.enter_context(private_engine(address, tmp_path))
        asyncio.run(taken_up(address, checked_sample()))
        asyncio.run(open_account(address))
        client = stack.enter_context(gy_client(port))
        assert client.ask(INITIAL, 0, SESSION, IMSI, asked=MIB).result == 2001
        before, _ = asyncio.run(money_of(address))
        store.close()
        began_s = time.monotonic()
        assert client.ask(UPDATE, 1, SESSION, IMSI, used=MIB, asked=MIB).result == 3004
        assert time.monotonic() - began_s < ANSWER_DEADLINE_S + LATE_S
        store.enter_context(private_valkey(tmp_path))
        assert client.ask(UPDATE, 1, SESSION, IMSI, used=MIB, asked=MIB).result == 2001
        after, _ = asyncio.run(money_of(address))
        assert after < before
        again = client.ask(UPDATE, 1, SESSION, IMSI, used=MIB, asked=MIB)
        assert again.result == 2001
        assert asyncio.run(money_of(address))[0] == after, "the second time it was a repeat"
