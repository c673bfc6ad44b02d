"""One row of each kind in a tenant, and arguments of operations that name them: for walks over all operations."""

import inspect
from typing import Any, Final

from bss.access import Operation
from bss.catalog.publication import confirm_release, import_release, prepare_release
from bss.catalog.records import Offering
from bss.catalog.working_copy import NOTHING_SHOWN
from bss.crm.care_operations import add_ticket_note, open_ticket, record_interaction
from bss.crm.customer_operations import link_account
from bss.crm.operations import add_contact_medium, add_role
from bss.due import Due, due_of
from bss.identity.operations import add_user, open_tenant
from bss.inventory.digits import luhn_digit
from bss.inventory.operations import add_number, add_sim, assign, reserve
from bss.inventory.product_operations import add_service
from bss.work import Work
from tests.bss.catalog.sample import offering_of, sample_release
from tests.bss.customers import a_billing_account, a_customer, a_product

NUMBER: Final = "4917099999901"
ICCID: Final = "894411006899999999" + luhn_digit("894411006899999999")
IMSI: Final = "262019999999999"
LOGIN: Final = "theirs"
ACCOUNT: Final = 990_077


def rows_of_other_tenant(work: Work) -> dict[str, str]:
    """Ids by what operations call them."""
    open_tenant(work, name="Theirs")
    user = add_user(work, login=LOGIN, roles=["finance"]).user
    made = a_customer(work, "Zygmunt", "Qwertz")
    account = a_billing_account(work, made.id)
    link_account(work, billing_account_id=account.id, engine_account_id=ACCOUNT)
    medium = add_contact_medium(work, party_id=made.party_id, medium_type="email", email_address="zygmunt@example.net")
    role = add_role(work, party_id=made.party_id, role="user", customer_id=made.id)
    ticket = open_ticket(work, description="theirs", severity="low", ticket_type="other", customer_id=made.id)
    note = add_ticket_note(work, ticket.id, text="theirs as well")
    met = record_interaction(work, direction="inbound", channel="phone", reason="call", customer_id=made.id)
    product = a_product(work, made.id)
    service = add_service(work, product_id=product.id, name="data", category="CFS")
    add_number(work, number=NUMBER)
    assign(work, "msisdn", name=NUMBER, product_id=product.id)
    add_sim(work, iccid=ICCID, imsi=IMSI)
    reserve(work, "sim", reserved_for="their-item")
    import_release(work, release=sample_release(), shown_against=NOTHING_SHOWN)
    release = prepare_release(work, in_use={})
    confirm_release(work, release_id=release.id)
    return {
        "account_id": account.id,
        "billing_account_id": account.id,
        "customer_id": made.id,
        "interaction_id": met.id,
        "medium_id": medium.id,
        "note_id": note.id,
        "party_id": made.party_id,
        "product_id": product.id,
        "release_id": release.id,
        "role_id": role.id,
        "service_id": service.id,
        "ticket_id": ticket.id,
        "user_id": user.id,
        "due_id": due_of(work, ticket.id)[0].id,
    }


_OTHER: Final[dict[str, Any]] = {
    "at_ns": 2**62,
    "begins": NUMBER,
    "category": "CFS",
    "channel": "phone",
    "digits": NUMBER,
    "engine_account_id": ACCOUNT,
    "engine_account_ids": [ACCOUNT],
    "imsi": IMSI,
    "is_active": True,
    "is_granted": True,
    "kind": "msisdn",
    "login": LOGIN,
    "name": NUMBER,
    "number": NUMBER,
    "purpose": "marketing",
    "resource": "customer",
    "role": "user",
    "roles": ["finance"],
    "state": "active",
    "status": "closed",
    "text": "zyg",
    "text_version": "1",
    "token": "none",
}
_OF_CATALOG: Final[dict[str, Any]] = {
    "body": {"id": "prepaid-start", "prices": ["data-general"]},
    "in_use": {},
    "kind": Offering,
    "part_id": "prepaid-start",
    "release": sample_release(),
    "resource": offering_of(sample_release(), "prepaid-start"),
    "resource_id": "prepaid-start",
    "shown_against": NOTHING_SHOWN,
    "status": "retired",
    "values": {"name": "mine"},
}
"""Ids of a catalogue are those of its files, and the same in each tenant that imports them."""
_OF_TARIFF: Final = _OF_CATALOG | {"kind": "offers"}
_OF: Final = (("tariff_part", _OF_TARIFF), ("bss.catalog.", _OF_CATALOG))
"""What arguments are called by operations with this in their name."""
_IDS: Final = {"ids": "party_id", "customer_ids": "customer_id", "party_ids": "party_id", "product_ids": "product_id"}
MAKES: Final = frozenset(
    {
        "add_first_administrator",
        "add_individual",
        "add_number",
        "add_organization",
        "add_rows",
        "add_sim",
        "add_user",
        "change_own_password",
        "check_rows",
        "open_tenant",
        "open_ticket",
        "record_login",
        "reserve",
    }
)
"""Operations that make something of their own, or are about the caller: they name no row of anybody."""


def sample_arguments(operation: Operation, ids: dict[str, str]) -> dict[str, Any] | None:
    """Arguments that name those rows; None for what names none."""
    if operation.name.rpartition(".")[2] in MAKES:
        return None
    found: dict[str, Any] = {}
    own = next((arguments for part, arguments in _OF if part in operation.name), {})
    for parameter in list(inspect.signature(operation.call).parameters.values())[1:]:
        name = parameter.name
        if parameter.kind == parameter.VAR_KEYWORD:
            continue
        if name in own:
            found[name] = own[name]
        elif name in ids:
            found[name] = ids[name]
        elif name == "resource_id":
            found[name] = ids["customer_id"]
        elif name == "rows":
            found[name] = {"customer": [ids["customer_id"]]}
        elif name == "ticket_ids":
            found[name] = [ids["ticket_id"]]
        elif name in _IDS:
            found[name] = [ids[_IDS[name]]]
        elif name == "due":
            found[name] = _due(ids)
        elif parameter.default is not parameter.empty:
            continue
        elif name in _OTHER:
            found[name] = _OTHER[name]
        else:
            found[name] = "none"
    return found


def _due(ids: dict[str, str]) -> Due:
    return Due(
        tenant="default",
        id=ids["due_id"],
        revision=1,
        kind="ticket.due",
        resource_id=ids["ticket_id"],
        at_ns=0,
        ids={},
        attempts=0,
        error=None,
    )
