"""The load of the business side: seeds that operations can read, a client that reads answers whole, what makes a run sound."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.business_client import WebConnection, WebGone, ask_all, request
from bench.business_report import is_sound_business
from bench.business_seed import customer_id, number_of, product_id, seed_customers, seed_pools
from bss.access import EVERYTHING, Caller
from bss.crm.queries import customer, find_customers_by_name, party
from bss.edge.database import Database, database_url
from bss.edge.migrate import differences, migrate
from bss.inventory.operations import reserve
from bss.inventory.queries import product, products_by_digits
from tests.bss.conftest import NOW_NS

CALLER = Caller("default", "test", frozenset({EVERYTHING}))
COUNT = 300


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = database_url("", tmp_path_factory.mktemp("seeds"))
    database = Database(url, now_ns=lambda: NOW_NS)
    migrate(database.engine)
    database.close()
    seed_customers(Path(str(url.database)), COUNT)
    database = Database(url, now_ns=lambda: NOW_NS)
    yield database
    database.close()


def test_what_is_seeded_is_found(seeded: Database) -> None:
    lacking = [each for each in differences(seeded.engine) if each[0] == "add_index" and "test_" not in str(each[1])]
    assert lacking == []  # they were dropped meanwhile
    with seeded.engine.connect() as connection:
        assert connection.exec_driver_sql("PRAGMA foreign_key_check").all() == []
        assert connection.exec_driver_sql("PRAGMA integrity_check").scalar_one() == "ok"
    buyer = seeded.read(CALLER, lambda work: customer(work, customer_id(COUNT)))
    person = seeded.read(CALLER, lambda work: party(work, buyer.party_id))
    assert person.full_name == buyer.name
    found = seeded.read(CALLER, lambda work: find_customers_by_name(work, str(buyer.name).split()[1]))
    assert buyer.id in [each.id for each in found]
    assert seeded.read(CALLER, lambda work: product(work, product_id(7))).customer_id == customer_id(7)
    assert [each.id for each in seeded.read(CALLER, lambda work: products_by_digits(work, number_of(7)))] == [
        product_id(7)
    ]


def test_pools_are_free(seeded: Database) -> None:
    seed_pools(seeded.engine, 2)
    kinds = ("msisdn", "sim")
    taken = [seeded.write(CALLER, lambda work, kind=kind: reserve(work, kind, reserved_for="x")) for kind in kinds]  # type: ignore[misc]
    assert [each.reserved_for for each in taken] == ["x", "x"]


@pytest.fixture
def answering() -> Iterator[tuple[list[bytes], int]]:
    """A server that gives these answers, one a request, on each connection from the first one on."""
    answers: list[bytes] = []
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                for answer in answers:
                    if not connection.recv(65536):
                        break
                    connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    yield answers, server.getsockname()[1]
    server.close()


def test_answers_are_read_whole(answering: tuple[list[bytes], int]) -> None:
    answers, port = answering
    answers += [
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Total-Count: 3\r\n\r\nhello",
        b"HTTP/1.1 206 Partial\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf",
    ]
    connection = WebConnection("127.0.0.1", port)
    octets = request("GET", "/", headers={"accept": "text/html"})
    first = connection.ask(octets)
    assert (first.status, first.headers["x-total-count"], first.body) == (200, "3", b"hello")
    assert connection.ask(octets)[::2] == (206, b"abcde")
    assert connection.ask(octets).status == 404
    with pytest.raises(WebGone):
        connection.ask(octets)
    connection.close()


def test_each_request_is_sent_once(answering: tuple[list[bytes], int]) -> None:
    answers, port = answering
    answers += [b"HTTP/1.1 201 Created\r\ncontent-length: 0\r\n\r\n"] * 7
    asked = ask_all(
        lambda: WebConnection("127.0.0.1", port), [request("POST", "/", headers={}, body=b"{}")] * 7, connections=1
    )
    assert asked.statuses == {201: 7}
    assert len(asked.latencies_ms) == 7


@pytest.mark.parametrize(
    ("orders", "is_sound"),
    [
        ({"states": {"completed": 5}, "differences": []}, True),
        ({"states": {"completed": 4, "held": 1}, "differences": []}, False),
        ({"states": {"completed": 5}, "differences": ["number 1 has an account"]}, False),
    ],
)
def test_a_run_is_sound_where_every_order_is_completed_and_all_agree(orders: dict[str, object], is_sound: bool) -> None:
    assert is_sound_business({"orders": orders}) is is_sound
