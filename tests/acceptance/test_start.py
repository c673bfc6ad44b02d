"""How soon a `farebox up` that was stopped answers: its first CCR, and 20,000 that wait for it."""

import socket
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from bench.workload import imsi
from tests.acceptance import evidence
from tests.gy_interface.diameter_octets import avp, group, message, subscription, text, u32, u64
from tests.kills.loaded_up import LoadedUp, kill_plan
from tests.runtime.gy_client import HOST, GyClient
from tests.runtime.running_up import RunningUp

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(400)]

SUBSCRIBERS = 100_000
FIRST_ANSWER_S_MAX = 5.0
WAITING = 20_000
CONNECTIONS = 4
OCTETS = 1_000_000
GIVE_UP_S = 60.0


def start_of(farebox: LoadedUp) -> RunningUp:
    """The stopped one again, at once, without waiting for it."""
    return RunningUp(farebox.folder, "--port", str(farebox.plan.port))


def connected(port: int, ends: float) -> socket.socket:
    """A connection as soon as somebody listens."""
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), 30)
        except OSError:
            assert time.monotonic() < ends, "nobody listens"
            time.sleep(0.002)  # tidy: a port that opens says nothing by itself


def test_first_answer_within_five_seconds(tmp_path: Path) -> None:
    with LoadedUp(tmp_path / "data", kill_plan(subscribers=SUBSCRIBERS)) as farebox:
        farebox.store.close()
        assert farebox.up.interrupt() == 0
        aof = sum(path.stat().st_size for path in farebox.up.folder.store.rglob("*.aof"))
        began = time.monotonic()
        farebox.up = start_of(farebox)
        connected(farebox.plan.port, began + GIVE_UP_S).close()
        client = GyClient(farebox.plan.port)
        answer = client.ask(1, 0, f"{HOST};first", imsi(SUBSCRIBERS - 1), asked=OCTETS)
        took_s = time.monotonic() - began
        client.close()
        assert answer.result == 2001
        assert farebox.up.interrupt() == 0
    rows = [
        ("subscribers", SUBSCRIBERS, ""),
        ("append-only file, MiB", round(aof / 2**20), 512),
        ("seconds from start to the first answer", round(took_s, 2), FIRST_ANSWER_S_MAX),
    ]
    says = "`farebox up` on a folder that was stopped cleanly, kernels cached, until its first CCA of 2001."
    evidence.write("first-answer", "The first answer", says, ("what", "seen", "at most"), rows)
    assert took_s <= FIRST_ANSWER_S_MAX


def initial(subscriber: int) -> bytes:
    """A CCR-I."""
    return message(
        text(263, f"{HOST};waiting;{subscriber}"),
        text(264, HOST),
        text(296, "example.net"),
        text(283, "farebox.example"),
        u32(258, 4),
        text(461, "32251@3gpp.org"),
        u32(416, 1),
        u32(415, 0),
        subscription(1, imsi(subscriber)),
        u32(455, 1),
        group(456, u32(432, 10), group(437, u64(421, OCTETS))),
        hop_by_hop=subscriber + 1,
        end_to_end=subscriber + 1,
    )


CAPABILITIES = message(
    text(264, HOST),
    text(296, "example.net"),
    avp(257, b"\x00\x01\x7f\x00\x00\x01"),
    u32(266, 10415),
    text(269, "test", flags=0),
    u32(258, 4),
    flags=0x80,
    command=257,
    application=0,
)


class Waiting:
    """One connection: all its requests at once, then its answers, each with its instant and Result-Code."""

    def __init__(self, port: int, requests: bytes, count: int) -> None:
        self.answers: list[tuple[float, int]] = []
        """(seconds behind the capabilities answer, Result-Code)"""
        self.failure = ""
        self._port, self._requests, self._count = port, requests, count
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        try:
            self._exchange()
        except (OSError, AssertionError) as error:
            self.failure = repr(error)

    def _exchange(self) -> None:
        with connected(self._port, time.monotonic() + GIVE_UP_S) as stream:
            stream.sendall(CAPABILITIES)
            stream.settimeout(GIVE_UP_S)
            received = stream.recv(65536)
            assert b"\x00\x00\x01\x0c" in received, "no Result-Code in the capabilities answer"
            began = time.monotonic()
            sender = threading.Thread(target=stream.sendall, args=(self._requests,))
            sender.start()
            received = b""
            while len(self.answers) < self._count:
                octets = stream.recv(1 << 20)
                assert octets, "the server closed the connection"
                received += octets
                at_s, first = time.monotonic() - began, 0
                while len(received) - first >= 4:
                    length = int.from_bytes(received[first + 1 : first + 4], "big")
                    if len(received) - first < length:
                        break
                    self.answers.append((at_s, _result(received[first : first + length])))
                    first += length
                received = received[first:]
            sender.join()


def _result(answer: bytes) -> int:
    """Result-Code at command level: the first AVP of that code, behind the header and the Session-Id."""
    at = 20
    while at < len(answer):
        if answer[at : at + 4] == b"\x00\x00\x01\x0c":
            return int.from_bytes(answer[at + 8 : at + 12], "big")
        at += (int.from_bytes(answer[at + 5 : at + 8], "big") + 3) & ~3
    return 0


def test_twenty_thousand_that_wait_are_answered_from_the_first_second(tmp_path: Path) -> None:
    each = WAITING // CONNECTIONS
    with LoadedUp(tmp_path / "data", kill_plan(subscribers=WAITING)) as farebox:
        farebox.store.close()
        assert farebox.up.interrupt() == 0
        shares = [range(first, first + each) for first in range(0, WAITING, each)]
        waiting = [Waiting(farebox.plan.port, b"".join(map(initial, share)), each) for share in shares]
        farebox.up = start_of(farebox)
        for one in waiting:
            one.thread.start()
        for one in waiting:
            one.thread.join()
        assert [one.failure for one in waiting] == [""] * CONNECTIONS
        audited = farebox.check_audit()
        assert farebox.up.interrupt() == 0
    answers = sorted(answer for one in waiting for answer in one.answers)
    results = Counter(result for _, result in answers)
    first_second = sum(at_s < 1.0 for at_s, _ in answers)
    granted = sum(result == 2001 for at_s, result in answers if at_s < 1.0)
    rows = [
        ("requests that waited", WAITING),
        ("seconds to the first answer", round(answers[0][0], 3)),
        ("answered within the first second", first_second),
        ("of them granted", granted),
        ("seconds to the last answer", round(answers[-1][0], 3)),
        *((f"answers {code}", count) for code, count in sorted(results.items())),
    ]
    says = f"{WAITING:,} CCR-I on {CONNECTIONS} connections meet an engine that has just begun to listen."
    evidence.write("fresh-start", "A fresh start under load", says, ("what", "seen"), rows)
    assert audited.is_sound, audited.faults[:5]
    assert len(answers) == WAITING
    assert set(results) <= {2001, 3004}
    assert granted > 0
    assert audited.request_count - WAITING == results[2001], "what was granted is in the journal, once"
