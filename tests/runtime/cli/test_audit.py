"""`farebox audit`: what it prints of a report, and its exit codes."""

import asyncio
import io
import json
from dataclasses import replace

from rich.console import Console

from balances.audit_report import FAULT_MEANINGS, Fault, FaultKind
from runtime.cli.audit import FAULTS_SHOWN, print_report
from tests.balances.audited_traffic import RandomTraffic
from tests.runtime.audited_store import archive, change_record, filled
from tests.runtime.typed_words import typed


def printed(report):
    console = Console(file=io.StringIO(), width=120)
    print_report(report, console)
    return console.file.getvalue()


def test_a_report_names_what_is_void_and_counts_what_it_does_not_show():
    traffic = RandomTraffic(1)
    traffic.open_all()
    faults = tuple(Fault(FaultKind.USAGE, 0, f"charge [{number}]", 1, 2, "1-2", 1, 5) for number in range(30))
    report = replace(
        traffic.audit(), voided_count=2, voided_ids=("5-1", "5-2"), faults=faults, fault_counts={FaultKind.USAGE: 30}
    )
    text = printed(report)
    assert "2 entries are void: the store lost them (5-1, 5-2)" in text
    assert "usage: partition 0, entry 1-2, account 5 of tenant 1: charge [0]: expected 1, found 2" in text
    assert text.count("charge [") == FAULTS_SHOWN
    assert "and 10 more" in text
    assert f"30 x usage: {FAULT_MEANINGS[FaultKind.USAGE]}" in text
    assert "Not sound: 30 faults." in text
    assert "Sound" in printed(traffic.audit())


def invoke(*arguments):
    return typed("audit", *arguments)


def test_the_command_says_what_it_found(valkey, tmp_path):
    options = ("--store", valkey, "--data-dir", str(tmp_path))

    async def fill(damage=None):
        async with filled(valkey) as stored:
            if damage is not None:
                await damage(stored)

    asyncio.run(fill())
    result = invoke(*options)
    assert result.exit_code == 0, result.output
    assert "Sound" in result.output
    assert "charged" in result.output
    result = invoke(*options, "--json")
    assert result.exit_code == 0
    report = json.loads(result.stdout)
    assert report["is_sound"] is True
    assert {unit["unit"]: unit["difference"] for unit in report["units"]}["micros"] == 0

    asyncio.run(fill(change_record))
    result = invoke(*options)
    assert result.exit_code == 1
    assert "Not sound" in result.output
    assert "charged_micros" in result.output
    result = invoke(*options, "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["faults"][0]["kind"] == "charged"


def test_the_command_that_cannot_run_says_why(valkey, tmp_path):
    result = invoke("--store", f"unix://{tmp_path}/nobody", "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert "no store answers" in result.stderr

    async def fill():
        async with filled(valkey) as stored:
            await archive(stored.store, tmp_path / "segments")

    asyncio.run(fill())
    result = invoke("--store", valkey, "--data-dir", str(tmp_path / "elsewhere"))
    assert result.exit_code == 2
    assert "--data-dir" in result.stderr
    assert invoke("--store", valkey, "--data-dir", str(tmp_path)).exit_code == 0
    first = next((tmp_path / "segments" / "p0").glob("*.segment"))
    first.write_bytes(first.read_bytes()[:100])
    result = invoke("--store", valkey, "--data-dir", str(tmp_path))
    assert result.exit_code == 2
    assert first.name in result.stderr
