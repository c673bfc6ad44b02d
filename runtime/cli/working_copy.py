"""`farebox catalog import|diff|status|export|discard|release`: the product catalogue's working copy, and releases of it."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.business import Business, cells, on_business, on_business_and_store, shown
from runtime.cli.migrations import migrations, print_moves
from runtime.cli.options import fail, store_url

if TYPE_CHECKING:
    from collections.abc import Sequence

    from bss.catalog.records import ReleaseRow
    from bss.catalog.release import CatalogRelease
    from bss.orchestration.catalog_publication import Published, Waiting
    from catalog_loader.changes import Change

EXIT_FAULTY: Final = 1

CatalogFiles = Annotated[
    list[Path], typer.Argument(help="Files of one catalogue, or folders with .yaml, .yml and .json files of it.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


def add_commands(group: typer.Typer) -> None:
    """Add the commands to `farebox catalog`."""
    group.command("import")(import_files)
    group.command("diff")(diff)
    group.command("status")(status)
    group.command("export")(export)
    group.command("discard")(discard)
    group.command("release")(release)
    group.command("migrations")(migrations)


@on_business
def import_files(business: Business, files: CatalogFiles, yes: YesOption = False) -> None:
    """Make the working copy what the files say, after showing what that changes. Edits and drafts are never overwritten."""
    read = _read_files(files, business.tenant)
    from bss.catalog.publication import import_release
    from bss.catalog.queries import import_diff

    change = business.read(lambda work: import_diff(work, release=read))
    _print_changes(change.rows, "the working copy is what the files say already")
    if not change.rows:
        return
    if not yes and not typer.confirm("Import them?"):
        fail("nothing was imported")
    business.write(lambda work: import_release(work, release=read, shown_against=change.shown_against))
    print(f"imported: release {read.engine.number} ({read.engine.name}); `farebox catalog release` publishes it")


@on_business
def diff(
    business: Business,
    files: Annotated[
        list[Path] | None, typer.Argument(help="Files to hold against the working copy.", show_default=False)
    ] = None,
) -> None:
    """Show what publishing the working copy would change; with files, what importing them would."""
    from bss.catalog.queries import import_diff, publication_diff

    if files:
        read = _read_files(files, business.tenant)
        rows = business.read(lambda work: import_diff(work, release=read).rows)
        _print_changes(rows, "the working copy is what the files say")
    else:
        _print_changes(business.read(publication_diff), "nothing was edited since the last release")


@on_business
def status(business: Business) -> None:
    """Show where the working copy stands, its faults, and the releases. Exit code 1: it has faults."""
    from bss.catalog.queries import releases, working_copy_status
    from runtime.cli.tables import print_pairs, print_table

    copy, rows = business.read(lambda work: (working_copy_status(work), releases(work)))
    if copy is None:
        fail(f"tenant {business.tenant} has no catalogue: `farebox catalog import FILES` gives it one")
    print_pairs(
        (
            ("base release", str(copy.base_release or "none")),
            ("edits since then", str(copy.edit_count)),
            ("drafts", str(copy.draft_count)),
            ("hash", copy.hash or "none: it has faults"),
        )
    )
    if rows:
        print()
        lines = [cells(row.number, row.name, row.state, shown(row.effective_ns), row.hash[:12]) for row in rows]
        print_table("Releases", ("release", "name", "state", "effective", "hash"), lines, right=("release",))
    if copy.faults:
        for fault in copy.faults:
            print(fault, file=sys.stderr)
        raise typer.Exit(EXIT_FAULTY)


@on_business
def export(business: Business) -> None:
    """Print the working copy as a file that `catalog import` reads as the same. Drafts are left out."""
    import yaml

    from bss.catalog.queries import working_copy_file

    file = business.read(working_copy_file)
    print(yaml.safe_dump(file, sort_keys=False, allow_unicode=True, width=120), end="")


@on_business
def discard(business: Business, yes: YesOption = False) -> None:
    """Make the working copy its base release again: edits and drafts go. Before the first release all of it goes."""
    from bss.catalog.publication import discard_edits, discard_everything
    from bss.catalog.queries import working_copy_status

    copy = business.read(working_copy_status)
    if copy is None:
        fail(f"tenant {business.tenant} has no catalogue: nothing is to be discarded")
    if not yes and not typer.confirm(f"Discard {copy.edit_count} edits and {copy.draft_count} drafts?"):
        fail("nothing was discarded")
    business.write(discard_everything if copy.base_release is None else discard_edits)
    print("discarded")


@on_business_and_store
def release(
    business: Business,
    migrate: Annotated[
        list[str] | None,
        typer.Option(
            "--migrate",
            help="OFFERING=OFFERING: products of the first get the second; to itself: they follow its changes.",
            show_default=False,
        ),
    ] = None,
    finish: Annotated[bool, typer.Option("--finish", help="Finish the release that is prepared already.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what it changes and how many products move; publish nothing.")
    ] = False,
    yes: YesOption = False,
    wait_s: Annotated[float, typer.Option("--wait", min=1, help="Seconds to wait for the engine.")] = 15.0,
) -> None:
    """Publish the working copy: an immutable release, taken up by engines without a restart.

    Refused where customers have what it takes away or changes, unless --migrate says what happens to them.
    """
    said = _migrations(migrate or [])
    from bss.catalog.queries import publication_diff, releases
    from bss.catalog.records import ReleaseState

    prepared = [row for row in business.read(releases) if row.state == ReleaseState.PREPARED]
    if finish and not prepared:
        fail("no release is prepared: nothing is to be finished")
    if not finish:
        _print_changes(business.read(publication_diff), "nothing was edited since the last release")
        print_moves(business, said)
        if dry_run:
            return
        if not yes and not typer.confirm("Publish it?"):
            fail("nothing was published")
    result = _publish(business, prepared[0] if finish else None, said, wait_s)
    from bss.orchestration.catalog_publication import Waiting

    named = f"release {result.release.number} ({result.release.name}) of tenant {business.tenant}"
    if isinstance(result, Waiting):
        fail(
            f"{named} is prepared, and the engine has not answered: {result.reason}",
            "`farebox catalog release --finish` asks again",
        )
    print(f"{named} is published, hash {result.release.hash}")
    if result.engines:
        print(f"taken up by {', '.join(result.engines)}")
    if result.waiting:
        print(f"not yet taken up by {', '.join(result.waiting)}: the log of the engine says why")


# --- inside ----------------------------------------------------------------------------------------------------------


def _publish(
    business: Business,
    prepared: "ReleaseRow | None",
    migrations: dict[str, str],
    wait_s: float,
) -> "Published | Waiting":
    """Publish the working copy, or finish the prepared release; a refusal is printed, exit 1."""
    from bss.orchestration.catalog_publication import finish_release, publish_catalog
    from runtime.bss_engine import BssEngine

    engine = BssEngine(lambda: store_url(business.settings), timeout_s=wait_s)
    try:
        if prepared is not None:
            return business.run(lambda database, caller: finish_release(database, caller, engine, prepared))
        return business.run(lambda database, caller: publish_catalog(database, caller, engine, migrations=migrations))
    finally:
        engine.close()


def _read_files(files: list[Path], tenant: str) -> "CatalogRelease":
    """The release of the files, for this tenant; faults end the command, exit 1."""
    import msgspec

    from bss.catalog.documents import read_sources
    from catalog_loader.edge import read_files

    sources, unreadable = read_files.read_sources(files)
    read = read_sources(sources, already=unreadable)
    if read.release is None:
        for fault in read.faults:
            print(fault, file=sys.stderr)
        count = len(read.faults)
        print(f"farebox: {count} fault{'s' if count != 1 else ''}; nothing was imported", file=sys.stderr)
        raise typer.Exit(EXIT_FAULTY)
    engine = msgspec.structs.replace(read.release.engine, tenant=tenant)
    return msgspec.structs.replace(read.release, engine=engine)


def _print_changes(rows: "Sequence[Change]", nothing: str) -> None:
    from catalog_loader.changes import Change
    from runtime.cli.tables import print_table

    if not rows:
        print(nothing)
        return
    words = [
        (row.thing, row.what or ("new" if not row.before else "gone"), row.before or "-", row.after or "-")
        for row in rows
    ]
    print_table("Changes", Change._fields, words)


def _migrations(texts: list[str]) -> dict[str, str]:
    migrations = {}
    for text in texts:
        source, equals, target = text.partition("=")
        if not (source and equals and target):
            fail(f"--migrate is {text!r}: write OFFERING=OFFERING")
        migrations[source] = target
    return migrations
