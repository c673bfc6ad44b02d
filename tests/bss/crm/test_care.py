"""Consents, interactions and tickets on both databases, and the timeline of them."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bss.access import Caller
from bss.crm.care_operations import (
    DUE_KINDS,
    add_ticket_note,
    change_interaction,
    change_ticket,
    mark_overdue,
    open_ticket,
    record_consent,
    record_interaction,
    set_ticket_status,
)
from bss.crm.queries import (
    consent_history,
    consents_in_force,
    interaction,
    open_tickets,
    ticket,
    ticket_notes,
    ticket_statuses,
    tickets_of_customer,
    timeline,
)
from bss.crm.records import Ticket
from bss.crm.states import TICKET_DUE_NS, TICKET_NEXT, InteractionStatus, TicketStatus
from bss.due import due_of
from bss.edge.database import Database
from bss.edge.due_rows import DueRows
from bss.errors import BusinessError, Conflict, Invalid, NotFound
from bss.outbox import OUTBOX
from bss.work import Work
from tests.bss.conftest import NOW_NS, TestClock
from tests.bss.customers import a_customer


def a_ticket(work: Work, customer_id: str | None = None, **values: str) -> Ticket:
    return open_ticket(
        work, description="No data", severity="major", ticket_type="network", customer_id=customer_id, **values
    )


def due_rows(database: Database) -> DueRows:
    handlers = dict.fromkeys(DUE_KINDS, (mark_overdue, frozenset({"ticket:write"})))
    return DueRows(database, handlers, holder="test")


def test_the_last_word_holds_and_all_are_kept(database: Database, anyone: Caller, clock: TestClock) -> None:
    made = database.write(anyone, a_customer)
    for is_granted in (True, False):
        clock.advance(s=1)
        database.write(
            anyone,
            lambda work, said=is_granted: record_consent(
                work, party_id=made.party_id, purpose="marketing", is_granted=said, channel="web", text_version="3"
            ),
        )
    held = database.read(anyone, lambda work: consents_in_force(work, made.party_id))
    assert {purpose: consent.is_granted for purpose, consent in held.items()} == {"marketing": False}
    history = database.read(anyone, lambda work: consent_history(work, made.party_id))
    assert [(consent.is_granted, consent.at_ns) for consent in history] == [
        (True, NOW_NS + 10**9),
        (False, NOW_NS + 2 * 10**9),
    ]


def test_a_ticket_goes_its_way(database: Database, anyone: Caller, clock: TestClock) -> None:
    made = database.write(anyone, a_customer)
    opened = database.write(anyone, lambda work: a_ticket(work, made.id))
    assert (opened.status, opened.party_id, opened.due_ns) == (
        "acknowledged",
        made.party_id,
        NOW_NS + TICKET_DUE_NS["major"],
    )
    for status in (TicketStatus.IN_PROGRESS, TicketStatus.HELD, TicketStatus.IN_PROGRESS, TicketStatus.RESOLVED):
        clock.advance(s=60)
        database.write(anyone, lambda work, to=status: set_ticket_status(work, opened.id, status=to, reason="as seen"))
    shown = database.read(anyone, lambda work: ticket(work, opened.id))
    assert (shown.status, shown.resolved_ns, shown.status_reason) == ("resolved", clock.at_ns, "as seen")
    statuses = database.read(anyone, lambda work: ticket_statuses(work, [opened.id]))
    assert [row.status for row in statuses] == ["acknowledged", "inProgress", "held", "inProgress", "resolved"]
    assert not database.read(anyone, lambda work: due_of(work, opened.id))
    assert not database.read(anyone, open_tickets)
    database.write(anyone, lambda work: set_ticket_status(work, opened.id, status=TicketStatus.IN_PROGRESS))
    reopened = database.read(anyone, lambda work: ticket(work, opened.id))
    assert reopened.resolved_ns is None
    (due,) = database.read(anyone, lambda work: due_of(work, opened.id))
    assert due.at_ns == opened.due_ns


def test_only_what_the_table_has_can_become_of_a_ticket(database: Database, anyone: Caller) -> None:
    ways: dict[str, tuple[TicketStatus, ...]] = {
        TicketStatus.ACKNOWLEDGED: (),
        TicketStatus.CLOSED: (TicketStatus.RESOLVED, TicketStatus.CLOSED),
    }

    class _Undone(Exception):
        pass

    def walk(work: Work, way: tuple[TicketStatus, ...], to: TicketStatus) -> None:
        opened = a_ticket(work)
        for step in (*way, to):
            set_ticket_status(work, opened.id, status=step)
        raise _Undone

    for status in TicketStatus:
        way = ways.get(status, (status,))
        for to in TicketStatus:
            if status != to:
                with pytest.raises(_Undone if to in TICKET_NEXT[status] else Conflict):
                    database.write(anyone, lambda work, w=way, t=to: walk(work, w, t))


def test_a_late_ticket_is_told_once(database: Database, anyone: Caller, clock: TestClock) -> None:
    opened = database.write(anyone, a_ticket)
    clock.at_ns = opened.due_ns or 0
    assert due_rows(database).run_due() == 1
    assert due_rows(database).run_due() == 0
    shown = database.read(anyone, lambda work: ticket(work, opened.id))
    assert shown.overdue_ns == opened.due_ns
    told = database.read(anyone, lambda work: work.rows(sa.select(OUTBOX.c.kind)))
    assert [row["kind"] for row in told] == ["TroubleTicketCreateEvent", "TroubleTicketOverdueEvent"]
    database.write(anyone, lambda work: change_ticket(work, opened.id, due_ns=clock.at_ns + 1))
    assert database.read(anyone, lambda work: ticket(work, opened.id)).overdue_ns is None
    clock.advance(s=1)
    assert due_rows(database).run_due() == 1


def test_the_timeline_has_all_of_a_customer_in_order(database: Database, anyone: Caller, clock: TestClock) -> None:
    made = database.write(anyone, a_customer)
    opened = database.write(anyone, lambda work: a_ticket(work, made.id))
    steps: tuple[Callable[[Work], object], ...] = (
        lambda work: record_interaction(
            work, direction="inbound", channel="phone", reason="no data", ticket_id=opened.id, description="in Kiel"
        ),
        lambda work: add_ticket_note(work, opened.id, text="cell is down"),
        lambda work: set_ticket_status(work, opened.id, status=TicketStatus.RESOLVED, reason="cell is up"),
        lambda work: record_consent(
            work, party_id=made.party_id, purpose="location", is_granted=True, channel="phone", text_version="1"
        ),
    )
    for step in steps:
        clock.advance(s=60)
        database.write(anyone, step)
    entries = database.read(anyone, lambda work: timeline(work, made.id))
    assert [(entry.kind, entry.title, entry.text) for entry in entries] == [
        ("consent", "location granted", "by phone, text 1"),
        ("ticket", "ticket resolved", "cell is up"),
        ("note", "note to a ticket", "cell is down"),
        ("interaction", "no data", "in Kiel"),
        ("ticket", "ticket acknowledged", None),
    ]
    page = database.read(anyone, lambda work: timeline(work, made.id, before_ns=entries[1].at_ns, limit=2))
    assert page == entries[2:4]
    assert [row.text for row in database.read(anyone, lambda work: ticket_notes(work, [opened.id]))] == ["cell is down"]
    assert len(database.read(anyone, lambda work: tickets_of_customer(work, made.id))) == 1


def test_an_interaction_goes_its_way(database: Database, anyone: Caller) -> None:
    made = database.write(anyone, a_customer)
    begun = database.write(
        anyone,
        lambda work: record_interaction(
            work,
            direction="outbound",
            channel="chat",
            reason="offer",
            customer_id=made.id,
            status=InteractionStatus.OPENED,
        ),
    )
    database.write(
        anyone, lambda work: change_interaction(work, begun.id, status=InteractionStatus.COMPLETED, reason="sold")
    )
    shown = database.read(anyone, lambda work: interaction(work, begun.id))
    assert (shown.status, shown.reason, shown.party_id, shown.subject) == (
        "completed",
        "sold",
        made.party_id,
        "user:ann",
    )
    with pytest.raises(Conflict, match="completed is its end"):
        database.write(anyone, lambda work: change_interaction(work, begun.id, status=InteractionStatus.OPENED))


def test_bad_input_names_field_and_remedy(database: Database, anyone: Caller) -> None:
    opened = database.write(anyone, a_ticket)
    asked: tuple[tuple[Callable[[Work], object], type[BusinessError], str], ...] = (
        (lambda work: open_ticket(work, description="", severity="low", ticket_type="a"), Invalid, "description"),
        (lambda work: open_ticket(work, description="a", severity="huge", ticket_type="a"), Invalid, "severity"),
        (lambda work: open_ticket(work, description="a", severity="low", ticket_type="a", x=1), Invalid, "x"),
        (lambda work: a_ticket(work, "none"), NotFound, "customer_id"),
        (lambda work: change_ticket(work, opened.id, due_ns=None), Invalid, "due_ns"),
        (lambda work: change_ticket(work, opened.id, status="closed"), Invalid, "status"),
        (lambda work: set_ticket_status(work, opened.id, status="x"), Invalid, "status"),  # type: ignore[arg-type]
        (lambda work: add_ticket_note(work, opened.id, text=" "), Invalid, "text"),
        (
            lambda work: record_interaction(work, direction="sideways", channel="a", reason="b"),
            Invalid,
            "direction",
        ),
        (
            lambda work: record_interaction(work, direction="inbound", channel="a", reason="b", from_ns=2, to_ns=1),
            Conflict,
            "to_ns",
        ),
        (
            lambda work: record_consent(
                work, party_id="none", purpose="fun", is_granted=True, channel="a", text_version="1"
            ),
            Invalid,
            "purpose",
        ),
    )
    for ask, error, field in asked:
        with pytest.raises(error) as raised:
            database.write(anyone, ask)
        assert raised.value.field == field
        assert raised.value.remedy
