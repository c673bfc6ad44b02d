"""The product catalogue: offerings of the working copy, what publishing it would change, its faults, and the releases."""

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from bss.catalog.faults import CatalogFaulty
from bss.catalog.publication import discard_edits
from bss.catalog.queries import CopyStatus, publication_diff, releases, resources, working_copy_status
from bss.catalog.records import Offering
from bss.console.catalogue_migrations import ask_migrations, show_migrations
from bss.console.frame import act, confirmed, page, show_empty
from bss.console.rows import show_facts, show_rows
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import instant
from bss.orchestration.catalog_publication import Published, Waiting, publish_catalog

PATH = f"{ROOT}/catalogue"


def register(site: Site) -> None:
    """The page."""

    @page(site, PATH, "Catalogue", "catalog:read")
    async def catalogue(viewer: Viewer) -> None:
        status = await viewer.read(working_copy_status)
        if status is None:
            show_empty("No catalogue yet", "Import one: farebox catalog import FILES")
            return
        await _copy_card(viewer, status)
        offerings = await viewer.read(lambda work: resources(work, kind=Offering))
        ui.label("Offerings").props("role=heading aria-level=2").classes("text-lg font-semibold")
        show_rows(
            ("offering", "name", "state", "sold alone", "offer of the engine", "who may order it"),
            [
                (
                    each.id,
                    each.name,
                    each.lifecycle_status,
                    "yes" if each.is_sellable else "no",
                    each.offer or "-",
                    each.eligibility or "everyone",
                )
                for each in offerings
            ],
            empty=("No offerings", "Import a file that has some"),
        )
        ui.label("Releases").props("role=heading aria-level=2").classes("text-lg font-semibold")
        found = await viewer.read(releases)
        show_rows(
            ("number", "state", "made", "in force from", "hash"),
            [
                (str(each.number), each.state, instant(each.created_ns), instant(each.effective_ns), each.hash[:12])
                for each in found
            ],
            empty=("No releases", "Publish the working copy"),
        )
        if viewer.caller.may("order:read"):
            await show_migrations(viewer)


async def _copy_card(viewer: Viewer, status: CopyStatus) -> None:
    with ui.card().classes("w-full gap-2 p-4").props("flat bordered"):
        ui.label("Working copy").props("role=heading aria-level=2").classes("text-lg font-semibold")
        show_facts(
            [
                ("made from", f"release {status.base_release}" if status.base_release else "nothing: it is the first"),
                ("edits since", str(status.edit_count)),
                ("drafts, left out of a release", str(status.draft_count)),
            ]
        )
        if status.faults:
            show_rows(
                ("where", "field", "what is wrong", "what to do"),
                [(f"{each.kind} {each.id}", each.field, each.problem, each.remedy) for each in status.faults],
                empty=("", ""),
            )
            return
        changes = await viewer.read(publication_diff)
        with ui.expansion(f"What publishing changes: {len(changes)} rows", value=0 < len(changes) <= 20).classes(
            "w-full"
        ):
            show_rows(
                ("thing", "field", "before", "after"),
                [(each.thing, each.what, each.before, each.after) for each in changes],
                empty=("Nothing", "The working copy is the newest release"),
            )
        if changes and viewer.caller.may("catalog:publish"):
            with ui.row():
                ui.button("Publish", on_click=lambda: _publish(viewer, len(changes)))
                ui.button("Discard the edits", on_click=lambda: _discard(viewer)).props("outline color=negative")


async def _publish(viewer: Viewer, count: int) -> None:
    migrations = await ask_migrations(viewer, f"{count} rows change, and prices with them.")
    if migrations is None:
        return
    site = viewer.site

    async def do() -> Published | Waiting:
        caller = site.who(viewer.cookie)
        return await run_in_threadpool(
            lambda: publish_catalog(site.database, caller, site.engine, migrations=migrations)
        )

    try:
        done = await act(do, "Publishing was asked for")
    except CatalogFaulty as error:
        ui.notify(str(error), type="negative", multi_line=True)
        return
    if isinstance(done, Waiting):
        ui.notify(f"The engine didn't say: {done.reason}. Publish again to finish it", type="warning", multi_line=True)
    elif done is not None:
        ui.navigate.reload()


async def _discard(viewer: Viewer) -> None:
    text = "The working copy is as the newest release again. What was edited is lost."
    if await confirmed("Discard the edits?", text, "Discard"):
        await act(lambda: viewer.write(discard_edits), "The edits are gone")
        ui.navigate.reload()
