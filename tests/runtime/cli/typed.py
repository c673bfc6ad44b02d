"""`farebox catalog` and `farebox subscriber` as somebody types them, on a store of one's own."""

import json
from collections.abc import Callable
from typing import Any

from tests.runtime.typed_words import Result, typed

Farebox = Callable[..., Result]


def farebox_on(address: str) -> Farebox:
    def run(*words: str) -> Result:
        return typed(*words, "--store", address)

    return run


def account(farebox: Farebox, identity: str, *more: str) -> Any:
    result = farebox("subscriber", "show", identity, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def buckets(farebox: Farebox, identity: str) -> dict[str, int]:
    return {bucket["name"]: bucket["remaining"] for bucket in account(farebox, identity)["buckets"]}
