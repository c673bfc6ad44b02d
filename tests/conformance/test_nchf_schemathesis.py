"""Thousands of requests that 3GPP's YAML makes, to the whole of both services, and no answer that it doesn't have.

schemathesis makes the values (generated_bodies.py) and checks the answers (chf_conversation.py). It speaks HTTP/1.1 and we
don't, so that requests are sent with httpx over HTTP/2.
"""

import datetime
from pathlib import Path

import httpx
import pytest
import schemathesis
from schemathesis.core.failures import FailureGroup

from chf_http2.routes import SERVICES
from tests.conformance.chf_conversation import CHECKS, DONE, UPDATE, Conversation, Described, path_of
from tests.conformance.generated_bodies import Counts, parts_of
from tests.conformance.openapi_bundle import MAIN, OFFLINE_ONLY, bundled
from tests.conformance.whole_chf import whole_chf
from tests.reference.specifications import specifications
from tests.scenarios.sockets import READY_WITHIN_S

SEED = 32291
OFFLINE_EVERY = 3
"""The offline-only service is asked in each third round: it shares all but its paths and types."""
DONE_SHARE_MIN = 0.3
"""Of each operation's answers, so many at least are successes: else little was charged, and little shown."""


def converse(release: str, folder: Path, counts: Counts, rounds: int) -> Conversation:
    """Ask the whole of it; its books are audited in the end."""
    files = specifications() / "3gpp" / "openapi" / release
    documents = {file: bundled(files, file) for file in (MAIN, OFFLINE_ONLY)}
    parts = {file: parts_of(document, counts, SEED) for file, document in documents.items()}
    services = [
        Described(service, documents[file], parts[file], OFFLINE_EVERY if service.is_offline_only else 1)
        for service in SERVICES
        for file in [OFFLINE_ONLY if service.is_offline_only else MAIN]
    ]
    with whole_chf(folder) as front_end:
        root = front_end.url.partition("/nchf-")[0]
        conversation = Conversation(root, front_end.client, services, SEED)
        conversation.go_on(rounds)
    for one in services:
        asked = len(range(0, rounds, one.every))
        for operation, status in DONE.items():
            of_operation = {
                key: count for key, count in conversation.statuses.items() if key[:2] == (one.name, operation)
            }
            assert sum(of_operation.values()) == asked
            assert of_operation[one.name, operation, status] >= DONE_SHARE_MIN * asked, of_operation
    assert conversation.results["granted"] >= rounds, conversation.results
    return conversation


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_every_answer_is_one_of_the_specification(tmp_path: Path) -> None:
    conversation = converse("rel18", tmp_path, Counts(small=7, large=2), 350)
    assert len(conversation.asked) > 2000


@pytest.mark.parametrize(
    ("status", "content_type", "body"),
    [
        (200, "application/json", {"invocationSequenceNumber": 1}),
        (200, "text/plain", {"invocationTimeStamp": "2026-11-28T10:00:00Z", "invocationSequenceNumber": 1}),
        (404, "application/problem+json", {"status": "404"}),
        (500, "application/problem+json", {"status": 500}),
    ],
)
def test_the_checks_would_say_it(status: int, content_type: str, body: dict[str, object]) -> None:
    """Wrong answers fail, so that none that does means something."""
    schema = schemathesis.openapi.from_dict(bundled(specifications() / "3gpp" / "openapi" / "rel18"))
    case = schema[path_of(SERVICES[0], UPDATE)]["POST"].Case(path_parameters={"ChargingDataRef": "1"}, body={})
    asked = httpx.Request("POST", "http://chf.example/chargingdata/1/update")
    answer = httpx.Response(status, json=body, headers={"content-type": content_type}, request=asked)
    answer.elapsed = datetime.timedelta(0)
    with pytest.raises(FailureGroup):
        case.validate_response(answer, checks=CHECKS)
