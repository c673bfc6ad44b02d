"""The demo checks itself: amounts as it shows them, records that aren't as expected, folders that aren't empty.

The whole of it runs as `make demo`, in CI behind the tests.
"""

from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from runtime.demo.pdu_session import OVER_5G, PduSessionTable, session_id_of
from runtime.demo.process import DemoFailed
from runtime.demo.records import record_faults
from runtime.demo.run import run_demo
from runtime.demo.screen import euros, units
from runtime.demo.script import ACCOUNTS, ANNA, MIB, SESSIONS
from runtime.demo.stage import Stage
from runtime.simulate.player import Exchange
from runtime.simulate.scenario import Kind
from vocabulary.units import Unit


@pytest.mark.parametrize(
    ("micros", "text"),
    [
        (0, "0.00 EUR"),
        (9_655_000, "9.655 EUR"),
        (10_000_000, "10.00 EUR"),
        (100_000, "0.10 EUR"),
        (1, "0.000001 EUR"),
        (-60_000, "-0.06 EUR"),
    ],
)
def test_money_is_shown_exactly(micros: int, text: str) -> None:
    assert euros(micros) == text


def test_units_are_shown_exactly() -> None:
    assert [units(amount, Unit.OCTETS) for amount in (0, MIB, 5 * MIB // 2, MIB + 1)] == [
        "0 MiB",
        "1 MiB",
        "2.5 MiB",
        "1048577 octets",
    ]
    assert (units(60, Unit.SECONDS), units(1, Unit.EVENTS), units(2, Unit.EVENTS)) == ("60 s", "1 event", "2 events")
    assert units(None, Unit.OCTETS) == "-"


def test_script_adds_up() -> None:
    for account in ACCOUNTS:
        own = [session for session in SESSIONS if session.account == account]
        charged = sum(session.charged_micros for session in own)
        assert own[-1].steps[-1].money_left_micros == account.money_micros - charged


def test_the_5g_session_goes_on_where_the_others_ended_and_adds_up() -> None:
    before = [session for session in SESSIONS if session.account == ANNA][-1].steps[-1].money_left_micros
    left = [money for _, money in OVER_5G.steps]
    assert (left[0], left[-1]) == (before, before - OVER_5G.charged_micros)
    assert [step.kind for step, _ in OVER_5G.steps] == [Kind.CREATE, Kind.UPDATE, Kind.REPEAT, Kind.RELEASE]


def test_the_5g_session_is_shown_a_row_a_rating_group_and_upf() -> None:
    screen = Console(width=200)
    table = PduSessionTable(OVER_5G)
    body = {"invocationSequenceNumber": 1, **OVER_5G.steps[1][0].body}
    granted = {"grantedUnit": {"totalVolume": MIB}, "validityTime": 9}
    names = {name: body["multipleUnitUsage"][0][name] for name in ("ratingGroup", "uPFID")}
    answer = {"multipleUnitInformation": [names | granted]}
    location = f"http://chf/chargingdata/{'0123456789abcdef' * 4}"
    exchange = Exchange(Kind.UPDATE, "http://chf", body, 200, answer, location, 0.001, "why")
    assert session_id_of(exchange) == f"nchf;{'0123456789abcdef' * 2}"
    table.add(exchange, 9_365_000)
    with screen.capture() as shown:
        table.show(screen)
    lines = [line.split() for line in shown.get().splitlines()]
    assert ["update", "1", "10", "a", "6", "MiB", "10", "MiB", "200", "1", "MiB", "9", "s", "9.365", "EUR"] in [
        line[:15] for line in lines
    ]
    assert ["10", "b", "4", "MiB", "5", "MiB", "-", "-"] in lines


def rows(*found: tuple[str, int, int | None]) -> list[dict[str, Any]]:
    return [
        {"session_id": name, "partition": 0, "sequence": sequence, "charged_micros": micros}
        for name, sequence, micros in found
    ]


def test_records_that_are_not_as_expected_are_faults() -> None:
    expected = {"a": 100, "b": 0}
    assert record_faults(rows(("a", 1, 60), ("a", 1, 40), ("b", 2, None)), expected) == []
    assert len(record_faults(rows(("a", 1, 60), ("a", 2, 40), ("b", 3, 0)), expected)) == 1
    assert len(record_faults(rows(("a", 1, 99), ("b", 3, 0)), expected)) == 1
    assert len(record_faults(rows(("a", 1, 100)), expected)) == 1


def test_what_is_not_as_expected_is_a_fault() -> None:
    stage = Stage(Console(quiet=True))
    stage.expect("money", 1, 1)
    assert stage.faults == []
    stage.expect("money", 2, 1)
    assert stage.faults == ["money is 2, expected 1"]


def test_folder_with_something_in_it_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(DemoFailed, match="is not empty"):
        run_demo(Console(quiet=True), keep=tmp_path, shows_avps=False)
