"""Metrics, health and logs of one process, over a real socket; the page of metrics."""

import asyncio
import json

import pytest

from runtime.telemetry import ARCHIVER, ENGINE, METRICS, RECORDS, Health, Telemetry, configure_logs, serve_telemetry
from tests.runtime.test_config import documented


async def _exchange(port: int, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(octets)
        await writer.drain()
        return await asyncio.wait_for(reader.read(), 10)
    finally:
        writer.close()


READY = Health(True, ())


def ask(octets: bytes, *, health: Health = READY, telemetry: Telemetry | None = None) -> tuple[int, str]:
    """Status and body of one exchange; status 0 where the server said nothing."""

    async def run() -> bytes:
        server = await serve_telemetry(telemetry or Telemetry(), lambda: health, "127.0.0.1", 0)
        async with server:
            return await _exchange(server.sockets[0].getsockname()[1], octets)

    answer = asyncio.run(run())
    head, _, body = answer.partition(b"\r\n\r\n")
    if not head:
        return 0, ""
    lengths = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")]
    assert int(lengths[0].split(b":")[1]) == len(body)
    return int(head.split()[1]), body.decode()


def get(path: str, **more: object) -> tuple[int, str]:
    return ask(f"GET {path} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), **more)  # type: ignore[arg-type]


def test_counters_gauges_and_histograms_are_served() -> None:
    telemetry = Telemetry(ENGINE)
    telemetry.counter("requests_total", "1").inc(5)
    telemetry.gauge("connections", "core").set(3)
    telemetry.histogram("decide_seconds").observe(0.0015)
    status, text = get("/metrics", telemetry=telemetry)
    assert status == 200
    lines = text.splitlines()
    assert 'farebox_requests_total{partition="1"} 5.0' in lines
    assert 'farebox_connections{peer="core"} 3.0' in lines
    assert 'farebox_decide_seconds_bucket{le="0.001"} 0.0' in lines
    assert 'farebox_decide_seconds_bucket{le="0.002"} 1.0' in lines


def test_each_process_has_its_own_metrics_and_no_other() -> None:
    for process in (ENGINE, ARCHIVER, RECORDS):
        _, text = get("/metrics", telemetry=Telemetry(process))
        names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE farebox_")}
        assert names == {row.name for row in METRICS if row.process == process}
    with pytest.raises(KeyError):
        Telemetry(ARCHIVER).counter("requests_total", "0")


def test_ready_says_why_not() -> None:
    assert get("/health/live", health=Health(False, ("partition 0: store away",)))[0] == 200
    status, body = get("/health/ready", health=Health(False, ("partition 0: store away",)))
    assert (status, json.loads(body)) == (503, {"ready": False, "reasons": ["partition 0: store away"]})
    assert get("/health/ready")[0] == 200


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (b"GET /nothing HTTP/1.1\r\n\r\n", 404),
        (b"POST /metrics HTTP/1.1\r\n\r\n", 405),
        (b"nonsense\r\n\r\n", 405),
        (b"\r\n\r\n", 405),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"a" * 20_000 + b"\r\n\r\n", 0),
    ],
)
def test_what_is_no_question_of_ours_gets_a_short_answer(octets: bytes, status: int) -> None:
    assert ask(octets)[0] == status


def test_logs_go_to_standard_error_as_lines_or_json(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logs("engine", as_json=True, level="warning").info("not shown")
    log = configure_logs("engine", as_json=True, level="info")
    log.info("engine ready", gy_port=3868)
    captured = capsys.readouterr()
    assert captured.out == ""
    (line,) = captured.err.splitlines()
    entry = json.loads(line)
    assert (entry["event"], entry["process"], entry["gy_port"], entry["level"]) == (
        "engine ready",
        "engine",
        3868,
        "info",
    )
    configure_logs("engine", as_json=False).info("engine ready")
    assert "engine ready" in capsys.readouterr().err


def test_metrics_page_lists_every_metric() -> None:
    expected = [(row.name, row.process, row.kind, ", ".join(row.labels) or "-", row.meaning) for row in METRICS]
    assert documented("metrics.md") == expected


def test_what_the_issue_names_is_measured() -> None:
    names = {row.name for row in METRICS}
    for wanted in (
        "requests_total",
        "answer_seconds",
        "decide_seconds",
        "commit_seconds",
        "batch_requests",
        "queued_requests",
        "sessions_open",
        "journal_entries",
        "journal_octets",
    ):
        assert f"farebox_{wanted}" in names
