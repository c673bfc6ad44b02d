"""The kinds of resources that the inventory has, as a table: what is said below of numbers holds of SIMs, too."""

from typing import Final, Literal, NamedTuple

import sqlalchemy as sa

from bss.inventory.records import Msisdn, Sim
from bss.inventory.tables import MSISDN, SIM

Kind = Literal["msisdn", "sim"]
Resource = Msisdn | Sim


class ResourceKind(NamedTuple):
    """A kind of resource.

    key       column by which people name one
    variant   column that divides a pool further
    words     what it is called in messages
    """

    table: sa.Table
    record: type[Msisdn] | type[Sim]
    key: str
    variant: str
    variant_default: str
    words: str


KINDS: Final[dict[str, ResourceKind]] = {
    "msisdn": ResourceKind(MSISDN, Msisdn, "number", "category", "standard", "number"),
    "sim": ResourceKind(SIM, Sim, "iccid", "kind", "usim", "SIM"),
}


def name_of(resource: Resource) -> str:
    """What people call it: the number, the ICCID."""
    return resource.number if isinstance(resource, Msisdn) else resource.iccid
