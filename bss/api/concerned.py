"""Whom a ticket or an interaction concerns: a customer, and the party that it is about; TM Forum's RelatedParty of both."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import sqlalchemy as sa

from bss.api.customer import CUSTOMER_API, PARTY_TYPES, party_reference, type_of_party
from bss.api.filters import Filter
from bss.api.kinds import Text
from bss.api.limits import ID_LENGTH_MAX
from bss.api.resource import Document, Field, Many, Values, Writable
from bss.api.rows import Row
from bss.api.structures import href_of, related_party
from bss.crm.page_queries import parties_by_id
from bss.crm.queries import customer, customers_by_id, party
from bss.errors import Invalid
from bss.orchestration.order_checks import named_by
from bss.work import Work

_CUSTOMER: Final = "Customer"
CONCERNED: Final = related_party(_CUSTOMER, *PARTY_TYPES)
RELATED_PARTY: Final = Field(
    "relatedParty",
    Many(CONCERNED, 2),
    column="",
    writable=Writable.ONCE,
    meaning="the customer, and the party that it is about; the customer's own where no party is said",
)


def by_related_party(table: sa.Table) -> Filter:
    """The filter that goes with RELATED_PARTY: the id of any that it names, the customer or the party that it is about."""
    return Filter("relatedParty.id", Text(ID_LENGTH_MAX), table.c.customer_id, also=(table.c.party_id,))


def concerned(work: Work, said: Sequence[Values] | None) -> dict[str, str]:
    """`customer_id` and `party_id` of what a client said. NotFound; Invalid: there are two of a kind, or a party is of another
    type.
    """
    found: dict[str, str] = {}
    for index, one in enumerate(said or ()):
        column = "customer_id" if one["@referredType"] == _CUSTOMER else "party_id"
        if column in found:
            raise Invalid("relatedParty", f"there are two {one['@referredType']}", "Name one customer and one party")
        with named_by(f"relatedParty[{index}].id"):
            actual = _type_of(work, column, one["id"])
        if actual != one["@referredType"]:
            raise Invalid(f"relatedParty[{index}].@referredType", f"the party is an {actual}", "Write that")
        found[column] = one["id"]
    return found


def _type_of(work: Work, column: str, named: str) -> str:
    """The type of the one that is named. NotFound."""
    if column == "party_id":
        return type_of_party(party(work, named))
    customer(work, named)
    return _CUSTOMER


def put_concerned(work: Work, rows: Sequence[Row], documents: Sequence[Document]) -> None:
    """Adds `relatedParty` to the documents of some rows."""
    customers = {one.id: one for one in customers_by_id(work, _ids(rows, "customer_id"))}
    parties = parties_by_id(work, _ids(rows, "party_id"))
    for row, document in zip(rows, documents, strict=True):
        related = []
        if row["customer_id"]:
            said: Mapping[str, Any] = {
                "id": row["customer_id"],
                "href": href_of(f"{CUSTOMER_API.path}/customer", row["customer_id"]),
                "name": customers[row["customer_id"]].name,
                "role": "customer",
                "@referredType": _CUSTOMER,
            }
            related.append(CONCERNED.write(said))
        if row["party_id"]:
            related.append(party_reference(parties[row["party_id"]], None))
        if related:
            document["relatedParty"] = related


def _ids(rows: Sequence[Row], column: str) -> list[str]:
    return sorted({row[column] for row in rows if row[column]})
