"""`farebox inventory`: numbers and SIMs, from a file, by hand, and where they are."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final, Literal

import typer

from runtime.cli.business import Business, Found, finds, on_business, refuse, shown, table_of
from runtime.cli.contexts import add_group
from runtime.cli.options import fail
from runtime.cli.tables import print_pairs

if TYPE_CHECKING:
    from bss.inventory.import_rows import ImportPlan
    from bss.inventory.kinds import Resource

Kind = Literal["msisdn", "sim"]
KindArgument = Annotated[Kind, typer.Argument(help="msisdn (numbers) or sim.")]
NameArgument = Annotated[str, typer.Argument(help="The number, or the ICCID.")]
FAULTS_SHOWN: Final = 50

_HELP: Final = """Numbers and SIMs of the business side.

\b
    farebox inventory import msisdn numbers.csv --dry-run
    farebox inventory import sim cards.csv
    farebox inventory counts
    farebox inventory list msisdn --state free --begins 4917
    farebox inventory reserve msisdn --for "shop 12"

Exit codes: 1 refused, 2 could not be asked.
"""
_IMPORT_HELP: Final = """Add numbers or SIMs from a CSV file (UTF-8, a header line that names columns, in any order).

\b
    msisdn: number, pool, category      default and standard where empty
    sim:    iccid, imsi, pool, kind     default and usim where empty

All rows are checked before any is added, check digits and what is there too; faults name line and column. An import
that was cut off goes on when the same file is imported again; nothing is added twice.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox inventory`."""
    commands = (
        ("list", list_names),
        ("counts", counts),
        ("show", show),
        ("reserve", reserve),
        ("release", release),
        ("quarantine", quarantine),
        ("block", block),
        ("retire", retire),
    )
    group = add_group(app, "inventory", _HELP, commands)
    group.command("import", help=_IMPORT_HELP)(import_file)


@on_business
def import_file(
    business: Business,
    kind: KindArgument,
    file: Annotated[Path, typer.Argument(help="CSV file.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Check everything, add nothing.")] = False,
) -> None:
    """See _IMPORT_HELP, which typer shows."""
    from bss.inventory.import_rows import FILE_OCTETS_MAX, add_rows, check_rows, read_rows

    try:
        with file.open("rb") as opened_file:
            octets = opened_file.read(FILE_OCTETS_MAX + 1)
    except OSError as error:
        fail(f"{file} can't be read: {error.strerror}")
    plan = read_rows(kind, octets)
    present = 0
    for chunk in plan.chunks():
        present += business.read(partial(check_rows, plan=plan, rows=chunk))
    if plan.fault_count:
        _refuse_file(plan, file)
    if dry_run:
        print(f"{file}: {len(plan.rows)} rows are right, {present} are there already, nothing was added")
        return
    added = 0
    for chunk in plan.chunks():
        added += business.write(partial(add_rows, kind=kind, rows=chunk))
    print(f"{file}: {added} added, {len(plan.rows) - added} were there already")


@finds
def list_names(
    business: Business,
    kind: KindArgument,
    state: Annotated[
        str,
        typer.Option("--state", help="free, reserved, assigned, quarantined, blocked, retired.", show_default="any"),
    ] = "",
    pool: Annotated[str, typer.Option("--pool", help="Those of a pool.", show_default="any")] = "",
    begins: Annotated[str, typer.Option("--begins", help="Digits that they begin with.", show_default=False)] = "",
    after: Annotated[str, typer.Option("--after", help="Go on behind this one.", show_default=False)] = "",
    limit: Annotated[int, typer.Option("--limit", help="Lines at most.", min=1, max=1000)] = 100,
) -> Found:
    """List numbers or SIMs by name, with their states."""
    from bss.inventory.kinds import name_of
    from bss.inventory.queries import resources

    found = business.read(
        lambda work: resources(work, kind, state=state, pool=pool, begins=begins, after=after, limit=limit)
    )
    columns = ("name", "pool", "state", "since", "until", "reserved_for", "product")
    rows = (
        (
            name_of(row),
            row.pool,
            row.state,
            shown(row.state_since_ns),
            shown(row.state_until_ns),
            row.reserved_for,
            row.product_id,
        )
        for row in found
    )
    return table_of(found, "numbers" if kind == "msisdn" else "SIMs", columns, rows)


@finds
def counts(business: Business) -> Found:
    """Show how many numbers and SIMs of each pool are free, reserved, assigned and so on."""
    from bss.inventory.queries import resource_counts

    found = business.read(resource_counts)
    records = [row._asdict() for row in found]
    return table_of(records, "inventory", ("kind", "pool", "state", "count"), map(tuple, found), right=("count",))


@finds
def show(business: Business, kind: KindArgument, name: NameArgument) -> Found:
    """Show a number or SIM, and which product of which customer has it."""
    from bss.inventory.queries import product, resource

    found = business.read(lambda work: resource(work, kind, name))
    product_id = found.product_id or ""
    owner = business.read(lambda work: product(work, product_id)) if product_id else None
    pairs = _pairs_of(found)
    if owner is not None:
        pairs += [("product", owner.id), ("offering", owner.offering_id), ("customer", owner.customer_id)]
    return Found({"resource": found, "product": owner}, lambda: print_pairs(pairs))


@on_business
def reserve(
    business: Business,
    kind: KindArgument,
    reserved_for: Annotated[str, typer.Option("--for", help="For what; the same again keeps the same one.")],
    name: Annotated[str, typer.Option("--name", help="This one.", show_default="any free one")] = "",
    pool: Annotated[str, typer.Option("--pool", help="Of this pool.")] = "default",
    variant: Annotated[
        str, typer.Option("--variant", help="Category of a number, kind of a SIM.", show_default="standard, usim")
    ] = "",
    minutes: Annotated[int, typer.Option("--minutes", help="How long.", min=1, max=500_000)] = 60,
) -> None:
    """Keep a free number or SIM for somebody; it is free again by itself when the time is over."""
    from bss.inventory import operations

    row = business.write(
        lambda work: operations.reserve(
            work, kind, reserved_for=reserved_for, name=name, pool=pool, variant=variant, for_s=minutes * 60
        )
    )
    print_pairs(_pairs_of(row))


@on_business
def release(business: Business, kind: KindArgument, name: NameArgument) -> None:
    """Free a number or SIM that is reserved, blocked or in quarantine. Refused where an order under way is for it."""
    from bss.orchestration import resource_release

    print_pairs(_pairs_of(business.write(lambda work: resource_release.release(work, kind, name=name))))


@on_business
def quarantine(business: Business, kind: KindArgument, name: NameArgument) -> None:
    """Take a number or SIM from its product and keep it from others for 90 days. The engine isn't told: an order does that."""
    _act(business, "quarantine", kind, name)


@on_business
def block(business: Business, kind: KindArgument, name: NameArgument) -> None:
    """Keep a free number or SIM from being given to anybody until it is released."""
    _act(business, "block", kind, name)


@on_business
def retire(business: Business, kind: KindArgument, name: NameArgument) -> None:
    """Give a number or SIM up for ever: ported out, or a card that was used or lost."""
    _act(business, "retire", kind, name)


def _act(business: Business, action: str, kind: Kind, name: str) -> None:
    from bss.inventory import operations

    act = getattr(operations, action)
    print_pairs(_pairs_of(business.write(lambda work: act(work, kind, name=name))))


def _pairs_of(row: "Resource") -> list[tuple[str, str]]:
    from bss.inventory.kinds import name_of

    pairs = [
        ("name", name_of(row)),
        ("pool", row.pool),
        ("state", str(row.state)),
        ("since", shown(row.state_since_ns)),
    ]
    if row.state_until_ns is not None:
        pairs.append(("until", shown(row.state_until_ns)))
    if row.reserved_for:
        pairs.append(("reserved for", row.reserved_for))
    return pairs


def _refuse_file(plan: "ImportPlan", file: Path) -> None:
    lines = [f"{file}: {fault}" for fault in plan.faults[:FAULTS_SHOWN]]
    more = plan.fault_count - len(lines)
    refuse(*lines, *([f"{file}: and {more} more faults"] if more else []), f"{file}: nothing was added")
