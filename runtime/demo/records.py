"""The demo's charging records, read back from their files as the manifest names them."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from rich import box
from rich.console import Console
from rich.table import Table

from catalog_loader.amounts import money_text
from cdr.edge.read import RecordReader
from runtime.data_folder import DataFolder
from runtime.demo.process import DemoFailed
from runtime.demo.screen import euros, units
from vocabulary.units import UNIT_NAMES, Unit

RECORDS_S: Final = 20.0
SESSION_DIGITS: Final = 23
"""Of longer names the beginning is shown: those of 5G are digests."""
_LOOK_S: Final = 0.05
_UNITS: Final = {name: unit for unit, name in UNIT_NAMES.items()}


async def await_records(folder: Path, session_ids: frozenset[str]) -> list[dict[str, Any]]:
    """Rows of the records once there is one of each session. DemoFailed where they don't come."""
    records = DataFolder(folder).records
    rows: list[dict[str, Any]] = []
    try:
        with RecordReader(records) as reader:
            async with asyncio.timeout(RECORDS_S):
                while not session_ids <= {row["session_id"] for row in rows}:
                    await asyncio.sleep(_LOOK_S)
                    rows += reader.rows()
    except TimeoutError as error:
        missing = sorted(session_ids - {row["session_id"] for row in rows})
        raise DemoFailed(f"no charging record within {RECORDS_S:g} s of {', '.join(missing)}") from error
    return rows


def show_records(screen: Console, rows: Sequence[Mapping[str, Any]]) -> None:
    """A row a line of a record."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in ("record", "session", "subscriber", "context", "group"):
        table.add_column(name, no_wrap=True)
    for name in ("used", "allowance", "charged", "result"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("closed by")
    table.add_column("at")
    for row in rows:
        unit = _UNITS.get(row["unit"] or "", Unit.EVENTS)
        table.add_row(
            f"{row['partition']}-{row['sequence']}",
            row["session_id"]
            if len(row["session_id"]) <= SESSION_DIGITS
            else row["session_id"][: SESSION_DIGITS - 1] + "…",
            row["identity"],
            str(row["service_context"]),
            str(row["rating_group"]),
            units(row["used_units"], unit),
            units(row["allowance_units"], unit),
            money_text(row["charged_micros"] or 0, row["currency"] or ""),
            str(row["line_result_code"]),
            row["closed_by"],
            f"{row['closed_at']:%H:%M:%S}",
        )
    screen.print(table)


def record_faults(rows: Sequence[Mapping[str, Any]], charged: Mapping[str, int]) -> list[str]:
    """What of the records isn't as expected: one record a session, which charges what the session cost."""
    faults = []
    for session_id, micros in charged.items():
        own = [row for row in rows if row["session_id"] == session_id]
        records = {(row["partition"], row["sequence"]) for row in own}
        total = sum(row["charged_micros"] or 0 for row in own)
        if len(records) != 1:
            faults.append(f"session {session_id} has {len(records)} charging records, expected 1")
        if total != micros:
            faults.append(f"the record of {session_id} charges {euros(total)}, expected {euros(micros)}")
    return faults
