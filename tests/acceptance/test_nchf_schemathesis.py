"""Twenty thousand requests that the YAML of each release makes, and no answer that it doesn't have: the long run of
tests/conformance/test_nchf_schemathesis.py, with fifteen times as many values of each member."""

from collections import Counter
from pathlib import Path

import pytest

from tests.acceptance import evidence
from tests.conformance.generated_bodies import Counts
from tests.conformance.test_nchf_schemathesis import converse
from tests.scenarios.sockets import READY_WITHIN_S

pytestmark = [pytest.mark.acceptance, pytest.mark.timeout(READY_WITHIN_S + 1800)]

ROUNDS = 3400
REQUESTS_MIN = 20_000


@pytest.mark.parametrize("release", ["rel17", "rel18"])
def test_every_answer_to_very_many_requests_is_one_of_the_specification(release: str, tmp_path: Path) -> None:
    conversation = converse(release, tmp_path, Counts(small=150, large=30), ROUNDS)
    assert conversation.statuses.total() > REQUESTS_MIN
    totals: Counter[tuple[str, str]] = Counter()
    for (service, operation, _), count in conversation.statuses.items():
        totals[service, operation] += count
    rows = [
        (service, operation, status, count, f"{100 * count / totals[service, operation]:.1f} %")
        for (service, operation, status), count in sorted(conversation.statuses.items())
    ]
    says = (
        f"{conversation.statuses.total()} requests made of the YAML of {release}, {len(conversation.asked)} of them"
        " different, to Valkey, engine and front end; every answer checked by schemathesis, the books audited afterwards."
    )
    evidence.write(
        f"nchf-{release}", "Answers over Nchf", says, ("service", "operation", "status", "answers", "share"), rows
    )
