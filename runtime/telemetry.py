"""Metrics, health and structured logs of a process. Counters are raised once a batch; a scrape reads, it computes nothing.

`METRICS` lists what there is; docs/operating/metrics.md shows the same rows, and a test holds them equal.
"""

import asyncio
import json
import logging
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_REQUESTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


class MetricRow(NamedTuple):
    """One metric: its Prometheus name, kind, labels, and what it says."""

    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()


METRICS: Final = (
    MetricRow("farebox_requests_total", "counter", ("partition",), "Requests decided and committed"),
    MetricRow("farebox_answers_total", "counter", ("result_code",), "Answers by Result-Code at command level"),
    MetricRow("farebox_refused_total", "counter", (), "Requests refused with 3004 before they were decided"),
    MetricRow("farebox_looked_up_total", "counter", (), "Requests whose account was asked from the store"),
    MetricRow(
        "farebox_answer_seconds", "histogram", (), "Receipt to answer of the oldest request of each batch", _SECONDS
    ),
    MetricRow("farebox_decide_seconds", "histogram", (), "Deciding one batch", _SECONDS),
    MetricRow("farebox_commit_seconds", "histogram", ("partition",), "Sending a commit to its confirmation", _SECONDS),
    MetricRow("farebox_batch_requests", "histogram", ("partition",), "Requests of a batch", _REQUESTS),
    MetricRow("farebox_queued_requests", "gauge", ("partition",), "Requests that wait for their batch"),
    MetricRow("farebox_connections", "gauge", ("peer",), "Open Diameter connections"),
    MetricRow("farebox_sessions_opened_total", "counter", (), "Sessions opened"),
    MetricRow("farebox_sessions_ended_total", "counter", (), "Sessions ended by their peer"),
    MetricRow("farebox_journal_entries", "gauge", ("partition",), "Journal entries not archived yet"),
    MetricRow("farebox_store_up", "gauge", ("partition",), "1 while the partition's store answers"),
    MetricRow("farebox_quarantined_total", "counter", (), "Requests that could not be decided and were set aside"),
    MetricRow("farebox_divergences_total", "counter", (), "Times the store was found older than the engine knew"),
)

_KINDS: Final = {"counter": Counter, "gauge": Gauge}


class Telemetry:
    """The metrics of one process, by name without `farebox_`."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._metrics = {}
        for row in METRICS:
            if row.kind == "histogram":
                metric = Histogram(row.name, row.meaning, row.labels, buckets=row.buckets, registry=self.registry)
            else:
                metric = _KINDS[row.kind](row.name, row.meaning, row.labels, registry=self.registry)
            self._metrics[row.name.removeprefix("farebox_")] = metric

    def counter(self, name: str, *labels: str) -> Counter:
        """A counter, or the one of these labels."""
        metric = self._metrics[name]
        return metric.labels(*labels) if labels else metric

    def gauge(self, name: str, *labels: str) -> Gauge:
        """A gauge, or the one of these labels."""
        metric = self._metrics[name]
        return metric.labels(*labels) if labels else metric

    def histogram(self, name: str, *labels: str) -> Histogram:
        """A histogram, or the one of these labels."""
        metric = self._metrics[name]
        return metric.labels(*labels) if labels else metric


class Health(NamedTuple):
    """Whether the process serves, and why not."""

    is_ready: bool
    reasons: tuple[str, ...]


async def serve_telemetry(
    telemetry: Telemetry, health: Callable[[], Health], host: str, port: int
) -> asyncio.AbstractServer:
    """Serve /metrics, /health/live and /health/ready over HTTP/1.1; one short answer a connection."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
            status, kind, body = _respond(request, telemetry, health)
            head = (
                f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
            )
            writer.write(head.encode() + body)
            await writer.drain()
        except (TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError):
            pass
        finally:
            writer.close()

    return await asyncio.start_server(answer, host, port, limit=8192)


def _respond(request: bytes, telemetry: Telemetry, health: Callable[[], Health]) -> tuple[str, str, bytes]:
    """Status line, content type and body for a request head."""
    words = request.split(b" ", 2)
    if len(words) < 3 or words[0] not in (b"GET", b"HEAD"):
        return "405 Method Not Allowed", "text/plain", b"GET /metrics, /health/live or /health/ready\n"
    if words[1] == b"/metrics":
        return "200 OK", CONTENT_TYPE_LATEST, generate_latest(telemetry.registry)
    if words[1] == b"/health/live":
        return "200 OK", "application/json", b'{"live": true}\n'
    if words[1] == b"/health/ready":
        now = health()
        body = json.dumps({"ready": now.is_ready, "reasons": now.reasons}).encode() + b"\n"
        return "200 OK" if now.is_ready else "503 Service Unavailable", "application/json", body
    return "404 Not Found", "text/plain", b"GET /metrics, /health/live or /health/ready\n"


def configure_logs(process: str, *, as_json: bool, level: str = "info") -> structlog.stdlib.BoundLogger:
    """Structured logs on standard error: a line an event, JSON or legible."""
    renderer = structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=False)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.WriteLoggerFactory(),
    )
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(process=process)
    return logger
