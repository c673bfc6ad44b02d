"""`farebox catalog migrations`: products that releases move from one offering to another, and how far that is."""

from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.business import Business, cells, on_business, refuse, shown

if TYPE_CHECKING:
    from collections.abc import Mapping


@on_business
def migrations(
    business: Business,
    retry: Annotated[
        str | None,
        typer.Option("--retry", help="Id of a batch: look for products that are left now.", show_default="none"),
    ] = None,
) -> None:
    """Show migrations of releases: how many products move, orders placed for them, and the states of these."""
    from bss.orders.batches import batches, go_on
    from runtime.cli.tables import print_table

    if retry is not None:
        business.write(lambda work: go_on(work, batch_id=retry))
    lines = []
    for each in business.read(batches):
        batch = each.batch
        orders = ", ".join(f"{count} {state}" for state, count in sorted(each.orders.items()))
        counts = (batch.total_count, batch.placed_count, batch.left_count)
        moves = f"{batch.source} to {batch.target}"
        lines.append(
            cells(batch.id, batch.release, moves, batch.state, *counts, orders, batch.reason, shown(batch.created_ns))
        )
    print_table(
        "Migrations",
        ("batch", "release", "moves", "state", "products", "placed", "left", "orders", "why_left", "since"),
        lines,
        right=("products", "placed", "left"),
    )


def print_moves(business: Business, migrations: "Mapping[str, str]") -> None:
    """How many products a release would move; whom it would strand is printed, exit 1."""
    from bss.catalog.publication import stranded_by_publishing
    from bss.inventory.queries import product_counts_by_offering
    from bss.views.offerings_in_use import offerings_in_use

    has, in_use = business.read(product_counts_by_offering), business.read(offerings_in_use)
    faults = business.read(lambda work: stranded_by_publishing(work, in_use=in_use, migrations=migrations))
    for source, target in sorted(migrations.items()):
        follows = "follow its changes" if source == target else f"move to {target}"
        print(
            f"{has.get(source, 0)} products of {source} {follows}, an order each; `farebox catalog migrations` shows them"
        )
        if ordered := in_use.get(source, 0) - has.get(source, 0):
            print(f"{ordered} that are ordered and not made yet {follows}, as they are made")
    if faults:
        refuse(*map(str, faults))
