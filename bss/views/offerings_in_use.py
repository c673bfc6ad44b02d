"""What of the catalogue customers have, or will have by orders that make nothing yet: what a release owes to them."""

from bss.access import requires
from bss.inventory.queries import product_counts_by_offering
from bss.orders.queries import ordered_counts_by_offering
from bss.work import Work


@requires("inventory:read")
def offerings_in_use(work: Work) -> dict[str, int]:
    """How many products there are of each offering that have not ended, with those that are ordered."""
    has, ordered = product_counts_by_offering(work), ordered_counts_by_offering(work)
    return {each: has.get(each, 0) + ordered.get(each, 0) for each in sorted(has | ordered)}
