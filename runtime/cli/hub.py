"""`farebox hub`: who is told of events, by webhooks. APIs have `/hub` for it; this is for an operator."""

from typing import Annotated

import typer

from runtime.cli.business import Business, cells, on_business
from runtime.cli.contexts import add_group

HubArgument = Annotated[str, typer.Argument(help="Id of the hub.", show_default=False)]


@on_business
def add(
    business: Business,
    callback: Annotated[str, typer.Argument(help="URL that messages are posted to.", show_default=False)],
    api: Annotated[
        str, typer.Option("--api", help="Whose events: automation, or an API such as productOrderingManagement.")
    ] = "automation",
    query: Annotated[
        str, typer.Option("--query", help="eventType=KIND,KIND; all where left out.", show_default="all")
    ] = "",
) -> None:
    """Have a URL told of events. Its secret, which messages are signed with (Standard Webhooks), is printed this once."""
    from bss.hubs import register_hub
    from bss.work import Row, Work

    def register(work: Work) -> Row:
        allowed = business.settings.webhooks.networks
        return register_hub(work, api=api, callback=callback, query=query, allowed=allowed)

    made = business.write(register)
    print(f"hub {made['id']}")
    print(f"secret {made['secrets'][0]}")


@on_business
def list_(business: Business) -> None:
    """List hubs, without their secrets."""
    from bss.hubs import list_hubs
    from runtime.cli.tables import print_table

    found = business.read(list_hubs)
    lines = [cells(each["id"], each["api"], each["callback"], each["query"]) for each in found]
    print_table("Hubs", ("hub", "api", "callback", "query"), lines)


@on_business
def remove(business: Business, hub: HubArgument) -> None:
    """Tell a hub nothing more."""
    from bss.hubs import unregister_hub

    business.write(lambda work: unregister_hub(work, hub_id=hub))
    print(f"hub {hub}: removed")


@on_business
def rotate(business: Business, hub: HubArgument) -> None:
    """Give a hub a new secret, printed this once; messages are signed with the one before as well, until the next time."""
    from bss.hubs import rotate_secret

    print(f"secret {business.write(lambda work: rotate_secret(work, hub_id=hub))}")


@on_business
def replay(
    business: Business,
    hub: HubArgument,
    after: Annotated[
        str, typer.Option("--after", help="Id of the last event that arrived.", show_default="the first")
    ] = "",
) -> None:
    """Have events delivered again, under the ids that they had."""
    from bss.hubs import replay_hub

    business.write(lambda work: replay_hub(work, hub_id=hub, after=after))
    print(f"hub {hub}: told again")


def register(app: typer.Typer) -> None:
    """Add `farebox hub`."""
    commands = (("add", add), ("list", list_), ("remove", remove), ("rotate", rotate), ("replay", replay))
    add_group(app, "hub", "Hubs: who is told of events, by webhooks.", commands)
