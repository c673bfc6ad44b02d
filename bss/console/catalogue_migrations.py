"""Who would be stranded by a release, and what becomes of them: asked before it is published, shown afterwards."""

from collections.abc import Mapping, Sequence

from nicegui import ui

from bss.catalog.faults import FieldFault
from bss.catalog.publication import stranded_by_publishing
from bss.catalog.queries import resources
from bss.catalog.records import LifecycleStatus, Offering
from bss.console.frame import act, answer_of
from bss.console.rows import show_rows
from bss.console.site import Viewer
from bss.console.words import instant
from bss.orders.batches import batches
from bss.views.offerings_in_use import offerings_in_use
from bss.work import Work

Found = tuple[Mapping[str, int], Sequence[FieldFault], Sequence[Offering]]


def _find(work: Work) -> Found:
    in_use = offerings_in_use(work)
    return in_use, stranded_by_publishing(work, in_use=in_use), resources(work, kind=Offering)


async def ask_migrations(viewer: Viewer, text: str) -> dict[str, str] | None:
    """Asks whether the working copy is to be published, and what becomes of products that it would strand; None: it isn't."""
    found = await act(lambda: viewer.read(_find))
    if found is None:
        return None
    in_use, faults, offerings = found
    stranded = sorted({fault.id for fault in faults if fault.id in in_use})
    with ui.dialog() as dialog, ui.card().classes("w-[40rem] max-w-full gap-3"):
        ui.label("Publish the working copy?").props("role=heading aria-level=2").classes("text-lg font-semibold")
        ui.label(text)
        choices = {
            source: _choice(source, in_use[source], [each for each in faults if each.id == source], offerings)
            for source in stranded
        }
        with ui.row().classes("w-full justify-end"):
            ui.button("Cancel", on_click=lambda: dialog.submit(None)).props("flat")

            def submit() -> None:
                if False not in [choice.validate() for choice in choices.values()]:
                    dialog.submit({source: str(choice.value) for source, choice in choices.items()})

            ui.button("Publish", on_click=submit)
    answer: dict[str, str] | None = await answer_of(dialog)
    return answer


def _choice(source: str, count: int, faults: Sequence[FieldFault], offerings: Sequence[Offering]) -> ui.select:
    """What the products of an offering become: an active one, or the same with its changes where it is kept."""
    ui.label(f"{count:,} products of {source} would be stranded: " + "; ".join(each.problem for each in faults))
    targets = {
        each.id: f"{each.name}, with its changes" if each.id == source else each.name
        for each in offerings
        if each.id == source or each.lifecycle_status == LifecycleStatus.ACTIVE
    }
    chosen = ui.select(
        targets,
        label=f"Products of {source} become",
        validation={"Say what becomes of them": lambda value: value is not None},
    )
    chosen.props("outlined").classes("w-full")
    return chosen


async def show_migrations(viewer: Viewer) -> None:
    """Batches of orders that move products, with how far they are."""
    found = await viewer.read(batches)
    ui.label("Migrations").props("role=heading aria-level=2").classes("text-lg font-semibold")
    show_rows(
        ("moves", "release", "state", "products", "orders placed", "left", "orders", "why left", "since"),
        [
            (
                f"{each.batch.source} to {each.batch.target}",
                str(each.batch.release),
                each.batch.state,
                f"{each.batch.total_count:,}",
                f"{each.batch.placed_count:,}",
                f"{each.batch.left_count:,}",
                ", ".join(f"{count:,} {state}" for state, count in sorted(each.orders.items())),
                each.batch.reason,
                instant(each.batch.created_ns),
            )
            for each in found
        ],
        empty=("No migrations", "A release that takes away or changes what customers have says what becomes of them"),
    )
