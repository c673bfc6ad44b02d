"""Every setting of Farebox: one frozen dataclass a section, units in names, a line of prose a field.

Values come from a TOML file, then from the environment (FAREBOX_<SECTION>_<FIELD>), then from flags; runtime/config.py
reads them and reports all mistakes together. docs/configuration.md shows this table; a test holds them equal.
"""

from dataclasses import dataclass, field
from pathlib import Path

from gy_interface.config import GyConfig
from vocabulary.setting import setting


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """[store] where balances, sessions and the journal live."""

    url: str = setting("", "redis://host:port/0 or unix:///path; empty: start the embedded server in data_dir")
    data_dir: Path = setting(Path("data"), "folder of the embedded store, segment files, charging records and logs")
    partitions: int = setting(2, "partitions of a store that is created; fixed from then on, 1..4096")
    fsync: str = setting(
        "always", "appendfsync of the embedded store: always loses nothing that was answered; everysec"
    )
    rewrite_min_mib: int = setting(1024, "append-only file size from which the embedded store rewrites it, MiB")


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """[engine] the process that decides."""

    node: str = setting("engine-1", "name of this engine in ownership tokens and logs")
    environment: str = setting("lab", "lab or production; production refuses FAREBOX_KILL_AT and unsafe stores")
    cpu: int = setting(-1, "processor that the engine is pinned to; -1: none")


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """[records] segment files and charging records."""

    partial_after_s: int = setting(3600, "an open session gets a partial record after this long")
    file_records_max: int = setting(100_000, "lines after which a record file is closed")
    file_age_s: int = setting(60, "age after which a record file is closed")
    file_mib_max: int = setting(64, "size after which a record file is closed, MiB")
    segment_mib_max: int = setting(256, "size after which a segment file is closed, MiB")
    disk_free_min_mib: int = setting(512, "below this much free disk archiver and record writer stop cleanly, MiB")


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """[telemetry] metrics, health and logs."""

    host: str = setting("127.0.0.1", "address of /metrics and /health")
    port: int = setting(9464, "port of /metrics and /health; 0: any free one, -1: none")
    log_level: str = setting("info", "debug, info, warning or error")
    log_json: bool = setting(False, "log lines as JSON")


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections."""

    store: StoreSettings = field(default_factory=StoreSettings)
    gy: GyConfig = field(default_factory=GyConfig)
    engine: EngineSettings = field(default_factory=EngineSettings)
    records: RecordSettings = field(default_factory=RecordSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)
