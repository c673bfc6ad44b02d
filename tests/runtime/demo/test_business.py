"""The demo's business part without a Farebox: its plan is sound, its amounts add up, what it shows and refuses."""

import asyncio
from pathlib import Path

import httpx
import pytest
from rich.console import Console

from runtime.demo.business import _value
from runtime.demo.operator import Operator, Program
from runtime.demo.pdu_session import FIRST_GRANT
from runtime.demo.process import DemoFailed
from runtime.demo.screen import show_order_steps
from runtime.demo.script import EUR, MIB, SUCCESS
from runtime.demo.stage import Stage
from runtime.demo.traveller import AFTER_TOP_UP, CLARA, DATA, FEE_MICROS, TOP_UP_EUR, UNTIL_EMPTY, catalogue
from tests.runtime.running_up import invoke
from vocabulary.instants import NS_PER_S


def test_the_plan_is_taken_as_a_catalogue(tmp_path: Path) -> None:
    file = tmp_path / "traveller.yaml"
    file.write_text(catalogue("2026-01-01T00:00:00Z"))
    taken = invoke("catalog", "import", str(file), "--yes", "--data-dir", str(tmp_path))
    assert taken.returncode == 0, taken.stdout + taken.stderr
    assert "imported: release 2 (Traveller)" in taken.stdout


def test_the_session_adds_up() -> None:
    octets = sum(step.used or 0 for step in DATA.steps) + 10 * MIB  # and what goes over 5G
    paid_mib = (octets - CLARA.allowance_octets) // MIB
    assert paid_mib * 20_000 == DATA.charged_micros
    assert CLARA.money_micros == 6 * EUR - FEE_MICROS
    assert DATA.steps[-1].money_left_micros == CLARA.money_micros + TOP_UP_EUR * EUR - DATA.charged_micros
    assert UNTIL_EMPTY[-1].money_left_micros == 0
    assert UNTIL_EMPTY[-2].is_final
    assert all(step.mscc_result == SUCCESS for step in AFTER_TOP_UP)
    assert [money for _, money in FIRST_GRANT.steps] == [CLARA.money_micros] * len(FIRST_GRANT.steps)


def test_steps_of_an_order_are_shown_with_their_times() -> None:
    screen = Console(width=160)
    step = {
        "place": 0,
        "kind": "open_account",
        "state": "done",
        "after": [],
        "started_ns": NS_PER_S // 2,
        "ended_ns": NS_PER_S,
        "outcome": {"account_id": "7", "starts_ns": "1"},
    }
    waiting = {
        **step,
        "place": 1,
        "state": "pending",
        "after": [0],
        "started_ns": None,
        "ended_ns": None,
        "outcome": {},
    }
    with screen.capture() as shown:
        show_order_steps(screen, {"order": {"created_ns": 0}, "steps": [step, waiting]})
    lines = [line.split() for line in shown.get().splitlines()]
    assert ["0", "open", "account", "done", "-", "0.50", "s", "1.00", "s", "account_id", "7"] in lines
    assert ["1", "open", "account", "pending", "0", "-", "-"] in lines


async def _post(answer: httpx.Response, screen: Console) -> object:
    program = Program(Stage(screen), "http://shop.example")
    program._client = httpx.AsyncClient(
        base_url="http://shop.example", transport=httpx.MockTransport(lambda request: answer)
    )
    try:
        return await program.post("party/v4/individual", {"givenName": "Ann"}, "a person")
    finally:
        await program.close()


def test_what_a_program_asks_is_shown() -> None:
    screen = Console(width=160)
    with screen.capture() as shown:
        assert asyncio.run(_post(httpx.Response(201, json={"id": "p1"}), screen)) == {"id": "p1"}
    assert "POST /tmf-api/party/v4/individual" in shown.get()
    assert "201" in shown.get()
    refused = httpx.Response(422, json={"code": "invalid"})
    with pytest.raises(DemoFailed, match=r"POST /tmf-api/party/v4/individual: 422 .*invalid"):
        asyncio.run(_post(refused, Console(quiet=True)))


def test_a_command_that_ends_badly_is_a_fault(tmp_path: Path) -> None:
    screen = Console(width=160)
    stage = Stage(screen)
    with screen.capture() as shown:
        said = asyncio.run(Operator(stage, tmp_path).farebox("clock", "advance", "1d"))
    assert "has no test clock" in said
    assert "$ farebox clock advance 1d" in shown.get()
    assert stage.faults == ["farebox clock advance 1d ended with exit code 2"]


def test_values_are_found_behind_their_names() -> None:
    said = "  client id      shop@default\n  client secret  abc-def\n"
    assert _value(said, "client secret") == "abc-def"
    with pytest.raises(DemoFailed, match="no login in"):
        _value(said, "login")
