"""`farebox cdr`: charging records, as the manifest names them."""

import json
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from runtime.cli.options import ConfigOption, DataDirOption, fail, settings_or_exit

if TYPE_CHECKING:
    from cdr.edge.read import RecordReader

LOOK_S: Final = 0.25
LINES: Final = 10

_COLUMNS: Final = (
    #  title       width  column of the records
    ("closed at", 23, "closed_at"),
    ("record", 10, "record"),
    ("session", 34, "session_id"),
    ("subscriber", 16, "identity"),
    ("context", 7, "service_context"),
    ("group", 10, "rating_group"),
    ("used", 14, "used"),
    ("charged", 16, "charged"),
    ("result", 6, "result"),
    ("closed by", 12, "closed_by"),
)


def tail(
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Go on as records are written; ^C ends.")] = False,
    lines: Annotated[
        int, typer.Option("-n", "--lines", min=0, help="Lines from the end that are shown first.")
    ] = LINES,
    tenant: Annotated[
        str | None, typer.Option("--tenant", help="Of this tenant alone.", show_default="all tenants")
    ] = None,
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="A JSON object a line, with every column.")] = False,
) -> None:
    """Show the last charging records: a line for each service of a session or event, at one price.

    A record is in a file once its file is closed (records.file_age_s); docs/records.md lists all columns.
    """
    settings = settings_or_exit(config, data_dir=data_dir)
    from cdr.edge.read import RecordReader
    from cdr.manifest import ManifestError
    from runtime.data_folder import DataFolder

    folder = DataFolder(settings.store.data_dir).records
    if not folder.is_dir() and not follow:
        fail(f"{folder} doesn't exist: --data-dir names the directory of a farebox up")
    try:
        with RecordReader(folder) as reader:
            first = deque(reader.rows(tenant=tenant), maxlen=lines)
            rows = _joined(first, reader, tenant) if follow else iter(first)
            for text in map(_as_json, rows) if as_json else _as_table(rows):
                print(text, flush=follow)
    except ManifestError as error:
        fail(str(error))
    except KeyboardInterrupt:
        raise typer.Exit from None


def _joined(first: Iterable[dict[str, Any]], reader: "RecordReader", tenant: str | None) -> Iterator[dict[str, Any]]:
    def wait() -> bool:
        time.sleep(LOOK_S)
        return True

    yield from first
    yield from reader.follow(wait, tenant=tenant)


def _as_json(row: Mapping[str, Any]) -> str:
    return json.dumps(row, default=lambda value: value.isoformat())


def _as_table(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Lines of fixed columns, so that a table can grow for ever; a longer value pushes the rest to the right."""
    yield "  ".join(f"{title:<{width}}" for title, width, _ in _COLUMNS).rstrip()
    for row in rows:
        shown = {**row, **_shown(row)}
        yield "  ".join(f"{_text(shown[name]):<{width}}" for _, width, name in _COLUMNS).rstrip()


def _shown(row: Mapping[str, Any]) -> dict[str, str]:
    """Columns that are made of several."""
    used = "-" if row["used_units"] is None else f"{row['used_units']} {row['unit'] or ''}".strip()
    micros = row["charged_micros"]
    charged = "-"
    if micros is not None:
        charged = f"{'-' if micros < 0 else ''}{abs(micros) // 10**6}.{abs(micros) % 10**6:06d} {row['currency'] or ''}"
    return {
        "record": f"{row['partition']}-{row['sequence']}",
        "used": used,
        "charged": charged.strip(),
        "result": str(row["line_result_code"] or row["result_code"]),
    }


def _text(value: Any) -> str:
    if value is None or value == "":
        return "-"
    if isinstance(value, datetime):
        return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    # What a peer wrote (a Session-Id, say) must neither begin a line nor reach the terminal as an escape.
    return "".join(character if character.isprintable() else f"\\x{ord(character):02x}" for character in str(value))


def register(app: typer.Typer) -> None:
    """Add `farebox cdr`."""
    group = typer.Typer(name="cdr", no_args_is_help=True, rich_markup_mode=None)
    group.command("tail")(tail)

    @group.callback()
    def cdr() -> None:
        """Charging records."""

    app.add_typer(group)
