"""Who changed what of a customer: the audit trail of all rows that are theirs, the latest change first."""

from bss.audit_trail import AuditEntry, audit_trail_of
from bss.crm import queries as crm
from bss.work import Work

ROWS_MAX = 200
"""Rows of one kind that are looked up, the newest: a customer has few of most."""


def changes_of_customer(work: Work, customer_id: str, *, before_id: str = "", limit: int = 100) -> list[AuditEntry]:
    """Changes of the customer, their party, contacts, consents, billing accounts, roles and tickets. NotFound, Invalid.

    Only who may read tickets sees changes of tickets. `before_id` goes on behind the last entry of the page before.
    """
    customer = crm.customer(work, customer_id)
    party_id = customer.party_id
    rows = {
        "customer": [customer_id],
        "party": [party_id],
        "contact_medium": [each.id for each in crm.contact_media_of(work, [party_id])],
        "consent": [each.id for each in crm.consent_history(work, party_id)[-ROWS_MAX:]],
        "billing_account": [each.id for each in crm.billing_accounts_of(work, [customer_id])],
        "party_role": [each.id for each in crm.roles_of_customer(work, customer_id)],
    }
    if work.caller.may("ticket:read"):
        rows["trouble_ticket"] = [each.id for each in crm.tickets_of_customer(work, customer_id, limit=ROWS_MAX)]
    return audit_trail_of(work, rows=rows, before_id=before_id, limit=limit)
