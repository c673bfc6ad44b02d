"""Trouble tickets: those that are open, one with its states and notes, opening one from a customer's page."""

from nicegui import ui

from bss.console.forms import Asked, ask, given
from bss.console.frame import act, page, show_card
from bss.console.rows import show_facts, show_rows
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import instant, instant_of, person
from bss.crm.care_operations import add_ticket_note, change_ticket, open_ticket, set_ticket_status
from bss.crm.queries import open_tickets, ticket, ticket_notes, ticket_statuses
from bss.crm.records import Ticket, TicketNote, TicketStatusChange
from bss.crm.states import TICKET_DUE_NS, TICKET_ENDED, TICKET_NEXT, TicketStatus
from bss.views.customer_360 import Profile
from bss.work import Work

PATH = f"{ROOT}/tickets"
SHOWN_MAX = 200
TICKET_TYPES = {"complaint": "complaint", "network": "network", "billing": "billing", "request": "request"}
_VERBS = {
    TicketStatus.IN_PROGRESS: "Work on it",
    TicketStatus.PENDING: "Wait for the customer",
    TicketStatus.HELD: "Hold",
    TicketStatus.RESOLVED: "Resolve",
    TicketStatus.REJECTED: "Reject",
    TicketStatus.CANCELLED: "Cancel the ticket",
    TicketStatus.CLOSED: "Close",
}
_DUE_RULE = ("An instant such as 2026-03-01T12:00:00Z", lambda text: instant_of(text) is not None)


def register(site: Site) -> None:
    """The list and the page of one ticket."""

    @page(site, PATH, "Tickets", "ticket:read")
    async def tickets(viewer: Viewer, mine: str = "") -> None:
        ui.toggle(
            {"": "All that are open", "1": "Mine"},
            value="1" if mine else "",
            on_change=lambda event: ui.navigate.to(f"{PATH}?mine={event.value}"),
        ).props("no-caps")
        assignee = viewer.caller.subject if mine else ""
        found = await viewer.read(lambda work: open_tickets(work, assignee=assignee, limit=SHOWN_MAX))
        show_rows(
            ("ticket", "severity", "state", "due", "late since", "who works on it", "opened"),
            [
                (
                    each.name or each.ticket_type,
                    each.severity,
                    each.status,
                    instant(each.due_ns),
                    instant(each.overdue_ns),
                    person(each.assignee),
                    instant(each.created_ns),
                )
                for each in found
            ],
            links=[f"{PATH}/{each.id}" for each in found],
            empty=("No ticket is open", "They are opened on a customer's page, or over TMF621"),
        )

    @page(site, f"{PATH}/{{ticket_id}}", "Ticket", "ticket:read")
    async def one(viewer: Viewer, ticket_id: str) -> None:
        def read(work: Work) -> tuple[Ticket, list[TicketStatusChange], list[TicketNote]]:
            return ticket(work, ticket_id), ticket_statuses(work, [ticket_id]), ticket_notes(work, [ticket_id])

        shown, changes, notes = await viewer.read(read)
        _draw(viewer, shown)
        with show_card("Notes"):
            if viewer.caller.may("ticket:write"):
                ui.button("Write a note", on_click=lambda: _write_note(viewer, shown)).props("outline dense")
            if not notes:
                ui.label("None yet.").classes("text-slate-700")
            for note in reversed(notes):
                ui.label(note.text or "(erased)")
                ui.label(f"{instant(note.at_ns)}, {person(note.author)}").classes("text-slate-700 text-sm")
        with show_card("States it had"):
            show_rows(
                ("state", "since", "by", "why"),
                [(each.status, instant(each.at_ns), person(each.subject), each.reason or "") for each in changes],
                empty=("None", "A ticket is acknowledged when it is opened"),
            )


def _draw(viewer: Viewer, shown: Ticket) -> None:
    with ui.row().classes("items-center gap-3"):
        ui.label(shown.name or shown.ticket_type).classes("text-xl font-semibold")
        ui.badge(shown.status).props("outline")
        if shown.overdue_ns:
            ui.badge("late").props("color=negative")
    facts = [
        ("severity", shown.severity),
        ("type", shown.ticket_type),
        ("opened", instant(shown.created_ns)),
        ("due", instant(shown.due_ns)),
        ("resolved", instant(shown.resolved_ns)),
        ("who works on it", person(shown.assignee)),
        ("what it is about", shown.description or "-"),
    ]
    if shown.status_reason:
        facts.append((f"{shown.status} because", shown.status_reason))
    show_facts(facts)
    if shown.customer_id:
        ui.link("The customer", f"{ROOT}/customers/{shown.customer_id}")
    if not viewer.caller.may("ticket:write"):
        return
    with ui.row().classes("gap-2"):
        for status in TICKET_NEXT[shown.status]:
            ui.button(
                _VERBS[TicketStatus(status)], on_click=lambda status=status: _set_status(viewer, shown, status)
            ).props("outline dense")
        if shown.status not in TICKET_ENDED:
            ui.button("Take it over", on_click=lambda: _take_over(viewer, shown)).props("outline dense")
            ui.button("Change when it is due", on_click=lambda: _change_due(viewer, shown)).props("outline dense")


async def _set_status(viewer: Viewer, shown: Ticket, status: str) -> None:
    verb = _VERBS[TicketStatus(status)]
    reason = Asked("reason", "Why", rule=given("Say why: it is kept with the ticket"), is_long=True)
    asked = await ask(f"{verb}?", [reason], verb, text=f"The ticket is {status} then.")
    if asked is None:
        return
    done = await act(
        lambda: viewer.write(
            lambda work: set_ticket_status(
                work,
                shown.id,
                status=TicketStatus(status),
                reason=asked["reason"],
                if_revision=shown.revision,
            )
        ),
        f"The ticket is {status}",
    )
    if done is not None:
        ui.navigate.reload()


async def _take_over(viewer: Viewer, shown: Ticket) -> None:
    done = await act(
        lambda: viewer.write(
            lambda work: change_ticket(work, shown.id, if_revision=shown.revision, assignee=work.caller.subject)
        ),
        "The ticket is yours",
    )
    if done is not None:
        ui.navigate.reload()


async def _change_due(viewer: Viewer, shown: Ticket) -> None:
    now = instant(shown.due_ns).removesuffix(" UTC").replace(" ", "T") + "Z"
    asked = await ask("When is it due?", [Asked("due", "Due, in UTC", now, rule=_DUE_RULE)], "Change it")
    if asked is None:
        return
    due_ns = instant_of(asked["due"])
    done = await act(
        lambda: viewer.write(lambda work: change_ticket(work, shown.id, if_revision=shown.revision, due_ns=due_ns)),
        "It is due then",
    )
    if done is not None:
        ui.navigate.reload()


async def _write_note(viewer: Viewer, shown: Ticket) -> None:
    asked = await ask("Write a note", [Asked("text", "Note", is_long=True, rule=given("Write something"))], "Write it")
    if asked is None:
        return
    if await act(lambda: viewer.write(lambda work: add_ticket_note(work, shown.id, text=asked["text"])), "It is noted"):
        ui.navigate.reload()


def ticket_card(viewer: Viewer, profile: Profile) -> None:
    """Tickets of a customer; a button for who may open one."""
    with show_card("Tickets"):
        if viewer.caller.may("ticket:write"):
            ui.button("Open a ticket", on_click=lambda: _open(viewer, profile)).props("outline dense")
        if not viewer.caller.may("ticket:read"):
            ui.label("They need the permission ticket:read.").classes("text-slate-700")
            return
        if not profile.tickets:
            ui.label("None.").classes("text-slate-700")
        for each in profile.tickets:
            with ui.row().classes("w-full items-center justify-between border-b border-slate-200 pb-1"):
                with ui.column().classes("gap-0"):
                    ui.link(each.name or each.ticket_type, f"{PATH}/{each.id}").classes("font-medium")
                    due = f", due {instant(each.due_ns)}" if each.due_ns and each.status not in TICKET_ENDED else ""
                    ui.label(f"{each.severity}, opened {instant(each.created_ns)}{due}").classes(
                        "text-slate-700 text-sm"
                    )
                ui.badge(each.status).props("outline")


async def _open(viewer: Viewer, profile: Profile) -> None:
    asked = await ask(
        "Open a ticket",
        [
            Asked("name", "What is wrong", rule=given("Say it in a few words")),
            Asked("description", "More about it", is_long=True, rule=given("Say what happened")),
            Asked("ticket_type", "About what", choices=TICKET_TYPES),
            Asked("severity", "Severity", "minor", choices={each: each for each in TICKET_DUE_NS}),
        ],
        "Open",
    )
    if asked is None:
        return
    opened = await act(
        lambda: viewer.write(lambda work: open_ticket(work, customer_id=profile.customer.id, **asked)),
        "The ticket is open",
    )
    if opened is not None:
        ui.navigate.reload()
