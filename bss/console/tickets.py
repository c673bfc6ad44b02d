"""A customer's trouble tickets, and opening one."""

from nicegui import ui

from bss.console.frame import act, answer_of
from bss.console.site import Viewer
from bss.console.words import instant
from bss.crm.care_operations import open_ticket
from bss.views.customer_360 import Profile


def ticket_card(viewer: Viewer, profile: Profile) -> None:
    """Open and past tickets; a button for who may open one."""
    with ui.card().classes("w-full gap-2 p-4").props("flat bordered"):
        with ui.row().classes("w-full items-center justify-between"):
            ui.label("Tickets").props("role=heading aria-level=2").classes("text-lg font-semibold")
            if viewer.caller.may("ticket:write"):
                ui.button("Open a ticket", on_click=lambda: _open(viewer, profile)).props("outline dense")
        if not profile.tickets:
            ui.label("None.").classes("text-slate-700")
        for ticket in profile.tickets:
            with ui.row().classes("w-full items-center justify-between border-b border-slate-200 pb-1"):
                with ui.column().classes("gap-0"):
                    ui.label(ticket.name or ticket.ticket_type).classes("font-medium")
                    due = f", due {instant(ticket.due_ns)}" if ticket.due_ns else ""
                    ui.label(f"{ticket.severity}, opened {instant(ticket.created_ns)}{due}").classes(
                        "text-slate-700 text-sm"
                    )
                ui.badge(ticket.status).props("outline")


async def _open(viewer: Viewer, profile: Profile) -> None:
    with ui.dialog() as dialog, ui.card().classes("w-96 gap-3"):
        ui.label("Open a ticket").props("role=heading aria-level=2").classes("text-lg")
        name = (
            ui.input("What is wrong", validation={"Say it in a few words": bool})
            .props("autofocus outlined")
            .classes("w-full")
        )
        text = ui.textarea("More about it").props("outlined").classes("w-full")
        severity = (
            ui.select(["minor", "major", "critical"], value="minor", label="Severity")
            .props("outlined")
            .classes("w-full")
        )
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: dialog.submit(False)).props("flat")
            ui.button("Open", on_click=lambda: dialog.submit(True) if text.validate() else None)
    if not await answer_of(dialog):
        return
    opened = await act(
        lambda: viewer.write(
            lambda work: open_ticket(
                work,
                name=name.value or None,
                description=text.value or "",
                severity=severity.value,
                ticket_type="complaint",
                customer_id=profile.customer.id,
            )
        ),
        "The ticket is open",
    )
    if opened is not None:
        ui.navigate.reload()
