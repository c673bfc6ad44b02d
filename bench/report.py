"""A run's figures on screen, as JSON, and beside those of a saved run."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.business_report import REQUIRED_KEYS as BUSINESS_KEYS
from bench.business_report import is_sound_business, show_business

REQUIRED_KEYS: Final = (
    "answered_per_s",
    "engine_us_per_request",
    "store_us_per_request",
    "fsync",
    "latency_ms",
    "lost",
    "wrong",
    "duration_s",
    "machine",
    "commit",
    "answers",
    "aof_rewrites",
)
REQUIRED_BY_LOAD: Final[Mapping[str, tuple[str, ...]]] = {
    "gy": ("protocol_floor_us", "store_floor_us"),
    "chf": ("chf_us_per_request",),
    "mixed": (),
    "business": (),
}
PARTS: Final = {"gy": "Gy beside Nchf", "chf": "Nchf beside Gy"}
"""Results within that of a mixed load; each alone, too, where they ran alone."""
LATENCY_KEYS: Final = ("p50", "p95", "p99", "p99_9", "max")
FIGURES: Final = (
    # key, words, decimals, higher is better
    ("answered_per_s", "answered a second", 0, True),
    ("engine_us_per_request", "engine, CPU us a request", 2, False),
    ("store_us_per_request", "store, CPU us a request", 2, False),
    ("chf_us_per_request", "5G front end, CPU us a request", 2, False),
    ("protocol_floor_us", "protocol floor, us", 2, False),
    ("store_floor_us", "store floor, us", 2, False),
    ("floor_ratio", "(engine + store) / floors", 2, False),
    ("generator_us_per_request", "generator, CPU us a request", 2, False),
    ("front_ends_us_per_request", "front ends of their own, CPU us a request", 2, False),
    ("notifier_us_per_request", "notifier, CPU us a request", 2, False),
    ("archiver_us_per_request", "archiver, CPU us a request", 2, False),
    ("writer_us_per_request", "record writer, CPU us a request", 2, False),
    ("telemetry_us_per_request", "telemetry, CPU us a request", 2, False),
)


class ReportError(Exception):
    """A saved run can't be read or a result lacks figures; the message names them."""


def load_of(result: Mapping[str, Any]) -> str:
    """Which load a result is of; the first ones, all of Gy, don't say it."""
    return str(result.get("load", "gy"))


def missing_keys(result: Mapping[str, Any]) -> list[str]:
    """Keys that a result must have and hasn't."""
    if load_of(result) == "mixed":
        return [f"{part}.{key}" for part in PARTS for key in _missing_of(result.get(part, {}), ())]
    if load_of(result) == "business":
        return [key for key in BUSINESS_KEYS if key not in result]
    return _missing_of(result, REQUIRED_BY_LOAD[load_of(result)])


def _missing_of(result: Mapping[str, Any], by_load: tuple[str, ...]) -> list[str]:
    required = REQUIRED_KEYS + by_load
    missing = [key for key in required if key not in result]
    latencies = result.get("latency_ms", {})
    return missing + [f"latency_ms.{key}" for key in LATENCY_KEYS if key not in latencies]


def save(result: Mapping[str, Any], path: Path) -> None:
    """Write the result; ReportError where it lacks a figure that a committed run must have."""
    missing = missing_keys(result)
    if missing:
        raise ReportError(f"{path}: the result lacks {', '.join(missing)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(result, indent=1, sort_keys=False) + "\n")


def load(path: Path) -> dict[str, Any]:
    """A saved result; ReportError names what is wrong with the file."""
    try:
        result = json.loads(path.read_text())
    except (OSError, ValueError) as fault:
        raise ReportError(f"{path}: {fault}") from fault
    if not isinstance(result, dict) or load_of(result) not in REQUIRED_BY_LOAD or missing_keys(result):
        raise ReportError(f"{path} is no result of `farebox bench`")
    return result


def change_percent(now: float, before: float) -> float | None:
    """How much a figure rose, in percent; None where there was nothing to compare with."""
    return None if before == 0 else 100 * (now - before) / before


def _number(value: Any, decimals: int) -> str:
    return f"{value:,.{decimals}f}" if isinstance(value, int | float) else "-"


def _change(now: Any, before: Any, higher_is_better: bool) -> str:
    if not isinstance(now, int | float) or not isinstance(before, int | float):
        return ""
    percent = change_percent(now, before)
    if percent is None:
        return ""
    colour = "green" if (percent > 0) == higher_is_better else "red"
    return f"[{colour}]{percent:+.1f} %[/]" if abs(percent) >= 2 else f"{percent:+.1f} %"


def _audit_lines(result: Mapping[str, Any]) -> list[str]:
    if "audit" not in result:
        return []
    audit = result["audit"]
    return [f"audit: {audit['entries']:,} journal entries, {'sound' if audit['sound'] else 'FAULTS'}"]


def figures_table(
    result: Mapping[str, Any], before: Mapping[str, Any] | None = None, *, title: str = "", against: str = ""
) -> Table:
    """The figures, beside those of a saved run where one is given; `against` says what that is instead."""
    title = title or f"farebox bench {load_of(result)}"
    table = Table(title=f"{title}, fsync {result['fsync']}, {result['duration_s']:.0f} s")
    table.add_column("figure")
    table.add_column("this run", justify="right")
    if before is not None:
        table.add_column(against or f"saved ({before['commit']})", justify="right")
        table.add_column("change", justify="right")

    def add(words: str, now: Any, then: Any, decimals: int, higher_is_better: bool) -> None:
        row = [words, _number(now, decimals)]
        if before is not None:
            row += [_number(then, decimals), _change(now, then, higher_is_better)]
        table.add_row(*row)

    for key, words, decimals, higher_is_better in FIGURES:
        if key in result:
            add(words, result[key], (before or {}).get(key), decimals, higher_is_better)
    for key in LATENCY_KEYS:
        then = (before or {}).get("latency_ms", {}).get(key)
        add(f"latency {key.replace('_', '.')}, ms", result["latency_ms"][key], then, 2, False)
    return table


def _checks(result: Mapping[str, Any]) -> list[str]:
    lines = [
        "answers: " + ", ".join(f"{code} {count:,}" for code, count in result["answers"].items()),
        "by MSCC or rating group: "
        + ", ".join(f"{code} {count:,}" for code, count in result.get("mscc_answers", {}).items()),
        f"lost {result['lost']:,}, wrong {result['wrong']:,}, unexpected grants {result.get('grants_unexpected', 0):,},"
        f" differing balances {result.get('differences_count', 0):,}",
    ]
    if "ran_out_share" in result:
        lines.append(f"{100 * result['ran_out_share']:.1f} % of the subscribers ran out of money")
    rewrites = result["aof_rewrites"]
    lines.append(f"AOF rewrites: {rewrites['count']}, {rewrites['seconds']} s")
    if "processors" in result:
        busy, stolen = (100 * result["processors"][key] for key in ("busy_share", "stolen_share"))
        lines.append(f"processors: {busy:.0f} % busy, {stolen:.0f} % taken by other machines on the same host")
    lines += _audit_lines(result)
    if result.get("stopped"):
        lines.append(f"stopped: {result['stopped']}")
    lines += [f"  {difference}" for difference in result.get("differences", [])]
    machine = result["machine"]
    lines.append(
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load_1_minute']} before; commit {result['commit']}"
    )
    return lines


def show(result: Mapping[str, Any], console: Console, before: Mapping[str, Any] | None = None) -> None:
    """Print a result, compared with a saved one where given."""
    if load_of(result) == "mixed":
        _show_mixed(result, console, before)
        return
    if load_of(result) == "business":
        show_business(result, console, before)
        return
    console.print(figures_table(result, before))
    for line in _checks(result):
        console.print(line, highlight=False, markup=False)


def _show_mixed(result: Mapping[str, Any], console: Console, before: Mapping[str, Any] | None) -> None:
    """Each load beside the other, compared with itself alone, then with a saved run where one is given."""
    for part, title in PARTS.items():
        alone = result.get(f"{part}_alone")
        table = figures_table(result[part], alone, title=title, against="alone")
        console.print(table)
        if before is not None:
            console.print(figures_table(result[part], before[part], title=title))
        for name, found in ((f"{part}_alone", alone), (part, result[part])):
            for line in _checks(found) if found is not None else ():
                console.print(f"{name}: {line}", highlight=False, markup=False)
    for part, ratio in result["p99_ratio"].items():
        console.print(f"p99 of {PARTS[part]}: {ratio:.2f} of its own alone", highlight=False)
    for line in _audit_lines(result):
        console.print(line, highlight=False)


def is_sound(result: Mapping[str, Any]) -> bool:
    """Did the run end as planned, with nothing lost, wrong or different from the books?"""
    if load_of(result) == "mixed":
        parts = [result[name] for part in PARTS for name in (part, f"{part}_alone") if name in result]
        return bool(result["audit"]["sound"]) and all(map(is_sound, parts))
    if load_of(result) == "business":
        return is_sound_business(result)
    faults = ("lost", "wrong", "grants_unexpected", "differences_count")
    is_audited = result.get("audit", {"sound": True})["sound"]
    return is_audited and not result.get("stopped") and all(result.get(key, 0) == 0 for key in faults)
