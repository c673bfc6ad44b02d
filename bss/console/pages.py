"""Registers every page of the console with an application."""

from fastapi import FastAPI
from nicegui import ui

from bss.console import (
    automation,
    automation_runs,
    catalogue,
    customer,
    customer_changes,
    customers,
    fallout,
    inventory,
    live,
    order_form,
    orders,
    password,
    tickets,
)
from bss.console.login import login_routes
from bss.console.site import Site

_PAGES = (
    live,
    customers,
    customer,
    customer_changes,
    tickets,
    order_form,
    orders,
    fallout,
    catalogue,
    inventory,
    automation,
    automation_runs,
    password,
)


def mount_console(app: FastAPI, site: Site, *, secret: str) -> None:
    """Console pages below /console, its login routes first. `secret` signs NiceGUI's own cookie."""
    app.router.routes.extend(login_routes(site.logins))
    for module in _PAGES:
        module.register(site)
    ui.button.default_props("no-caps")
    ui.run_with(app, storage_secret=secret, language="en-US", title="Farebox", favicon="🎫")
