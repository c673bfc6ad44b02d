"""Metrics, health and structured logs of a process. Counters are raised once a batch; a scrape reads.

`METRICS` lists what there is; docs/metrics.md shows the same rows, and a test holds them equal.
"""

import asyncio
import json
import logging
import sys
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import structlog
from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_LATEST

from runtime.series import Count, CountMetric, Distribution, DistributionMetric

_SECONDS: Final = (0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
_REQUESTS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)


ENGINE: Final = "engine"
ARCHIVER: Final = "archiver"
RECORDS: Final = "records"
GY: Final = "gy"
CHF: Final = "chf"
NOTIFIER: Final = "notifier"
NRF: Final = "nrf"
WORKER: Final = "bss-worker"
WEB: Final = "bss-web"


class MetricRow(NamedTuple):
    """One metric: the process that has it, its Prometheus name, kind, labels, and what it says."""

    process: str
    name: str
    kind: str
    labels: tuple[str, ...]
    meaning: str
    buckets: tuple[float, ...] = ()


_PARTITION: Final = ("partition",)

METRICS: Final = (
    MetricRow(ENGINE, "farebox_requests_total", "counter", _PARTITION, "Requests decided and committed"),
    MetricRow(ENGINE, "farebox_answers_total", "counter", ("result_code",), "Answers by Result-Code at command level"),
    MetricRow(ENGINE, "farebox_refused_total", "counter", (), "Requests refused with 3004 before they were decided"),
    MetricRow(ENGINE, "farebox_looked_up_total", "counter", (), "Requests whose account was asked from the store"),
    MetricRow(
        ENGINE, "farebox_answer_seconds", "histogram", (), "Receipt to answer of a batch's oldest request", _SECONDS
    ),
    MetricRow(ENGINE, "farebox_decide_seconds", "histogram", (), "Deciding one batch", _SECONDS),
    MetricRow(ENGINE, "farebox_commit_seconds", "histogram", (), "Sending a commit to its confirmation", _SECONDS),
    MetricRow(ENGINE, "farebox_batch_requests", "histogram", _PARTITION, "Requests of a batch", _REQUESTS),
    MetricRow(ENGINE, "farebox_queued_requests", "gauge", _PARTITION, "Requests that wait for their batch"),
    MetricRow(ENGINE, "farebox_connections", "gauge", ("peer",), "Open Diameter connections"),
    MetricRow(ENGINE, "farebox_sessions_opened_total", "counter", (), "Sessions opened"),
    MetricRow(ENGINE, "farebox_sessions_ended_total", "counter", (), "Sessions ended by their peer"),
    MetricRow(ENGINE, "farebox_journal_entries", "gauge", _PARTITION, "Journal entries that the store still holds"),
    MetricRow(
        ENGINE,
        "farebox_journal_fill_ratio",
        "gauge",
        _PARTITION,
        "Part of store.journal_mib_max that the journal takes",
    ),
    MetricRow(
        ENGINE,
        "farebox_journal_held_octets",
        "gauge",
        ("partition", "reader"),
        "Octets of the journal that are kept for the archiver, or for a reader of it such as the notifier",
    ),
    MetricRow(ENGINE, "farebox_disk_free_octets", "gauge", (), "Room left where store and segments lie"),
    MetricRow(ENGINE, "farebox_clock_skew_seconds", "gauge", (), "The engine's clock less the store's"),
    MetricRow(ENGINE, "farebox_partition_owned", "gauge", _PARTITION, "1 while this engine decides for the partition"),
    MetricRow(ENGINE, "farebox_store_up", "gauge", _PARTITION, "1 while the partition's store answers"),
    MetricRow(ENGINE, "farebox_quarantined_total", "counter", (), "Requests that could not be decided, set aside"),
    MetricRow(
        ENGINE, "farebox_divergences_total", "counter", (), "Times the store was found older than the engine knew"
    ),
    MetricRow(ENGINE, "farebox_links", "gauge", (), "Front-end processes that hand over to this engine"),
    MetricRow(ENGINE, "farebox_handed_total", "counter", (), "Requests that front-end processes handed over"),
    MetricRow(GY, "farebox_gy_answers_total", "counter", ("result_code",), "Answers that left, by Result-Code"),
    MetricRow(GY, "farebox_gy_connections", "gauge", ("peer",), "Open Diameter connections of this front end"),
    MetricRow(GY, "farebox_gy_link_up", "gauge", (), "1 while an engine takes what this front end hands over"),
    MetricRow(GY, "farebox_gy_waiting_requests", "gauge", (), "Requests that are kept until the engine answers"),
    MetricRow(GY, "farebox_gy_refused_total", "counter", (), "Requests refused with 3004 by this front end"),
    MetricRow(GY, "farebox_gy_moved_total", "counter", (), "Requests handed over again after an engine was lost"),
    MetricRow(
        GY, "farebox_gy_given_up_total", "counter", (), "Requests that were handed over and got no answer in time"
    ),
    MetricRow(
        CHF, "farebox_chf_answers_total", "counter", ("result_code",), "Answers that left, as Result-Codes of Gy"
    ),
    MetricRow(CHF, "farebox_chf_link_up", "gauge", (), "1 while an engine takes what this front end hands over"),
    MetricRow(CHF, "farebox_chf_waiting_requests", "gauge", (), "Requests that are kept until the engine answers"),
    MetricRow(CHF, "farebox_chf_refused_total", "counter", (), "Requests refused with 503 by this front end"),
    MetricRow(CHF, "farebox_chf_moved_total", "counter", (), "Requests handed over again after an engine was lost"),
    MetricRow(
        CHF, "farebox_chf_given_up_total", "counter", (), "Requests that were handed over and got no answer in time"
    ),
    MetricRow(NRF, "farebox_nrf_registered", "gauge", (), "1 while the NRF has us and answers"),
    MetricRow(
        NRF, "farebox_nrf_requests_total", "counter", ("asked", "status"), "Requests to the NRF; status 0: no answer"
    ),
    MetricRow(NRF, "farebox_nrf_load_percent", "gauge", (), "Load of the 5G front ends, as the NRF is told"),
    MetricRow(NRF, "farebox_nrf_notifications_total", "counter", ("event",), "Notifications of the NRF"),
    MetricRow(
        NRF, "farebox_nrf_network_functions", "gauge", ("nf_type",), "Network functions of watched types that are there"
    ),
    MetricRow(ARCHIVER, "farebox_archived_entries_total", "counter", _PARTITION, "Journal entries in segment files"),
    MetricRow(ARCHIVER, "farebox_archived_octets_total", "counter", _PARTITION, "Octets of these entries"),
    MetricRow(
        ARCHIVER, "farebox_voided_entries_total", "counter", _PARTITION, "Archived entries that the store lost again"
    ),
    MetricRow(ARCHIVER, "farebox_archiver_working", "gauge", _PARTITION, "0 while store or disk is waited for"),
    MetricRow(ARCHIVER, "farebox_journal_octets", "gauge", _PARTITION, "Octets of the journal in the store's memory"),
    MetricRow(NOTIFIER, "farebox_notifier_tells", "gauge", (), "1 while it tells clients, 0 while another one does"),
    MetricRow(NOTIFIER, "farebox_notices_owed", "gauge", _PARTITION, "Sessions whose client is owed a message"),
    MetricRow(NOTIFIER, "farebox_notices_owed_total", "counter", _PARTITION, "Messages that were owed"),
    MetricRow(
        NOTIFIER,
        "farebox_notices_given_up_total",
        "counter",
        _PARTITION,
        "Messages that were given up, since trying again couldn't help",
    ),
    MetricRow(
        NOTIFIER,
        "farebox_notices_tried_total",
        "counter",
        ("interface", "result"),
        "Messages that were tried, by gy or nchf and by result code or status",
    ),
    MetricRow(RECORDS, "farebox_sessions_open", "gauge", (), "Sessions open at the journal position of the records"),
    MetricRow(RECORDS, "farebox_records_total", "counter", (), "Charging records in closed files"),
    MetricRow(RECORDS, "farebox_record_lines_total", "counter", (), "Lines of these records"),
    MetricRow(RECORDS, "farebox_record_files_total", "counter", ("format",), "Files closed: csv, parquet"),
    MetricRow(RECORDS, "farebox_movements_total", "counter", (), "Movements in closed files"),
    MetricRow(RECORDS, "farebox_movement_files_total", "counter", (), "Files of movements closed"),
    MetricRow(RECORDS, "farebox_record_entries_total", "counter", _PARTITION, "Journal entries read from segments"),
    MetricRow(RECORDS, "farebox_records_working", "gauge", (), "0 while the disk is waited for"),
)


class Telemetry:
    """The metrics of one process, by name without `farebox_`; beside them what the system counts for it (`process_*`)."""

    def __init__(self, process: str = ENGINE) -> None:
        self.registry = CollectorRegistry()
        self._metrics: dict[str, CountMetric | DistributionMetric] = {}
        self._series: dict[tuple[str, ...], Any] = {}
        self._before_scrape: list[Callable[[], None]] = []
        for row in METRICS:
            if row.process != process:
                continue
            metric: CountMetric | DistributionMetric
            if row.kind == "histogram":
                metric = DistributionMetric(row.name, row.meaning, row.labels, row.buckets)
            else:
                metric = CountMetric(row.name, row.meaning, row.labels, is_gauge=row.kind == "gauge")
            self.registry.register(metric)
            self._metrics[row.name.removeprefix("farebox_")] = metric
        ProcessCollector(registry=self.registry)

    def _find(self, name: str, *labels: str) -> Any:
        """Found once for each pair."""
        found = self._series.get((name, *labels))
        if found is None:
            found = self._series[(name, *labels)] = self._metrics[name].series(labels)
        return found

    def counter(self, name: str, *labels: str) -> Count:
        """A counter, or the one of these labels."""
        found: Count = self._find(name, *labels)
        return found

    def gauge(self, name: str, *labels: str) -> Count:
        """A gauge, or the one of these labels."""
        found: Count = self._find(name, *labels)
        return found

    def histogram(self, name: str, *labels: str) -> Distribution:
        """A histogram, or the one of these labels."""
        found: Distribution = self._find(name, *labels)
        return found

    def before_scrape(self, count: Callable[[], None]) -> None:
        """Have what is counted elsewhere brought here whenever the metrics are read."""
        self._before_scrape.append(count)

    def scrape(self) -> bytes:
        """All metrics in Prometheus' text format."""
        for count in self._before_scrape:
            count()
        return generate_latest(self.registry)


class Health(NamedTuple):
    """Whether the process serves, and why not."""

    is_ready: bool
    reasons: tuple[str, ...]


async def serve_telemetry(telemetry: Telemetry, health: Callable[[], Health], host: str, port: int) -> asyncio.Server:
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
        return "200 OK", CONTENT_TYPE_LATEST, telemetry.scrape()
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
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
    )
    logger: structlog.stdlib.BoundLogger = structlog.get_logger(process=process)
    return logger
