"""Scenarios over Nchf: HTTP/2 to a real front-end process, handed to an engine process that has Gy, too."""

from collections.abc import Mapping
from typing import Any, Final
from zlib import crc32

import httpx

from charging.batch import EVENT, INITIAL, TERMINATION, UPDATE
from chf_http2.charging_data_ref import Refs
from chf_http2.problems import REFUSALS, REFUSED_BY_AVP
from chf_http2.responses import RESULT_CODES as WORDS
from tests.reference.requests import Mscc
from tests.scenarios.catalogues import TENANTS
from tests.scenarios.language import CONTEXTS, Asked, MsccSaid, Said, change_said
from tests.scenarios.served_engine import CHF
from tests.scenarios.sockets import ANSWER_WITHIN_S, Served, SocketMachine
from vocabulary.instants import NS_PER_S, from_rfc3339
from vocabulary.limits import UNCOUNTED_REPEAT_S_MAX
from vocabulary.outcomes import RESULT_CODES, Outcome
from vocabulary.units import Unit

MEMBERS: Final = {Unit.OCTETS: "totalVolume", Unit.SECONDS: "time", Unit.EVENTS: "serviceSpecificUnits"}
THRESHOLDS: Final = {
    Unit.OCTETS: "volumeQuotaThreshold",
    Unit.SECONDS: "timeQuotaThreshold",
    Unit.EVENTS: "unitQuotaThreshold",
}
LONG_AGO: Final = "2020-01-01T00:00:00Z"
"""Not believed, so that usage is of its receipt, as that of the Gy scenarios, which say no time."""
CODES: Final = {word: RESULT_CODES[outcome] for outcome, word in WORDS.items()}
PROBLEM_CODES: Final = {refusal.cause: RESULT_CODES[outcome] for outcome, refusal in reversed(REFUSALS.items())}
PROBLEM_CODES |= {refusal.cause: RESULT_CODES[Outcome.INVALID_AVP_VALUE] for refusal in REFUSED_BY_AVP.values()}

NOT_IN_NCHF: Final = frozenset(
    {
        "a service twice in one request is granted what is there, once",
        "a service paid ahead is not granted twice what was paid",
        "4012 where the peer wants it: at command level",
        "equal reports of a peer that never counts are two after a while",
        "an MSCC without a rating group",
        "events are paid at once or refused",
        "a session begun anew ends the old one",
        "tenants have subscribers and prices of their own",
        "a client that can't split is granted until the price changes",
    }
)
"""Scenarios with a step that can't be said."""


class NotInNchf(Exception):
    """The step can't be said in Nchf; the message says why."""


def units_of(amounts: Mapping[Unit, int]) -> dict[str, int]:
    """Amounts as a RequestedUnit or a UsedUnitContainer says them."""
    return {MEMBERS[unit]: amount for unit, amount in amounts.items()}


def usage_of(mscc: Mscc) -> dict[str, Any]:
    """A MultipleUnitUsage. NotInNchf."""
    if mscc.rating_group is None or mscc.service_identifier is not None:
        raise NotInNchf("a rating group stands alone in Nchf")
    said: dict[str, Any] = {"ratingGroup": mscc.rating_group}
    if mscc.requested is not None:
        said["requestedUnit"] = units_of(mscc.requested)
    if mscc.used is not None:
        said["usedUnitContainer"] = containers_of(mscc.used, mscc.before)
    return said


def containers_of(used: Mapping[Unit, int], before: Mapping[Unit, int] | None) -> list[dict[str, Any]]:
    """One usedUnitContainer, or one up to a tariff change and one since."""
    if before is None:
        return [{"localSequenceNumber": 1, **units_of(used)}]
    after = {unit: amount - before.get(unit, 0) for unit, amount in used.items()}
    change = {"triggerType": "TARIFF_TIME_CHANGE", "triggerCategory": "DEFERRED_REPORT"}
    return [
        {"localSequenceNumber": 1, "triggers": [change], **units_of(before)},
        {"localSequenceNumber": 2, **units_of(after)},
    ]


def final_said(indication: dict[str, Any]) -> str:
    """A FinalUnitIndication in words."""
    action = {"TERMINATE": "terminate", "REDIRECT": "redirect", "RESTRICT_ACCESS": "restrict"}[
        indication["finalUnitAction"]
    ]
    if "redirectServer" in indication:
        server = indication["redirectServer"]
        assert server["redirectAddressType"] == "URL"
        return f"{action} {server['redirectServerAddress']}"
    return f"{action} {indication['filterId']}" if "filterId" in indication else action


def information_said(information: dict[str, Any]) -> MsccSaid:
    """A MultipleUnitInformation in result codes."""
    granted = information.get("grantedUnit")
    units = None if granted is None else next(granted[name] for name in MEMBERS.values() if name in granted)
    thresholds = {unit: information[member] for unit, member in THRESHOLDS.items() if member in information}
    threshold = None
    if thresholds:
        ((unit, threshold),) = thresholds.items()
        assert MEMBERS[unit] in granted, "a threshold is in the unit of its grant"
    holding_s = information.get("quotaHoldingTime")
    triggers = [trigger["triggerType"] for trigger in information.get("triggers", ())]
    assert ("QUOTA_THRESHOLD" in triggers, "QHT" in triggers) == (threshold is not None, holding_s is not None)
    final = final_said(information["finalUnitIndication"]) if "finalUnitIndication" in information else ""
    assert not final or granted or information["validityTime"], "an action at once has a validity"
    change = (granted or {}).get("tariffTimeChange")
    assert ("TARIFF_TIME_CHANGE" in triggers) == (change is not None)
    told = "" if change is None else change_said(from_rfc3339(change) // NS_PER_S)
    return MsccSaid(CODES[information["resultCode"]], units, final, threshold, holding_s, told)


def http2_client() -> httpx.Client:
    """A client that speaks HTTP/2 from the first octet."""
    return httpx.Client(http1=False, http2=True, timeout=ANSWER_WITHIN_S, trust_env=False)


def chf_url(running: Served) -> str:
    """Of the collection, on the 5G front end."""
    return f"http://127.0.0.1:{running.ports[CHF]}/nchf-convergedcharging/v3/chargingdata"


class NchfMachine(SocketMachine):
    """Machine on a served 5G front end."""

    def __init__(self, running: Served, client: httpx.Client, prefix: int) -> None:
        super().__init__(running, prefix)
        self._client = client
        self._url = chf_url(running)
        self._refs: dict[str, str] = {}
        self._opened: dict[str, Asked] = {}
        self._asked_ns: dict[str, int] = {}

    def ask(self, asked: Asked) -> Said:
        """See Machine."""
        if asked.peer not in {"core", "uncounted"}:
            raise NotInNchf(f"there is one front end, which is not {asked.peer}'s")
        asked_ns = self._asked_ns.setdefault(repr(asked), self.running.ahead_ns)
        if asked.peer == "uncounted" and self.running.ahead_ns - asked_ns > UNCOUNTED_REPEAT_S_MAX * NS_PER_S:
            raise NotInNchf("a report says its time: sent again it is that report, however late")
        if asked.type == EVENT and asked.action != 0:
            raise NotInNchf("a one-time event is always debited")
        if asked.type == INITIAL and self._opened.setdefault(asked.session, asked) != asked:
            raise NotInNchf("another create is another session")
        body = self._body(asked)
        if asked.msccs:
            body["multipleUnitUsage"] = [usage_of(mscc) for mscc in asked.msccs]
            groups = [mscc.rating_group for mscc in asked.msccs]
            if len(set(groups)) < len(groups):
                raise NotInNchf("a rating group is answered once")
        if asked.type == EVENT:
            is_past = all(mscc.used is not None and mscc.requested is None for mscc in asked.msccs)
            body |= {"oneTimeEvent": True, "oneTimeEventType": "PEC" if is_past else "IEC"}
        response = self._client.post(self._path(asked), json=body)
        if response.status_code >= 400:
            return Said(PROBLEM_CODES[response.json()["cause"]])
        if response.status_code == 204:
            return Said(2001, tuple(MsccSaid(2001) for _ in asked.msccs))
        if response.status_code == 201 and asked.type == INITIAL:
            self._refs[asked.session] = response.headers["location"].rpartition("/")[2]
        return Said(2001, tuple(map(information_said, response.json().get("multipleUnitInformation", ()))))

    def _body(self, asked: Asked) -> dict[str, Any]:
        """What a request has without its rating groups."""
        return {
            "subscriberIdentifier": f"imsi-{self._imsi(asked.name)}",
            "chargingId": crc32(f"{self.prefix} {asked.session}".encode()),
            "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": asked.peer},
            "invocationTimeStamp": LONG_AGO,
            "invocationSequenceNumber": asked.number,
            "serviceSpecificationInfo": f"{asked.context}@3gpp.org",
        }

    def send_offline_event(self, name: str, number: int, usage: dict[str, Any]) -> None:
        """A one-time event to the offline-only service."""
        event = {"oneTimeEvent": True, "oneTimeEventType": "IEC"}
        response = self.send_offline(name, EVENT, number, [usage], **event)
        assert response.status_code == 201, response.text
        assert "multipleUnitInformation" not in response.json()

    def send_offline(
        self, name: str, request_type: int, number: int, usages: list[dict[str, Any]], ref: str = "", **members: Any
    ) -> httpx.Response:
        """A request to the offline-only service; its answer, whatever that is.

        ref   below the collection: of an update or release
        """
        asked = Asked(name, "offline", request_type, number, "core", CONTEXTS["data"], (), None)
        url = self._url.replace("nchf-convergedcharging/v3/", "nchf-offlineonlycharging/v1/offline")
        body = self._body(asked) | {"multipleUnitUsage": usages} | members
        return self._client.post(url + ref, json=body)

    def send_event(self, name: str, number: int, usages: list[dict[str, Any]]) -> dict[str, Any]:
        """A one-time event with these multipleUnitUsage; its answer's body."""
        asked = Asked(name, "event", EVENT, number, "core", CONTEXTS["data"], (), None)
        body = self._body(asked) | {"oneTimeEvent": True, "oneTimeEventType": "IEC", "multipleUnitUsage": usages}
        response = self._client.post(self._url, json=body)
        assert response.status_code == 201, response.text
        said: dict[str, Any] = response.json()
        return said

    def send(self, name: str, session: str, number: int, usages: list[dict[str, Any]]) -> dict[str, Any]:
        """An update with these multipleUnitUsage, which the language of scenarios can't say; its answer's body."""
        asked = Asked(name, session, UPDATE, number, "core", CONTEXTS["data"], (), None)
        response = self._client.post(self._path(asked), json=self._body(asked) | {"multipleUnitUsage": usages})
        assert response.status_code == 200, response.text
        said: dict[str, Any] = response.json()
        return said

    def _path(self, asked: Asked) -> str:
        if asked.type in (INITIAL, EVENT):
            return self._url
        ref = self._refs.get(asked.session)
        if ref is None:  # of a session that was never opened, on the subscriber's account
            _, account_id = self.accounts[asked.name]
            meta = self.running.run(self.running.store.open())
            refs = Refs(meta.secret, TENANTS["default"])
            ref = refs.make(refs.name_of(asked.session.encode()), account_id)
        return f"{self._url}/{ref}/{'release' if asked.type == TERMINATION else 'update'}"


assert Outcome.GRANTED not in REFUSALS
