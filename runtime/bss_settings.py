"""[bss] the business side: its database, its processes, the network that it provisions."""

from dataclasses import dataclass
from typing import Final

from vocabulary.setting import setting

WORKERS_MAX: Final = 4


@dataclass(frozen=True, slots=True)
class BssSettings:
    """See the module."""

    sql: str = setting("", "postgresql://user@host/name, or sqlite:///path; empty: bss.sqlite in data_dir")
    hss_url: str = setting("", "address of the subscriber store (HSS, UDM) that SIMs are provisioned in; empty: none")
    workers: int = setting(
        0, "of farebox up: processes that run orders, renewals and what is due, 0..4; 0: none, the engine alone"
    )

    def __post_init__(self) -> None:
        faults = []
        if not 0 <= self.workers <= WORKERS_MAX:
            faults.append(f"workers is {self.workers}: choose 0..{WORKERS_MAX}")
        if self.sql and not self.sql.startswith(("postgresql://", "sqlite:///")):
            faults.append("sql names no database: begin it with postgresql:// or sqlite:///")
        if self.hss_url and not self.hss_url.startswith(("http://", "https://")):
            faults.append(f"hss_url is {self.hss_url!r}: begin it with http:// or https://")
        if faults:
            raise ValueError("\n".join(faults))
