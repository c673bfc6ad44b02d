"""Rows of the table `movements` in plain Python, out of decoded entries; written from docs/records.md, not from the kernel."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from balances.edge.segment_files import SegmentReader
from balances.journal import JournalEntry, MovementKind, decode_entry
from balances.store import EntryId

UNITS = ("micros", "octets", "seconds", "events", "bill_micros")
SETTLED_BY = {0: "balance", 4: "bill"}
CAUSES = ("usage", "command", "expiry")
CURRENCIES = {0: None, 8: "ALL", 756: "CHF", 840: "USD", 978: "EUR", 999: "999"}
TEXTS = ("session_id", "origin_host", "origin_realm", "identity", "service_information")
POSITION = ("partition", "epoch", "entry", "movement")
Position = tuple[int, int, int, int]


def _rows(columns: Mapping[str, Any]) -> list[dict[str, Any]]:
    values = [column.tolist() for column in columns.values()]
    return [dict(zip(columns, row, strict=True)) for row in zip(*values, strict=True)]


def rows_of_entry(entry_id: EntryId, entry: JournalEntry, tenant_names: Mapping[int, str]) -> list[dict[str, Any]]:
    """A row each movement that isn't only held or given back."""
    requests, usages = _rows(entry.requests), _rows(entry.usages)
    texts, names = entry.octets.tobytes(), []
    for request in requests:
        names.append(texts[: request["session_id_length"]].decode(errors="replace"))
        texts = texts[sum(request[f"{name}_length"] for name in TEXTS) :]
    found = []
    for place, movement in enumerate(_rows(entry.movements)):
        if movement["kind"] == MovementKind.HELD:
            continue
        request = requests[movement["request"]]
        usage = usages[movement["usage"]] if movement["usage"] >= 0 else None
        has_price = usage is not None and usage["price"] > 0
        found.append(
            {
                "partition": entry.partition,
                "epoch": entry_id.epoch,
                "entry": entry_id.number,
                "movement": place,
                "tenant_name": tenant_names[request["tenant"]],
                "account_id": request["account_id"],
                "moved_ns": request["received_ns"],
                "kind": MovementKind(movement["kind"]).name.lower(),
                "amount": movement["amount"],
                "unit": UNITS[movement["unit"]],
                "bucket_id": movement["bucket_id"],
                "allowance": movement["allowance"] or None,
                "currency": CURRENCIES[request["currency"]],
                "caused_by": CAUSES[request["kind"]],
                "command_id": names[movement["request"]] or None if request["kind"] == 1 else None,
                "rating_group": _present(usage, "rating_group"),
                "service_identifier": _present(usage, "service_identifier"),
                "release": (usage["release"] or None) if usage is not None else None,
                "offer": usage["offer"] if usage is not None and has_price else None,
                "price": usage["price"] if usage is not None and has_price else None,
                "settled_by": SETTLED_BY[usage["settled_by"]] if usage is not None and has_price else None,
            }
        )
    return found


def _present(usage: dict[str, Any] | None, name: str) -> int | None:
    return None if usage is None or usage[name] < 0 else usage[name]


def movements_of_segments(
    segments: Path,
    partitions: Iterable[int],
    tenant_names: Mapping[int, str],
    *,
    skip: frozenset[EntryId] = frozenset(),
) -> dict[Position, dict[str, Any]]:
    """All of them by their position."""
    found: dict[Position, dict[str, Any]] = {}
    for partition in partitions:
        reader = SegmentReader(segments, partition)
        while entries := reader.read():
            for stored in entries:
                if stored.entry_id not in skip:
                    rows = rows_of_entry(stored.entry_id, decode_entry(stored.octets), tenant_names)
                    found |= by_position(rows)
        reader.close()
    return found


def by_position(rows: Iterable[dict[str, Any]]) -> dict[Position, dict[str, Any]]:
    """Rows by their position. AssertionError where one comes twice."""
    found: dict[Position, dict[str, Any]] = {}
    for row in rows:
        position = (row["partition"], row["epoch"], row["entry"], row["movement"])
        assert position not in found, f"movement {position} comes twice"
        found[position] = row
    return found
