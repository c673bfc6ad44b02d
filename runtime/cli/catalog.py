"""`farebox catalog`: check release files, publish them into a running system, show what is published."""

import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, NoReturn, TypeVar

import typer

from runtime.cli import working_copy
from runtime.cli.options import (
    ConfigOption,
    DataDirOption,
    JsonOption,
    StoreOption,
    fail,
    run_on_store,
    settings_or_exit,
)

if TYPE_CHECKING:
    from balances.edge.redis_store import RedisStore
    from catalog_loader.check import CheckedRelease, CheckReport
    from catalog_loader.edge.publish import NotPublished, Published
    from catalog_loader.faults import Fault
    from catalog_loader.release import Release
    from runtime.releases import TakenUp
    from runtime.settings import Settings

_Result = TypeVar("_Result")

EXIT_FAULTY: Final = 1
"""The release has faults, or may not follow those that are published."""

FilesArgument = Annotated[
    list[Path], typer.Argument(help="Files of one release, or folders with .yaml, .yml and .json files of it.")
]
TenantOption = Annotated[str | None, typer.Option("--tenant", help="Whose catalogue.", show_default=False)]

_HELP: Final = """Prices and offers: files that are checked like a program, then published without a restart.

\b
    farebox catalog check prepaid.yaml            every fault at once, with file, line and remedy
    farebox catalog publish prepaid.yaml          says what changes, and when the engine has taken it up
    farebox catalog show                          the release in force

With the business side, the whole product catalogue has a working copy, and is published from there:

\b
    farebox catalog import mobile.yaml            shows what the files change, then they are the working copy
    farebox catalog status                        its base release, edits, drafts and faults; all releases
    farebox catalog diff                          what publishing it would change
    farebox catalog release                       publishes it, unless customers would be stranded

Exit code 1: the release has faults. docs/catalogue.md describes the files; catalog_loader/samples has one to start from.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox catalog`."""
    group = typer.Typer(name="catalog", help=_HELP, no_args_is_help=True, rich_markup_mode=None)
    group.command("check")(check)
    group.command("publish")(publish)
    group.command("show")(show)
    working_copy.add_commands(group)
    app.add_typer(group)


def check(
    files: FilesArgument,
    against_store: Annotated[
        bool, typer.Option("--against-store", help="Also as the next release after those that the store has.")
    ] = False,
    tenant: TenantOption = None,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Check the files of one release; nothing is published. Every fault is named with its line and what to do."""
    checked = _checked(files, tenant)
    release = checked.release
    if against_store:
        settings = settings_or_exit(config, store, data_dir)

        async def compare(opened: "RedisStore") -> tuple["Fault", ...]:
            from catalog_loader.check import succession_faults
            from catalog_loader.release import release_text
            from runtime.moved_clock import clock_of

            published = await _published(opened, release.tenant)
            known = [each for each in published if release_text(each) != checked.text]
            return succession_faults(checked, known, 0, clock_of(settings).now_ns())

        faults = run_with_catalogue(settings, compare)
        if faults:
            _end_with(faults)
    counts = f"{len(release.offers)} offers, {len(release.prices)} prices, {len(release.allowances)} allowances"
    print(f"sound: release {release.number} ({release.name}) of tenant {release.tenant}: {counts}")


def publish(
    files: FilesArgument,
    tenant: Annotated[
        str | None,
        typer.Option("--tenant", help="Publish it for this tenant instead of the one that the files name."),
    ] = None,
    wait_s: Annotated[
        float, typer.Option("--wait", min=0, help="Seconds to wait for the running engines to take it up.")
    ] = 15.0,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Publish the files of one release: checked, compared with the one in force, taken up by engines without a restart.

    Publishing the same files again changes nothing. A published release never changes: give the next one a new number.
    """
    from runtime.moved_clock import clock_of

    checked = _checked(files, tenant)
    release = checked.release
    settings = settings_or_exit(config, store, data_dir)
    now_ns = clock_of(settings).now_ns()

    async def work(
        opened: "RedisStore",
    ) -> tuple["Release | None", "Published | NotPublished", "TakenUp | None"]:
        from catalog_loader.edge.publish import Published, publish, read_releases
        from catalog_loader.release import in_force
        from runtime.releases import wait_taken_up

        number = await opened.add_tenant(release.tenant)
        # First, because publishing the same files again also restores a text that was lost.
        result = await publish(opened.client, checked, number, now_ns=now_ns)
        others = [each for each in await read_releases(opened.client, number) if each.number != release.number]
        before = in_force(others, now_ns)
        taken_up = None
        if isinstance(result, Published):
            taken_up = await wait_taken_up(opened, result.stream_id, wait_s)
        return before, result, taken_up

    before, result, taken_up = run_with_catalogue(settings, work)
    from catalog_loader.edge.publish import Published

    if not isinstance(result, Published):
        _end_with(result.faults)
    assert taken_up is not None
    if result.is_new:
        _print_changes(before, release)
    _print_published(release, now_ns, is_new=result.is_new)
    _print_taken_up(taken_up, wait_s)


def show(
    tenant: TenantOption = None,
    release: Annotated[
        int | None, typer.Option("--release", help="Number of the release.", show_default="the one in force")
    ] = None,
    as_json: JsonOption = False,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
) -> None:
    """Show the tenant's releases, and one of them with its offers, allowances and prices."""
    from runtime.moved_clock import clock_of

    settings = settings_or_exit(config, store, data_dir)
    name = tenant or "default"
    published = run_with_catalogue(settings, lambda opened: _published(opened, name))
    from catalog_loader.release import in_force, release_text

    current = in_force(published, clock_of(settings).now_ns())
    if not published:
        fail(f"tenant {name} has no release: `farebox catalog publish FILES` gives it one")
    shown = current or published[0]
    if release is not None:
        by_number = {each.number: each for each in published}
        if release not in by_number:
            known = ", ".join(map(str, sorted(by_number)))
            fail(f"tenant {name} has no release {release}: it has {known}")
        shown = by_number[release]
    if as_json:
        print(json.dumps(json.loads(release_text(shown)), indent=1, ensure_ascii=False))
        return
    _print_releases(published, current)
    _print_release(shown)


def run_with_catalogue(settings: "Settings", work: "Callable[[RedisStore], Awaitable[_Result]]") -> _Result:
    """run_on_store for work that reads releases; a damaged release is said, exit 2."""
    from catalog_loader.faults import CatalogError

    try:
        return run_on_store(settings, work)
    except CatalogError as error:
        fail(str(error))


# --- inside ----------------------------------------------------------------------------------------------------------


def _checked(files: list[Path], tenant: str | None) -> "CheckedRelease":
    """The release of the files, for another tenant where that is said; faults end the command."""
    import msgspec

    from catalog_loader.check import CheckedRelease, check_release
    from catalog_loader.edge.read_files import check
    from catalog_loader.release import release_text, text_hash
    from vocabulary.ids import TENANT_NAME_RULE, is_tenant_name

    report = check(files)
    if report.checked is None:
        _end_with_report(report)
    checked = report.checked
    if tenant is None or tenant == checked.release.tenant:
        return checked
    if not is_tenant_name(tenant):
        fail(f"--tenant is {tenant!r}: {TENANT_NAME_RULE}")
    release = msgspec.structs.replace(checked.release, tenant=tenant)
    report = check_release(release)
    if report.checked is None:
        _end_with_report(report)
    text = release_text(release)
    return CheckedRelease(release, text, text_hash(text), checked.places)


def _end_with_report(report: "CheckReport") -> NoReturn:
    for line in report.lines():
        print(line, file=sys.stderr)
    _end(report.fault_count)


def _end_with(faults: "tuple[Fault, ...]") -> NoReturn:
    for fault in faults:
        print(fault, file=sys.stderr)
    _end(len(faults))


def _end(count: int) -> NoReturn:
    print(f"farebox: {count} fault{'s' if count != 1 else ''}; nothing was published", file=sys.stderr)
    raise typer.Exit(EXIT_FAULTY)


async def _published(store: "RedisStore", tenant: str) -> list["Release"]:
    """The tenant's releases in the order of publishing; none of a tenant that the store doesn't know."""
    from catalog_loader.edge.publish import read_releases

    number = (await store.tenants()).get(tenant)
    return [] if number is None else await read_releases(store.client, number)


def _print_changes(before: "Release | None", release: "Release") -> None:
    from catalog_loader.changes import Change, changes
    from runtime.cli.tables import print_table

    if before is None:
        print(f"the first release of tenant {release.tenant} in force")
        return
    rows: list[Change] = changes(before, release)
    if not rows:
        print(f"nothing that subscribers see changes against release {before.number} ({before.name})")
        return
    words = [
        (row.thing, row.what or ("new" if not row.before else "gone"), row.before or "-", row.after or "-")
        for row in rows
    ]
    print_table(f"Changes against release {before.number} ({before.name}), which is in force", Change._fields, words)


def _print_published(release: "Release", now_ns: int, *, is_new: bool) -> None:
    from vocabulary.instants import to_rfc3339

    text = f"release {release.number} ({release.name}) of tenant {release.tenant}"
    print(f"{text} is published" if is_new else f"{text} was published before; nothing changed")
    when = to_rfc3339(release.effective_ns)
    print(f"its prices hold since {when}" if release.effective_ns <= now_ns else f"its prices hold from {when} on")


def _print_taken_up(taken_up: "TakenUp", wait_s: float) -> None:
    """Who decides with it; exit 2 where a running engine has not said so."""
    if taken_up.engines:
        print(f"taken up by {', '.join(taken_up.engines)}")
    if taken_up.waiting:
        fail(
            f"{', '.join(taken_up.waiting)} did not take it up within {wait_s:g} s: the log of the engine says why",
            "the release stays published; publish the same files again to ask again",
        )
    if not taken_up.engines:
        print("no engine runs: the next one that starts takes it up (farebox up)")


def _print_releases(published: list["Release"], current: "Release | None") -> None:
    from runtime.cli.tables import print_table
    from vocabulary.instants import to_rfc3339

    rows = [
        (
            str(each.number),
            each.name,
            to_rfc3339(each.effective_ns),
            "in force" if current is not None and each.number == current.number else "",
        )
        for each in sorted(published, key=lambda each: each.effective_ns)
    ]
    print_table(
        f"Releases of tenant {published[0].tenant}", ("release", "name", "effective", ""), rows, right=("release",)
    )


def _print_release(release: "Release") -> None:
    from catalog_loader.describe import DescribedAllowance, DescribedOffer, DescribedPrice, describe
    from runtime.cli.tables import print_pairs, print_table

    description = describe(release)
    print_pairs(description.header)
    print()
    print_table("Offers", DescribedOffer._fields, description.offers, right=("price_count",))
    print_table("Allowances", DescribedAllowance._fields, description.allowances, right=("priority",))
    print_table("Prices", DescribedPrice._fields, description.prices)
