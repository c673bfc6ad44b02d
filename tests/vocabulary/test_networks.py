"""Addresses that notifications may go to."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from vocabulary.networks import PRIVATE, NetworkError, address_of, ends_in_a_number, read_networks

USUAL = ("10.1.2.3", "192.168.7.7", "8.8.8.8", "2001:db8::1", "fd12:3456::1")
UNUSUAL = (
    "127.0.0.1",
    "127.9.9.9",
    "169.254.169.254",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "100.100.100.200",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "ff02::1",
    "fd00:ec2::254",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::127.0.0.1",
    "64:ff9b::169.254.169.254",
    "64:ff9b::7f00:1",
    "2002:7f00:1::",
    "2002:a9fe:a9fe::1",
    "168.63.129.16",
    "fd20:ce::254",
    "localhost",
    "",
)


@pytest.mark.parametrize("address", USUAL)
def test_addresses_of_network_functions_are_allowed_by_default(address: str) -> None:
    assert read_networks(["default"]).allows(address)


@pytest.mark.parametrize("address", UNUSUAL)
def test_addresses_of_this_host_and_of_clouds_are_not(address: str) -> None:
    assert not read_networks(["default"]).allows(address)


def test_networks_stand_beside_the_default_or_alone() -> None:
    both, alone = read_networks(["default", "127.0.0.0/8"]), read_networks(["10.0.0.0/8", "::1"])
    assert both.allows("127.0.0.1")
    assert both.allows("8.8.8.8")
    assert not both.allows("169.254.1.1")
    assert both.allows("::ffff:127.0.0.1"), "the same address in another dress"
    assert alone.allows("10.9.9.9")
    assert alone.allows("::1")
    assert not alone.allows("8.8.8.8")
    assert not read_networks([]).allows("8.8.8.8")


@pytest.mark.parametrize(
    "address",
    [*UNUSUAL, "10.1.2.3", "172.16.0.1", "192.168.7.7", "100.64.1.1", "fd12::1", "::ffff:10.0.0.1", "2002:a00:1::"],
)
def test_for_strangers_private_addresses_are_excluded_as_well(address: str) -> None:
    assert not read_networks(["default"], excluded=PRIVATE).allows(address)
    assert read_networks(["default"], excluded=PRIVATE).allows("8.8.8.8")


def test_the_first_address_that_may_be_used_is_connected_to() -> None:
    allowed = read_networks(["default"], excluded=PRIVATE)
    assert allowed.first_allowed(["10.0.0.1", "8.8.8.8", "9.9.9.9"]) == "8.8.8.8"
    assert allowed.first_allowed(["10.0.0.1", "127.0.0.1"]) is None
    assert read_networks(["10.0.0.0/8"], excluded=PRIVATE).first_allowed(["8.8.8.8", "10.0.0.1"]) == "10.0.0.1"


@pytest.mark.parametrize("word", ["10.0.0.0/33", "10.0.0.1/8", "core", ""])
def test_what_is_no_network_is_named(word: str) -> None:
    with pytest.raises(NetworkError, match=r"write such as 10\.0\.0\.0/8"):
        read_networks([word])


_NUMBERS = st.one_of(
    st.sampled_from(["", "0", "00", "08", "0x", "0x0", "1a", "0b1", "-1", "+1", "1_0"]),
    st.builds(
        format,
        st.sampled_from([0, 1, 10, 127, 255, 256, 65535, 65536, 2**24 - 1, 2**24, 2**32 - 1, 2**32]),
        st.sampled_from(["d", "#x", "#X"]),
    ),
    st.integers(0, 2**33).map(lambda number: f"0{number:o}"),
)


@given(st.lists(_NUMBERS, min_size=1, max_size=5).map(".".join).filter(lambda host: not host.endswith(".")))
def test_numbers_are_the_address_that_a_resolver_takes_them_for(host: str) -> None:
    try:
        expected = socket.inet_ntoa(socket.inet_aton(host))
    except OSError:
        expected = None
    assert address_of(host) == expected
    assert expected is None or ends_in_a_number(host)


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("localhost", "127.0.0.1"),
        ("a.LOCALHOST.", "127.0.0.1"),
        ("::FFFF:127.0.0.1", "::ffff:7f00:1"),
        ("fe80::1%eth0", "fe80::1"),
        ("example.org", None),
        ("notlocalhost", None),
        ("0x7f.example", None),
        ("256.1.1.1", None),
        ("", None),
    ],
)
def test_what_a_host_is_taken_for_without_asking(host: str, address: str | None) -> None:
    assert address_of(host) == address


def test_a_host_that_ends_in_a_number_is_no_name() -> None:
    ends = [ends_in_a_number(host) for host in ("1.2.3.4.5", "a.0x1f", "a.09.", "4294967296", "a1.example", "1.a1", "")]
    assert ends == [True, True, True, True, False, False, False]
