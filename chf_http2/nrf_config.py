"""Settings of the NRF client: which NRF, and what it is told of us."""

import re
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from chf_http2.errors import ChfConfigError
from vocabulary.setting import setting

HEARTBEAT_S_MAX: Final = 3600
_URL: Final = re.compile(r"https?://[^/\s]+(/[^\s?#]*[^/\s?#])?")
_DIGIT_RANGE: Final = re.compile(r"(?P<start>[0-9]{1,15})-(?P<end>[0-9]{1,15})")
_PLMN_RANGE: Final = re.compile(r"(?P<start>[0-9]{5,6})-(?P<end>[0-9]{5,6})")
_FQDN: Final = re.compile(r"([A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9-]{2,63}")
_UUID: Final = re.compile("[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NF_TYPE: Final = re.compile("[A-Z][A-Z0-9_]{1,30}")


@dataclass(frozen=True, slots=True)
class NrfConfig:
    """[nrf] registration with an NRF (TS 29.510)."""

    url: str = setting("", "apiRoot of the NRF, such as http://nrf.example:7777; empty: none is used")
    address: str = setting("", "IP address or full domain name that consumers reach us at; empty: chf.host")
    port: int = setting(0, "port that consumers reach us at; 0: chf.port")
    priority: int = setting(1, "among charging functions; 0 is the highest, 0..65535")
    capacity: int = setting(100, "share of the load that we can take, beside those of others, 0..65535")
    supi_ranges: tuple[str, ...] = setting(
        (), "subscribers: 262010000000000-262019999999999, or a pattern of SUPIs such as ^imsi-26201; empty: all"
    )
    gpsi_ranges: tuple[str, ...] = setting((), "the same of numbers: 491700000000-491709999999, or a pattern of GPSIs")
    plmn_ranges: tuple[str, ...] = setting((), "networks whose subscribers are ours: 26201-26203, or a pattern")
    group_id: str = setting("", "CHF group that we belong to; empty: none")
    primary_chf: str = setting("", "NF instance id of the charging function that we stand in for; empty: none")
    secondary_chf: str = setting("", "NF instance id of the one that stands in for us; empty: none")
    heartbeat_s: int = setting(10, "how often we tell that we are there, where the NRF doesn't say, 1..3600")
    watched: tuple[str, ...] = setting((), "NF types whose coming and going the NRF tells us, such as SMF; empty: none")
    notify_host: str = setting(
        "127.0.0.1", "address that the NRF's notifications are listened on, where any is watched"
    )
    notify_port: int = setting(7778, "port of these; 0: any free one")
    notify_url: str = setting("", "apiRoot that the NRF reaches these at; empty: made of address and port")
    tls_ca: str = setting("", "PEM file with authorities of an NRF's certificate; empty: those of the system")

    def __post_init__(self) -> None:
        faults = []
        for name, low, high in (
            ("port", 0, 65535),
            ("notify_port", 0, 65535),
            ("priority", 0, 65535),
            ("capacity", 0, 65535),
            ("heartbeat_s", 1, HEARTBEAT_S_MAX),
        ):
            value = getattr(self, name)
            if not low <= value <= high:
                faults.append(f"{name} is {value}: choose {low}..{high}")
        for name in ("url", "notify_url"):
            value = getattr(self, name)
            if value and not _URL.fullmatch(value):
                faults.append(f"{name} is {value!r}: write it as http://nrf.example:7777, without a slash at its end")
        if self.address and not is_ip(self.address) and not _FQDN.fullmatch(self.address):
            faults.append(f"address is {self.address!r}: write an IP address or a full domain name")
        faults += self._range_faults() + self._instance_faults()
        if self.tls_ca and not Path(self.tls_ca).is_file():
            faults.append(f"tls_ca is {self.tls_ca!r}: no such file")
        if faults:
            raise ChfConfigError("\n".join(faults))

    def _range_faults(self) -> list[str]:
        faults = []
        for name in ("supi_ranges", "gpsi_ranges", "plmn_ranges"):
            for text in getattr(self, name):
                fault = _range_fault(text, _PLMN_RANGE if name == "plmn_ranges" else _DIGIT_RANGE)
                if fault:
                    faults.append(f"{name} has {text!r}: {fault}")
        return faults

    def _instance_faults(self) -> list[str]:
        faults = []
        for name in ("primary_chf", "secondary_chf"):
            value = getattr(self, name)
            if value and not _UUID.fullmatch(value):
                faults.append(f"{name} is {value!r}: write a UUID")
        if self.primary_chf and self.secondary_chf:
            faults.append("secondary_chf can't be said beside primary_chf: one stands in for the other")
        for text in self.watched:
            if not _NF_TYPE.fullmatch(text):
                faults.append(f"watched has {text!r}: write an NF type such as SMF")
        return faults


def is_ip(text: str) -> bool:
    """Is it an IP address?"""
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def range_of(text: str) -> dict[str, str]:
    """SupiRange, IdentityRange or PlmnRange: `start` and `end`, or `pattern` (TS 29.510 §6.1.6.2.9, §6.1.6.2.10)."""
    found = _DIGIT_RANGE.fullmatch(text)
    return {"start": found["start"], "end": found["end"]} if found else {"pattern": text}


def _range_fault(text: str, kind: "re.Pattern[str]") -> str:
    found = kind.fullmatch(text)
    if found:
        return (
            ""
            if found["start"] <= found["end"] and len(found["start"]) == len(found["end"])
            else "it ends before it begins"
        )
    if _DIGIT_RANGE.fullmatch(text):
        return "networks are of 5 or 6 digits"
    try:
        re.compile(text)
    except re.error as error:
        return f"neither two numbers with a dash between nor a pattern ({error})"
    return "" if text.startswith("^") else "write two numbers with a dash between, or a pattern that begins with ^"
