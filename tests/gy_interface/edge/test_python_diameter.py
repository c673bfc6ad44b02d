"""python-diameter, another implementation of RFC 6733, as the packet core: it connects, asks, is watched, and leaves."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest
from diameter.message.avp.grouped import (
    MultipleServicesCreditControl,
    RequestedServiceUnit,
    ServiceInformation,
    SmsInformation,
    SubscriptionId,
    UsedServiceUnit,
)
from diameter.message.commands import CreditControlAnswer, CreditControlRequest
from diameter.node import Node
from diameter.node.application import SimpleThreadingApplication

from gy_interface.config import PeerConfig
from tests.gy_interface.edge.served import SERVER_DEFAULT_OCTETS, Served, run, serving, settings
from tests.gy_interface.peer_messages import HOST, PEER_HOST, PEER_REALM, REALM
from vocabulary.instants import NS_PER_S

CREDIT_CONTROL = 4
INITIAL, UPDATE, TERMINATION, EVENT = 1, 2, 3, 4


@contextmanager
def packet_core(port: int, application_id: int = CREDIT_CONTROL) -> Iterator[tuple[Node, SimpleThreadingApplication]]:
    """A node of python-diameter that connects to us; it says good-bye at the end."""
    node = Node(PEER_HOST, PEER_REALM)
    node.wakeup_interval = 1
    node.idle_timeout = 60
    peer = node.add_peer(f"aaa://{HOST}:{port};transport=tcp", REALM, ip_addresses=["127.0.0.1"], is_persistent=True)
    application = SimpleThreadingApplication(application_id, is_auth_application=True)
    node.add_application(application, [peer])
    node.start()
    try:
        yield node, application
    finally:
        node.stop(wait_timeout=10)


def request(node: Node, kind: int, number: int, session_id: str) -> CreditControlRequest:
    """A CCR as python-diameter builds it."""
    ccr = CreditControlRequest()
    ccr.session_id = session_id
    ccr.origin_host, ccr.origin_realm = node.origin_host.encode(), node.realm_name.encode()
    ccr.destination_realm = REALM.encode()
    ccr.auth_application_id = CREDIT_CONTROL
    ccr.service_context_id = "32274@3gpp.org" if kind == EVENT else "32251@3gpp.org"
    ccr.cc_request_type, ccr.cc_request_number = kind, number
    ccr.event_timestamp = datetime(2026, 9, 21, 12, 0, tzinfo=UTC).replace(tzinfo=None)
    ccr.subscription_id = [SubscriptionId(subscription_id_type=0, subscription_id_data="491700000001")]
    if kind == EVENT:
        ccr.requested_action = 0
        ccr.service_information = ServiceInformation(sms_information=SmsInformation(data_coding_scheme=8))
    mscc = MultipleServicesCreditControl(rating_group=10)
    if kind != TERMINATION:
        mscc.requested_service_unit = RequestedServiceUnit(cc_total_octets=1000 + number)
    if kind in (UPDATE, TERMINATION):
        mscc.used_service_unit = [UsedServiceUnit(cc_input_octets=10, cc_output_octets=20)]
    ccr.multiple_services_credit_control = [mscc]
    return ccr


async def is_ready(application: SimpleThreadingApplication) -> None:
    await asyncio.to_thread(application.wait_for_ready, 20)


async def converse(served: Served, node: Node, application: SimpleThreadingApplication) -> None:
    """A session and an event, answers looked at as python-diameter types them."""
    session_id = node.session_generator.next_id()
    for kind, number in ((INITIAL, 0), (UPDATE, 1), (UPDATE, 2), (TERMINATION, 3), (EVENT, 0)):
        session = session_id if kind != EVENT else node.session_generator.next_id()
        answer = await asyncio.to_thread(application.send_request, request(node, kind, number, session), 20)
        assert isinstance(answer, CreditControlAnswer)
        assert (answer.session_id, answer.result_code) == (session, 2001)
        assert (answer.origin_host, answer.origin_realm) == (HOST.encode(), REALM.encode())
        assert answer.auth_application_id == CREDIT_CONTROL
        assert (answer.cc_request_type, answer.cc_request_number) == (kind, number)
        (mscc,) = answer.multiple_services_credit_control
        assert (mscc.rating_group, mscc.result_code) == (10, 2001)
        if kind == TERMINATION:
            assert mscc.granted_service_unit is None
        else:
            assert mscc.granted_service_unit.cc_total_octets == 1000 + number
    ccr = request(node, INITIAL, 0, node.session_generator.next_id())
    ccr.multiple_services_credit_control = [
        MultipleServicesCreditControl(rating_group=rating_group, requested_service_unit=RequestedServiceUnit())
        for rating_group in (7, 8)
    ]
    answer = await asyncio.to_thread(application.send_request, ccr, 20)
    granted = [
        (mscc.rating_group, mscc.granted_service_unit.cc_total_octets)
        for mscc in answer.multiple_services_credit_control
    ]
    assert granted == [(7, SERVER_DEFAULT_OCTETS), (8, SERVER_DEFAULT_OCTETS)], "an empty request leaves it to us"
    assert served.engine.requests == 6


def test_session_event_watchdogs_and_good_bye() -> None:
    async def test() -> None:
        async with serving(settings(watchdog_s=6)) as served:
            with_core = packet_core(served.port)
            node, application = await asyncio.to_thread(with_core.__enter__)
            try:
                await is_ready(application)
                await converse(served, node, application)
                (peer,) = node.peers.values()
                served.now_ns += 9 * NS_PER_S
                while not peer.counters.dwr:
                    await asyncio.sleep(0.01)
                connection = served.server._connections[0]
                assert connection is not None
                assert connection.peer is not None
                while connection.peer.next_deadline_ns < served.now_ns + 3 * NS_PER_S or connection.peer._awaited:
                    await asyncio.sleep(0.01)
                peer.idle_timeout = 1
                while not peer.counters.dwa:
                    await asyncio.sleep(0.01)
            finally:
                await asyncio.to_thread(with_core.__exit__, None, None, None)
            assert peer.counters.dpa == 1
            while served.counts["any"]:
                await asyncio.sleep(0)

    run(test())


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # it closes a refused socket twice
@pytest.mark.parametrize(
    ("peers", "application_id"),
    [
        ({"core": PeerConfig(origin_hosts=("another.example.net",))}, CREDIT_CONTROL),
        ({}, 16777238),
    ],
    ids=["unknown peer", "no common application"],
)
def test_refused_node_gets_a_cea_and_no_more(peers: dict[str, PeerConfig], application_id: int) -> None:
    async def test() -> None:
        async with serving(settings(**peers)) as served:
            with_core = packet_core(served.port, application_id)
            node, application = await asyncio.to_thread(with_core.__enter__)
            try:
                (peer,) = node.peers.values()
                while not peer.counters.cea or any(served.server._connections):
                    await asyncio.sleep(0.01)
                assert not application.is_ready.is_set()
            finally:
                await asyncio.to_thread(with_core.__exit__, None, None, None)

    run(test())
