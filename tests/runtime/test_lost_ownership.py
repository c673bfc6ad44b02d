"""Two engine processes on one store: the second takes the partitions, the first decides nothing more, no money moves twice."""

import asyncio
import json
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest

from charging.batch import INITIAL, TERMINATION, UPDATE
from tests.balances.edge.cutting_proxy import CuttingProxy
from tests.catalog_loader.sample_release import SAMPLE
from tests.reference.private_valkey import private_valkey
from tests.runtime.gy_client import gy_client
from tests.runtime.private_engine import create_store, private_engine
from tests.runtime.running_up import invoke, wait_until
from vocabulary.units import Unit

pytestmark = pytest.mark.timeout(600)  # an engine may have to compile its kernels first

IMSI = "001010000000051"
USED = 10_000
ASKED = 1 << 20
BOUND_S = 20.0


class HoldingProxy(CuttingProxy):
    """A cutting proxy that takes no new connection while it holds: what was cut stays cut."""

    def __init__(self, target: str, path: Path) -> None:
        super().__init__(target, path)
        self.is_holding = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """See CuttingProxy."""
        if self.is_holding:
            writer.close()
            return
        await super().serve(reader, writer)


@contextmanager
def holding_proxy(target_url: str, path: Path) -> Iterator[HoldingProxy]:
    """A proxy that works in a thread of its own."""
    proxy = HoldingProxy(target_url.removeprefix("unix://"), path)
    loop = asyncio.new_event_loop()
    server = loop.run_until_complete(asyncio.start_unix_server(proxy.serve, str(path)))
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        loop.call_soon_threadsafe(server.close)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(BOUND_S)


def reasons_of(folder: Path) -> list[str]:
    """Why the engine in the folder is not ready."""
    port = int((folder / "engine-ready").read_text().split()[1])
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health/ready", timeout=10) as answer:
            body = answer.read()
    except urllib.error.HTTPError as error:
        body = error.read()
    found: list[str] = json.loads(body)["reasons"]
    return found


def run(*arguments: str) -> str:
    """A command that must succeed; what it prints."""
    done = invoke(*arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def octets_of(address: str) -> int:
    """Octets of the account's data allowance, reserved ones included."""
    shown: dict[str, Any] = json.loads(run("subscriber", "show", IMSI, "--json", "--store", address))
    (bucket,) = [bucket for bucket in shown["buckets"] if bucket["unit"] == int(Unit.OCTETS)]
    return int(bucket["remaining"]) + int(bucket["reserved"])


LOST = ["partition 0: owned by another", "partition 1: owned by another"]


@pytest.mark.parametrize("has_second_written", [False, True])
def test_a_second_engine_takes_over_and_what_the_first_may_have_written_counts_once(
    tmp_path: Path, has_second_written: bool
) -> None:
    """The reply of the first engine's commit is lost and the second claims meanwhile.

    As long as the second writes nothing, the first finds its commit at the journal's end and answers it; behind another
    entry it can't know and is silent. A retransmission to the second gets the recorded answer either way.
    """
    folders = [tmp_path / name for name in ("first", "second")]
    for folder in folders:
        folder.mkdir()
    with private_valkey(tmp_path) as address, holding_proxy(address, tmp_path / "p") as proxy, ExitStack() as stack:
        create_store(address)
        first_port = stack.enter_context(private_engine(proxy.url, folders[0], metrics_port=0))
        run("catalog", "publish", str(SAMPLE), "--store", address)
        run("subscriber", "add", "--imsi", IMSI, "--offer", "prepaid-start", "--store", address)
        before = octets_of(address)
        client, cut = (stack.enter_context(gy_client(first_port)) for _ in range(2))
        opened = client.ask(INITIAL, 0, "pgw;1;1", IMSI, asked=ASKED)
        assert (opened.result, opened.granted_octets) == (2001, ASKED)

        proxy.is_holding = True
        proxy.cut_reply_to("MULTI")
        threads = stack.enter_context(ThreadPoolExecutor(1))
        stack.callback(cut.close)
        update = threads.submit(cut.ask, UPDATE, 1, "pgw;1;1", IMSI, used=USED, asked=ASKED)
        wait_until("the commit's reply is cut", lambda: proxy.cuts == 1, BOUND_S)
        assert client.ask(INITIAL, 0, "pgw;1;2", IMSI, asked=ASKED).result == 3004

        second_port = stack.enter_context(private_engine(address, folders[1], metrics_port=0))
        other = stack.enter_context(gy_client(second_port))
        if has_second_written:
            assert other.ask(INITIAL, 0, "pgw;1;4", IMSI, asked=ASKED).result == 2001
        proxy.is_holding = False
        wait_until("the first engine has lost both", lambda: reasons_of(folders[0]) == LOST, BOUND_S)
        assert reasons_of(folders[1]) == []
        for type_, number in ((INITIAL, 0), (UPDATE, 2), (TERMINATION, 3)):
            assert client.ask(type_, number, "pgw;1;3", IMSI, used=5).result == 3004

        again = other.ask(UPDATE, 1, "pgw;1;1", IMSI, used=USED, asked=ASKED)
        assert (again.result, again.granted_octets) == (2001, ASKED)
        if has_second_written:
            assert not update.done(), "what may be in the store is neither confirmed nor refused"
        else:
            assert update.result(BOUND_S)[:4] == again[:4]
        assert octets_of(address) == before - USED, "charged by the first engine, answered by the second"
        assert other.ask(TERMINATION, 2, "pgw;1;1", IMSI, used=1).result == 2001
        assert octets_of(address) == before - USED - 1
        run("audit", "--store", address, "--data-dir", str(folders[1]))
        assert (folders[0] / "engine.log").read_text().count("another engine owns the partition") == 2
        if has_second_written:
            first = stack.pop_all()
            first.close()
            with pytest.raises(OSError):
                update.result(BOUND_S)
