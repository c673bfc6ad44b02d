"""Options that several commands share, and how a command gets its settings and its store.

Modules of this package are imported for `farebox --help`: what is heavy (numpy, redis, pyarrow, kernels) is imported
inside functions.
"""

import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from balances.edge.redis_store import RedisStore
    from runtime.settings import Settings

_Result = TypeVar("_Result")

ConfigOption = Annotated[
    Path | None, typer.Option("--config", help="TOML file with settings.", show_default="farebox.toml where it exists")
]
StoreOption = Annotated[
    str | None,
    typer.Option("--store", help="redis://host:port/0 or unix:///path.", show_default="the embedded store"),
]
DataDirOption = Annotated[
    Path | None, typer.Option("--data-dir", help="Folder of store, segments and records.", show_default="data")
]
GyHostOption = Annotated[str | None, typer.Option("--host", help="Address for Diameter.", show_default="127.0.0.1")]
GyPortOption = Annotated[
    int | None, typer.Option("--port", help="Port for Diameter; 0: any free one.", show_default="3868")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

EXIT_CANNOT: int = 2
"""Exit code of a command that could not do what was asked, apart from 1: it was done, and the answer is no."""


def fail(*lines: str) -> NoReturn:
    """Print what is wrong, a line each, and end with exit code 2."""
    for line in lines:
        print(f"farebox: {line}", file=sys.stderr)
    raise typer.Exit(EXIT_CANNOT)


def settings_or_exit(
    config: Path | None = None, store: str | None = None, data_dir: Path | None = None, **flags: Any
) -> "Settings":
    """The settings with these flags over file and environment; further flags by `section__field`. All mistakes, exit 2."""
    return settings_of_flags(config, flags_by_name(store, data_dir, **flags))


def settings_of_flags(config: Path | None, flags: Mapping[str, Any]) -> "Settings":
    """The settings with flags by `section.field` over file and environment; all mistakes are printed, exit 2."""
    from runtime.config import ConfigError, read_settings
    from runtime.moved_clock import ClockRefused, refuse_in_production

    try:
        settings = read_settings(config, flags=flags)
        refuse_in_production(settings)
    except ConfigError as error:
        fail(*error.problems)
    except ClockRefused as error:
        fail(str(error))
    return settings


def flags_by_name(store: str | None = None, data_dir: Path | None = None, **flags: Any) -> dict[str, Any]:
    """Flags by the name of their setting: `section__field=value` becomes `section.field`; None is: not given."""
    named = {name.replace("__", ".", 1): value for name, value in flags.items()}
    return {"store.url": store, "store.data_dir": data_dir, **named}


def store_url(settings: "Settings") -> str:
    """Where the store is: as set, else as a running `farebox up` says, else where the embedded store would listen."""
    from runtime.data_folder import DataFolder, read_up_state

    if settings.store.url:
        return settings.store.url
    folder = DataFolder(settings.store.data_dir)
    state = read_up_state(folder)
    if state is not None:
        return state.store_url
    from runtime.store_opening import embedded_store

    return embedded_store(settings.store).url


@asynccontextmanager
async def opened_store(settings: "Settings") -> AsyncIterator["RedisStore"]:
    """The store, opened and checked. StoreError says what is wrong."""
    from balances.edge.redis_store import RedisStore

    store = RedisStore(store_url(settings))
    try:
        await store.open()
        yield store
    finally:
        await store.close()


def run_on_store(settings: "Settings", work: Callable[["RedisStore"], Awaitable[_Result]]) -> _Result:
    """Run `work` with the opened store; what the store lacks is printed, exit 2."""

    async def run() -> _Result:
        async with opened_store(settings) as store:
            return await work(store)

    return run_or_exit(run())


def run_or_exit(work: Coroutine[Any, Any, _Result]) -> _Result:
    """Run `work`; a StoreError is printed with where to look, exit 2."""
    import asyncio

    from balances.store import StoreError, StoreUnreachable

    try:
        return asyncio.run(work)
    except StoreUnreachable as error:
        fail(str(error), "`farebox up` starts the embedded store; --store and --data-dir say which one is meant")
    except StoreError as error:
        fail(str(error))
