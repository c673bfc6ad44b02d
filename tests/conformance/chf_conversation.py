"""Requests of both services in a seeded order, each answer checked against the specification.

Over half of the requests are seeded with what exists: subscribers, rating groups and refs of open sessions, so that they
are charged; others are valid to the schema alone, or invalid. All three operations of each service and version take turns.
"""

import json
from collections import Counter
from collections.abc import Sequence
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

from chf_http2.routes import Service
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
PATHS: Final = {CREATE: "", UPDATE: "/{%s}/update", RELEASE: "/{%s}/release"}
"""Behind that of a service's collection, with its name for the ref."""
DONE: Final = {CREATE: 201, UPDATE: 200, RELEASE: 204}
CHARGED, VALID, INVALID = "charged", "valid", "invalid"
KINDS: Final = {CHARGED: 60, VALID: 22, INVALID: 18}
"""Kinds of requests in hundredths: made to be charged, valid to the schema, invalid to it."""
UNITS_ASKED_MAX: Final = 200
UNITS_USED_MAX: Final = 40
REFUSED_STATUSES: Final = frozenset({400, 403, 404, 413})
"""What a request of these may be refused with. The release's YAML has 400 and 403 by its `default` alone."""


def path_of(service: Service, operation: str) -> str:
    """As the service's YAML has it."""
    path = PATHS[operation]
    return f"/{service.collection}" + (path % service.ref_name if path else "")


class Described(NamedTuple):
    """A service in a version, and what its YAML makes.

    every   it is asked in each such round
    """

    service: Service
    document: dict[str, Any]
    parts: Parts
    every: int = 1

    @property
    def name(self) -> str:
        """Of the service, with the version."""
        return f"{self.service.name} {self.service.version}"


class Session(NamedTuple):
    """An open session."""

    ref: str
    supi: str
    number: int
    """of the last request"""


class Conversation:
    """Asks one front end; `statuses` counts answers by service, operation and status."""

    def __init__(self, root: str, client: httpx.Client, services: Sequence[Described], number: int) -> None:
        self.statuses: Counter[tuple[str, str, int]] = Counter()
        self.refused_valid: Counter[tuple[str, str]] = Counter()
        """cause and members that valid requests were refused for with 400"""
        self.results: Counter[str] = Counter()
        """resultCode of rating groups, `granted` for those that got units"""
        self.asked: set[bytes] = set()
        self._root = root
        self._client = client
        self._services = services
        self._operations = {
            (one.name, operation): schemathesis.openapi.from_dict(one.document)[path_of(one.service, operation)]["POST"]
            for one in services
            for operation in PATHS
        }
        self._random = Random(number)
        self._open: dict[str, list[Session]] = {one.service.name: [] for one in services}
        self._ended = ["0" * 64]

    def go_on(self, rounds: int) -> None:
        """So many times each operation of each service."""
        for number in range(rounds):
            for one in self._services:
                if number % one.every == 0:
                    for operation in PATHS:
                        self.ask(one, operation)

    def ask(self, one: Described, operation: str) -> None:
        """One request; AssertionError or a failure of schemathesis where the answer is none that may be."""
        kind = self._random.choices(list(KINDS), list(KINDS.values()))[0]
        session = self._session_for(one.service, operation, kind)
        ref = session.ref if session else self._other_ref(one)
        if kind == INVALID:
            body = invalid_body(one.parts, self._random)
        else:
            body = valid_body(one.parts, self._random)
        if kind == CHARGED:
            body |= self._known(one, session)
        parameters = {} if operation == CREATE else {one.service.ref_name: ref}
        case = self._operations[one.name, operation].Case(
            path_parameters=parameters, body=body, media_type="application/json", headers={}
        )
        response = self._send(one.service, operation, ref, body)
        case.validate_response(response, checks=CHECKS)
        self._check(operation, kind, body, response)
        self.statuses[one.name, operation, response.status_code] += 1
        if response.status_code == DONE[operation] and isinstance(body, dict):
            self._remember(one.service, operation, session, body, response)

    def _session_for(self, service: Service, operation: str, kind: str) -> Session | None:
        """The session that an update or a release is of; None where it has none that is open."""
        sessions = self._open[service.name]
        if operation == CREATE or not sessions or (kind != CHARGED and self._random.random() < 0.5):
            return None
        return sessions[self._random.randrange(len(sessions))]

    def _other_ref(self, one: Described) -> str:
        """One that no open session of the service has: it ended, or is the other service's, or nobody's."""
        others = [session.ref for name in self._open.keys() - {one.service.name} for session in self._open[name][:1]]
        draw = self._random
        return draw.choice([draw.choice(self._ended), draw.choice(one.parts.refs), draw.choice(others or self._ended)])

    def _known(self, one: Described, session: Session | None) -> dict[str, Any]:
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
            "multipleUnitUsage": [self._known_usage(one, group) for group in groups],
        }

    def _known_usage(self, one: Described, group: int) -> dict[str, Any]:
        draw = self._random
        usage: dict[str, Any] = {"ratingGroup": group}
        if one.service.gives_quota and draw.random() < 0.8:
            usage["requestedUnit"] = {"totalVolume": draw.randint(1, UNITS_ASKED_MAX)} if draw.random() < 0.7 else {}
        if draw.random() < 0.8:
            used = [
                {"localSequenceNumber": number, "totalVolume": draw.randrange(UNITS_USED_MAX)}
                for number in range(draw.randint(1, 2))
            ]
            usage = with_information(usage | {"usedUnitContainer": used}, one.parts, draw)
        return usage

    def _send(self, service: Service, operation: str, ref: str, body: Any) -> httpx.Response:
        path = path_of(service, operation).replace(f"{{{service.ref_name}}}", quote(ref, safe=""))
        path = f"/{service.name}/{service.version}{path}"
        octets = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.asked.add(f"{path} ".encode() + octets)
        return self._client.post(f"{self._root}{path}", content=octets, headers={"content-type": "application/json"})

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
        self,
        service: Service,
        operation: str,
        session: Session | None,
        body: dict[str, Any],
        response: httpx.Response,
    ) -> None:
        number, sessions = body["invocationSequenceNumber"], self._open[service.name]
        if operation == CREATE and not body.get("oneTimeEvent"):
            ref = response.headers["location"].rpartition("/")[2]
            sessions.append(Session(ref, body["subscriberIdentifier"], number))
        elif session in sessions:
            sessions.remove(session)
            if operation == UPDATE:
                sessions.append(session._replace(number=max(number, session.number)))
            else:
                self._ended.append(session.ref)
