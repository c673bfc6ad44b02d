"""Parties, customers and billing accounts on both databases: made, found by name, changed, and what can't be."""

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.crm.customer_operations import (
    add_billing_account,
    add_customer,
    change_billing_account,
    change_customer,
    link_account,
    remove_billing_account,
    remove_customer,
    set_billing_account_state,
    set_customer_status,
    unlink_account,
)
from bss.crm.names import search_key
from bss.crm.operations import (
    add_contact_medium,
    add_identification,
    add_individual,
    add_organization,
    add_role,
    change_individual,
    change_organization,
    end_role,
    remove_contact_medium,
    remove_party,
)
from bss.crm.queries import (
    billing_accounts_of,
    contact_media_of,
    customer,
    customers_of_party,
    find_customers_by_name,
    identifications_of,
    links_of_billing_account,
    party,
    payer_at,
    roles_of_billing_account,
    roles_of_customer,
)
from bss.crm.records import Individual, Organization
from bss.crm.states import BillingAccountState, CustomerStatus
from bss.edge.database import Database
from bss.errors import BusinessError, Conflict, Invalid, NotFound, Stale
from bss.outbox import OUTBOX
from bss.work import Work
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.customers import a_billing_account, a_customer

Callers = Callable[..., Caller]


def test_a_person_becomes_a_customer(database: Database, anyone: Caller) -> None:
    def add(work: Work) -> tuple[str, str]:
        person = add_individual(work, given_name="Zoë", family_name="Strauß", birth_date="1990-02-28", language="de")
        add_contact_medium(work, party_id=person.id, medium_type="email", email_address="zoe@example.net")
        add_identification(work, party_id=person.id, kind="passport", document_number="C01X")
        return person.id, add_customer(work, party_id=person.id, name="Zoë Strauß", segment="consumer").id

    party_id, customer_id = database.write(anyone, add)
    person = database.read(anyone, lambda work: party(work, party_id))
    assert isinstance(person, Individual)
    assert (person.full_name, person.status, person.revision) == ("Zoë Strauß", "initialized", 3), (
        "each way to be reached raised it"
    )
    shown = database.read(anyone, lambda work: customer(work, customer_id))
    assert (shown.status, shown.segment, shown.from_ns, shown.to_ns) == ("active", "consumer", NOW_NS, None)
    assert database.read(anyone, lambda work: customers_of_party(work, party_id)) == [shown]
    (document,) = database.read(anyone, lambda work: identifications_of(work, [party_id]))
    assert document.document_number == "C01X"
    kinds = [row["kind"] for row in database.read(anyone, lambda work: work.rows(sa.select(OUTBOX)))]
    changed = "IndividualAttributeValueChangeEvent"
    assert kinds == ["IndividualCreateEvent", changed, changed, "CustomerCreateEvent"], (
        "a way to be reached, a document"
    )


def test_an_organisation_is_found_by_either_name(database: Database, anyone: Caller) -> None:
    def add(work: Work) -> str:
        body = add_organization(work, trading_name="Moon Club", legal_name="Luna Sports Ltd", organization_type="club")
        add_customer(work, party_id=body.id, name="Moon Club")
        change_organization(work, body.id, organization_type="company")
        return body.id

    party_id = database.write(anyone, add)
    body = database.read(anyone, lambda work: party(work, party_id))
    assert isinstance(body, Organization)
    assert (body.full_name, body.organization_type, body.revision) == ("Moon Club", "company", 2)
    for text in ("moon", "LUNA SP"):
        (found,) = database.read(anyone, lambda work, t=text: find_customers_by_name(work, t))
        assert found.name == "Moon Club"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("mul", ["Anna Müller", "Bernd Müller-Lüdenscheidt"]),
        ("MÜLLER A", ["Anna Müller"]),
        ("anna m", ["Anna Müller"]),
        ("muller lud", ["Bernd Müller-Lüdenscheidt"]),
        ("strauss", ["Zoë Strauß"]),
        ("zoe", ["Zoë Strauß"]),
        ("δ", ["Άννα Δέλτα"]),
        ("ller", []),
        ("%", []),
        ("'; drop table party; --", []),
        ("", []),
    ],
)
def test_customers_are_found_by_the_beginning_of_a_name(
    database: Database, anyone: Caller, caller_of: Callers, text: str, names: list[str]
) -> None:
    def add(work: Work) -> None:
        for given, family in (
            ("Anna", "Müller"),
            ("Bernd", "Müller-Lüdenscheidt"),
            ("Zoë", "Strauß"),
            ("Άννα", "Δέλτα"),
        ):
            a_customer(work, given, family)

    database.write(anyone, add)
    database.write(caller_of(tenant="brand-2"), add)
    found = database.read(anyone, lambda work: find_customers_by_name(work, text))
    assert [row.name for row in found] == names


def test_a_renamed_person_is_found_by_the_new_name(database: Database, anyone: Caller) -> None:
    made = database.write(anyone, a_customer)
    database.write(anyone, lambda work: change_individual(work, made.party_id, family_name="Nováková"))
    assert not database.read(anyone, lambda work: find_customers_by_name(work, "muller"))
    (found,) = database.read(anyone, lambda work: find_customers_by_name(work, "novako"))
    assert found.id == made.id


def test_search_by_name_uses_its_index(database: Database, anyone: Caller) -> None:
    """What makes it quick among a million: the range is one of an index that gives the order, too."""
    statements: list[tuple[str, Any]] = []

    @sa.event.listens_for(database.readers, "before_cursor_execute")
    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *rest: Any) -> None:
        statements.append((statement, parameters))

    database.read(anyone, lambda work: find_customers_by_name(work, "mul"))
    searches = [(text, values) for text, values in statements if "name_key" in text or "given_key" in text]
    assert len(searches) == 2
    is_sqlite = database.engine.dialect.name == "sqlite"
    with database.engine.connect() as connection:
        if not is_sqlite:
            connection.exec_driver_sql("SET enable_seqscan = off")
            connection.exec_driver_sql("SET enable_bitmapscan = off")
        for text, values in searches:
            rows = connection.exec_driver_sql(f"{'EXPLAIN QUERY PLAN' if is_sqlite else 'EXPLAIN'} {text}", values)
            plan = " ".join(str(row) for row in rows)
            column = "name_key" if "name_key >=" in text else "given_key"
            assert f"ix_party_tenant_{column}" in plan, plan
            assert "ix_customer_tenant_party_id" in plan, plan


def test_the_preferred_way_is_one_and_comes_first(database: Database, anyone: Caller) -> None:
    def add(work: Work) -> str:
        person = add_individual(work, given_name="Ann", family_name="Li")
        for phone in ("+49 30 1", "+49 30 2", "+49 30 3"):
            add_contact_medium(
                work, party_id=person.id, medium_type="phone", phone_number=phone, is_preferred=phone[-1] != "3"
            )
        return person.id

    party_id = database.write(anyone, add)
    media = database.read(anyone, lambda work: contact_media_of(work, [party_id]))
    assert [(medium.phone_number, medium.is_preferred) for medium in media] == [
        ("+49 30 2", True),
        ("+49 30 1", False),
        ("+49 30 3", False),
    ]
    database.write(anyone, lambda work: remove_contact_medium(work, media[0].id))
    assert len(database.read(anyone, lambda work: contact_media_of(work, [party_id]))) == 2


def test_roles_begin_and_end(database: Database, anyone: Caller, clock: TestClock) -> None:
    def add(work: Work) -> tuple[str, str, str]:
        made = a_customer(work)
        account = a_billing_account(work, made.id)
        friend = add_individual(work, given_name="Bo", family_name="Li")
        add_role(work, party_id=friend.id, role="billing contact", billing_account_id=account.id)
        return made.id, account.id, add_role(work, party_id=friend.id, role="user", customer_id=made.id).id

    customer_id, account_id, role_id = database.write(anyone, add)
    clock.advance(days=1)
    for _ in range(2):
        database.write(anyone, lambda work: end_role(work, role_id))
        clock.advance(days=1)
    (role,) = database.read(anyone, lambda work: roles_of_customer(work, customer_id))
    assert (role.role, role.to_ns) == ("user", NOW_NS + 86_400 * 10**9)
    (contact,) = database.read(anyone, lambda work: roles_of_billing_account(work, account_id))
    assert (contact.role, contact.to_ns) == ("billing contact", None)


def test_who_pays_for_an_account_is_known_at_each_instant(database: Database, anyone: Caller, clock: TestClock) -> None:
    def add(work: Work) -> tuple[str, str]:
        made = a_customer(work)
        first, second = a_billing_account(work, made.id), a_billing_account(work, made.id)
        link_account(work, billing_account_id=first.id, engine_account_id=7)
        link_account(work, billing_account_id=first.id, engine_account_id=7)
        return first.id, second.id

    first, second = database.write(anyone, add)
    clock.advance(s=10)
    database.write(anyone, lambda work: link_account(work, billing_account_id=second, engine_account_id=7))
    moved_ns = clock.at_ns
    clock.advance(s=10)
    database.write(anyone, lambda work: unlink_account(work, engine_account_id=7))
    for at_ns, payer in (
        (NOW_NS - 1, None),
        (NOW_NS, first),
        (moved_ns - 1, first),
        (moved_ns, second),
        (clock.at_ns - 1, second),
        (clock.at_ns, None),
    ):
        assert database.read(anyone, lambda work, at=at_ns: payer_at(work, 7, at_ns=at)) == payer
    (link,) = database.read(anyone, lambda work: links_of_billing_account(work, first))
    assert (link.from_ns, link.to_ns) == (NOW_NS, moved_ns)


def test_a_link_that_would_overlap_is_refused(database: Database, anyone: Caller) -> None:
    def add(work: Work) -> str:
        made = a_customer(work)
        first, second = a_billing_account(work, made.id), a_billing_account(work, made.id)
        link_account(work, billing_account_id=first.id, engine_account_id=7)
        return second.id

    second = database.write(anyone, add)
    with pytest.raises(Conflict, match="another billing account pays"):
        database.write(
            anyone,
            lambda work: link_account(work, billing_account_id=second, engine_account_id=7, from_ns=NOW_NS - 5),
        )


def test_a_closed_customer_stays_closed(database: Database, anyone: Caller) -> None:
    made = database.write(anyone, a_customer)
    closed = database.write(
        anyone, lambda work: set_customer_status(work, made.id, status=CustomerStatus.CLOSED, reason="moved away")
    )
    assert (closed.status, closed.status_reason) == ("closed", "moved away")
    assert closed.to_ns is not None
    with pytest.raises(Conflict, match="closed is its end"):
        database.write(anyone, lambda work: set_customer_status(work, made.id, status=CustomerStatus.ACTIVE))
    with pytest.raises(Conflict, match="the customer is closed"):
        database.write(anyone, lambda work: a_billing_account(work, made.id))


def test_what_others_refer_to_is_not_removed(database: Database, anyone: Caller) -> None:
    made = database.write(anyone, a_customer)
    account = database.write(anyone, lambda work: a_billing_account(work, made.id))
    with pytest.raises(Conflict, match="Close it instead"):
        database.write(anyone, lambda work: remove_customer(work, made.id))
    with pytest.raises(Conflict, match="is a customer"):
        database.write(anyone, lambda work: remove_party(work, made.party_id))
    database.write(anyone, lambda work: remove_billing_account(work, account.id))
    database.write(anyone, lambda work: remove_customer(work, made.id))
    database.write(anyone, lambda work: remove_party(work, made.party_id))
    with pytest.raises(NotFound):
        database.read(anyone, lambda work: party(work, made.party_id))


def test_a_billing_account_keeps_its_currency(database: Database, anyone: Caller) -> None:
    made = database.write(anyone, a_customer)
    account = database.write(anyone, lambda work: a_billing_account(work, made.id))
    changed = database.write(
        anyone, lambda work: change_billing_account(work, account.id, credit_limit_micros=50_000_000, bill_cycle_day=1)
    )
    assert (changed.credit_limit_micros, changed.bill_cycle_day, changed.currency) == (50_000_000, 1, "EUR")
    with pytest.raises(Conflict, match="the account is in EUR"):
        database.write(anyone, lambda work: change_billing_account(work, account.id, currency="USD"))
    database.write(anyone, lambda work: set_billing_account_state(work, account.id, state=BillingAccountState.CLOSED))
    (shown,) = database.read(anyone, lambda work: billing_accounts_of(work, [made.id]))
    assert shown.state == "closed"
    with pytest.raises(Stale):
        database.write(
            anyone,
            lambda work: change_billing_account(work, account.id, if_revision=1, name="other"),
        )


def test_bad_input_names_field_and_remedy(database: Database, anyone: Caller) -> None:
    made = database.write(anyone, a_customer)
    asked: tuple[tuple[Callable[[Work], object], type[BusinessError], str], ...] = (
        (lambda work: add_individual(work, given_name="", family_name="Li"), Invalid, "given_name"),
        (lambda work: add_individual(work, given_name="A", family_name="x" * 201), Invalid, "family_name"),
        (
            lambda work: add_individual(work, given_name="A", family_name="B", birth_date="1.2.90"),
            Invalid,
            "birth_date",
        ),
        (lambda work: add_individual(work, given_name="A", family_name="B", shoe_size=44), Invalid, "shoe_size"),
        (lambda work: add_individual(work, given_name="A\0", family_name="B"), Invalid, "given_name"),
        (lambda work: add_individual(work, given_name=7, family_name="B"), Invalid, "given_name"),
        (lambda work: add_individual(work, given_name="A", family_name="B", status="x"), Invalid, "status"),
        (lambda work: change_individual(work, "none", given_name="A"), NotFound, "id"),
        (lambda work: change_organization(work, made.party_id, trading_name="A"), NotFound, "id"),
        (lambda work: add_customer(work, party_id="none", name="A"), NotFound, "party_id"),
        (lambda work: add_customer(work, party_id=made.party_id, name=" "), Invalid, "name"),
        (lambda work: change_customer(work, made.id, characteristics={"a": 1.5}), Invalid, "characteristics"),
        (lambda work: change_customer(work, made.id, to_ns=NOW_NS - 1), Conflict, "to_ns"),
        (lambda work: add_contact_medium(work, party_id=made.party_id, medium_type="pigeon"), Invalid, "medium_type"),
        (
            lambda work: add_contact_medium(
                work, party_id=made.party_id, medium_type="email", email_address="no address"
            ),
            Invalid,
            "email_address",
        ),
        (
            lambda work: add_contact_medium(work, party_id=made.party_id, medium_type="phone", phone_number="call me"),
            Invalid,
            "phone_number",
        ),
        (lambda work: add_role(work, party_id=made.party_id, role="user"), Invalid, "customer_id"),
        (
            lambda work: add_billing_account(work, customer_id=made.id, name="A", currency="Euro"),
            Invalid,
            "currency",
        ),
        (
            lambda work: add_billing_account(work, customer_id=made.id, name="A", currency="EUR", bill_cycle_day=31),
            Invalid,
            "bill_cycle_day",
        ),
        (
            lambda work: add_billing_account(
                work, customer_id=made.id, name="A", currency="EUR", credit_limit_micros=1.5
            ),
            Invalid,
            "credit_limit_micros",
        ),
    )
    for ask, error, field in asked:
        with pytest.raises(error) as raised:
            database.write(anyone, ask)
        assert raised.value.field == field
        assert raised.value.remedy


def test_a_search_key_is_never_longer_than_its_column() -> None:
    assert len(search_key("ﷺ" * 200)) == 200
    assert search_key(" O'Brien  ", None, "JOSÉ") == "o brien jose"
