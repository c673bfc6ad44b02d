"""The demo's packet core: python-diameter, an implementation of Diameter that shares nothing with ours."""

import logging
import queue
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from diameter.message.avp.grouped import (
    MultipleServicesCreditControl,
    RequestedServiceUnit,
    SubscriptionId,
    UsedServiceUnit,
)
from diameter.message.commands import CreditControlRequest
from diameter.node import Node
from diameter.node.application import SimpleThreadingApplication

from runtime.demo.script import EVENT, SUCCESS, TERMINATION, DemoSession, Step
from vocabulary.ids import IdentityKind
from vocabulary.units import Unit

ORIGIN_HOST: Final = "pgw.visited.example"
ORIGIN_REALM: Final = "visited.example"
APPLICATION: Final = 4
CONNECT_S: Final = 10
ANSWER_S: Final = 10
STOP_S: Final = 3
TOLD_S: Final = 20.0
_MULTIPLE_SERVICES_SUPPORTED: Final = 1
_DIRECT_DEBITING: Final = 0
_LOGOUT: Final = 1
_RATING_GROUP: Final = 432

_UNIT_FIELDS: Final = {
    Unit.OCTETS: "cc_total_octets",
    Unit.SECONDS: "cc_time",
    Unit.EVENTS: "cc_service_specific_units",
}


class Exchange(NamedTuple):
    """A request, its answer, and how long that took."""

    request: Any
    answer: Any
    elapsed_s: float


class Answered(NamedTuple):
    """What an answer says, in the words of the script."""

    result: int
    mscc_result: int
    granted: int | None
    validity_s: int | None
    is_final: bool


class Told(NamedTuple):
    """A Re-Auth-Request that the client was sent, and answered 2001."""

    session_id: str
    rating_groups: tuple[int, ...]
    at_s: float
    """by time.monotonic()"""


class DemoClient:
    """A Diameter peer that asks for credit, one request at a time, and is told when to ask again."""

    def __init__(self, told: "queue.Queue[Told]", application: SimpleThreadingApplication, realm: str) -> None:
        self._told = told
        self._application = application
        self._realm = realm

    def next_told(self) -> Told | None:
        """The next Re-Auth-Request; None where none comes in time."""
        try:
            return self._told.get(timeout=TOLD_S)
        except queue.Empty:
            return None

    def ask(self, session: DemoSession, session_id: str, number: int, step: Step) -> Exchange:
        """Send the step's request and wait for the answer. TimeoutError."""
        request = _request(session, session_id, number, step, self._realm)
        began = time.perf_counter()
        answer = self._application.send_request(request, timeout=ANSWER_S)
        return Exchange(request, answer, time.perf_counter() - began)


def _request(session: DemoSession, session_id: str, number: int, step: Step, realm: str) -> CreditControlRequest:
    ccr = CreditControlRequest()
    ccr.session_id = session_id
    ccr.origin_host = ORIGIN_HOST.encode()
    ccr.origin_realm = ORIGIN_REALM.encode()
    ccr.destination_realm = realm.encode()
    ccr.auth_application_id = APPLICATION
    ccr.service_context_id = session.service_context
    ccr.cc_request_type = step.type
    ccr.cc_request_number = number
    ccr.event_timestamp = datetime.now(UTC)
    ccr.subscription_id = [
        SubscriptionId(int(IdentityKind.E164), session.account.msisdn),
        SubscriptionId(int(IdentityKind.IMSI), session.account.imsi),
    ]
    ccr.multiple_services_indicator = _MULTIPLE_SERVICES_SUPPORTED
    if step.type == EVENT:
        ccr.requested_action = _DIRECT_DEBITING
    if step.type == TERMINATION:
        ccr.termination_cause = _LOGOUT
    mscc = MultipleServicesCreditControl(rating_group=session.rating_group)
    field_name = _UNIT_FIELDS[session.unit]
    if step.asked is not None:
        mscc.requested_service_unit = RequestedServiceUnit(**{field_name: step.asked})
    if step.used is not None:
        mscc.used_service_unit = [UsedServiceUnit(**{field_name: step.used})]
    ccr.multiple_services_credit_control = [mscc]
    return ccr


def answered(session: DemoSession, exchange: Exchange) -> Answered:
    """What the answer says of the session's one service."""
    answer = exchange.answer
    services = answer.multiple_services_credit_control
    mscc = services[0] if services else MultipleServicesCreditControl()
    unit = mscc.granted_service_unit
    return Answered(
        result=answer.result_code,
        mscc_result=mscc.result_code or 0,
        granted=getattr(unit, _UNIT_FIELDS[session.unit]) if unit is not None else None,
        validity_s=mscc.validity_time,
        is_final=mscc.final_unit_indication is not None,
    )


def _re_authorised(told: "queue.Queue[Told]", request: Any) -> Any:
    """Answer a Re-Auth-Request, and keep what it says."""
    answer = request.to_answer()
    answer.session_id = request.session_id
    answer.origin_host = ORIGIN_HOST.encode()
    answer.origin_realm = ORIGIN_REALM.encode()
    answer.result_code = SUCCESS
    groups = tuple(int(avp.value) for avp in request.find_avps((_RATING_GROUP, 0)))
    told.put(Told(request.session_id, groups, time.monotonic()))
    return answer


@contextmanager
def connected(host: str, port: int, *, server_host: str, server_realm: str) -> Iterator[DemoClient]:
    """A client whose capabilities were exchanged with the server; it says good-bye at the end."""
    logging.getLogger("diameter").setLevel(logging.CRITICAL)
    node = Node(ORIGIN_HOST, ORIGIN_REALM)
    node.wakeup_interval = 1  # it looks so seldom whether it was stopped, in seconds
    peer = node.add_peer(f"aaa://{server_host}:{port}", server_realm, ip_addresses=[host], is_persistent=True)
    told: queue.Queue[Told] = queue.Queue()
    application = SimpleThreadingApplication(
        APPLICATION,
        is_auth_application=True,
        request_handler=lambda application, request: _re_authorised(told, request),
    )
    node.add_application(application, [peer], realms=[ORIGIN_REALM])
    node.start()
    try:
        application.wait_for_ready(CONNECT_S)
        yield DemoClient(told, application, server_realm)
    finally:
        node.stop(wait_timeout=STOP_S)
