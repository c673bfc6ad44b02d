"""`farebox catalog` and `farebox subscriber` as somebody types them, on a store of one's own."""

import json
from collections.abc import Callable
from typing import Any

import typer
from typer.testing import CliRunner, Result

Farebox = Callable[..., Result]


def farebox_on(app: typer.Typer, address: str) -> Farebox:
    def run(*words: str) -> Result:
        result = CliRunner().invoke(app, [*words, "--store", address])
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result

    return run


def account(farebox: Farebox, identity: str, *more: str) -> Any:
    result = farebox("subscriber", "show", identity, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def buckets(farebox: Farebox, identity: str) -> dict[str, int]:
    return {bucket["name"]: bucket["remaining"] for bucket in account(farebox, identity)["buckets"]}
