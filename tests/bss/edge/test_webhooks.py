"""Messages to real targets: what their answers mean, where they may go, those that hang, names that lead elsewhere."""

import asyncio
import socket
import time
from typing import Any

import pytest

from bss.deliveries import Delivered, Failed, GivenUp, Outcome
from bss.edge.webhooks import BODY_OCTETS_MAX, WebhookClient
from tests.bss.edge.webhook_target import Reply, webhook_target
from vocabulary.networks import PRIVATE, AllowedNetworks, read_networks

LOOPBACK = read_networks(["127.0.0.0/8"])
BY_DEFAULT = read_networks(["default"], excluded=PRIVATE)


def post(*callbacks: str, allowed: AllowedNetworks = LOOPBACK, timeout_s: float = 5.0) -> list[Outcome]:
    """What messages to these callbacks come to, all at once."""

    async def run() -> list[Outcome]:
        client = WebhookClient(allowed, timeout_s=timeout_s)
        try:
            return list(await asyncio.gather(*(client.post(url, {"webhook-id": "m"}, b"{}") for url in callbacks)))
        finally:
            await client.close()

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (Reply(204), Delivered("answered 204")),
        (Reply(200, body=b"thanks"), Delivered("answered 200")),
        (Reply(500), Failed("answered 500")),
        (Reply(404), Failed("answered 404")),
        (Reply(410), GivenUp("answered 410: gone")),
        (Reply(503, (("Retry-After", "120"),)), Failed("answered 503", 120)),
        (Reply(429, (("Retry-After", "tomorrow"),)), Failed("answered 429")),
        (Reply(200, body=b"x" * 4 * BODY_OCTETS_MAX), Delivered("answered 200")),
    ],
)
def test_an_answer_is_heard(reply: Reply, outcome: Outcome) -> None:
    with webhook_target(lambda message: reply) as target:
        assert post(target.url()) == [outcome]
        message = target.next()
        assert (message.headers["content-type"], message.octets) == ("application/json", b"{}")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with (
        webhook_target() as elsewhere,
        webhook_target(lambda _: Reply(status, (("Location", elsewhere.url()),))) as target,
    ):
        (outcome,) = post(target.url())
        assert isinstance(outcome, Failed)
        assert "redirects are not followed" in outcome.said
        assert elsewhere.connection_count == 0


def test_a_target_that_hangs_costs_its_own_time_alone() -> None:
    with webhook_target(lambda message: None) as silent, webhook_target() as good:
        began = time.monotonic()
        hanging, taken = post(silent.url(), good.url(), timeout_s=0.5)
        assert time.monotonic() - began < 4
    assert (hanging, taken) == (Failed("no answer within 0.5 s"), Delivered("answered 204"))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::ffff:127.0.0.1]", "2130706433"])
def test_no_name_or_form_of_this_host_is_used_by_default(host: str) -> None:
    with webhook_target() as target:
        (outcome,) = post(target.url(host=host), allowed=BY_DEFAULT)
        assert isinstance(outcome, Failed), outcome
        assert target.connection_count == 0


@pytest.mark.parametrize("host", ["10.0.0.1", "192.168.1.1", "172.16.0.1", "169.254.169.254", "[fd00::1]"])
def test_private_ranges_are_refused_unless_allowed(host: str) -> None:
    (outcome,) = post(f"http://{host}:9/", allowed=BY_DEFAULT)
    assert isinstance(outcome, Failed)
    assert "not in webhooks.allowed_networks" in outcome.said


def test_a_name_that_leads_elsewhere_between_check_and_connection_leads_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """DNS rebinding: the first answer is an address of the internet, each further one this host's. It is asked once."""
    asked: list[str] = []
    real = socket.getaddrinfo

    def rebinding(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        name = host.decode() if isinstance(host, bytes) else host
        if name != "rebinding.example":
            return real(host, port, *args, **more)
        asked.append(name)
        address = "192.0.2.1" if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    allowed = AllowedNetworks((), True, tuple(network for network in PRIVATE if "192.0.2" not in str(network)))
    with webhook_target() as target:
        (outcome,) = post(target.url(host="rebinding.example"), allowed=allowed, timeout_s=0.5)
        assert isinstance(outcome, Failed), outcome
        assert (asked, target.connection_count) == (["rebinding.example"], 0)
        (outcome,) = post(target.url(host="rebinding.example"), allowed=allowed, timeout_s=0.5)
        assert isinstance(outcome, Failed)
        assert "127.0.0.1" in outcome.said, "asked again for the next message, and refused"
        assert target.connection_count == 0


def test_of_several_addresses_one_that_may_be_used_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def two(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in ("10.0.0.1", "127.0.0.1")]

    monkeypatch.setattr(socket, "getaddrinfo", two)
    with webhook_target() as target:
        assert post(target.url(host="two.example")) == [Delivered("answered 204")]


def test_names_that_take_long_don_t_hold_up_others(monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo

    def slow(host: Any, port: Any, *args: Any, **more: Any) -> Any:
        if host == "slow.example":
            time.sleep(1.5)  # tidy: a resolver that hangs
            raise OSError("no such name")
        return real(host, port, *args, **more)

    monkeypatch.setattr(socket, "getaddrinfo", slow)
    with webhook_target() as target:
        outcomes = post(*["http://slow.example/"] * 12, target.url(), timeout_s=1.0)
    assert outcomes == [Failed("no answer within 1 s")] * 12 + [Delivered("answered 204")]


@pytest.mark.parametrize("callback", ["", "nowhere", "ftp://127.0.0.1/"])
def test_what_is_no_callback_is_given_up(callback: str) -> None:
    (outcome,) = post(callback)
    assert isinstance(outcome, GivenUp), outcome
