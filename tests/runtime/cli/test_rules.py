"""`farebox rules check` and `test` as somebody types them."""

import json
from pathlib import Path

import pytest

from tests.bss.automation.test_rules import SAMPLE
from tests.runtime.typed_words import Result, typed

EVENT = {
    "kind": "ProductOrderStateChangeEvent",
    "resource": "productOrder",
    "resource_id": "o-1",
    "ids": {"state": "held"},
    "resource_fields": {"customer_id": "c-1"},
}


def farebox(*words: str) -> Result:
    return typed("rules", *words)


@pytest.fixture
def event(tmp_path: Path) -> str:
    path = tmp_path / "event.json"
    path.write_text(json.dumps(EVENT))
    return str(path)


def test_which_rules_fire(event: str) -> None:
    result = farebox("test", str(SAMPLE), "--event", event)
    assert result.exit_code == 0
    assert "open_ticket" in result.output
    assert "its condition does not hold" in result.output
    looks = json.loads(farebox("test", str(SAMPLE), "--event", event, "--json").output)
    assert [(look["rule"], look["fires"]) for look in looks] == [
        ("ticket-for-a-held-order", True),
        ("note-a-completed-order", False),
    ]
    assert looks[0]["with"]["subject"] == "Order o-1 is held"


def test_a_sound_file() -> None:
    assert farebox("check", str(SAMPLE)).output == "sound: 2 rules\n"


def test_faults_have_lines(tmp_path: Path) -> None:
    path = tmp_path / "rules.yaml"
    path.write_text(SAMPLE.read_text().replace("do: open_ticket", "do: open_tickt"))
    result = farebox("check", str(path))
    assert result.exit_code == 1
    assert "rules.yaml:8:9: there is no action open_tickt. Did you mean open_ticket?" in result.output


@pytest.mark.parametrize(("text", "fault"), [("[1", "neither JSON nor YAML"), ('{"kind": 1}', "an event has kind")])
def test_what_is_no_event(tmp_path: Path, text: str, fault: str) -> None:
    path = tmp_path / "event.json"
    path.write_text(text)
    result = farebox("test", str(SAMPLE), "--event", str(path))
    assert result.exit_code == 2
    assert fault in result.output
    assert "can't be read" in farebox("test", str(SAMPLE), "--event", str(tmp_path / "none")).output
