"""Registers every page of the console with an application."""

from fastapi import FastAPI
from nicegui import ui
from starlette.routing import Route

from bss.console import live
from bss.console.site import Site


def mount_console(app: FastAPI, site: Site, routes: list[Route], *, secret: str) -> None:
    """Console pages below /console, its login routes first. `secret` signs NiceGUI's own cookie."""
    app.router.routes.extend(routes)
    for module in (live,):
        module.register(site)
    ui.run_with(app, storage_secret=secret, language="en-US", title="Farebox", favicon="🎫")
