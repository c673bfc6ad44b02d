"""What is asked of customers."""

from collections.abc import Sequence
from typing import Final

import sqlalchemy as sa

from bss.access import requires
from bss.crm.names import search_key
from bss.crm.operations import INDIVIDUAL
from bss.crm.records import (
    AccountLink,
    BillingAccount,
    Consent,
    ContactMedium,
    Customer,
    FoundCustomer,
    Identification,
    Individual,
    Interaction,
    Organization,
    Party,
    PartyRole,
    Ticket,
    TicketNote,
    TicketStatusChange,
    TimelineEntry,
)
from bss.crm.states import TICKET_ENDED
from bss.crm.tables import (
    ACCOUNT_LINK,
    BILLING_ACCOUNT,
    CONSENT,
    CONTACT_MEDIUM,
    CUSTOMER,
    IDENTIFICATION,
    INTERACTION,
    PARTY,
    PARTY_ROLE,
    TICKET,
    TICKET_NOTE,
    TICKET_STATUS,
)
from bss.errors import Invalid
from bss.tables import begins_with
from bss.tenant_rows import AnySelect, prepared_by
from bss.work import Row, Work

ROWS_MAX: Final = 1000
_CONTACT_MEDIA: Final = prepared_by(
    CONTACT_MEDIUM.c.party_id, CONTACT_MEDIUM.c.is_preferred.desc(), CONTACT_MEDIUM.c.id.asc()
)
_IDENTIFICATIONS: Final = prepared_by(IDENTIFICATION.c.party_id, IDENTIFICATION.c.id)
_BILLING_ACCOUNTS: Final = prepared_by(BILLING_ACCOUNT.c.customer_id, BILLING_ACCOUNT.c.id)
_CUSTOMERS: Final = prepared_by(CUSTOMER.c.id)


@requires("customer:read")
def party(work: Work, party_id: str) -> Party:
    """The individual or organisation. NotFound."""
    return party_of_row(work.get(PARTY, party_id))


def party_of_row(row: Row) -> Party:
    """What a row of PARTY is."""
    return (Individual if row["kind"] == INDIVIDUAL else Organization).from_row(row)


@requires("customer:read")
def customer(work: Work, customer_id: str) -> Customer:
    """The customer. NotFound."""
    return Customer.from_row(work.get(CUSTOMER, customer_id))


@requires("customer:read")
def customers_by_id(work: Work, ids: Sequence[str]) -> list[Customer]:
    """Those of these customers that exist."""
    return [Customer.from_row(row) for row in work.rows(_CUSTOMERS, values=list(ids))]


@requires("customer:read")
def customers_of_party(work: Work, party_id: str) -> list[Customer]:
    """As what a party buys, or bought."""
    rows = work.rows(sa.select(CUSTOMER).where(CUSTOMER.c.party_id == party_id).order_by(CUSTOMER.c.id))
    return [Customer.from_row(row) for row in rows]


@requires("customer:read")
def find_customers_by_name(work: Work, text: str, *, limit: int = 20) -> list[FoundCustomer]:
    """Customers whose party's name begins with this, family or given name first, without case and accents; by name."""
    key = search_key(text)
    if not key:
        return []
    found: dict[str, FoundCustomer] = {}
    for column in (PARTY.c.name_key, PARTY.c.given_key):
        statement = (
            sa.select(CUSTOMER.c.id, CUSTOMER.c.name, CUSTOMER.c.status, CUSTOMER.c.party_id)
            .select_from(PARTY.join(CUSTOMER, CUSTOMER.c.party_id == PARTY.c.id))
            .where(begins_with(column, key))
            .order_by(column, CUSTOMER.c.id)
            .limit(_limited(limit))
        )
        for row in work.rows(statement):
            found.setdefault(row["id"], FoundCustomer(**row))
    return list(found.values())[:limit]


@requires("customer:read")
def contact_media_of(work: Work, party_ids: Sequence[str]) -> list[ContactMedium]:
    """How these parties are reached, the preferred way first."""
    return [ContactMedium.from_row(row) for row in work.rows(_CONTACT_MEDIA, values=list(party_ids))]


@requires("customer:read")
def identifications_of(work: Work, party_ids: Sequence[str]) -> list[Identification]:
    """Documents of these parties."""
    return [Identification.from_row(row) for row in work.rows(_IDENTIFICATIONS, values=list(party_ids))]


@requires("customer:read")
def roles_of_customer(work: Work, customer_id: str) -> list[PartyRole]:
    """Who is what to a customer, ended roles too."""
    rows = work.rows(sa.select(PARTY_ROLE).where(PARTY_ROLE.c.customer_id == customer_id).order_by(PARTY_ROLE.c.id))
    return [PartyRole.from_row(row) for row in rows]


@requires("customer:read")
def roles_of_billing_account(work: Work, account_id: str) -> list[PartyRole]:
    """Who is what to a billing account, ended roles too."""
    table = PARTY_ROLE
    rows = work.rows(sa.select(table).where(table.c.billing_account_id == account_id).order_by(table.c.id))
    return [PartyRole.from_row(row) for row in rows]


@requires("customer:read")
def billing_account(work: Work, account_id: str) -> BillingAccount:
    """The billing account. NotFound."""
    return BillingAccount.from_row(work.get(BILLING_ACCOUNT, account_id))


@requires("customer:read")
def billing_accounts_of(work: Work, customer_ids: Sequence[str]) -> list[BillingAccount]:
    """Billing accounts of these customers."""
    return [BillingAccount.from_row(row) for row in work.rows(_BILLING_ACCOUNTS, values=list(customer_ids))]


@requires("customer:read")
def payer_at(work: Work, engine_account_id: int, *, at_ns: int) -> str | None:
    """Id of the billing account that pays for an account of the engine at an instant; none where nobody does."""
    table = ACCOUNT_LINK
    row = work.row(
        sa.select(table.c.billing_account_id).where(
            table.c.engine_account_id == engine_account_id,
            table.c.from_ns <= at_ns,
            sa.or_(table.c.to_ns.is_(None), table.c.to_ns > at_ns),
        )
    )
    return None if row is None else str(row["billing_account_id"])


@requires("customer:read")
def links_of_billing_account(work: Work, account_id: str) -> list[AccountLink]:
    """For which accounts of the engine a billing account pays, and paid."""
    table = ACCOUNT_LINK
    rows = work.rows(sa.select(table).where(table.c.billing_account_id == account_id).order_by(table.c.from_ns))
    return [AccountLink.from_row(row) for row in rows]


@requires("customer:read")
def consents_in_force(work: Work, party_id: str) -> dict[str, Consent]:
    """What a party said last, by purpose."""
    return {consent.purpose: consent for consent in _consents(work, party_id)}


@requires("customer:read")
def consent_history(work: Work, party_id: str) -> list[Consent]:
    """All that a party said, in order."""
    return _consents(work, party_id)


@requires("customer:read")
def interaction(work: Work, interaction_id: str) -> Interaction:
    """The interaction. NotFound."""
    return Interaction.from_row(work.get(INTERACTION, interaction_id))


@requires("ticket:read")
def ticket(work: Work, ticket_id: str) -> Ticket:
    """The ticket. NotFound."""
    return Ticket.from_row(work.get(TICKET, ticket_id))


@requires("ticket:read")
def tickets_of_customer(work: Work, customer_id: str, *, limit: int = 100) -> list[Ticket]:
    """Tickets of a customer, the newest first."""
    statement = sa.select(TICKET).where(TICKET.c.customer_id == customer_id).order_by(TICKET.c.id.desc())
    return [Ticket.from_row(row) for row in work.rows(statement.limit(_limited(limit)))]


@requires("ticket:read")
def open_tickets(work: Work, *, assignee: str = "", limit: int = 100) -> list[Ticket]:
    """Tickets that aren't ended, the first due first; those of one who works on them where named."""
    statement = sa.select(TICKET).where(TICKET.c.status.not_in(sorted(TICKET_ENDED))).order_by(TICKET.c.due_ns)
    if assignee:
        statement = statement.where(TICKET.c.assignee == assignee)
    return [Ticket.from_row(row) for row in work.rows(statement.limit(_limited(limit)))]


@requires("ticket:read")
def ticket_statuses(work: Work, ticket_ids: Sequence[str]) -> list[TicketStatusChange]:
    """Each status that these tickets had, in order."""
    table = TICKET_STATUS
    rows = work.rows(sa.select(table).where(table.c.ticket_id.in_(ticket_ids)).order_by(table.c.id))
    return [TicketStatusChange.from_row(row) for row in rows]


@requires("ticket:read")
def ticket_notes(work: Work, ticket_ids: Sequence[str]) -> list[TicketNote]:
    """What was written to these tickets, in order."""
    table = TICKET_NOTE
    rows = work.rows(sa.select(table).where(table.c.ticket_id.in_(ticket_ids)).order_by(table.c.id))
    return [TicketNote.from_row(row) for row in rows]


@requires("customer:read")
def timeline(work: Work, customer_id: str, *, before_ns: int | None = None, limit: int = 50) -> list[TimelineEntry]:
    """What happened with a customer, the latest first: interactions, tickets and their notes, consents. NotFound.

    before_ns  goes on behind the last entry of the page before
    """
    party_id = work.get(CUSTOMER, customer_id)["party_id"]
    count = _limited(limit)
    mine = TICKET.c.customer_id == customer_id
    entries = [
        *(
            TimelineEntry(row["from_ns"], "interaction", row["id"], row["reason"], row["description"], row["subject"])
            for row in _latest(
                work,
                sa.select(INTERACTION).where(INTERACTION.c.customer_id == customer_id),
                INTERACTION.c.from_ns,
                before_ns,
                count,
            )
        ),
        *(
            TimelineEntry(
                row["at_ns"], "ticket", row["ticket_id"], f"ticket {row['status']}", row["reason"], row["subject"]
            )
            for row in _latest(work, _of_tickets(TICKET_STATUS).where(mine), TICKET_STATUS.c.at_ns, before_ns, count)
        ),
        *(
            TimelineEntry(row["at_ns"], "note", row["ticket_id"], "note to a ticket", row["text"], row["author"])
            for row in _latest(work, _of_tickets(TICKET_NOTE).where(mine), TICKET_NOTE.c.at_ns, before_ns, count)
        ),
        *(
            TimelineEntry(
                row["at_ns"],
                "consent",
                row["id"],
                f"{row['purpose']} {'granted' if row['is_granted'] else 'withdrawn'}",
                f"by {row['channel']}, text {row['text_version']}",
                "party",
            )
            for row in _latest(
                work, sa.select(CONSENT).where(CONSENT.c.party_id == party_id), CONSENT.c.at_ns, before_ns, count
            )
        ),
    ]
    return sorted(entries, key=lambda entry: (entry.at_ns, entry.resource_id), reverse=True)[:count]


def _of_tickets(table: sa.Table) -> AnySelect:
    return sa.select(table).select_from(TICKET.join(table, table.c.ticket_id == TICKET.c.id))


def _latest(
    work: Work, statement: AnySelect, at_ns: sa.ColumnElement[int], before_ns: int | None, count: int
) -> Sequence[Row]:
    if before_ns is not None:
        statement = statement.where(at_ns < before_ns)
    return work.rows(statement.order_by(at_ns.desc()).limit(count))


def _consents(work: Work, party_id: str) -> list[Consent]:
    rows = work.rows(sa.select(CONSENT).where(CONSENT.c.party_id == party_id).order_by(CONSENT.c.id))
    return [Consent.from_row(row) for row in rows]


def _limited(limit: int) -> int:
    if not 0 < limit <= ROWS_MAX:
        raise Invalid("limit", f"{limit} rows can't be asked for", f"Choose 1..{ROWS_MAX}")
    return limit
