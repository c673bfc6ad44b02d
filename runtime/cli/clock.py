"""`farebox clock`: the clock of a Farebox that was started with --test-clock, shown and moved."""

import json
import time
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.options import ConfigOption, DataDirOption, JsonOption, fail, settings_or_exit

if TYPE_CHECKING:
    from runtime.data_folder import DataFolder


def advance(
    duration: Annotated[str, typer.Argument(help="How far, such as 31d, 12h, 30m, 45s or 1d12h.")],
    config: ConfigOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Move the clock ahead: everything lives as if so much time had passed.

    Engine, business side and the commands of this data directory see it at once, without a restart: sessions and allowances end
    with the next request or within a second, and what is due (renewals, reservations, orders with a date) is done by the
    worker within another. Nothing is back-dated, so a month of it is a month in balances, records and reports. Logins,
    tokens and one-time passwords age with it.

    It is for tests and demonstrations, on a data directory that `farebox up --test-clock` began. It goes forward only.
    """
    from runtime.moved_clock import ClockRefused, parse_duration
    from runtime.moved_clock import advance as move
    from vocabulary.instants import NS_PER_S

    folder = _folder(config, data_dir)
    try:
        ahead_ns = move(folder, parse_duration(duration) * NS_PER_S)
    except ClockRefused as error:
        fail(str(error))
    _print(ahead_ns, as_json=False)


def show(config: ConfigOption = None, data_dir: DataDirOption = None, as_json: JsonOption = False) -> None:
    """Say what time it is for Farebox, and how far that is ahead of the machine's clock."""
    from runtime.moved_clock import ClockRefused, read_ahead_ns

    folder = _folder(config, data_dir)
    try:
        ahead_ns = read_ahead_ns(folder) if folder.clock.exists() else 0
    except ClockRefused as error:
        fail(str(error))
    _print(ahead_ns, as_json=as_json)


def _folder(config: ConfigOption, data_dir: DataDirOption) -> "DataFolder":
    from runtime.data_folder import DataFolder

    return DataFolder(settings_or_exit(config, None, data_dir).store.data_dir)


def _print(ahead_ns: int, *, as_json: bool) -> None:
    from runtime.moved_clock import duration_text
    from vocabulary.instants import to_rfc3339

    now = to_rfc3339(time.time_ns() + ahead_ns)
    if as_json:
        print(json.dumps({"now": now, "ahead_ns": ahead_ns}))
        return
    ahead = f"{duration_text(ahead_ns)} ahead of the machine's clock" if ahead_ns else "the machine's clock"
    print(f"{now}  {ahead}")


def register(app: typer.Typer) -> None:
    """Add the commands."""
    words = "What time it is for Farebox; of one that is tried out, move it ahead."
    group = typer.Typer(name="clock", help=words, no_args_is_help=True, rich_markup_mode=None)
    group.command()(show)
    group.command()(advance)
    app.add_typer(group)
