"""Bodies for the NRF against the schemas of TS 29.510, and settings that can't be."""

import itertools
from typing import Any

import jsonschema_rs
import pytest

from chf_http2.config import ChfConfig
from chf_http2.errors import ChfConfigError
from chf_http2.nrf_config import HEARTBEAT_S_MAX, NrfConfig
from chf_http2.nrf_profile import (
    heartbeat_of,
    heartbeat_s_of,
    profile_of,
    read_notification,
    read_subscribed,
    subscription_of,
)
from tests.chf_http2.token_signing import NF_INSTANCE_ID, NRF, SMF
from tests.conformance.openapi_bundle import component_schema
from tests.reference.specifications import specifications

NOW_NS = 1_795_914_184_123_000_000
MANAGEMENT = "TS29510_Nnrf_NFManagement.yaml"


def errors_of(release: str, file: str, name: str, said: Any) -> list[str]:
    schema = component_schema(specifications() / "3gpp" / "openapi" / release, file, name)
    return [error.message for error in jsonschema_rs.Draft4Validator(schema).iter_errors(said)]


def profile(nrf: NrfConfig | None = None, chf: ChfConfig | None = None) -> dict[str, Any]:
    return profile_of(
        nrf or NrfConfig(), chf or ChfConfig(), NF_INSTANCE_ID, status="REGISTERED", load=7, now_ns=NOW_NS
    )


@pytest.mark.parametrize("release", ["rel17", "rel18"])
def test_bodies_are_of_the_specification(release: str) -> None:
    full = NrfConfig(
        supi_ranges=("262010000000000-262019999999999", "^imsi-26202[0-9]{10}$"),
        gpsi_ranges=("491700000000-491709999999",),
        plmn_ranges=("26201-26203", "^2620[12]$"),
        group_id="chf-group-1",
        primary_chf=SMF,
    )
    chf = ChfConfig(plmns=("262-01", "262-002"), api_prefix="/site-1")
    hosts = (ChfConfig(host="2001:db8::5"), ChfConfig(host="10.0.0.5"), chf)
    profiles = [profile(nrf, one) for nrf, one in itertools.product((NrfConfig(), full), hosts)]
    profiles.append(profile(NrfConfig(address="chf.core.example.net", secondary_chf=NRF)))
    for said in profiles:
        assert errors_of(release, MANAGEMENT, "NFProfile", said) == []
    assert [
        errors_of(release, "TS29571_CommonData.yaml", "PatchItem", item)
        for item in heartbeat_of("REGISTERED", 100, NOW_NS)
    ] == [[], [], []]
    subscription = subscription_of("http://10.0.0.5:7778", NF_INSTANCE_ID, "SMF") | {"subscriptionId": "a"}
    assert errors_of(release, MANAGEMENT, "SubscriptionData", subscription) == []
    assert errors_of(release, MANAGEMENT, "NFProfile", {"nfType": "CHF"}), "the check would say it"


def test_services_are_those_that_are_routed() -> None:
    said = profile(chf=ChfConfig(port=8080, api_prefix="/site-1"))
    services = {service["serviceName"]: service for service in said["nfServices"]}
    assert set(services) == {"nchf-convergedcharging", "nchf-offlineonlycharging"}
    converged = services["nchf-convergedcharging"]
    assert [version["apiVersionInUri"] for version in converged["versions"]] == ["v3", "v2"]
    assert converged["ipEndPoints"] == [{"ipv4Address": "127.0.0.1", "transport": "TCP", "port": 8080}]
    assert (converged["scheme"], converged["apiPrefix"], converged["oauth2Required"]) == ("http", "site-1", False)
    assert said["nfServiceList"] == services
    assert "chfInfo" not in said, "everybody is served"


def test_address_and_port_may_be_others_than_those_listened_on() -> None:
    said = profile(NrfConfig(address="chf.example.net", port=443), ChfConfig(host="0.0.0.0"))
    assert said["fqdn"] == "chf.example.net"
    assert {service["fqdn"] for service in said["nfServices"]} == {"chf.example.net"}
    assert said["nfServices"][0]["ipEndPoints"] == [{"transport": "TCP", "port": 443}]


@pytest.mark.parametrize(
    ("body", "timer"),
    [
        (b'{"heartBeatTimer": 30}', 30),
        (b'{"heartBeatTimer": 0}', 1),
        (b'{"heartBeatTimer": 999999}', HEARTBEAT_S_MAX),
        (b'{"heartBeatTimer": "x"}', 10),
        (b"{}", 10),
        (b"nonsense", 10),
        (b"\xff", 10),
        (b"[" * 5000, 10),
    ],
)
def test_the_nrf_says_how_often(body: bytes, timer: int) -> None:
    assert heartbeat_s_of(body, 10) == timer


def test_answers_are_read_whatever_else_they_have() -> None:
    subscribed = read_subscribed(b'{"subscriptionId": "1", "validityTime": "2026-11-29T00:00:00Z", "more": []}')
    assert subscribed.subscription_id == "1"
    assert subscribed.validity_time is not None
    told = read_notification(
        b'{"event": "NF_REGISTERED", "nfInstanceUri": "u", "nfProfile": {"nfType": "SMF", "x": 1}}'
    )
    assert told.nf_profile is not None
    assert told.nf_profile.nf_type == "SMF"


@pytest.mark.parametrize(
    ("settings", "fault"),
    [
        ({"url": "nrf.example:7777"}, "url is 'nrf.example:7777'"),
        ({"url": "http://nrf.example/"}, "without a slash"),
        ({"address": "some where"}, "address is 'some where'"),
        ({"priority": 65536}, "priority is 65536: choose 0..65535"),
        ({"heartbeat_s": 0}, "heartbeat_s is 0"),
        ({"supi_ranges": ("9-1",)}, "ends before it begins"),
        ({"supi_ranges": ("imsi-262",)}, "begins with \\^"),
        ({"gpsi_ranges": ("^(",)}, "nor a pattern"),
        ({"plmn_ranges": ("1-2",)}, "5 or 6 digits"),
        ({"primary_chf": "chf-1"}, "primary_chf is 'chf-1': write a UUID"),
        ({"primary_chf": SMF, "secondary_chf": NRF}, "one stands in for the other"),
        ({"watched": ("smf",)}, "watched has 'smf'"),
        ({"tls_ca": "nowhere.pem"}, "no such file"),
    ],
)
def test_settings_that_cannot_be(settings: dict[str, Any], fault: str) -> None:
    with pytest.raises(ChfConfigError, match=fault):
        NrfConfig(**settings)


def test_all_mistakes_are_said_together() -> None:
    with pytest.raises(ChfConfigError) as refused:
        NrfConfig(url="x", priority=-1, watched=("a",), supi_ranges=("b",))
    assert len(str(refused.value).splitlines()) == 4
