"""Settings of webhooks."""

from dataclasses import dataclass
from pathlib import Path

from vocabulary.networks import DEFAULT, PRIVATE, AllowedNetworks, NetworkError, read_networks
from vocabulary.setting import setting


class WebhookConfigError(ValueError):
    """Settings that can't be; a line each."""


@dataclass(frozen=True, slots=True)
class WebhookSettings:
    """[webhooks] events that the business side posts to hubs."""

    allowed_networks: tuple[str, ...] = setting(
        (DEFAULT,),
        "networks that callbacks may lead to, such as 10.0.0.0/8; default stands for the public internet: no private, loopback,"
        " link-local, multicast or metadata addresses",
    )
    tls_ca: str = setting(
        "", "PEM file with the authorities of callbacks' certificates; empty: those that the system trusts"
    )

    def __post_init__(self) -> None:
        faults = []
        try:
            read_networks(self.allowed_networks)
        except NetworkError as error:
            faults.append(f"allowed_networks has {error}")
        if self.tls_ca and not Path(self.tls_ca).is_file():
            faults.append(f"tls_ca is {self.tls_ca!r}: no such file")
        if faults:
            raise WebhookConfigError("\n".join(faults))

    @property
    def networks(self) -> AllowedNetworks:
        """`allowed_networks`, read."""
        return read_networks(self.allowed_networks, excluded=PRIVATE)
