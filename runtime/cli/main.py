"""`farebox`: one command, a module of this package a command group. `--help` imports no kernels and none of numpy."""

import sys

EXIT_INTERRUPTED = 130

try:
    from runtime.cli.interrupts import keep_interrupts

    keep_interrupts()

    import importlib
    from typing import Annotated, Final

    import typer

    from runtime.small_pages import use_small_pages
except KeyboardInterrupt:  # it takes a tenth of a second, in which ^C is not yet typer's to take
    sys.exit(EXIT_INTERRUPTED)

MODULES: Final = (
    "demo",
    "up",
    "restart",
    "clock",
    "engine",
    "gy",
    "chf",
    "nrf",
    "catalog",
    "rules",
    "hub",
    "subscriber",
    "session",
    "customer",
    "inventory",
    "user",
    "cdr",
    "audit",
    "order",
    "assure",
    "simulate",
    "bench",
    "config",
)
"""In the order in which `--help` shows them."""

_HELP: Final = """Farebox charges telecom usage in real time: credit over Diameter Gy in milliseconds, every decision durable.

\b
    farebox demo                                  from a charged session to a renewed plan, in a folder of its own
    farebox up                                    store, engine, records, console and APIs; ^C stops them
    farebox catalog publish prepaid.yaml          prices and offers, checked; swapped without a restart
    farebox subscriber add --msisdn 491700000001 --offer prepaid-start
    farebox session list                          who uses what at this moment
    farebox customer search 4917                  by number, IMSI or name
    farebox inventory import msisdn numbers.csv   numbers and SIMs
    farebox cdr tail -f                           charging records as they are written
    farebox clock advance 31d                     of a `farebox up --test-clock`: a month passes
    farebox audit                                 proves that every balance follows from the journal
    farebox simulate smf                          plays a 5G session from a scenario file against any CHF

Settings come from farebox.toml, then FAREBOX_<SECTION>_<FIELD> of the environment, then flags; `farebox config show`
lists them with their meaning.
"""


def _show_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        print(f"farebox {version('farebox')}")
        raise typer.Exit


def build() -> typer.Typer:
    """The command with all its groups."""
    app = typer.Typer(
        name="farebox",
        help=_HELP,
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )

    @app.callback()
    def farebox(
        show_version: Annotated[
            bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and end.")
        ] = False,
    ) -> None:
        """See _HELP, which typer shows."""

    for name in MODULES:
        importlib.import_module(f"runtime.cli.{name}").register(app)
    return app


def main() -> None:
    """The entry point of the `farebox` command. ^C while modules are read ends it without a word."""
    use_small_pages()
    try:
        build()()
    except KeyboardInterrupt:
        sys.exit(EXIT_INTERRUPTED)


if __name__ == "__main__":
    main()
