"""What an item of an order takes: from its offering to its specification's services, from those to resources, and from
these to steps. Offerings, services and resources are the catalogue's; which steps a resource takes is the table below.
"""

from typing import Final, NamedTuple

from bss.catalog.records import Offering, Specification
from bss.catalog.release import CatalogRelease
from bss.errors import NotFound
from bss.orders.records import Action, PlannedStep

ACCOUNT: Final = "account"
"""What an offering takes that names an offer of the engine."""
NUMBER: Final = "msisdn"
SIM: Final = "sim"


class PlanRow(NamedTuple):
    """A step that an action takes.

    takes          resource without which the step isn't taken; empty: it always is
    compensation   the step that undoes it; empty: none is needed
    """

    action: str
    kind: str
    takes: str = ""
    compensation: str = ""
    is_point_of_no_return: bool = False


PLAN_ROWS: Final = (
    PlanRow(Action.ADD, "assign_resources", compensation="free_resources"),
    PlanRow(Action.ADD, "provision_network", takes=SIM, compensation="deprovision_network"),
    PlanRow(Action.ADD, "open_account", takes=ACCOUNT, compensation="undo_account"),
    PlanRow(Action.ADD, "apply_product", takes=ACCOUNT, is_point_of_no_return=True),
    PlanRow(Action.ADD, "activate_product"),
    PlanRow(Action.SUSPEND, "bar_account", takes=ACCOUNT, compensation="unbar_account"),
    PlanRow(Action.SUSPEND, "suspend_network", takes=SIM, compensation="resume_network"),
    PlanRow(Action.SUSPEND, "suspend_product", compensation="resume_product"),
    PlanRow(Action.RESUME, "resume_network", takes=SIM, compensation="suspend_network"),
    PlanRow(Action.RESUME, "unbar_account", takes=ACCOUNT, compensation="bar_account"),
    PlanRow(Action.RESUME, "resume_product", compensation="suspend_product"),
    PlanRow(Action.TERMINATE, "close_account", takes=ACCOUNT, is_point_of_no_return=True),
    PlanRow(Action.TERMINATE, "deprovision_network", takes=SIM),
    PlanRow(Action.TERMINATE, "retire_product", is_point_of_no_return=True),
    PlanRow(Action.MIGRATE, "begin_move", compensation="undo_move"),
    PlanRow(Action.MIGRATE, "move_account", takes=ACCOUNT, compensation="return_account", is_point_of_no_return=True),
    PlanRow(Action.MIGRATE, "move_product"),
)
"""In the order in which the steps of an item are done."""


class Sold(NamedTuple):
    """An offering with what stands behind it."""

    offering: Offering
    specification: Specification
    release: CatalogRelease


def sold(release: CatalogRelease, offering_id: str, *, field: str = "offering_id") -> Sold:
    """The offering of a release. NotFound."""
    offering = release.offering(offering_id)
    specification = None if offering is None else release.specification(offering.product_specification_id)
    if offering is None or specification is None:
        raise NotFound(
            field, f"release {release.engine.number} has no offering {offering_id!r}", "Name one that it has"
        )
    return Sold(offering, specification, release)


def resources_taken(what: Sold) -> frozenset[str]:
    """Kinds of resources that the offering's services take, and ACCOUNT."""
    taken = {resource for service in what.specification.services for resource in service.resources}
    return frozenset(taken | ({ACCOUNT} if what.offering.offer is not None else set()))


def plan(action: str, taken: frozenset[str]) -> tuple[PlannedStep, ...]:
    """The steps of an action on what takes these resources."""
    return tuple(
        PlannedStep(kind=row.kind, compensation=row.compensation, is_point_of_no_return=row.is_point_of_no_return)
        for row in PLAN_ROWS
        if row.action == action and (not row.takes or row.takes in taken)
    )
