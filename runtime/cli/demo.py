"""`farebox demo`: a charged session on the screen, in two minutes of reading."""

from pathlib import Path
from typing import Annotated

import typer

from runtime.cli.options import fail


def demo(
    keep: Annotated[
        Path | None, typer.Option("--keep", help="Leave store, journal and records in this new folder.")
    ] = None,
    stay: Annotated[
        bool, typer.Option("--stay", help="Leave all of it running until ^C, to look around in the console.")
    ] = False,
    avps: Annotated[bool, typer.Option("--avps", help="Print every AVP of requests and answers.")] = False,
) -> None:
    """Start a Farebox of its own, charge data, a call, an SMS with an independent Diameter client, then a 5G session.

    Then the business side: a plan is published, ordered over TMF622, used over Gy and 5G, topped up over TMF654, and renewed
    a month later, which takes a moment. Shows requests, answers, balances and charging records, and checks all of them; exit
    code 0 only where everything is as the catalogue says. Nothing of a running Farebox is touched.
    """
    from runtime.demo.process import DemoFailed
    from runtime.demo.run import run_demo
    from runtime.demo.screen import console

    screen = console()
    try:
        faults = run_demo(screen, keep=keep, shows_avps=avps, stays=stay)
    except DemoFailed as error:
        fail(str(error))
    if faults:
        for fault in faults:
            screen.print(f"[red]not as expected:[/] {fault}", soft_wrap=True)
        raise typer.Exit(1)
    screen.print("\n[bold green]Everything was as expected.[/] Next: farebox up, and farebox --help")


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(demo)
