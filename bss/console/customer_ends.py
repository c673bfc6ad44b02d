"""When a customer leaves: closing them, and erasing the person. Neither can be undone, so both are asked for by name."""

from nicegui import ui

from bss.console.forms import Asked, ask, given
from bss.console.frame import act
from bss.console.site import Viewer
from bss.crm.states import CustomerStatus
from bss.orchestration.customer_closing import close_customer
from bss.orchestration.person_erasure import erase_person
from bss.views.customer_360 import Profile
from bss.work import Work

ERASE_TEXT = (
    "Names, contacts, documents, notes, reasons and what the audit trail holds of them are gone for good. That there was a"
    " customer with these products, numbers and orders stays. Charging records hold numbers until they are purged by age."
)


def end_buttons(viewer: Viewer, profile: Profile) -> None:
    """Close for who may write customers, erase for who may erase."""
    caller, is_closed = viewer.caller, profile.customer.status == CustomerStatus.CLOSED
    if not is_closed and caller.may("customer:write"):
        ui.button("Close", on_click=lambda: _close(viewer, profile)).props("outline dense color=negative")
    if caller.may("customer:erase") and profile.party.erased_ns is None:
        ui.button("Erase the person", on_click=lambda: _erase(viewer, profile)).props("outline dense color=negative")


async def _close(viewer: Viewer, profile: Profile) -> None:
    reason = Asked("reason", "Why", rule=given("Say why: it is kept with the customer"))
    text = (
        "Their billing accounts are closed with them. It can't be opened again; products have to be terminated first, and"
        " orders to be cancelled or ended."
    )
    asked = await ask("Close this customer?", [reason], "Close", text=text)
    if asked is None:
        return
    done = await act(
        lambda: viewer.write(lambda work: close_customer(work, profile.customer.id, reason=asked["reason"])),
        "The customer is closed",
    )
    if done is not None:
        ui.navigate.reload()


async def _erase(viewer: Viewer, profile: Profile) -> None:
    name = profile.party.full_name
    typed = Asked("name", f"Type {name} to erase them", rule=("It is another name", lambda text: text.strip() == name))
    if await ask("Erase this person?", [typed], "Erase for ever", text=ERASE_TEXT) is None:
        return

    def erase(work: Work) -> bool:
        erase_person(work, profile.party.id)
        return True

    if await act(lambda: viewer.write(erase), "The person is erased"):
        ui.navigate.reload()
