"""Thousands of requests that 3GPP's YAML makes, to the whole of converged charging, and no answer that it doesn't have.

schemathesis makes the values (generated_bodies.py) and checks the answers (chf_conversation.py). It speaks HTTP/1.1 and we
don't, so that requests are sent with httpx over HTTP/2.
"""

from pathlib import Path

import pytest

from chf_http2.routes import VERSIONS
from tests.conformance.chf_conversation import DONE, Conversation
from tests.conformance.generated_bodies import Counts, parts_of
from tests.conformance.openapi_bundle import bundled
from tests.conformance.whole_chf import whole_chf
from tests.reference.specifications import specifications
from tests.scenarios.sockets import READY_WITHIN_S

SEED = 32291
OPERATIONS = len(VERSIONS) * len(DONE)
DONE_SHARE_MIN = 0.3
"""Of each operation's answers, so many at least are successes: else little was charged, and little shown."""


def converse(release: str, folder: Path, counts: Counts, rounds: int) -> Conversation:
    """Ask the whole of it; its books are audited in the end."""
    document = bundled(specifications() / "3gpp" / "openapi" / release)
    parts = parts_of(document, counts, SEED)
    with whole_chf(folder) as front_end:
        conversation = Conversation(front_end.url, front_end.client, document, parts, SEED)
        conversation.go_on(rounds)
    for version in VERSIONS:
        for operation, status in DONE.items():
            done = conversation.statuses[version, operation, status]
            assert done >= DONE_SHARE_MIN * rounds, conversation.statuses
    assert conversation.statuses.total() == rounds * OPERATIONS
    return conversation


@pytest.mark.timeout(READY_WITHIN_S + 60)
def test_every_answer_is_one_of_the_specification(tmp_path: Path) -> None:
    conversation = converse("rel18", tmp_path, Counts(small=12, large=2), 350)
    assert len(conversation.asked) > 2000
