"""A person is forgotten: no personal value is left in any table, and the audit trail can't be read any more."""

from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy as sa

from bss.access import ROLES, Caller, Forbidden
from bss.all_tables import METADATA
from bss.audit import ERASED
from bss.audit_trail import audit_trail
from bss.crm.care_operations import add_ticket_note, open_ticket, record_consent, record_interaction, set_ticket_status
from bss.crm.customer_operations import set_customer_status
from bss.crm.operations import add_contact_medium, add_identification, change_individual
from bss.crm.queries import customer, find_customers_by_name, party, ticket
from bss.crm.records import Customer
from bss.crm.states import CustomerStatus, TicketStatus
from bss.crm.tables import CUSTOMER
from bss.edge.database import Database, database_url
from bss.edge.migrate import migrate
from bss.errors import Conflict
from bss.orchestration.person_erasure import erase_person
from bss.work import Work
from tests.bss.conftest import NOW_NS
from tests.bss.customers import a_customer

SECRETS = ("Quillfeather", "Ambrosia", "ambrosia@example.net", "C01XSECRET", "my knee hurts", "he limps")


def a_known_customer(work: Work) -> tuple[Customer, str]:
    made = a_customer(work, "Ambrosia", "Quillfeather")
    add_contact_medium(work, party_id=made.party_id, medium_type="email", email_address="ambrosia@example.net")
    add_identification(work, party_id=made.party_id, kind="passport", document_number="C01XSECRET")
    opened = open_ticket(work, description="my knee hurts", severity="low", ticket_type="other", customer_id=made.id)
    add_ticket_note(work, opened.id, text="he limps")
    record_interaction(
        work, direction="inbound", channel="phone", reason="call", customer_id=made.id, description="my knee hurts"
    )
    record_consent(work, party_id=made.party_id, purpose="marketing", is_granted=True, channel="web", text_version="1")
    return made, opened.id


def everything(database: Database) -> str:
    """Every value of every row of every table."""
    with database.engine.connect() as connection:
        rows = [row for table in METADATA.sorted_tables for row in connection.execute(sa.select(table)).all()]
    return "\n".join(map(str, rows))


def test_nothing_of_an_erased_person_is_left(database: Database, anyone: Caller) -> None:
    made, ticket_id = database.write(anyone, a_known_customer)
    for secret in SECRETS:
        assert secret in everything(database)
    with pytest.raises(Conflict, match="the person is a customer"):
        database.write(anyone, lambda work: erase_person(work, made.party_id))
    database.write(anyone, lambda work: set_customer_status(work, made.id, status=CustomerStatus.CLOSED))
    with pytest.raises(Conflict, match="1 tickets about the person are open"):
        database.write(anyone, lambda work: erase_person(work, made.party_id))
    database.write(anyone, lambda work: set_ticket_status(work, ticket_id, status=TicketStatus.CANCELLED))
    for _ in range(2):
        database.write(anyone, lambda work: erase_person(work, made.party_id))
    left = everything(database)
    for secret in SECRETS:
        assert secret not in left
        assert secret.casefold() not in left
    person = database.read(anyone, lambda work: party(work, made.party_id))
    assert (person.full_name, person.status) == (ERASED, "erased")
    assert database.read(anyone, lambda work: customer(work, made.id)).name == ERASED
    assert database.read(anyone, lambda work: ticket(work, ticket_id)).severity == "low"
    assert not database.read(anyone, lambda work: find_customers_by_name(work, "quill"))
    with pytest.raises(Conflict, match="the person was erased"):
        database.write(anyone, lambda work: change_individual(work, made.party_id, given_name="Bo"))


def test_nothing_of_an_erased_person_is_left_in_files(tmp_path: Path, anyone: Caller) -> None:
    """SQLite's log has them until it begins anew, for which no reader may be in its way."""
    url = database_url("", tmp_path)
    migrate(sa.create_engine(url, poolclass=sa.NullPool))
    with closing(Database(url, now_ns=lambda: NOW_NS)) as database:
        made, ticket_id = database.write(anyone, a_known_customer)

        def are_in_files() -> bool:
            return any(b"Quillfeather" in path.read_bytes() for path in tmp_path.iterdir())

        with database.readers.connect() as reader, reader.begin():
            assert reader.scalar(sa.select(sa.func.count()).select_from(CUSTOMER)) == 1
            database.write(anyone, lambda work: set_customer_status(work, made.id, status=CustomerStatus.CLOSED))
            database.write(anyone, lambda work: set_ticket_status(work, ticket_id, status=TicketStatus.CANCELLED))
            database.write(anyone, lambda work: erase_person(work, made.party_id))
            assert not database.forget_log(), "the reader still needs it"
            assert are_in_files()
        assert database.forget_log()
        assert not are_in_files()


def test_the_audit_trail_is_read_until_the_person_is_erased(database: Database, anyone: Caller) -> None:
    made, ticket_id = database.write(anyone, a_known_customer)
    database.write(anyone, lambda work: change_individual(work, made.party_id, family_name="Owl"))
    changed, added = database.read(anyone, lambda work: audit_trail(work, resource="party", resource_id=made.party_id))
    assert changed.before == {"family_name": "Quillfeather", "name_key": "quillfeather ambrosia"} | {
        "given_key": "ambrosia quillfeather"
    }
    assert changed.after is not None
    assert changed.after["family_name"] == "Owl"
    assert (changed.operation, changed.subject) == ("bss.crm.operations.change_individual", "user:ann")
    assert added.before is None
    earlier = database.read(
        anyone,
        lambda work: audit_trail(work, resource="party", resource_id=made.party_id, before_id=changed.id),
    )
    assert earlier == [added]
    database.write(anyone, lambda work: set_customer_status(work, made.id, status=CustomerStatus.CLOSED))
    database.write(anyone, lambda work: set_ticket_status(work, ticket_id, status=TicketStatus.CANCELLED))
    database.write(anyone, lambda work: erase_person(work, made.party_id))
    trail = database.read(anyone, lambda work: audit_trail(work, resource="party", resource_id=made.party_id))
    assert trail[-1].after is not None
    assert trail[-1].after["family_name"] == ERASED
    assert trail[-1].after["kind"] == "individual"
    notes = database.read(anyone, lambda work: audit_trail(work, resource="trouble_ticket", resource_id=ticket_id))
    assert notes[-1].after is not None
    assert notes[-1].after["description"] == ERASED


def test_no_role_but_the_administrator_erases(database: Database, anyone: Caller) -> None:
    made, _ = database.write(anyone, a_known_customer)
    for role, permissions in ROLES.items():
        if role != "administrator":
            with pytest.raises(Forbidden):
                database.write(
                    Caller("default", "user:bo", permissions), lambda work: erase_person(work, made.party_id)
                )
