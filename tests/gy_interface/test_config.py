"""Settings of the Gy front end: every mistake is named with its remedy, all at once; peers are found by their hosts."""

import pytest

from gy_interface.config import GyConfig, PeerConfig
from gy_interface.errors import GyConfigError


def peer(**settings: object) -> PeerConfig:
    return PeerConfig(**{"origin_hosts": ("pgw.example.net",), **settings})  # type: ignore[arg-type]


def test_defaults_let_anybody_in_on_loopback() -> None:
    config = GyConfig()
    assert (config.host, config.port, config.watchdog_s) == ("127.0.0.1", 3868, 30)
    assert config.peer_of("whoever.example.net") == "any"
    assert config.peers["any"].connections_max == 8


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"origin_host": ""}, "origin_host is '': write a domain name"),
        ({"origin_realm": "höst"}, "origin_realm is 'höst'"),
        ({"origin_host": "a b"}, "origin_host is 'a b'"),
        ({"origin_host": "a" * 256}, "origin_host is"),
        ({"port": 65536}, "port is 65536: choose 0..65535"),
        ({"port": -1}, "port is -1"),
        ({"watchdog_s": 5}, "watchdog_s is 5: choose 6..3600"),
        ({"cer_timeout_s": 0}, "cer_timeout_s is 0: choose 1..300"),
        ({"connections_max": 4097}, "connections_max is 4097: choose 1..4096"),
        ({"peers": {"a": peer(origin_hosts=())}}, "peers.a.origin_hosts is empty: name at least one Origin-Host, or"),
        ({"peers": {"a": peer(connections_max=0)}}, "peers.a.connections_max is 0: choose 1..64"),
        ({"peers": {"a": peer(connections_max=65)}}, "peers.a.connections_max is 65"),
        ({"peers": {"a": peer(tenant="")}}, "peers.a.tenant is ''"),
        ({"peers": {"a": peer(tenant="Big")}}, "peers.a.tenant is 'Big': lower-case letters"),
        ({"peers": {"a": peer(tenant="a:b")}}, "peers.a.tenant is 'a:b'"),
        ({"peers": {"a": peer(), "b": peer(origin_hosts=("PGW.example.net",))}}, "which is a's: a host is one peer's"),
    ],
)
def test_mistake_is_named_with_its_remedy(settings: dict[str, object], says: str) -> None:
    with pytest.raises(GyConfigError) as refused:
        GyConfig(**settings)  # type: ignore[arg-type]
    assert says in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_all_mistakes_come_together() -> None:
    with pytest.raises(GyConfigError) as refused:
        GyConfig(origin_host="", port=-1, watchdog_s=1, peers={"a": peer(tenant="", connections_max=0)})
    assert len(str(refused.value).splitlines()) == 5
    assert isinstance(refused.value, ValueError)


def test_peer_of_a_host() -> None:
    config = GyConfig(peers={"lab": peer(origin_hosts=("*",)), "core": peer(origin_hosts=("Pgw.Example.net", "b"))})
    assert config.peer_of("pgw.EXAMPLE.NET") == "core", "a name goes before the one that takes any"
    assert config.peer_of("b") == "core"
    assert config.peer_of("else") == "lab"
    assert GyConfig(peers={"core": peer()}).peer_of("else") is None
