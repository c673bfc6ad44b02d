"""What is done with parties: individuals, organisations, how they are reached, what they are to customers."""

from typing import Any, Final

import sqlalchemy as sa

from bss.access import requires
from bss.crm.checks import check_address, check_birth_date, check_columns, check_given, check_one_of
from bss.crm.names import keys_of_individual, keys_of_organization
from bss.crm.records import ContactMedium, Identification, Individual, Organization, PartyRole
from bss.crm.tables import BILLING_ACCOUNT, CONTACT_MEDIUM, CUSTOMER, IDENTIFICATION, PARTY, PARTY_ROLE
from bss.errors import Conflict, Invalid, NotFound
from bss.work import Row, Work

INDIVIDUAL: Final = "individual"
ORGANIZATION: Final = "organization"
ERASED_STATUS: Final = "erased"
INDIVIDUAL_FIELDS: Final = frozenset(
    {
        "birth_date",
        "family_name",
        "gender",
        "given_name",
        "language",
        "middle_name",
        "nationality",
        "status",
        "title",
    }
)
ORGANIZATION_FIELDS: Final = frozenset({"legal_name", "organization_type", "status", "trading_name"})
PARTY_STATUSES: Final = {
    INDIVIDUAL: ("initialized", "validated", "deceased"),
    ORGANIZATION: ("initialized", "validated", "closed"),
}
"""TMF632 IndividualStateType and OrganizationStateType; an erased party has ERASED_STATUS."""
MEDIUM_VALUES: Final = frozenset(
    column.name for column in CONTACT_MEDIUM.c if column.info.get("personal") or column.name in ("contact_type",)
)


@requires("customer:write")
def add_individual(work: Work, /, *, given_name: str, family_name: str, **values: Any) -> Individual:
    """A person. `values`: further of INDIVIDUAL_FIELDS. Invalid."""
    return Individual.from_row(
        _add_party(work, INDIVIDUAL, {**values, "given_name": given_name, "family_name": family_name})
    )


@requires("customer:write")
def add_organization(work: Work, /, *, trading_name: str, **values: Any) -> Organization:
    """A company or another body. `values`: further of ORGANIZATION_FIELDS. Invalid."""
    return Organization.from_row(_add_party(work, ORGANIZATION, {**values, "trading_name": trading_name}))


@requires("customer:write")
def change_individual(work: Work, party_id: str, /, *, if_revision: int | None = None, **values: Any) -> Individual:
    """A person with other values, of INDIVIDUAL_FIELDS. NotFound, Stale, Invalid; Conflict where they are erased."""
    return Individual.from_row(_change_party(work, INDIVIDUAL, party_id, if_revision, values))


@requires("customer:write")
def change_organization(work: Work, party_id: str, /, *, if_revision: int | None = None, **values: Any) -> Organization:
    """An organisation with other values, of ORGANIZATION_FIELDS. NotFound, Stale, Invalid, Conflict."""
    return Organization.from_row(_change_party(work, ORGANIZATION, party_id, if_revision, values))


@requires("customer:write")
def remove_party(work: Work, party_id: str, *, if_revision: int | None = None) -> None:
    """A party that nothing refers to goes; its ways to be reached go with it. Conflict where it is or was a customer."""
    row = work.get(PARTY, party_id)
    _check_not_referred(work, party_id)
    for table in (CONTACT_MEDIUM, IDENTIFICATION):
        for found in work.rows(sa.select(table.c.id).where(table.c.party_id == party_id)):
            work.remove(table, found["id"])
    work.remove(PARTY, party_id, if_revision=if_revision)
    work.event(f"{row['kind'].capitalize()}DeleteEvent", resource=row["kind"], resource_id=party_id)


@requires("customer:write")
def add_identification(
    work: Work, /, *, party_id: str, kind: str, document_number: str, **values: Any
) -> Identification:
    """A document of a party. NotFound, Invalid."""
    allowed = {"kind", "document_number", "issuing_authority", "from_ns", "to_ns"}
    given = {**values, "kind": kind, "document_number": document_number}
    check_columns(IDENTIFICATION, given, allowed)
    present_party(work, party_id)
    row = work.insert(IDENTIFICATION, party_id=party_id, **given)
    _raise_revision(work, party_id)
    return Identification.from_row(row)


@requires("customer:write")
def add_contact_medium(
    work: Work, /, *, party_id: str, medium_type: str, is_preferred: bool = False, **values: Any
) -> ContactMedium:
    """One more way to reach a party. `values`: of MEDIUM_VALUES. NotFound, Invalid."""
    check_columns(CONTACT_MEDIUM, values, MEDIUM_VALUES)
    check_address(medium_type, values)
    present_party(work, party_id)
    if is_preferred:
        _prefer_none(work, party_id)
    row = work.insert(
        CONTACT_MEDIUM,
        party_id=party_id,
        medium_type=medium_type,
        is_preferred=is_preferred,
        from_ns=work.now_ns,
        **values,
    )
    _raise_revision(work, party_id)
    return ContactMedium.from_row(row)


@requires("customer:write")
def remove_contact_medium(work: Work, medium_id: str, *, if_revision: int | None = None) -> None:
    """A party isn't reached that way any more. NotFound, Stale."""
    row = work.get(CONTACT_MEDIUM, medium_id)
    work.remove(CONTACT_MEDIUM, medium_id, if_revision=if_revision)
    _raise_revision(work, row["party_id"])


@requires("customer:write")
def add_role(
    work: Work,
    *,
    party_id: str,
    role: str,
    customer_id: str | None = None,
    billing_account_id: str | None = None,
) -> PartyRole:
    """A party becomes something to a customer or a billing account: authorised contact, user, payer. NotFound, Invalid."""
    check_given("role", role)
    check_columns(PARTY_ROLE, {"role": role}, {"role"})
    present_party(work, party_id)
    if customer_id is None and billing_account_id is None:
        raise Invalid("customer_id", "the role is for nobody", "Name a customer or a billing account")
    if customer_id is not None:
        work.get(CUSTOMER, customer_id, field="customer_id")
    if billing_account_id is not None:
        work.get(BILLING_ACCOUNT, billing_account_id, field="billing_account_id")
    row = work.insert(
        PARTY_ROLE,
        party_id=party_id,
        role=role,
        customer_id=customer_id,
        billing_account_id=billing_account_id,
        from_ns=work.now_ns,
    )
    return PartyRole.from_row(row)


@requires("customer:write")
def end_role(work: Work, role_id: str) -> PartyRole:
    """A party isn't that any more; once it is ended it stays so. NotFound."""
    row = work.get(PARTY_ROLE, role_id)
    if row["to_ns"] is not None:
        return PartyRole.from_row(row)
    return PartyRole.from_row(work.change(PARTY_ROLE, role_id, to_ns=max(work.now_ns, row["from_ns"] + 1)))


def _add_party(work: Work, kind: str, values: dict[str, Any]) -> Row:
    values = {"status": "initialized", **values}
    _check_party(kind, values)
    row = work.insert(PARTY, kind=kind, **values, **_keys(kind, values))
    work.event(f"{kind.capitalize()}CreateEvent", resource=kind, resource_id=row["id"])
    return row


def _change_party(work: Work, kind: str, party_id: str, if_revision: int | None, values: dict[str, Any]) -> Row:
    _check_party(kind, values)
    before = present_party(work, party_id, field="id")
    if before["kind"] != kind:
        raise NotFound("id", f"there is no {kind} {party_id!r}", "Name one that exists")
    row = work.change(PARTY, party_id, if_revision=if_revision, **values, **_keys(kind, {**before, **values}))
    tell_party(work, party_id, "StateChangeEvent" if "status" in values else "AttributeValueChangeEvent")
    return row


def _check_party(kind: str, values: dict[str, Any]) -> None:
    check_columns(PARTY, values, INDIVIDUAL_FIELDS if kind == INDIVIDUAL else ORGANIZATION_FIELDS)
    for name in ("given_name", "family_name") if kind == INDIVIDUAL else ("trading_name",):
        if name in values:
            check_given(name, values[name])
    if "status" in values:
        check_one_of("status", values["status"], PARTY_STATUSES[kind])
    check_birth_date(values.get("birth_date"))


def _keys(kind: str, values: dict[str, Any]) -> dict[str, str]:
    if kind == INDIVIDUAL:
        return keys_of_individual(values.get("given_name"), values.get("middle_name"), values.get("family_name"))
    return keys_of_organization(values.get("trading_name"), values.get("legal_name"))


def present_party(work: Work, party_id: str, *, field: str = "party_id") -> Row:
    """The party's row; NotFound, Conflict where the person was erased."""
    row = work.get(PARTY, party_id, field=field)
    if row["erased_ns"] is not None:
        raise Conflict(field, "the person was erased", "Add the person anew")
    return row


def tell_party(work: Work, party_id: str, what: str) -> None:
    """Tell of a party, with the kind's name before `what`."""
    kind = work.get(PARTY, party_id)["kind"]
    work.event(f"{kind.capitalize()}{what}", resource=kind, resource_id=party_id)


def _raise_revision(work: Work, party_id: str) -> None:
    """What belongs to a party is part of it for whoever reads it: its ETag is another now."""
    work.change(PARTY, party_id)
    tell_party(work, party_id, "AttributeValueChangeEvent")


def _prefer_none(work: Work, party_id: str) -> None:
    preferred = sa.select(CONTACT_MEDIUM.c.id).where(
        CONTACT_MEDIUM.c.party_id == party_id, CONTACT_MEDIUM.c.is_preferred.is_(True)
    )
    for row in work.rows(preferred):
        work.change(CONTACT_MEDIUM, row["id"], is_preferred=False)


def _check_not_referred(work: Work, party_id: str) -> None:
    for column, what in ((CUSTOMER.c.party_id, "is a customer"), (PARTY_ROLE.c.party_id, "has a role")):
        if work.rows(sa.select(column).where(column == party_id).limit(1)):
            raise Conflict(
                "id", f"the party {what}, or was one", "Erase the person instead, once the customer is closed"
            )
