"""Clients that are told to ask again or to end: a packet core made of python-diameter, and an SMF of httpx and h2."""

import logging
import queue
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple

import httpx
from diameter.message.avp.grouped import (
    MultipleServicesCreditControl,
    RequestedServiceUnit,
    SubscriptionId,
    UsedServiceUnit,
)
from diameter.message.commands import CreditControlRequest
from diameter.node import Node
from diameter.node.application import SimpleThreadingApplication

HOST = "pgw.visited.example"
REALM = "visited.example"
CREDIT_CONTROL = 4
WAIT_S = 20.0
SUCCESS = 2001
LIMITED_SUCCESS = 2002
MIB = 1 << 20


class CreditAnswer(NamedTuple):
    """What tests ask of an answer's one service."""

    result: int | str
    granted_octets: int | None


class ToldPacketCore:
    """A Diameter client; `told` gets every request that it is sent, which it answers as `result_of` says."""

    def __init__(self, port: int, result_of: Callable[[Any], int], host: str = HOST) -> None:
        logging.getLogger("diameter").setLevel(logging.CRITICAL)
        self.told: queue.Queue[Any] = queue.Queue()
        self.result_of = result_of
        self._host = host
        self._node = Node(host, REALM)
        self._node.wakeup_interval = 1  # s: its threads look that often whether they are to end
        peer = self._node.add_peer(
            f"aaa://farebox.example:{port}", "farebox.example", ip_addresses=["127.0.0.1"], is_persistent=True
        )
        self._application = SimpleThreadingApplication(
            CREDIT_CONTROL, is_auth_application=True, request_handler=self._take
        )
        self._node.add_application(self._application, [peer], realms=[REALM])
        self._node.start()
        self._application.wait_for_ready(WAIT_S)

    def _take(self, application: Any, request: Any) -> Any:
        answer = request.to_answer()
        answer.session_id = request.session_id
        answer.origin_host = self._host.encode()
        answer.origin_realm = REALM.encode()
        answer.result_code = self.result_of(request)
        self.told.put(request)
        return answer

    def next(self, wait_s: float = WAIT_S) -> Any:
        """The next request of the server; AssertionError where none comes."""
        try:
            return self.told.get(timeout=wait_s)
        except queue.Empty:
            raise AssertionError(f"nothing was told within {wait_s:g} s") from None

    def ask(
        self,
        request_type: int,
        number: int,
        session_id: str,
        imsi: str,
        *,
        used: int | None = None,
        asked: int | None = None,
        rating_group: int = 10,
    ) -> CreditAnswer:
        """A CCR of one rating group and its answer."""
        ccr = CreditControlRequest()
        ccr.session_id = session_id
        ccr.origin_host = self._host.encode()
        ccr.origin_realm = REALM.encode()
        ccr.destination_realm = b"farebox.example"
        ccr.auth_application_id = CREDIT_CONTROL
        ccr.service_context_id = "32251@3gpp.org"
        ccr.cc_request_type = request_type
        ccr.cc_request_number = number
        ccr.subscription_id = [SubscriptionId(1, imsi)]
        ccr.multiple_services_indicator = 1
        mscc = MultipleServicesCreditControl(rating_group=rating_group)
        if asked is not None:
            mscc.requested_service_unit = RequestedServiceUnit(cc_total_octets=asked)
        if used is not None:
            mscc.used_service_unit = [UsedServiceUnit(cc_total_octets=used)]
        ccr.multiple_services_credit_control = [mscc]
        answer: Any = self._application.send_request(ccr, timeout=WAIT_S)
        services = answer.multiple_services_credit_control
        if answer.result_code != SUCCESS or not services:
            return CreditAnswer(answer.result_code, None)
        unit = services[0].granted_service_unit
        return CreditAnswer(services[0].result_code, unit.cc_total_octets if unit is not None else None)

    def close(self) -> None:
        """Say good-bye."""
        self._node.stop(wait_timeout=1, force=True)


@contextmanager
def told_packet_core(
    port: int, result_of: Callable[[Any], int] = lambda request: LIMITED_SUCCESS, host: str = HOST
) -> Iterator[ToldPacketCore]:
    """A client that ends with the context."""
    core = ToldPacketCore(port, result_of, host)
    try:
        yield core
    finally:
        core.close()


class ToldSmf:
    """The requests of one SMF's PDU sessions."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/nchf-convergedcharging/v3/chargingdata"
        self._client = httpx.Client(http1=False, http2=True, timeout=WAIT_S, trust_env=False)

    def create(self, imsi: str, charging_id: int, notify_uri: str | None, rating_group: int | None = 10) -> str:
        """A session that asks for one rating group, or for none; its URI."""
        wanted = {"ratingGroup": rating_group, "requestedUnit": {"totalVolume": 10 * MIB}}
        body = self._body(0, *([] if rating_group is None else [wanted]))
        body |= {"subscriberIdentifier": f"imsi-{imsi}", "chargingId": charging_id}
        if notify_uri is not None:
            body["notifyUri"] = notify_uri
        response = self._client.post(self._url, json=body)
        assert response.status_code == 201, response.text
        return str(response.headers["location"])

    def update(
        self, uri: str, number: int, used: int, notify_uri: str | None = None, rating_group: int = 10
    ) -> CreditAnswer:
        """Report and ask again."""
        usage = {
            "ratingGroup": rating_group,
            "requestedUnit": {"totalVolume": 10 * MIB},
            "usedUnitContainer": [{"localSequenceNumber": number, "totalVolume": used}],
        }
        body = self._body(number, usage)
        if notify_uri is not None:
            body["notifyUri"] = notify_uri
        response = self._client.post(f"{uri}/update", json=body)
        if response.status_code != 200:
            return CreditAnswer(response.status_code, None)
        (one,) = response.json()["multipleUnitInformation"]
        granted = one.get("grantedUnit", {}).get("totalVolume")
        return CreditAnswer(one["resultCode"], granted)

    def release(self, uri: str, number: int) -> int:
        """End the session; the status."""
        usage = {"ratingGroup": 10, "usedUnitContainer": [{"localSequenceNumber": number, "totalVolume": 0}]}
        return self._client.post(f"{uri}/release", json=self._body(number, usage)).status_code

    def _body(self, number: int, *usages: dict[str, Any]) -> dict[str, Any]:
        return {
            "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": "smf-1"},
            "invocationTimeStamp": "2026-11-28T10:00:00Z",
            "invocationSequenceNumber": number,
            "multipleUnitUsage": list(usages),
        }

    def close(self) -> None:
        """End its connections."""
        self._client.close()
