"""Settings of the 5G front end: where it listens, whose subscribers it asks for, what it takes."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal

from chf_http2.errors import ChfConfigError
from vocabulary.ids import TENANT_NAME_RULE, is_tenant_name
from vocabulary.setting import setting

if TYPE_CHECKING:
    from chf_http2.triggers import Triggers

BODY_OCTETS_MAX: Final = 256 * 1024
CONNECTIONS_MAX: Final = 1024
"""Of one process at a time."""
_UUID: Final = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_PLMN: Final = re.compile("[0-9]{3}-[0-9]{2,3}")
_TRIGGERS: Final = ("session_triggers", "rating_group_triggers", "offline_triggers")


@dataclass(frozen=True, slots=True)
class ChfConfig:
    """[chf] the front end of Nchf_ConvergedCharging over HTTP/2."""

    host: str = setting("127.0.0.1", "address that is listened on")
    port: int = setting(7777, "port that is listened on; 0: any free one")
    processes: int = setting(0, "processes of it that farebox up runs, behind one port; 0: no 5G, 0..64")
    tenant: str = setting("default", "tenant whose subscribers it asks for")
    api_root: str = setting(
        "", "scheme and authority of our URIs, such as http://chf.example:80; empty: as the client wrote it"
    )
    api_prefix: str = setting("", "what stands before /nchf-convergedcharging in our paths, such as /site-1")
    wraps_volumes: bool = setting(
        False,
        "take a negative volume for one that passed 2 GiB in 32 bits, as free5GC sends it, instead of answering 400",
    )
    tls_certificate: str = setting("", "PEM file with the server's certificate chain; empty: h2c, HTTP/2 without TLS")
    tls_key: str = setting("", "PEM file with its private key, PKCS#8")
    tls_client_ca: str = setting(
        "", "PEM file with authorities: clients must have a certificate of one; empty: need none"
    )
    session_failover: Literal["unsaid", "supported", "not_supported"] = setting(
        "unsaid", "may a consumer go on with its sessions at another of our front ends: sessionFailover"
    )
    failure_handling: Literal["unsaid", "terminate", "continue", "retry_and_terminate"] = setting(
        "unsaid", "what a consumer does with a session when we don't answer: failureHandling"
    )
    session_triggers: tuple[str, ...] = setting(
        (),
        "when consumers report a session besides: types with immediate or deferred and a limit, such as VOLUME_LIMIT"
        " deferred 1073741824; empty: as they do by themselves",
    )
    rating_group_triggers: tuple[str, ...] = setting((), "the same of a rating group that has quota, beside that")
    offline_triggers: tuple[str, ...] = setting((), "the same of a rating group without quota")
    token_keys: tuple[str, ...] = setting(
        (),
        "files with keys of the NRF that access tokens are signed with, PEM or JWK set; empty: tokens aren't checked",
    )
    token_issuers: tuple[str, ...] = setting(
        (), "NF instance ids of the NRFs whose tokens are taken; empty: of any that has one of the keys"
    )
    nf_instance_id: str = setting(
        "", "our NF instance id, a UUID: audience of tokens, name at the NRF; empty: made of the store's"
    )
    plmns: tuple[str, ...] = setting((), "our networks, such as 262-01; empty: not said, and not looked for in tokens")
    body_s: int = setting(10, "a body that takes longer to come is refused, 1..300")

    def __post_init__(self) -> None:
        faults = []
        for name, low, high in (("port", 0, 65535), ("processes", 0, 64), ("body_s", 1, 300)):
            value = getattr(self, name)
            if not low <= value <= high:
                faults.append(f"{name} is {value}: choose {low}..{high}")
        if not is_tenant_name(self.tenant):
            faults.append(f"tenant is {self.tenant!r}: {TENANT_NAME_RULE}")
        if self.api_prefix and (not self.api_prefix.startswith("/") or self.api_prefix.endswith("/")):
            faults.append(f"api_prefix is {self.api_prefix!r}: write it as /site-1")
        if self.api_root and not self.api_root.startswith(("http://", "https://")):
            faults.append(f"api_root is {self.api_root!r}: write it as http://chf.example:80")
        if bool(self.tls_certificate) != bool(self.tls_key):
            lacking = "tls_key" if self.tls_certificate else "tls_certificate"
            faults.append(f"{lacking} is empty: a certificate and its key come together")
        if self.tls_client_ca and not self.tls_certificate:
            faults.append("tls_client_ca has no sense without tls_certificate")
        for name in ("tls_certificate", "tls_key", "tls_client_ca"):
            path = getattr(self, name)
            if path and not Path(path).is_file():
                faults.append(f"{name} is {path!r}: no such file")
        faults += _identity_faults(self) + _trigger_faults(self) + _key_faults(self.token_keys)
        if faults:
            raise ChfConfigError("\n".join(faults))

    def triggers(self) -> "Triggers":
        """What answers say of when to report."""
        from chf_http2.triggers import (
            Triggers,
            triggers_of,
        )  # the schema costs a tenth of a second, which only who serves pays

        return Triggers(*(triggers_of(getattr(self, name)) for name in _TRIGGERS))


def plmn_of(text: str) -> tuple[str, str]:
    """MCC and MNC of `262-01`."""
    mcc, _, mnc = text.partition("-")
    return mcc, mnc


def _identity_faults(config: ChfConfig) -> list[str]:
    """What is wrong with who we say that we are, and whom we trust."""
    faults = []
    if config.nf_instance_id and not _UUID.fullmatch(config.nf_instance_id):
        faults.append(f"nf_instance_id is {config.nf_instance_id!r}: write a UUID, or nothing")
    for plmn in config.plmns:
        if not _PLMN.fullmatch(plmn):
            faults.append(f"plmns has {plmn!r}: write MCC and MNC as 262-01")
    if config.token_issuers and not config.token_keys:
        faults.append("token_issuers has no sense without token_keys")
    return faults


def _trigger_faults(config: ChfConfig) -> list[str]:
    """What is wrong with triggers."""
    if not any(getattr(config, name) for name in _TRIGGERS):
        return []
    from chf_http2.triggers import TriggerFault, triggers_of

    faults = []
    for name in _TRIGGERS:
        try:
            triggers_of(getattr(config, name))
        except TriggerFault as fault:
            faults.append(f"{name} {fault}")
    return faults


def _key_faults(paths: tuple[str, ...]) -> list[str]:
    """What is wrong with files of keys."""
    if not paths:
        return []
    from chf_http2.token_keys import keys_of  # a tenth of a second that only who checks tokens pays

    faults = []
    for path in paths:
        try:
            keys_of(Path(path).read_bytes())
        except OSError as error:
            faults.append(f"token_keys has {path!r}: {error.strerror}")
        except ValueError as error:
            faults.append(f"token_keys has {path!r}, which {error}")
    return faults
