"""Settings of the Gy front end: who we are, where we listen, and which peers may connect."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from gy_interface.errors import GyConfigError
from vocabulary.ids import TENANT_NAME_RULE, is_tenant_name
from vocabulary.setting import setting

ANY_HOST = "*"
PEER_CONNECTIONS_MAX = 64


@dataclass(frozen=True, slots=True)
class PeerConfig:
    """[gy.peers.<name>] one packet core that may connect."""

    origin_hosts: tuple[str, ...] = setting((), "Origin-Hosts that it may have; * takes any")
    tenant: str = setting("default", "tenant whose subscribers it asks for")
    connections_max: int = setting(
        8, "connections that it may hold at once, over all front ends, 1..64; each host that * takes so many"
    )
    credit_limit_level: Literal["mscc", "command"] = setting(
        "mscc", "where 4012 is said when every service is out of credit"
    )
    lenient: bool = setting(False, "pass over unknown AVPs that have the M bit instead of answering 5001")
    counts: Literal["strict", "never"] = setting(
        "strict", "never: its CC-Request-Number means nothing, bodies tell repeats"
    )
    session_failover: Literal["unsaid", "supported", "not_supported"] = setting(
        "unsaid", "may it go on with its sessions at another of our front ends: CC-Session-Failover"
    )
    tariff_change: Literal["told", "ends_grant"] = setting(
        "told", "told: it splits its usage where a price changes; ends_grant: its grants end there"
    )
    failure_handling: Literal["unsaid", "terminate", "continue", "retry_and_terminate"] = setting(
        "unsaid", "what it does with a session when we don't answer: Credit-Control-Failure-Handling"
    )


def _default_peers() -> dict[str, PeerConfig]:
    return {"any": PeerConfig(origin_hosts=(ANY_HOST,))}


@dataclass(frozen=True, slots=True)
class GyConfig:
    """[gy] the Diameter front end."""

    origin_host: str = setting("ocs.farebox.example", "our Origin-Host, a full domain name")
    origin_realm: str = setting("farebox.example", "our Origin-Realm")
    host: str = setting("127.0.0.1", "address that is listened on")
    port: int = setting(3868, "port that is listened on; 0: any free one")
    watchdog_s: int = setting(30, "Tw: silence after which a Device-Watchdog-Request is sent, 6..3600")
    cer_timeout_s: int = setting(10, "a connection without Capabilities-Exchange-Request is closed after this, 1..300")
    connections_max: int = setting(256, "connections in all, over the front ends of a farebox up together, 1..4096")
    peers: Mapping[str, PeerConfig] = field(
        default_factory=_default_peers, metadata={"meaning": "who may connect; without any, everyone may (lab only)"}
    )

    def __post_init__(self) -> None:
        faults = list(self._faults())
        if faults:
            raise GyConfigError("\n".join(faults))

    def _faults(self) -> list[str]:
        faults = []
        for name in ("origin_host", "origin_realm"):
            value = getattr(self, name)
            if not value or not value.isascii() or " " in value or len(value) > 255:
                faults.append(f"{name} is {value!r}: write a domain name such as ocs.example.net")
        ranges = (
            ("port", self.port, 0, 65535),
            ("watchdog_s", self.watchdog_s, 6, 3600),
            ("cer_timeout_s", self.cer_timeout_s, 1, 300),
            ("connections_max", self.connections_max, 1, 4096),
        )
        for name, value, low, high in ranges:
            if not low <= value <= high:
                faults.append(f"{name} is {value}: choose {low}..{high}")
        owners: dict[str, str] = {}
        for peer, config in self.peers.items():
            if not config.origin_hosts:
                faults.append(f"peers.{peer}.origin_hosts is empty: name at least one Origin-Host, or *")
            if not 1 <= config.connections_max <= PEER_CONNECTIONS_MAX:
                faults.append(
                    f"peers.{peer}.connections_max is {config.connections_max}: choose 1..{PEER_CONNECTIONS_MAX}"
                )
            if not is_tenant_name(config.tenant):
                faults.append(f"peers.{peer}.tenant is {config.tenant!r}: {TENANT_NAME_RULE}")
            for host in config.origin_hosts:
                other = owners.setdefault(host.lower(), peer)
                if other != peer:
                    faults.append(f"peers.{peer}.origin_hosts has {host}, which is {other}'s: a host is one peer's")
        return faults

    def peer_of(self, origin_host: str) -> str | None:
        """Name of the peer with this Origin-Host, None where it is nobody's. Names are compared without case."""
        wildcard = None
        for name, peer in self.peers.items():
            for host in peer.origin_hosts:
                if host.lower() == origin_host.lower():
                    return name
                if host == ANY_HOST:
                    wildcard = name
        return wildcard
