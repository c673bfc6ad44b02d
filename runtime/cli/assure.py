"""`farebox assure`: controls that compare what is known in several places."""

from typing import Annotated

import typer

from runtime.cli.business import TenantOption, opened
from runtime.cli.options import ConfigOption, DataDirOption, StoreOption, fail, settings_or_exit, store_url


def inventory(
    repair: Annotated[
        bool, typer.Option("--repair", help="Ask engine and network for what the inventory says, where that is safe.")
    ] = False,
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Compare every product with its account, number, SIM and status in engine and network, and back. Exit 1: they differ."""
    settings = settings_or_exit(config, store, data_dir)
    business = opened(config, data_dir, tenant)
    from bss.views.assurance import PortAway, find_differences
    from bss.views.assurance import repair as repair_difference
    from runtime.bss_ports import make_ports

    left = 0
    try:
        ports = make_ports(settings, lambda: store_url(settings))
        for each in find_differences(business.read, ports.engine, ports.network, tenant=tenant):
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
    group = typer.Typer(name="assure", no_args_is_help=True, rich_markup_mode=None)
    group.command("inventory")(inventory)

    @group.callback()
    def assure() -> None:
        """Controls of the business side."""

    app.add_typer(group)
