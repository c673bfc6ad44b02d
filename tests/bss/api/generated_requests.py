"""Requests that schemathesis makes of an API's own document, seeded with what is there, and its checks of every answer.

Most requests get an id that exists and an If-Match that fits, else nearly every answer would be a 404 or a 412.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from random import Random
from typing import Any, Final

import hypothesis
import schemathesis
from hypothesis import HealthCheck
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from bss.api.openapi import openapi_document
from bss.api.resource import Api

CHECKS: Final = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
DONE_SHARE_MIN: Final = 0.3
"""Of each operation's answers, so many at least are successes: else little was done, and little shown."""
EXAMPLES: Final = 6
"""Requests of each operation in every run."""
EXAMPLES_MANY: Final = 60
"""In acceptance."""
SEED: Final = 632
_SEEDED_SHARE: Final = 0.8

Create = Callable[[], str]
Statuses = Counter[tuple[str, int]]
"""Answers by operation and status."""


class Conversation:
    """Asks one server; `statuses` counts answers by operation and status.

    creates  makes a resource of a name and gives its id; `hub` is one of the names
    valid    members of a name that most bodies get where they have them: what a schema doesn't say of them holds of these
    whole    bodies of a name, or of a method and a name ("PATCH gadget"), where members depend on each other as no schema says
    """

    def __init__(
        self,
        api: Api,
        url: str,
        headers: Mapping[str, str],
        creates: Mapping[str, Create],
        valid: Mapping[str, Mapping[str, Any]] | None = None,
        whole: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        self.api = api
        self.statuses: Statuses = Counter()
        self._schema = schemathesis.openapi.from_dict(openapi_document(api, url))
        self._url = url + api.path
        self._headers = dict(headers)
        self._creates = creates
        self._valid = valid or {}
        self._whole = whole or {}
        self._kept: dict[str, list[str]] = {}

    def go_on(self, examples: int, seed: int) -> None:
        """So many requests of each operation. schemathesis' failures are raised, with the request."""
        self._random = Random(seed)
        for result in self._schema.get_all_operations():
            operation = result.ok()

            @hypothesis.seed(seed)
            @hypothesis.settings(
                max_examples=examples,
                database=None,
                deadline=None,
                phases=[hypothesis.Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @hypothesis.given(case=operation.as_strategy())
            def ask(case: Any) -> None:
                self._ask(case)

            ask()

    def _ask(self, case: Any) -> None:
        name = case.operation.path.split("/")[1]
        is_seeded = self._random.random() < _SEEDED_SHARE
        if "id" in case.path_parameters and is_seeded:
            case.path_parameters["id"] = self._an_id(name, case.method)
        if case.query and is_seeded:  # of many parameters one is wrong nearly always
            kept = self._random.choice(sorted(case.query))
            case.query = {kept: case.query[kept]}
        if case.method in ("PATCH", "DELETE") and name != "hub" and is_seeded:
            case.headers["If-Match"] = "*"
            case.headers.pop("Idempotency-Key", None)
        if case.method in ("POST", "PATCH") and is_seeded and isinstance(case.body, dict):
            whole = self._whole.get(f"{case.method} {name}", self._whole.get(name))
            if whole is not None:
                case.body = dict(whole)
            case.body |= {member: value for member, value in self._valid.get(name, {}).items() if member in case.body}
        response = case.call(base_url=self._url, headers=self._headers)
        self.statuses[f"{case.method} {case.operation.path}", response.status_code] += 1
        case.validate_response(response, checks=CHECKS)

    def _an_id(self, name: str, method: str) -> str:
        """Of a resource that is there; one that is to be removed is made for it."""
        if method == "DELETE":
            return self._creates[name]()
        if name not in self._kept:
            self._kept[name] = [self._creates[name]() for _ in range(3)]
        return self._random.choice(self._kept[name])

    def check_shares(self, operations: int) -> None:
        """So many were asked, and enough of each one's answers were successes."""
        shares = shares_of(self.statuses)
        assert len(shares) == operations
        for operation, share in shares.items():
            assert share >= DONE_SHARE_MIN, (operation, self.statuses)


Walk = Callable[[Conversation, int], None]
"""Goes through a conversation about a document that has so many operations."""


def shares_of(statuses: Statuses) -> dict[str, float]:
    """Of each operation's answers, how much are successes."""
    totals: Counter[str] = Counter()
    done: Counter[str] = Counter()
    for (operation, status), count in statuses.items():
        totals[operation] += count
        done[operation] += count if status < 300 else 0
    return {operation: done[operation] / total for operation, total in totals.items()}
