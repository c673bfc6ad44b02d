"""Settings of the notifier."""

from dataclasses import dataclass
from pathlib import Path

from vocabulary.networks import DEFAULT, AllowedNetworks, NetworkError, read_networks
from vocabulary.setting import setting


class NotifyConfigError(ValueError):
    """Settings that can't be; a line each."""


@dataclass(frozen=True, slots=True)
class NotifySettings:
    """[notify] messages that we begin: RAR and ASR, REAUTHORIZATION and ABORT_CHARGING."""

    allowed_networks: tuple[str, ...] = setting(
        (DEFAULT,),
        "networks that notifyUris may lead to, such as 10.0.0.0/8; default stands for all but loopback, link-local, multicast"
        " and metadata addresses",
    )
    timeout_s: int = setting(3, "how long an answer to a message is waited for, 1..60")
    retry_s: int = setting(1, "wait before the second try of a message, doubled each time, 1..3600")
    retry_max_s: int = setting(300, "longest wait between two tries, 1..86400")
    report_s: int = setting(
        30,
        "a client that took a message has so long to ask again, or to end the session, before it is told again, 1..86400",
    )
    told_max: int = setting(
        3, "a session whose client took so many messages and heeded none is ended here, with a charging record, 1..100"
    )
    attempts_max: int = setting(
        8, "a session that is to be aborted is ended here when so many tries reached nobody, 1..100"
    )
    in_flight_max: int = setting(64, "messages that wait for their answer at once, 1..4096")
    in_flight_per_target_max: int = setting(
        8, "of these for one client, so that one that hangs holds up no other, 1..4096"
    )
    price_changes_per_s: int = setting(
        100, "sessions a second, of each partition, that are told of changed prices, 1..100000"
    )
    tls_ca: str = setting(
        "", "PEM file with the authorities of notify targets' certificates; empty: those that the system trusts"
    )

    def __post_init__(self) -> None:
        ranges = (
            ("timeout_s", 1, 60),
            ("retry_s", 1, 3600),
            ("retry_max_s", 1, 86400),
            ("report_s", 1, 86400),
            ("told_max", 1, 100),
            ("attempts_max", 1, 100),
            ("in_flight_max", 1, 4096),
            ("in_flight_per_target_max", 1, 4096),
            ("price_changes_per_s", 1, 100_000),
        )
        faults = [
            f"{name} is {getattr(self, name)}: choose {low}..{high}"
            for name, low, high in ranges
            if not low <= getattr(self, name) <= high
        ]
        try:
            read_networks(self.allowed_networks)
        except NetworkError as error:
            faults.append(f"allowed_networks has {error}")
        if self.tls_ca and not Path(self.tls_ca).is_file():
            faults.append(f"tls_ca is {self.tls_ca!r}: no such file")
        if faults:
            raise NotifyConfigError("\n".join(faults))

    @property
    def networks(self) -> AllowedNetworks:
        """`allowed_networks`, read."""
        return read_networks(self.allowed_networks)
