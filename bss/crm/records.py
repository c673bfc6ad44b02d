"""What the queries and operations of customers give. Instants in ns; `to_ns` is null while no end is known."""

from typing import Any, NamedTuple

from bss.record import Record


class Individual(Record, frozen=True):
    """A person (TMF632). Names are null once the person is erased."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    status: str
    given_name: str | None
    family_name: str | None
    middle_name: str | None
    title: str | None
    gender: str | None
    birth_date: str | None
    nationality: str | None
    language: str | None
    erased_ns: int | None

    @property
    def full_name(self) -> str:
        """Given, middle and family name."""
        return " ".join(part for part in (self.given_name, self.middle_name, self.family_name) if part) or "(erased)"


class Organization(Record, frozen=True):
    """A company or another body (TMF632)."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    status: str
    trading_name: str | None
    legal_name: str | None
    organization_type: str | None
    erased_ns: int | None

    @property
    def full_name(self) -> str:
        """The trading name."""
        return self.trading_name or "(erased)"


Party = Individual | Organization


class Identification(Record, frozen=True):
    """A document that says who a party is."""

    id: str
    party_id: str
    kind: str
    document_number: str | None
    issuing_authority: str | None
    from_ns: int | None
    to_ns: int | None


class ContactMedium(Record, frozen=True):
    """One way to reach a party; fields that its type has no use for are null."""

    id: str
    revision: int
    party_id: str
    medium_type: str
    contact_type: str | None
    is_preferred: bool
    email_address: str | None
    phone_number: str | None
    fax_number: str | None
    social_network_id: str | None
    street1: str | None
    street2: str | None
    post_code: str | None
    city: str | None
    state_or_province: str | None
    country: str | None
    from_ns: int
    to_ns: int | None


class Customer(Record, frozen=True):
    """A party that buys (TMF629)."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    name: str | None
    party_id: str
    status: str
    status_reason: str | None
    segment: str | None
    from_ns: int
    to_ns: int | None
    characteristics: dict[str, Any]


class FoundCustomer(NamedTuple):
    """A customer whose name was searched."""

    id: str
    name: str | None
    status: str
    party_id: str


class BillingAccount(Record, frozen=True):
    """Who gets the bills (TMF666 billingAccount)."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    name: str
    description: str | None
    customer_id: str
    account_type: str
    state: str
    payment_status: str
    currency: str
    credit_limit_micros: int
    bill_cycle_day: int | None
    bill_format: str | None


class AccountLink(Record, frozen=True):
    """A billing account pays for an account of the engine in [from_ns, to_ns)."""

    id: str
    billing_account_id: str
    engine_account_id: int
    from_ns: int
    to_ns: int | None


class PartyRole(Record, frozen=True):
    """What a party is to a customer or a billing account."""

    id: str
    revision: int
    party_id: str
    role: str
    customer_id: str | None
    billing_account_id: str | None
    from_ns: int
    to_ns: int | None


class Consent(Record, frozen=True):
    """What a party said about a purpose, and when."""

    id: str
    party_id: str
    purpose: str
    is_granted: bool
    at_ns: int
    channel: str
    text_version: str


class Interaction(Record, frozen=True):
    """A contact with a party (TMF683)."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    party_id: str | None
    customer_id: str | None
    ticket_id: str | None
    direction: str
    channel: str
    reason: str
    description: str | None
    status: str
    status_since_ns: int
    from_ns: int
    to_ns: int | None
    subject: str


class Ticket(Record, frozen=True):
    """A trouble ticket (TMF621)."""

    id: str
    revision: int
    created_ns: int
    updated_ns: int
    name: str | None
    description: str | None
    ticket_type: str
    severity: str
    priority: str | None
    status: str
    status_since_ns: int
    status_reason: str | None
    customer_id: str | None
    party_id: str | None
    external_id: str | None
    channel: str | None
    related_kind: str | None
    related_id: str | None
    assignee: str | None
    due_ns: int | None
    overdue_ns: int | None
    requested_ns: int | None
    resolved_ns: int | None


class TicketStatusChange(Record, frozen=True):
    """A status that a ticket got, when, by whom and why."""

    id: str
    ticket_id: str
    status: str
    reason: str | None
    at_ns: int
    subject: str


class TicketNote(Record, frozen=True):
    """What somebody wrote to a ticket."""

    id: str
    ticket_id: str
    author: str
    at_ns: int
    text: str | None


class TimelineEntry(NamedTuple):
    """Something that happened with a customer. `kind`: interaction, ticket, note, consent or balance."""

    at_ns: int
    kind: str
    resource_id: str
    title: str
    text: str | None
    subject: str
