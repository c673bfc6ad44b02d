"""`farebox config`: the settings that hold, what they mean, and where each comes from."""

import json
from typing import Annotated

import typer

from runtime.cli.options import ConfigOption, DataDirOption, JsonOption, StoreOption, fail, flags_by_name


def show(
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    changed: Annotated[bool, typer.Option("--changed", help="Only what isn't the default.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show every setting: name, value, meaning and where the value is from. All mistakes are listed at once, exit code 2.

    A setting `store.fsync` is `fsync` under [store] in farebox.toml, or FAREBOX_STORE_FSYNC in the environment, which
    wins; a flag wins over both.
    """
    from runtime.cli.tables import print_table
    from runtime.config import DEFAULT, ConfigError, explain_settings

    try:
        rows = explain_settings(config, flags=flags_by_name(store, data_dir))
    except ConfigError as error:
        fail(*error.problems)
    if changed:
        rows = [row for row in rows if row.source != DEFAULT]
    if as_json:
        print(json.dumps([row._asdict() for row in rows], indent=1))
        return
    print_table("settings", ("name", "value", "meaning", "from"), [tuple(row) for row in rows])


def register(app: typer.Typer) -> None:
    """Add `farebox config`."""
    group = typer.Typer(name="config", help="Settings.", no_args_is_help=True, rich_markup_mode=None)
    group.command("show")(show)

    @group.callback()
    def config() -> None:
        """Settings: what holds, and where it comes from."""

    app.add_typer(group)
