"""A person is forgotten: a marker is written into every personal column, through operations, and then no table of any domain
holds it; where a number or a client's own reference stays, it is in the list that docs/business.md gives.
"""

import hashlib
import json
from typing import Any, Final

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.all_tables import METADATA, TABLES
from bss.audit import AUDIT, ERASED
from bss.audit_trail import audit_trail
from bss.automation.operations import publish_rules
from bss.automation.tables import RUN
from bss.crm import care_operations as care
from bss.crm import customer_operations as customers
from bss.crm import operations as parties
from bss.crm.queries import tickets_of_customer
from bss.crm.states import CustomerStatus, TicketStatus
from bss.crm.tables import BILLING_ACCOUNT
from bss.edge.database import Database
from bss.errors import Conflict
from bss.hubs import register_hub
from bss.idempotency import Idempotency
from bss.inventory.kinds import KINDS, name_of
from bss.inventory.operations import release, reserve
from bss.inventory.product_operations import change_product, set_characteristics
from bss.inventory.queries import products_of_customer, reserved_for, resource, resources
from bss.network_port import NUMBER_IN_USE, NetworkRefused
from bss.orchestration.customer_closing import close_customer
from bss.orchestration.order_placing import AskedItem
from bss.orchestration.person_erasure import STAYS, erase_person
from bss.orders import fallout
from bss.orders.operations import cancel, place
from bss.orders.records import Action, NewItem, PlannedStep
from bss.outbox import OUTBOX
from bss.prepay.operations import request_action, settle_action
from bss.prepay.records import ActionKind, ActionState
from bss.tables import personal_columns
from bss.work import Work
from tests.bss.conftest import NOW_NS
from tests.bss.orchestration.world import World, with_check_digit
from tests.tidy.sources import ROOT
from vocabulary.instants import NS_PER_S

MARK: Final = "Qzx7vw9kd"
"""So long that no sealed text (base64) holds it by chance."""
EMAIL: Final = f"{MARK}@example.net"
PHONE, BIRTH_DATE = "+999 777 888", "1931-02-03"
SECRETS: Final = (MARK.casefold(), PHONE, BIRTH_DATE)
REFERENCE: Final = "crm-of-theirs-4711"
"""What a client calls its ticket, order or request."""
SIM, OTHER_SIM = (with_check_digit(f"894803{number:012d}") for number in (1, 2))
LATER_NS: Final = NOW_NS + 86_400 * NS_PER_S
RULE: Final = """
rules:
  - name: follow
    on: PartyInteractionCreateEvent
    when: "!has(resource.reason)"
    do: open_ticket
    with: {subject: "Call back {resource.reason}", customer: "{resource.customer_id}"}
"""


@pytest.fixture
def world(database: Database, anyone: Caller) -> World:
    return World(database, anyone)


def an_individual(work: Work) -> str:
    texts = dict.fromkeys(("title", "gender", "nationality", "language", "middle_name"), MARK)
    person = parties.add_individual(work, given_name=MARK, family_name=MARK, birth_date=BIRTH_DATE, **texts)
    media: dict[str, Any] = dict.fromkeys(parties.MEDIUM_VALUES, MARK) | {"email_address": EMAIL}
    media |= {"phone_number": PHONE}
    parties.add_contact_medium(work, party_id=person.id, medium_type="email", **media)
    document = {"kind": "passport", "document_number": MARK, "issuing_authority": MARK}
    parties.add_identification(work, party_id=person.id, **document)
    return person.id


def an_organization(work: Work) -> str:
    return parties.add_organization(work, trading_name=MARK, legal_name=MARK).id


def a_customer(work: Work, party_id: str) -> str:
    made = customers.add_customer(work, party_id=party_id, name=MARK, characteristics={"nickname": MARK})
    account = customers.add_billing_account(work, customer_id=made.id, name=MARK, currency="EUR", description=MARK)
    customers.change_billing_account(work, account.id, name=f"{MARK} again")
    removed = customers.add_billing_account(work, customer_id=made.id, name=MARK, currency="EUR")
    customers.remove_billing_account(work, removed.id)
    customers.set_customer_status(work, made.id, status=CustomerStatus.SUSPENDED, reason=MARK)
    customers.set_customer_status(work, made.id, status=CustomerStatus.ACTIVE, reason=MARK)
    return made.id


def is_cared_for(work: Work, customer_id: str, contact_id: str) -> None:
    """By way of the customer's own party, and of a contact who isn't erased."""
    met = {"direction": "inbound", "channel": "phone", "reason": MARK, "description": MARK, "customer_id": customer_id}
    for party_id in (None, contact_id):
        care.record_interaction(work, **met, party_id=party_id)
        ticket = care.open_ticket(
            work,
            description=MARK,
            name=MARK,
            severity="low",
            ticket_type="other",
            customer_id=customer_id,
            party_id=party_id,
            external_id=REFERENCE,
        )
        care.add_ticket_note(work, ticket.id, text=MARK)
        care.set_ticket_status(work, ticket.id, status=TicketStatus.CANCELLED, reason=MARK)


def reserved(world: World, number: str, iccid: str) -> None:
    world.do(reserve, "msisdn", name=number, reserved_for=MARK)
    world.do(reserve, "sim", name=iccid, reserved_for=MARK)


def orders(world: World, customer_id: str) -> None:
    """One that makes a product, one that a person decides, one that is cancelled; then the product ends."""
    item = NewItem(
        action=Action.ADD,
        offering_id="insurance",
        characteristics={"plate": MARK},
        steps=(PlannedStep(kind="by_hand", is_for_people=True),),
    )
    asked: dict[str, Any] = {"customer_id": customer_id, "description": MARK, "external_id": REFERENCE}
    world.customer_id = customer_id
    reserved(world, "48600100001", SIM)
    chosen = AskedItem(action=Action.ADD, offering_id="monthly", reservation=MARK)
    product_id = world.run(world.place(chosen).id).items[0].product_id
    reserved(world, "48600100002", OTHER_SIM)
    kept = world.place(chosen, requested_start_ns=world.database.now_ns() + 60 * NS_PER_S)
    world.do(cancel, order_id=kept.id)
    held = world.do(place, items=[item], **asked)
    world.run(held.id)
    world.do(fallout.skip, order_id=held.id, note=MARK)
    world.run(held.id)
    waits = world.do(place, items=[item], **asked, requested_start_ns=LATER_NS)
    world.do(cancel, order_id=waits.id, reason=MARK)
    assert product_id
    world.do(change_product, product_id, description=MARK)
    world.do(set_characteristics, product_id, characteristics={"plate": MARK})
    (product,) = world.do(products_of_customer, customer_id)
    topped = world.do(
        request_action,
        kind=ActionKind.TOP_UP,
        engine_account_id=product.engine_account_id,
        amount_micros=1,
        currency="EUR",
        reason=MARK,
        customer_id=customer_id,
    )
    world.do(settle_action, topped.id, state=ActionState.DONE)
    world.ordered(Action.TERMINATE, product_id)
    refused = world.place()
    world.network.refuses = NetworkRefused(NUMBER_IN_USE, f"number {product.number} is another subscriber's")
    assert world.run(refused.id).order.state == "held"
    world.do(cancel, order_id=refused.id)
    assert world.run(refused.id).order.state == "cancelled"


def a_known_person(world: World) -> tuple[str, str]:
    """Ids of the party and of its customer, with text about them wherever there can be some."""
    world.do(publish_rules, text=RULE)
    for api in ("troubleTicket", "productOrder", "customer"):
        world.do(register_hub, api=api, callback="https://example.org/hub")
    contact_id = world.do(parties.add_individual, given_name="Bo", family_name="Owl").id
    party_id = world.do(an_individual)
    customer_id = world.do(a_customer, party_id)
    world.do(is_cared_for, customer_id, contact_id)
    orders(world, customer_id)
    world.relay()
    for ticket in world.do(tickets_of_customer, customer_id):
        world.do(care.set_ticket_status, ticket.id, status=TicketStatus.CANCELLED)
    asked = Idempotency("test", REFERENCE, hashlib.sha256(MARK.encode()).hexdigest())
    world.database.write(world.caller, lambda work: customer_id, idempotency=asked)
    return party_id, customer_id


def holding(database: Database, *texts: str) -> dict[str, set[str]]:
    """Columns of every table, by the table, in which one of the texts stands."""
    found: dict[str, set[str]] = {}
    with database.engine.connect() as connection:
        for table in METADATA.sorted_tables:
            for row in connection.execute(sa.select(table)).mappings():
                for name, value in row.items():
                    shown = json.dumps(value, default=str, ensure_ascii=False).casefold()
                    if any(text in shown for text in texts):
                        found.setdefault(table.name, set()).add(name)
    return found


def forget(world: World, party_id: str, customer_id: str) -> None:
    world.do(close_customer, customer_id, reason=MARK)
    world.do(erase_person, party_id)


def test_no_table_holds_what_was_written_about_a_person(world: World) -> None:
    known, known_company = a_known_person(world), world.do(an_organization)
    company = world.do(a_customer, known_company)
    before = holding(world.database, *SECRETS)
    personal = {table.name: set(personal_columns(table)) for table in TABLES if personal_columns(table)}
    assert before == personal, "every personal column has been written to, and no other"
    runs = world.do(lambda work: work.rows(sa.select(RUN)))
    assert {run["texts"]["subject"] for run in runs} == {"Call back "}, "rules see no text about a person"
    forget(world, *known)
    forget(world, known_company, company)
    world.relay()
    assert not holding(world.database, *SECRETS)
    trail = world.do(audit_trail, resource="trouble_ticket", resource_id=world.do(tickets_of_customer, known[1])[0].id)
    assert MARK not in str(trail)
    assert "(erased)" in str(trail)


def test_what_stays_of_a_person_is_listed_with_its_reason(world: World) -> None:
    party_id, customer_id = a_known_person(world)
    *_, product = world.do(products_of_customer, customer_id)
    forget(world, party_id, customer_id)
    identities = [each.casefold() for each in (product.number, product.iccid, product.imsi) if each]
    assert len(identities) == 3
    assert holding(world.database, REFERENCE, *identities).keys() == STAYS.keys()


def trails_of_resources(world: World) -> dict[str, str]:
    """What the audit trail says of each number and SIM, as people read it, by name."""
    return {
        name_of(each): str(world.do(audit_trail, resource=kind, resource_id=each.id))
        for kind in KINDS
        for each in world.do(resources, kind)
    }


def test_what_a_number_was_reserved_for_is_read_by_nobody(world: World) -> None:
    party_id, customer_id = a_known_person(world)
    told = {name for name, trail in trails_of_resources(world).items() if MARK in trail}
    assert told == {"48600100001", "48600100002", SIM, OTHER_SIM}
    forget(world, party_id, customer_id)
    assert not any(MARK in trail for trail in trails_of_resources(world).values())
    kept = world.do(resource, "msisdn", "48600100002")
    assert (kept.state, kept.reserved_for) == ("reserved", ERASED), "it is free once that time is over"


def test_what_a_number_is_reserved_for_since_then_stays(world: World) -> None:
    party_id, customer_id = a_known_person(world)
    for number in ("48600100001", "48600100002"):
        world.do(release, "msisdn", name=number)
        world.do(reserve, "msisdn", name=number, reserved_for="shop 12")
    forget(world, party_id, customer_id)
    assert [each.number for each in world.do(reserved_for, "msisdn", "shop 12")] == ["48600100001", "48600100002"]
    assert not any(MARK in trail for trail in trails_of_resources(world).values())


def test_the_documents_list_what_stays() -> None:
    text = (ROOT / "docs" / "business.md").read_text()
    for table, why in STAYS.items():
        assert f"| `{table}` | {why} |" in text, table


def test_what_an_earlier_release_audited_in_the_open_goes_as_well(world: World) -> None:
    party_id, customer_id = a_known_person(world)
    account = world.do(
        lambda work: work.rows(sa.select(BILLING_ACCOUNT).where(BILLING_ACCOUNT.c.name == f"{MARK} again"))
    )
    opened = sa.update(AUDIT).where(AUDIT.c.resource_id == account[0]["id"])
    world.database.across_tenants(
        lambda connection: connection.execute(opened.values(person_id=None, after={"name": MARK, "state": "active"}))
    )
    assert "audit" in holding(world.database, *SECRETS)
    forget(world, party_id, customer_id)
    assert not holding(world.database, *SECRETS)


def test_what_an_earlier_release_left_of_a_person_goes_when_it_is_asked_again(world: World) -> None:
    party_id, customer_id = a_known_person(world)
    forget(world, party_id, customer_id)
    left = sa.update(BILLING_ACCOUNT).where(BILLING_ACCOUNT.c.customer_id == customer_id).values(name=MARK)
    world.database.across_tenants(lambda connection: connection.execute(left))
    told = world.do(lambda work: work.count(sa.select(OUTBOX.c.id)))
    for _ in range(2):
        world.do(erase_person, party_id)
        assert not holding(world.database, *SECRETS)
    assert world.do(lambda work: work.count(sa.select(OUTBOX.c.id))) == told, "it is told once"


def test_who_has_an_order_under_way_is_not_erased(world: World) -> None:
    """An earlier release closed customers with orders that wait."""
    person = world.do(an_organization)
    world.customer_id = world.do(a_customer, person)
    order = world.place(requested_start_ns=LATER_NS)
    world.do(customers.set_customer_status, world.customer_id, status=CustomerStatus.CLOSED)
    with pytest.raises(Conflict, match=f"an order under way: {order.id} .pending.*Cancel it"):
        world.do(erase_person, person)
