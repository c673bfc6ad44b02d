"""`farebox assure`: controls that compare what is known in several places."""

from typing import Annotated

import typer

from runtime.cli.business import Business, on_business_and_store
from runtime.cli.contexts import add_group
from runtime.cli.options import fail, store_url


@on_business_and_store
def inventory(
    business: Business,
    repair: Annotated[
        bool, typer.Option("--repair", help="Ask engine and network for what the inventory says, where that is safe.")
    ] = False,
) -> None:
    """Compare every product with its account, number, SIM and status in engine and network, and back. Exit 1: they differ."""
    from bss.views.assurance import PortAway, find_differences
    from bss.views.assurance import repair as repair_difference
    from runtime.bss_ports import make_ports

    left = 0
    try:
        ports = make_ports(business.settings, lambda: store_url(business.settings))
        for each in find_differences(business.read, ports.engine, ports.network, tenant=business.tenant):
            is_repaired = repair and repair_difference(each, ports.engine, ports.network)
            left += not is_repaired
            verdict = "repaired" if is_repaired else "differs" if each.repair else "differs, a person has to look"
            print(f"{each.product_id or '-':<36}  {each.what}: {each.expected} expected, {each.found} found: {verdict}")
    except PortAway as error:
        fail(str(error))
    print("inventory, engine and network agree" if not left else f"{left} differences")
    if left:
        raise typer.Exit(1)


def register(app: typer.Typer) -> None:
    """Add `farebox assure`."""
    add_group(app, "assure", "Controls of the business side.", [("inventory", inventory)])
