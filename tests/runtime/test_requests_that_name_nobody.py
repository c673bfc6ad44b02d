"""Requests whose account only their session tells, against an engine whose kernels are warmed and compile nothing more."""

import asyncio
from pathlib import Path

import pytest

from tests.catalog_loader.sample_release import checked_sample
from tests.gy_interface.client_messages import INITIAL, TERMINATION, UPDATE
from tests.reference.private_valkey import private_valkey
from tests.runtime.gy_client import GyClient
from tests.runtime.private_engine import create_store, private_engine
from tests.runtime.test_price_swap import IMSI, MIB, money_of, open_account, taken_up

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

NOBODY = "001010000000999"


def test_an_end_that_comes_again_has_its_answer_also_when_the_engine_is_another(tmp_path: Path) -> None:
    """The engine that answered it is dead, and nobody but the store knows whose session it was."""
    with private_valkey(tmp_path) as address:
        create_store(address)
        session, end = "pgw1.example.net;1", (TERMINATION, 1, "pgw1.example.net;1", "")
        with private_engine(address, tmp_path) as port:
            asyncio.run(taken_up(address, checked_sample()))
            asyncio.run(open_account(address))
            client = GyClient(port)
            assert client.ask(INITIAL, 0, session, IMSI, asked=MIB).result == 2001
            assert client.ask(*end, used=MIB).result == 2001
            after, reserved = asyncio.run(money_of(address))
            assert reserved == 0
        with private_engine(address, tmp_path) as port:
            assert GyClient(port).ask(*end, used=MIB).result == 2001
            assert asyncio.run(money_of(address)) == (after, 0)


@pytest.mark.parametrize("imsi", ["", NOBODY], ids=["no Subscription-Id", "an unknown one"])
def test_they_are_charged_to_their_session(tmp_path: Path, imsi: str) -> None:
    with private_valkey(tmp_path) as address:
        create_store(address)
        with private_engine(address, tmp_path) as port:
            asyncio.run(taken_up(address, checked_sample()))
            asyncio.run(open_account(address))
            client = GyClient(port)
            assert client.ask(INITIAL, 0, "pgw1.example.net;1", IMSI, asked=MIB).result == 2001
            before, _ = asyncio.run(money_of(address))
            for number in (1, 2):
                assert client.ask(UPDATE, number, "pgw1.example.net;1", imsi, used=MIB, asked=MIB).result == 2001
            assert client.ask(TERMINATION, 3, "pgw1.example.net;1", imsi, used=MIB).result == 2001
            after, reserved = asyncio.run(money_of(address))
            assert after < before
            assert reserved == 0
            assert client.ask(UPDATE, 1, "pgw1.example.net;2", imsi, used=MIB).result == (5030 if imsi else 5002)
            named = client.ask(INITIAL, 0, "pgw1.example.net;3", IMSI, stranger=NOBODY, asked=MIB)
            assert named.result == 2001, "by the second of its identities"
            assert client.ask(INITIAL, 0, "pgw1.example.net;4", NOBODY, asked=MIB).result == 5030, (
                "the first has nobody"
            )
        assert "background work failed" not in (tmp_path / "engine.log").read_text()
