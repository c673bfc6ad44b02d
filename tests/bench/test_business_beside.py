"""What web and worker cost the engine: processes stop and go on by turns, and rates are told apart."""

import http.server
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bench import business_beside
from bench.business_beside import in_turns
from bench.generator_process import BenchError

PAGE = '# HELP of it\nfarebox_requests_total{{partition="0"}} {}\nfarebox_requests_total{{partition="1"}} {}\n'


def _state_of(pid: int) -> str:
    """Its letter in /proc: T is stopped."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0]


class Engine:
    """Serves a counter that rises twice as fast while a process is stopped."""

    def __init__(self) -> None:
        self.waiting = subprocess.Popen(["sleep", "60"])
        self._count, self._at_s = 0.0, time.monotonic()
        self._lock = threading.Lock()
        engine = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                body = PAGE.format(*[engine.count() / 2] * 2).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *arguments: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.05,))
        self._thread.start()

    def count(self) -> float:
        with self._lock:
            now_s = time.monotonic()
            rate = 2_000.0 if _state_of(self.waiting.pid) == "T" else 1_000.0
            self._count, self._at_s = self._count + rate * (now_s - self._at_s), now_s
            return self._count

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(10)
        self.waiting.kill()
        self.waiting.wait(10)


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(business_beside, "TURN_S", 0.1)
    started = Engine()
    yield started
    started.close()


def looked_at(times: int) -> Callable[[Callable[[], None]], None]:
    """A load that is looked at so often, each fiftieth of a second."""

    def run(look: Callable[[], None]) -> None:
        paused = threading.Event()
        for _ in range(times):
            look()
            paused.wait(0.02)

    return run


def test_what_is_far_off_counts_little() -> None:
    mean, error = business_beside._middle_mean([1.0, 1.1, 0.9, 1.0, 1.2, 0.8, 1.0, 1.1, 0.9, 60.0])
    assert mean == pytest.approx(1.0, abs=0.04)
    assert error < 0.1
    same, none = business_beside._middle_mean([2.0] * 4)
    assert (same, none) == (2.0, 0.0)


def test_rates_with_and_without_are_told_apart(engine: Engine) -> None:
    found = in_turns([engine.waiting.pid], engine.server.server_port, looked_at(70))
    assert found["turns"] >= 4
    assert 40 < found["engine_rate_lost_percent"] < 60
    assert found["stopped_per_s"] > found["running_per_s"]
    assert _state_of(engine.waiting.pid) != "T", "everything runs again"


def test_too_few_turns_are_no_figure_and_leave_nobody_stopped(engine: Engine) -> None:
    with pytest.raises(BenchError, match="give more seconds"):
        in_turns([engine.waiting.pid], engine.server.server_port, looked_at(12))
    assert _state_of(engine.waiting.pid) != "T"
