"""Changing one's own password: what comes first with a one-time password."""

from nicegui import ui

from bss.console.frame import act, page
from bss.console.site import ROOT, Site, Viewer
from bss.identity.operations import OWN_PASSWORD, change_own_password


def register(site: Site) -> None:
    """The page."""

    @page(site, f"{ROOT}/password", "Your password", OWN_PASSWORD)
    async def password(viewer: Viewer) -> None:
        ui.label("A one-time password is good for this alone: choose one of your own.").classes("text-slate-700")
        old = (
            ui.input("Password until now", password=True)
            .props("outlined autocomplete=current-password")
            .classes("w-80")
        )
        new = ui.input("New password", password=True).props("outlined autocomplete=new-password").classes("w-80")
        again = (
            ui.input("New password again", password=True, validation={"It differs": lambda text: text == new.value})
            .props("outlined autocomplete=new-password")
            .classes("w-80")
        )

        async def change() -> bool:
            await viewer.write(lambda work: change_own_password(work, old=old.value or "", new=new.value or ""))
            return True

        async def on_click() -> None:
            if again.validate() and await act(change, "The password is changed"):
                ui.navigate.to(f"{ROOT}/login")

        again.on("keydown.enter", on_click)
        ui.button("Change it", on_click=on_click)
