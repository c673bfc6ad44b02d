"""`farebox simulate`: a network function that asks for credit as a scenario file says, or one that is provisioned into."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from runtime.cli.options import fail
from runtime.cli.simulate_hss import hss

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runtime.simulate.scenario import Scenario

EXIT_UNEXPECTED = 1

ScenarioArgument = Annotated[
    str, typer.Argument(help="A scenario file, or the name of one that comes with Farebox.", metavar="[SCENARIO]")
]
ChfOption = Annotated[
    str | None, typer.Option("--chf", help="apiRoot of the CHF, with its prefix; instead of the file's chf.url.")
]
SupiOption = Annotated[
    str | None, typer.Option("--supi", help="Whom to charge, as imsi-...; instead of the file's subscriberIdentifier.")
]
BodiesOption = Annotated[bool, typer.Option("--bodies", help="Print requests and answers whole, as JSON.")]
PrintOption = Annotated[bool, typer.Option("--print", help="Print the scenario file instead of playing it.")]


def smf(
    scenario: ScenarioArgument = "pdu-session",
    chf: ChfOption = None,
    supi: SupiOption = None,
    bodies: BodiesOption = False,
    print_file: PrintOption = False,
) -> None:
    """Play a PDU session against a CHF over HTTP/2, as its SMF: create, updates, release, and what notifications ask for.

    A scenario file (YAML) says where the CHF is, who asks, and step by step what is used, asked for, and expected:

    \b
        chf: {url: "http://127.0.0.1:7777"}
        members:
          subscriberIdentifier: imsi-001010000000001
          nfConsumerIdentification: {nodeFunctionality: SMF}
        steps:
          - create:
              multipleUnitUsage:
                - {ratingGroup: 10, requestedUnit: {totalVolume: 10 MiB}}
          - update:
              multipleUnitUsage:
                - ratingGroup: 10
                  usedUnitContainer: [{totalVolume: granted}]
                  requestedUnit: {totalVolume: 10 MiB}
            expect: {answer: {multipleUnitInformation: [{ratingGroup: 10, resultCode: SUCCESS}]}}
          - wait: {notification: REAUTHORIZATION, seconds: 30}
          - release: {}

    Members of bodies have the names of TS 32.291 and are sent as they are written; times, numbers and the notifyUri are
    filled in. REAUTHORIZATION is followed by an update, ABORT_CHARGING by a release. Two scenarios come with Farebox:

    \b
        farebox simulate smf                             pdu-session: rating groups, UPFs, offline usage, an event
        farebox simulate smf free5gc                     as free5GC's SMF asks (chf.wraps_volumes is needed)
        farebox simulate smf pdu-session --print > my.yaml
        farebox simulate smf my.yaml --chf http://10.0.0.5:7777 --bodies

    Any CHF may be the other side. Exit code 0: all was answered as expected; 1: it wasn't; 2: the scenario has mistakes, or
    the CHF doesn't answer.
    """
    from runtime.simulate.read_scenario import SAMPLES, ScenarioError, read_scenario, sample_names

    path = SAMPLES / f"{scenario}.yaml" if scenario in sample_names() else Path(scenario)
    try:
        read = read_scenario(path)
    except ScenarioError as error:
        fail(*error.mistakes)
    if print_file:
        print(path.read_text(), end="")
        return
    _play(_changed(read, chf, supi), bodies)


def _changed(scenario: "Scenario", chf: str | None, supi: str | None) -> "Scenario":
    """With what the command line says instead of the file."""
    from dataclasses import replace

    if chf is not None:
        if not chf.startswith(("http://", "https://")):
            fail(f"--chf is {chf!r}: write it as http://127.0.0.1:7777")
        scenario = replace(scenario, chf=replace(scenario.chf, url=chf))
    if supi is not None:
        scenario = replace(scenario, common={**_without_gpsi(scenario.common), "subscriberIdentifier": supi})
    return scenario


def _without_gpsi(common: "Mapping[str, Any]") -> "Mapping[str, Any]":
    """The file's GPSI is another's than a SUPI of the command line: where nobody has the SUPI, that one would be charged."""
    session = common.get("pDUSessionChargingInformation")
    user = session.get("userInformation") if isinstance(session, dict) else None
    if not isinstance(session, dict) or not isinstance(user, dict):
        return common
    user = {name: value for name, value in user.items() if name != "servedGPSI"}
    return {**common, "pDUSessionChargingInformation": {**session, "userInformation": user}}


def _play(scenario: "Scenario", has_bodies: bool) -> None:
    import asyncio
    from contextlib import aclosing

    from runtime.simulate.player import PlayStopped, player_of
    from runtime.simulate.screen import PlayScreen, console

    screen = PlayScreen(console(), has_bodies=has_bodies)

    async def play() -> list[str]:
        async with player_of(scenario) as (player, notify_uri):
            screen.begin(scenario, notify_uri)
            async with aclosing(player.play()) as happenings:
                async for happening in happenings:
                    screen.show(happening)
            return player.faults

    try:
        faults = asyncio.run(play())
    except PlayStopped as error:
        fail(str(error))
    screen.end(faults)
    if faults:
        raise typer.Exit(EXIT_UNEXPECTED)


def register(app: typer.Typer) -> None:
    """Add the command."""
    group = typer.Typer(no_args_is_help=True, help="Be a network function: one that asks for credit, or an HSS.")
    group.command()(smf)
    group.command()(hss)

    @group.callback()
    def simulate() -> None:
        """Be a network function: one that asks for credit as a scenario file says, or an HSS."""

    app.add_typer(group, name="simulate")
