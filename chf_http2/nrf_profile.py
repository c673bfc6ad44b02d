"""What the NRF is told of us and what it answers: bodies of Nnrf_NFManagement (TS 29.510 §6.1.6), made and read without I/O."""

from collections.abc import Mapping
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import Annotated, Any, Final

import msgspec

from chf_http2.access_tokens import NF_TYPE
from chf_http2.config import ChfConfig, plmn_of
from chf_http2.features import SUPPORTED_TEXT
from chf_http2.nrf_config import HEARTBEAT_S_MAX, NrfConfig, is_ip, range_of
from chf_http2.routes import SERVICES
from vocabulary.instants import NS_PER_S

REGISTERED: Final = "REGISTERED"
UNDISCOVERABLE: Final = "UNDISCOVERABLE"
"""NFStatus while nobody serves: known, and not to be chosen."""
NOTIFY_PATH: Final = "/farebox/nf-status"
"""Behind the apiRoot of notifications."""
EVENTS: Final = ("NF_REGISTERED", "NF_DEREGISTERED", "NF_PROFILE_CHANGED")
LOAD_STEP: Final = 10
"""A load that is so many hundredths away from what was told is told before the next heartbeat."""


class RegisteredProfile(msgspec.Struct, frozen=True, rename="camel"):
    """Of the NRF's answer to a registration or an update what we follow."""

    heart_beat_timer: int | None = None


class Subscribed(msgspec.Struct, frozen=True, rename="camel"):
    """Of its answer to a subscription."""

    subscription_id: str
    validity_time: datetime | None = None


class WatchedProfile(msgspec.Struct, frozen=True, rename="camel"):
    """Of another network function."""

    nf_type: str = ""
    nf_status: str = ""


class StatusNotification(msgspec.Struct, frozen=True, rename="camel"):
    """NotificationData (TS 29.510 §6.1.6.2.17), as far as it is read."""

    event: str
    nf_instance_uri: Annotated[str, msgspec.Meta(max_length=1024)]
    nf_profile: WatchedProfile | None = None


def profile_of(
    config: NrfConfig, chf: ChfConfig, nf_instance_id: str, *, status: str, load: int, now_ns: int
) -> dict[str, Any]:
    """NFProfile (TS 29.510 §6.1.6.2.2); `load` in hundredths of what we can do."""
    address = config.address or chf.host
    place = _place_of(address)
    services = [_service(config, chf, name, versions, place) for name, versions in _versions_by_service().items()]
    profile: dict[str, Any] = {
        "nfInstanceId": nf_instance_id,
        "nfType": NF_TYPE,
        "nfStatus": status,
        "heartBeatTimer": config.heartbeat_s,
        **place,
        "priority": config.priority,
        "capacity": config.capacity,
        "load": load,
        "loadTimeStamp": _date_time(now_ns),
        "nfServices": services,
        "nfServiceList": {service["serviceInstanceId"]: service for service in services},
    }
    if chf.plmns:
        profile["plmnList"] = [dict(zip(("mcc", "mnc"), plmn_of(plmn), strict=True)) for plmn in chf.plmns]
    info = _chf_info(config)
    if info:
        profile["chfInfo"] = info
    return profile


def heartbeat_of(status: str, load: int, now_ns: int) -> list[dict[str, Any]]:
    """A heart-beat with the load: JSON patch of our profile (TS 29.510 §5.2.2.3.2, RFC 6902)."""
    return [
        {"op": "replace", "path": "/nfStatus", "value": status},
        {"op": "replace", "path": "/load", "value": load},
        {"op": "replace", "path": "/loadTimeStamp", "value": _date_time(now_ns)},
    ]


def subscription_of(notify_url: str, nf_instance_id: str, nf_type: str) -> dict[str, Any]:
    """SubscriptionData for the coming and going of network functions of a type (TS 29.510 §6.1.6.2.16)."""
    return {
        "nfStatusNotificationUri": notify_url + NOTIFY_PATH,
        "reqNfInstanceId": nf_instance_id,
        "reqNfType": NF_TYPE,
        "subscrCond": {"nfType": nf_type},
        "reqNotifEvents": list(EVENTS),
    }


def heartbeat_s_of(body: bytes, before_s: int) -> int:
    """How often the NRF wants to hear of us, s; `before_s` where it doesn't say, or nothing that can be read."""
    try:
        said = msgspec.json.decode(body, type=RegisteredProfile).heart_beat_timer
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return before_s
    return before_s if said is None else max(1, min(said, HEARTBEAT_S_MAX))


def read_subscribed(body: bytes) -> Subscribed:
    """The answer to a subscription. msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=Subscribed)


def read_notification(body: bytes) -> StatusNotification:
    """What the NRF tells of another network function. msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=StatusNotification)


def _service(
    config: NrfConfig, chf: ChfConfig, name: str, versions: list[dict[str, str]], place: Mapping[str, Any]
) -> dict[str, Any]:
    """NFService (TS 29.510 §6.1.6.2.3)."""
    end_point: dict[str, Any] = {"transport": "TCP", "port": config.port or chf.port}
    for member, one in (("ipv4Addresses", "ipv4Address"), ("ipv6Addresses", "ipv6Address")):
        if member in place:
            end_point[one] = place[member][0]
    service: dict[str, Any] = {
        "serviceInstanceId": name,
        "serviceName": name,
        "versions": versions,
        "scheme": "https" if chf.tls_certificate else "http",
        "nfServiceStatus": REGISTERED,
        "ipEndPoints": [end_point],
        "oauth2Required": bool(chf.token_keys),
    }
    if "fqdn" in place:
        service["fqdn"] = place["fqdn"]
    if chf.api_prefix:
        service["apiPrefix"] = chf.api_prefix.strip("/")
    if any(one.name == name and not one.is_offline_only for one in SERVICES):
        service["supportedFeatures"] = SUPPORTED_TEXT
    return service


def _versions_by_service() -> dict[str, list[dict[str, str]]]:
    versions: dict[str, list[dict[str, str]]] = {}
    for one in SERVICES:
        said = {"apiVersionInUri": one.version, "apiFullVersion": one.full_version}
        versions.setdefault(one.name, []).append(said)
    return versions


def _chf_info(config: NrfConfig) -> dict[str, Any]:
    """ChfInfo (TS 29.510 §6.1.6.2.32); what isn't said holds for everybody."""
    said = {
        "supiRangeList": [range_of(text) for text in config.supi_ranges],
        "gpsiRangeList": [range_of(text) for text in config.gpsi_ranges],
        "plmnRangeList": [range_of(text) for text in config.plmn_ranges],
        "groupId": config.group_id,
        "primaryChfInstance": config.primary_chf,
        "secondaryChfInstance": config.secondary_chf,
    }
    return {name: value for name, value in said.items() if value}


def _place_of(address: str) -> dict[str, Any]:
    """Where we are, by the kind of the address."""
    if not is_ip(address):
        return {"fqdn": address}
    return {f"ipv{ip_address(address).version}Addresses": [address]}


def _date_time(now_ns: int) -> str:
    return datetime.fromtimestamp(now_ns // NS_PER_S, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
