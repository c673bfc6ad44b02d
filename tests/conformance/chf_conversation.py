"""Requests of converged charging in a seeded order, each answer checked against the specification.

Over half of the requests are seeded with what exists: subscribers, rating groups and refs of open sessions, so that they
are charged; others are valid to the schema alone, or invalid. All three operations of both versions of the path take turns.
"""

import json
from collections import Counter
from random import Random
from typing import Any, Final, NamedTuple
from urllib.parse import quote

import httpx
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from chf_http2.routes import VERSIONS
from tests.conformance.generated_bodies import Parts, invalid_body, valid_body, with_information
from tests.conformance.whole_chf import ACCOUNTS, RATING_GROUPS, SERVICE, supi_of

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
CREATE, UPDATE, RELEASE = "create", "update", "release"
PATHS: Final = {
    CREATE: "/chargingdata",
    UPDATE: "/chargingdata/{ChargingDataRef}/update",
    RELEASE: "/chargingdata/{ChargingDataRef}/release",
}
DONE: Final = {CREATE: 201, UPDATE: 200, RELEASE: 204}
CHARGED, VALID, INVALID = "charged", "valid", "invalid"
KINDS: Final = {CHARGED: 60, VALID: 22, INVALID: 18}
"""Kinds of requests in hundredths: made to be charged, valid to the schema, invalid to it."""
UNITS_ASKED_MAX: Final = 200
UNITS_USED_MAX: Final = 40
REFUSED_STATUSES: Final = frozenset({400, 403, 404, 413})
"""What a request of these may be refused with. The release's YAML has 400 and 403 by its `default` alone."""


class Session(NamedTuple):
    """An open session."""

    ref: str
    supi: str
    number: int
    """of the last request"""


class Conversation:
    """Asks one front end; `statuses` counts answers by version, operation and status."""

    def __init__(self, url: str, client: httpx.Client, document: dict[str, Any], parts: Parts, number: int) -> None:
        self.statuses: Counter[tuple[str, str, int]] = Counter()
        self.refused_valid: Counter[tuple[str, str]] = Counter()
        """cause and members that valid requests were refused for with 400"""
        self.results: Counter[str] = Counter()
        """resultCode of rating groups, `granted` for those that got units"""
        self.asked: set[bytes] = set()
        self._root = url.partition("/nchf-convergedcharging")[0]
        self._client = client
        schema = schemathesis.openapi.from_dict(document)
        self._operations = {name: schema[path]["POST"] for name, path in PATHS.items()}
        self._parts = parts
        self._random = Random(number)
        self._sessions: list[Session] = []
        self._ended = ["0" * 64]

    def go_on(self, rounds: int) -> None:
        """So many times each operation of each version."""
        for _ in range(rounds):
            for version in VERSIONS:
                for operation in PATHS:
                    self.ask(version, operation)

    def ask(self, version: str, operation: str) -> None:
        """One request; AssertionError or a failure of schemathesis where the answer is none that may be."""
        kind = self._random.choices(list(KINDS), list(KINDS.values()))[0]
        session = self._session_for(operation, kind)
        ref = session.ref if session else self._other_ref()
        if kind == INVALID:
            body = invalid_body(self._parts, self._random)
        else:
            body = valid_body(self._parts, self._random)
        if kind == CHARGED:
            body |= self._known(session)
        parameters = {} if operation == CREATE else {"ChargingDataRef": ref}
        case = self._operations[operation].Case(
            path_parameters=parameters, body=body, media_type="application/json", headers={}
        )
        response = self._send(version, operation, ref, body)
        case.validate_response(response, checks=CHECKS)
        self._check(operation, kind, body, response)
        self.statuses[version, operation, response.status_code] += 1
        if response.status_code == DONE[operation] and isinstance(body, dict):
            self._remember(operation, session, body, response)

    def _session_for(self, operation: str, kind: str) -> Session | None:
        """The session that an update or a release is of; None where it has none that is open."""
        if operation == CREATE or not self._sessions or (kind != CHARGED and self._random.random() < 0.5):
            return None
        return self._sessions[self._random.randrange(len(self._sessions))]

    def _other_ref(self) -> str:
        return self._random.choice([self._random.choice(self._ended), self._random.choice(self._parts.refs)])

    def _known(self, session: Session | None) -> dict[str, Any]:
        """Members that make a request one that is charged."""
        draw = self._random
        groups = draw.sample(RATING_GROUPS, draw.randint(1, 3))
        return {
            "subscriberIdentifier": session.supi if session else supi_of(draw.randrange(ACCOUNTS)),
            "invocationSequenceNumber": session.number + 1 if session else draw.randint(0, 1),
            "nfConsumerIdentification": {"nodeFunctionality": "SMF", "nFName": "smf-1"},
            "serviceSpecificationInfo": SERVICE,
            "retransmissionIndicator": False,
            "oneTimeEvent": False,
            "multipleUnitUsage": [self._known_usage(group) for group in groups],
        }

    def _known_usage(self, group: int) -> dict[str, Any]:
        draw = self._random
        usage: dict[str, Any] = {"ratingGroup": group}
        if draw.random() < 0.8:
            usage["requestedUnit"] = {"totalVolume": draw.randint(1, UNITS_ASKED_MAX)} if draw.random() < 0.7 else {}
        if draw.random() < 0.8:
            used = [
                {"localSequenceNumber": number, "totalVolume": draw.randrange(UNITS_USED_MAX)}
                for number in range(draw.randint(1, 2))
            ]
            usage = with_information(usage | {"usedUnitContainer": used}, self._parts, draw)
        return usage

    def _send(self, version: str, operation: str, ref: str, body: Any) -> httpx.Response:
        path = PATHS[operation].replace("{ChargingDataRef}", quote(ref, safe=""))
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.asked.add(f"{version} {path} ".encode() + octets)
        return self._client.post(
            f"{self._root}/nchf-convergedcharging/{version}{path}",
            content=octets,
            headers={"content-type": "application/json"},
        )

    def _check(self, operation: str, kind: str, body: Any, response: httpx.Response) -> None:
        """What the schema alone doesn't say of an answer."""
        assert response.http_version == "HTTP/2"
        status = response.status_code
        if status == 204:
            assert not response.content
        elif status == DONE[operation]:
            assert response.headers["content-type"] == "application/json"
            assert response.json()["invocationSequenceNumber"] == body["invocationSequenceNumber"]
            assert (status == 201) == ("location" in response.headers)
            for unit in response.json().get("multipleUnitInformation", ()):
                self.results["granted" if "grantedUnit" in unit else unit["resultCode"]] += 1
        else:
            problem = response.json()
            assert status in REFUSED_STATUSES, (operation, status, problem, body)
            assert response.headers["content-type"] == "application/problem+json"
            assert problem["status"] == status
            assert problem["cause"]
            if status == 400 and kind != INVALID:
                places = [param["param"] for param in problem.get("invalidParams", ())]
                self.refused_valid[problem["cause"], str(places) + problem.get("detail", problem["title"])] += 1

    def _remember(
        self, operation: str, session: Session | None, body: dict[str, Any], response: httpx.Response
    ) -> None:
        number = body["invocationSequenceNumber"]
        if operation == CREATE and not body.get("oneTimeEvent"):
            ref = response.headers["location"].rpartition("/")[2]
            self._sessions.append(Session(ref, body["subscriberIdentifier"], number))
        elif session in self._sessions:
            self._sessions.remove(session)
            if operation == UPDATE:
                self._sessions.append(session._replace(number=max(number, session.number)))
            else:
                self._ended.append(session.ref)
