"""Every setting of Farebox: one frozen dataclass a section, units in names, a line of prose a field.

Values come from a TOML file, then from the environment (FAREBOX_<SECTION>_<FIELD>), then from flags; runtime/config.py
reads them and reports all mistakes together. docs/configuration.md shows this table; a test holds them equal.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal

from chf_http2.config import ChfConfig
from chf_http2.nrf_config import NrfConfig
from gy_interface.config import GyConfig
from runtime.notify_settings import NotifySettings
from runtime.webhook_settings import WebhookSettings
from vocabulary.limits import (
    ENGINES_MAX,
    NODE_SIGNS_MAX,
    PARTITIONS_MAX,
    SUPERVISION_DEFAULT_S,
    SUPERVISION_WITHOUT_QUOTA_S,
    SUPERVISION_WITHOUT_QUOTA_S_MAX,
)
from vocabulary.setting import setting

_MIB_MAX: Final = 1 << 20
_DAYS_MAX: Final = 36_500
FRONT_ENDS_MAX: Final = 32
WORKERS_MAX: Final = 4
_EVERYWHERE: Final = ("0.0.0.0", "::", "")
_NODE_SIGNS: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")


def _check_ranges(settings: Any, ranges: tuple[tuple[str, int, int], ...], faults: tuple[str, ...] = ()) -> None:
    """ValueError with a line a field that lies outside of its (name, lowest, highest), and `faults`."""
    found = [
        f"{name} is {getattr(settings, name)}: choose {low}..{high}"
        for name, low, high in ranges
        if not low <= getattr(settings, name) <= high
    ]
    if found or faults:
        raise ValueError("\n".join((*found, *faults)))


@dataclass(frozen=True, slots=True)
class StoreSettings:
    """[store] where balances, sessions and the journal live."""

    url: str = setting("", "redis://host:port/0 or unix:///path; empty: start the embedded server in data_dir")
    data_dir: Path = setting(  # noqa: RUF009 (a Path never changes)
        Path("data"), "folder of the embedded store, segment files, charging records and logs"
    )
    partitions: int = setting(2, "partitions of a store that is created; fixed from then on, 1..4096")
    fsync: Literal["always", "everysec"] = setting(
        "always",
        "appendfsync of the embedded store: always loses nothing that was answered, everysec the last second or two",
    )
    journal_mib_max: int = setting(
        1024,
        "journal that one partition may hold in the store's memory, MiB; alarm at 80 %, at 95 % new sessions are refused",
    )
    rewrite_min_mib: int = setting(2048, "append-only file size from which the embedded store rewrites it, MiB")

    def __post_init__(self) -> None:
        ranges = (
            ("partitions", 1, PARTITIONS_MAX),
            ("journal_mib_max", 1, _MIB_MAX),
            ("rewrite_min_mib", 1, _MIB_MAX),
        )
        schemes = ("redis://", "rediss://", "valkey://", "valkeys://", "unix://")
        is_known = not self.url or self.url.startswith(schemes)
        _check_ranges(self, ranges, () if is_known else (f"url is {self.url!r}: begin it with {' or '.join(schemes)}",))


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """[engine] the processes that decide, and those in front of them."""

    node: str = setting(
        "engine-1", "name of this engine in ownership tokens and logs; farebox up names several engine-1, engine-2 ..."
    )
    environment: Literal["lab", "production"] = setting(
        "lab", "lab or production; production refuses FAREBOX_KILL_AT and unsafe stores"
    )
    test_clock: bool = setting(
        False,
        "of farebox up: follow a clock that farebox clock advance moves, engine and business side alike; never in production",
    )
    cpu: int = setting(-1, "processor that the engine is pinned to; -1: none")
    records_kept_mib: int = setting(
        256,
        "memory for account records that needn't be asked from the store, MiB a partition: 1 holds about 1,400; 0: none",
    )
    supervision_s: int = setting(
        SUPERVISION_WITHOUT_QUOTA_S,
        "a session that holds no quota is ended after so long without a request, seconds, 7200..1209600; one that holds some"
        " behind twice its validity",
    )
    front_ends: int = setting(
        0, "of farebox up: processes of their own for Diameter Gy, 0..32; 0: Gy is in the engine's process"
    )

    processes: int = setting(
        1,
        "of farebox up: engines that share the partitions, 1..32, at most one a partition; more than 1 needs front_ends",
    )

    def __post_init__(self) -> None:
        is_name = 0 < len(self.node) <= NODE_SIGNS_MAX and set(self.node) <= _NODE_SIGNS
        fault = f"node is {self.node!r}: write 1 to {NODE_SIGNS_MAX} letters, digits, dots, dashes and underscores"
        faults: tuple[str, ...] = () if is_name else (fault,)
        if self.test_clock and self.environment == "production":
            faults += ("test_clock is set: leave it out, a production configuration follows the machine's clock alone",)
        if self.processes > 1 and self.front_ends == 0:
            faults += (
                f"processes is {self.processes} and front_ends 0: Diameter can't be in the process of one engine of several,"
                " set front_ends to 1 or more",
            )
        ranges = (
            ("cpu", -1, 4095),
            ("records_kept_mib", 0, _MIB_MAX),
            ("supervision_s", SUPERVISION_DEFAULT_S, SUPERVISION_WITHOUT_QUOTA_S_MAX),
            ("front_ends", 0, FRONT_ENDS_MAX),
            ("processes", 1, ENGINES_MAX),
        )
        _check_ranges(self, ranges, faults)


@dataclass(frozen=True, slots=True)
class RecordSettings:
    """[records] segment files and charging records."""

    partial_after_s: int = setting(3600, "an open session gets a partial record after this long")
    file_records_max: int = setting(100_000, "lines after which a record file is closed")
    file_age_s: int = setting(60, "age after which a record file is closed")
    file_mib_max: int = setting(64, "size after which a record file is closed, MiB")
    segment_mib_max: int = setting(256, "size after which a segment file is closed, MiB")
    checkpoint_mib_min: int = setting(16, "journal read between two saved states of the record writer, MiB at least")
    disk_free_min_mib: int = setting(
        512, "below this much free disk new sessions are refused, archiver and record writer stop cleanly, MiB"
    )
    only_idle: bool = setting(
        True, "the record writer takes only processor time that nobody else wants; false where others leave none"
    )

    def __post_init__(self) -> None:
        ranges = (
            ("partial_after_s", 1, 7 * 86400),
            ("file_records_max", 1, 10_000_000),
            ("file_age_s", 1, 86400),
            ("file_mib_max", 1, 4096),
            ("segment_mib_max", 1, 4096),
            ("checkpoint_mib_min", 1, 4096),
            ("disk_free_min_mib", 0, _MIB_MAX),
        )
        _check_ranges(self, ranges)


@dataclass(frozen=True, slots=True)
class BssSettings:
    """[bss] the business side: customers, catalogue, orders, inventory."""

    url: str = setting(
        "",
        "its database, postgresql://user@host/name or sqlite:////path/of/file; empty: the file bss.sqlite in store.data_dir."
        " Also FAREBOX_SQL",
    )
    hss_url: str = setting("", "address of the subscriber store (HSS, UDM) that SIMs are provisioned in; empty: none")
    workers: int = setting(1, "of farebox up: processes that run orders, renewals and what is due, 0..4; 0: none")
    web: int = setting(1, "of farebox up: processes that serve TM Forum APIs and the console, 0 or 1")
    web_host: str = setting("127.0.0.1", "address of the APIs and the console")
    web_port: int = setting(8080, "their port, 0..65535; 0: any that is free")
    public_url: str = setting(
        "",
        "how clients reach the APIs, such as https://bss.example.net: what links in answers begin with; empty: relative",
    )
    has_console: bool = setting(True, "false: the APIs alone")
    events_kept_days: int = setting(
        30, "days that events and what became of them at hubs are kept once they were told, for replays, 1..36500"
    )
    runs_kept_days: int = setting(
        90, "days that runs of automation rules are kept once they ended, those that failed too, 1..36500"
    )

    def __post_init__(self) -> None:
        is_known = not self.url or self.url.startswith(("postgresql://", "postgresql+psycopg://", "sqlite:///"))
        faults: tuple[str, ...] = (
            () if is_known else ("url begins with neither postgresql:// nor sqlite:///: write one of them",)
        )
        if self.hss_url and not self.hss_url.startswith(("http://", "https://")):
            faults += (f"hss_url is {self.hss_url!r}: begin it with http:// or https://",)
        if self.public_url and not self.public_url.startswith(("http://", "https://")):
            faults += (f"public_url is {self.public_url!r}: begin it with http:// or https://",)
        ranges = (
            ("workers", 0, WORKERS_MAX),
            ("web", 0, 1),
            ("web_port", 0, 65535),
            ("events_kept_days", 1, _DAYS_MAX),
            ("runs_kept_days", 1, _DAYS_MAX),
        )
        _check_ranges(self, ranges, faults)


@dataclass(frozen=True, slots=True)
class TelemetrySettings:
    """[telemetry] metrics, health and logs."""

    host: str = setting("127.0.0.1", "address of /metrics and /health")
    port: int = setting(
        9464,
        "port of /metrics and /health; of farebox up: the (first) engine's, the archiver has the next, then come record writer,"
        " notifier, front ends and further engines; 0: any free ones, -1: none",
    )
    log_level: Literal["debug", "info", "warning", "error"] = setting("info", "debug, info, warning or error")
    log_json: bool = setting(False, "log lines as JSON")

    def __post_init__(self) -> None:
        _check_ranges(self, (("port", -1, 65535 - 3 - FRONT_ENDS_MAX - ENGINES_MAX),))


@dataclass(frozen=True, slots=True)
class Settings:
    """All sections."""

    store: StoreSettings = field(default_factory=StoreSettings)
    gy: GyConfig = field(default_factory=GyConfig)
    chf: ChfConfig = field(default_factory=ChfConfig)
    nrf: NrfConfig = field(default_factory=NrfConfig)
    engine: EngineSettings = field(default_factory=EngineSettings)
    records: RecordSettings = field(default_factory=RecordSettings)
    notify: NotifySettings = field(default_factory=NotifySettings)
    bss: BssSettings = field(default_factory=BssSettings)
    webhooks: WebhookSettings = field(default_factory=WebhookSettings)
    telemetry: TelemetrySettings = field(default_factory=TelemetrySettings)

    def __post_init__(self) -> None:
        if self.nrf.url and not self.nrf.address and self.chf.host in _EVERYWHERE:
            raise ValueError(
                f"nrf.address is empty and chf.host is {self.chf.host}: write the address that consumers reach us at"
            )
