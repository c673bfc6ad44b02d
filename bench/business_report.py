"""What a run of `farebox bench business` found, on screen."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from rich.console import Console
from rich.table import Table

REQUIRED_KEYS: Final = ("fsync", "machine", "versions", "commit", "plan", "duration_s", "processors")
_LEFT_OUT: Final = frozenset({*REQUIRED_KEYS, "load"})


def show_business(result: Mapping[str, Any], console: Console, before: Mapping[str, Any] | None = None) -> None:
    """Print every figure, beside that of a saved run where one is given."""
    table = Table(title=f"farebox bench business, {result['duration_s']:.0f} s")
    table.add_column("figure")
    table.add_column("this run", justify="right")
    then = {} if before is None else dict(_figures(before))
    if before is not None:
        table.add_column(f"saved ({before['commit']})", justify="right")
    for name, value in _figures(result):
        table.add_row(name, _text(value), *([_text(then.get(name, "-"))] if before is not None else []))
    console.print(table)
    machine, shares = result["machine"], result["processors"]
    busy, stolen = (100 * shares[key] for key in ("busy_share", "stolen_share"))
    console.print(f"processors: {busy:.0f} % busy, {stolen:.0f} % taken by other machines on the same host")
    console.print(f"{machine['processor']}, {machine['cores']} cores, load {machine['load_1_minute']} before")


def is_sound_business(result: Mapping[str, Any]) -> bool:
    """Was every order completed, and do inventory, engine and network agree?"""
    orders = result.get("orders")
    return orders is None or (set(orders["states"]) == {"completed"} and not orders["differences"])


def _figures(result: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in result.items():
        if not path and name in _LEFT_OUT:
            continue
        if isinstance(value, Mapping):
            yield from _figures(value, f"{path}{name}: ")
        else:
            yield f"{path}{name}", value


def _text(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int | float) else str(value)
