"""A network that misbehaves: what isn't known is never taken for refused, and the same key again puts it right."""

import json
import socket
import threading
from collections.abc import Iterator

import pytest

from bss.edge.hss import HssClient
from bss.network_port import (
    NetworkDone,
    NetworkRefused,
    NetworkUnknown,
    Provision,
    Resume,
    SubscriberState,
    Suspend,
)
from tests.bss.simulated_hss import SimulatedHss, simulated_hss

TIMEOUT_S = 0.5
_ANOTHER = b'{"imsi": "262019", "msisdn": "491", "profile": "default", "state": "active"}'
OF_ANOTHER = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(_ANOTHER), _ANOTHER)


@pytest.fixture(scope="module")
def hss(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedHss]:
    with simulated_hss(tmp_path_factory.mktemp("hss")) as running:
        yield running


@pytest.fixture
def client(hss: SimulatedHss) -> HssClient:
    return HssClient(hss.url, timeout_s=TIMEOUT_S)


def provision(number: int) -> Provision:
    return Provision(f"order-{number}/provision", f"26201{number:010d}", f"4917{number:08d}")


@pytest.mark.parametrize(
    ("number", "fault", "is_done_at_first"),
    [
        (1, "timeout_after", True),
        (2, "timeout_before", False),
        (3, "late", False),
        (4, "busy", False),
        (5, "broken", True),
    ],
)
def test_a_fault_leaves_it_unknown_and_the_repeat_is_done_once(
    hss: SimulatedHss, client: HssClient, number: int, fault: str, is_done_at_first: bool
) -> None:
    asked = provision(number)
    hss.fault("provision", fault)
    first = client.send(asked)
    assert isinstance(first, NetworkUnknown), first
    assert (client.read_subscriber(asked.imsi) is not None) == is_done_at_first
    second = client.send(asked)
    assert isinstance(second, NetworkDone), second
    assert [row["imsi"] for row in hss.subscribers()].count(asked.imsi) == 1


def test_a_refusal_is_one(hss: SimulatedHss, client: HssClient) -> None:
    hss.fault("provision", "refuses")
    refused = client.send(provision(10))
    assert isinstance(refused, NetworkRefused)
    assert (refused.code, client.read_subscriber(provision(10).imsi)) == ("refused", None)
    assert isinstance(client.send(provision(10)), NetworkDone)


def test_an_answer_that_comes_twice_is_taken_once(hss: SimulatedHss, client: HssClient) -> None:
    """The second one must not be taken for the answer of the next request."""
    hss.fault("provision", "twice")
    first, second = client.send(provision(11)), client.send(provision(12))
    assert isinstance(first, NetworkDone)
    assert first.subscriber is not None
    assert first.subscriber.imsi == provision(11).imsi
    assert isinstance(second, NetworkDone)
    assert second.subscriber is not None
    assert second.subscriber.imsi == provision(12).imsi


def test_slowness_within_the_time_out_is_no_fault(hss: SimulatedHss, client: HssClient) -> None:
    hss.fault("provision", "slow", seconds=0.2)
    assert isinstance(client.send(provision(13)), NetworkDone)


def test_what_is_done_late_doesnt_undo_what_came_after(hss: SimulatedHss, client: HssClient) -> None:
    """A suspension is held back, asked again, and followed by a resumption: its late copy is its own repeat."""
    asked = provision(14)
    client.send(asked)
    suspend, resume = Suspend("order-14/suspend", asked.imsi), Resume("order-14/resume", asked.imsi)
    hss.fault("suspend", "late")
    assert isinstance(client.send(suspend), NetworkUnknown)
    hss.fault("suspend", "late")
    assert isinstance(client.send(suspend), NetworkUnknown)
    assert isinstance(client.send(suspend), NetworkDone)
    assert isinstance(client.send(resume), NetworkDone)
    found = client.read_subscriber(asked.imsi)
    assert found is not None
    assert not isinstance(found, NetworkUnknown)
    assert found.state == SubscriberState.ACTIVE


def test_nobody_there_leaves_it_unknown() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    client = HssClient(f"http://127.0.0.1:{port}", timeout_s=TIMEOUT_S)
    assert isinstance(client.send(provision(20)), NetworkUnknown)
    assert isinstance(client.read_subscriber("262011"), NetworkUnknown)


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n", NetworkUnknown),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b" " * 100_000, NetworkUnknown),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n[]", NetworkUnknown),
        (OF_ANOTHER, NetworkUnknown),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{", NetworkUnknown),
        (b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n\r\n", NetworkUnknown),
        (b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n", NetworkRefused),
        (b"not http at all\r\n\r\n", NetworkUnknown),
    ],
)
def test_answers_that_say_nothing_are_unknown(answer: bytes, expected: type) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        client = HssClient(f"http://127.0.0.1:{listener.getsockname()[1]}", timeout_s=TIMEOUT_S)
        assert isinstance(client.send(provision(30)), expected)
        thread.join(5)


def test_the_store_is_kept_over_a_restart(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("kept")
    for start in range(2):
        with simulated_hss(folder) as running:
            client = HssClient(running.url)
            assert isinstance(client.send(provision(40)), NetworkDone)
            assert [row["msisdn"] for row in running.subscribers()] == [provision(40).msisdn], f"start {start}"


def test_the_simulator_says_what_it_doesnt_understand(hss: SimulatedHss) -> None:
    import httpx

    for body, problem in (
        ({"operation": "fly", "fault": "late"}, "operation 'fly'"),
        ({"operation": "sim", "fault": "x"}, "fault 'x'"),
        ({"operation": "sim", "fault": "late", "times": 0}, "times is 0"),
        (["sim"], "no object"),
    ):
        answer = httpx.post(f"{hss.url}/faults", content=json.dumps(body))
        assert (answer.status_code, problem in answer.json()["detail"]) == (400, True), answer.text
    answer = httpx.post(f"{hss.url}/subscribers", json={"imsi": "262011", "msisdn": "491"})
    assert "Idempotency-Key is missing" in answer.json()["detail"]
    answer = httpx.post(f"{hss.url}/subscribers", json={"imsi": 5}, headers={"Idempotency-Key": "k"})
    assert answer.json()["detail"].startswith("imsi is 5")
    assert httpx.get(f"{hss.url}/nowhere").status_code == 404
