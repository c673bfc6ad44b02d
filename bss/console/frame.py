"""The frame of every page: head, navigation, and what is shown instead of a page that can't be: nobody logged in, forbidden,
an error with its remedy, nothing there.
"""

import inspect
import urllib.parse
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, NamedTuple, TypeVar

import structlog
from nicegui import ui
from sqlalchemy.exc import OperationalError
from starlette.responses import RedirectResponse, Response

from bss.access import Forbidden, Unauthenticated
from bss.console.site import ROOT, Site, Viewer, viewer_of
from bss.console.words import person
from bss.errors import BusinessError

T = TypeVar("T")

_log = structlog.get_logger(process="bss-web")

BRAND: Final = "#0b4f6c"
ACCENT: Final = "#f2a541"
POSITIVE: Final = "#15803d"
"""White is read on it."""
_STYLE: Final = f"""
.nicegui-link {{ color: {BRAND}; }} header .nicegui-link {{ color: white; }}
.q-btn--dense {{ padding: 4px 10px; }} .q-table td {{ white-space: pre-line; }}
"""
SEARCH_TITLE: Final = "Customers"
"""The page that is the search itself."""
_DATABASE_AWAY: Final = "The database can't be used"


class Place(NamedTuple):
    """A page in the navigation; who lacks the permission doesn't see it there."""

    path: str
    icon: str
    title: str
    permission: str


PLACES: Final = (
    Place(f"{ROOT}", "monitor_heart", "Live operations", "balance:read"),
    Place(f"{ROOT}/customers", "groups", "Customers", "customer:read"),
    Place(f"{ROOT}/tickets", "support_agent", "Tickets", "ticket:read"),
    Place(f"{ROOT}/orders", "shopping_cart", "Orders", "order:read"),
    Place(f"{ROOT}/fallout", "report_problem", "Fallout", "order:repair"),
    Place(f"{ROOT}/catalogue", "sell", "Catalogue", "catalog:read"),
    Place(f"{ROOT}/inventory", "sim_card", "Inventory", "inventory:read"),
    Place(f"{ROOT}/automation", "bolt", "Automation", "automation:read"),
    Place(f"{ROOT}/automation/runs", "rule", "Automation runs", "automation:read"),
)


@contextmanager
def frame(viewer: Viewer, title: str) -> Iterator[ui.column]:
    """Head, navigation and a column for the page's own things."""
    ui.colors(primary=BRAND, accent=ACCENT, positive=POSITIVE)
    ui.add_css(_STYLE)
    ui.page_title(f"{title} - Farebox")
    with ui.header().classes("items-center gap-4 px-4 py-2"):
        menu = ui.button(icon="menu").props('flat round color=white aria-label="Navigation"').classes("lg:hidden")
        ui.link("Farebox", ROOT).classes("text-white text-lg font-bold no-underline")
        ui.space()
        if viewer.caller.may("customer:read") and title != SEARCH_TITLE:
            _search_box()
        ui.label(f"{person(viewer.caller.subject)} at {viewer.caller.tenant}").classes("text-white")
        ui.link("Log out", f"{ROOT}/logout").classes("text-white")
    with ui.left_drawer(value=None).props("breakpoint=1023 width=220 bordered").classes("bg-slate-50") as drawer:
        with ui.element("nav").props('aria-label="Pages"').classes("w-full"):
            for place in PLACES:
                if viewer.caller.may(place.permission):
                    _place_link(place, is_here=place.title == title)
    menu.on_click(drawer.toggle)
    with ui.element("main").classes("w-full"):
        with ui.column().classes("w-full max-w-screen-xl mx-auto p-2 md:p-4 gap-4") as column:
            ui.label(title).props("role=heading aria-level=1").classes("text-2xl font-semibold")
            yield column


def _search_box() -> None:
    """Finds a customer from any page: `/` goes there, Enter shows who was found. Below the rest on a phone."""
    box = (
        ui.input(placeholder="Number, IMSI or name (press /)")
        .props('dark dense outlined clearable aria-label="Find a customer"')
        .classes("w-full order-last md:w-72 md:order-none")
    )

    def find() -> None:
        text = (box.value or "").strip()
        if text:
            ui.navigate.to(f"{ROOT}/customers?q={urllib.parse.quote(text)}")

    box.on("keydown.enter", find)
    focus_on_slash(box)


def focus_on_slash(box: ui.input) -> None:
    """`/` brings the keyboard to the box, unless something is being typed elsewhere."""
    ui.keyboard(on_key=lambda event: box.run_method("focus") if event.key == "/" and event.action.keydown else None)


def _place_link(place: Place, *, is_here: bool) -> None:
    colours = "bg-sky-100 font-semibold" if is_here else ""
    with ui.link(target=place.path).classes(f"no-underline text-slate-800 w-full block rounded {colours}"):
        with ui.row().classes("items-center gap-3 px-3 py-2 no-wrap"):
            ui.icon(place.icon).props("aria-hidden=true").classes("text-xl")
            ui.label(place.title)


def show_card(title: str) -> ui.card:
    """A card with its heading, to be filled."""
    card = ui.card().classes("w-full gap-2 p-4").props("flat bordered")
    with card:
        ui.label(title).props("role=heading aria-level=2").classes("text-lg font-semibold")
    return card


def show_forbidden(permission: str) -> None:
    """In place of what the viewer may not see."""
    _notice(
        "lock", "Not for you", f"This needs the permission {permission}. An administrator can grant a role that has it."
    )


def show_error(reason: str, remedy: str) -> None:
    """In place of what could not be done."""
    _notice("error", reason, remedy)


def show_empty(what: str, how: str) -> None:
    """In place of a list without rows."""
    _notice("inbox", what, how)


def _notice(icon: str, title: str, text: str) -> None:
    with ui.card().classes("w-full items-center p-8 gap-2").props("flat bordered role=status"):
        ui.icon(icon).props("aria-hidden=true").classes("text-5xl text-slate-400")
        ui.label(title).classes("text-lg font-semibold")
        ui.label(text.removesuffix(".") + ".").classes("text-slate-700 text-center")


async def act(action: Callable[[], Awaitable[T]], done: str = "") -> T | None:
    """Do what a button asks for, and say how it went; None where it wasn't done. Without `done` the caller says it."""
    try:
        result = await action()
    except Unauthenticated as error:
        ui.notify(str(error), type="negative")
    except Forbidden as error:
        ui.notify(str(error), type="negative", multi_line=True)
    except BusinessError as error:
        ui.notify(f"{error.field}: {error.reason}. {error.remedy}", type="negative", multi_line=True)
    except OperationalError as error:
        ui.notify(f"{_DATABASE_AWAY}: {error.orig}. Nothing was done", type="negative", multi_line=True)
    except OSError as error:
        ui.notify(
            f"The engine can't be reached: {error}. Nothing is known to be done", type="negative", multi_line=True
        )
    else:
        if done:
            ui.notify(done, type="positive")
        return result
    return None


async def answer_of(dialog: ui.dialog) -> Any:
    """What was submitted, None where it was closed otherwise; the dialog is gone then."""
    answer = await dialog
    dialog.delete()
    return answer


@contextmanager
def named_dialog(title: str) -> Iterator[ui.dialog]:
    """A dialog that readers of screens call by its title. It is the page's own: what its button stood in may be drawn anew."""
    with ui.context.client.content, ui.dialog() as dialog:
        dialog.props["aria-label"] = title
        yield dialog


async def confirmed(title: str, text: str, verb: str) -> bool:
    """Asks before money moves or something ends."""
    with named_dialog(title) as dialog, ui.card().classes("gap-3"):
        ui.label(title).props("role=heading aria-level=2").classes("text-lg font-semibold")
        ui.label(text)
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: dialog.submit(False)).props("flat")
            ui.button(verb, on_click=lambda: dialog.submit(True))
    return bool(await answer_of(dialog))


def page(site: Site, path: str, title: str, permission: str) -> Callable[[Callable[..., Awaitable[None]]], None]:
    """Registers a page: its function draws within the frame, once the viewer is known and holds the permission.

    The function takes the viewer and what its path names. What it raises is shown with its remedy.
    """

    def register(draw: Callable[..., Awaitable[None]]) -> None:
        async def show(**named: Any) -> Response | None:
            try:
                viewer = viewer_of(site)
            except Unauthenticated:
                request = ui.context.client.request
                return RedirectResponse(f"{ROOT}/login?to={request.url.path if request is not None else ROOT}", 303)
            with frame(viewer, title):
                if not viewer.caller.may(permission):
                    show_forbidden(permission)
                    return None
                try:
                    await draw(viewer, **named)
                except Forbidden as refusal:
                    show_forbidden(refusal.permission)
                except BusinessError as error:
                    show_error(f"{error.field}: {error.reason}", error.remedy)
                except Unauthenticated as error:
                    show_error("Nobody is logged in here any more", str(error))
                except OperationalError as error:
                    _log.warning("a page could not be drawn", page=path, reason=str(error.orig))
                    show_error(_DATABASE_AWAY, f"{error.orig}. The page works again once it is there")
                except OSError as error:
                    _log.warning("a page could not be drawn", page=path, reason=str(error))
                    show_error("The engine can't be reached", f"{error}. The page works again once it is there")
            return None

        drawn = inspect.signature(draw)
        named = [parameter for name, parameter in drawn.parameters.items() if name != "viewer"]
        show.__signature__ = drawn.replace(parameters=named)  # type: ignore[attr-defined]
        ui.page(path, title=f"{title} - Farebox")(show)

    return register
