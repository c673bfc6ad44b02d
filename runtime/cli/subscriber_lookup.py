"""What commands on subscribers share: whose they are, the release that they follow, whom an identity means."""

from typing import TYPE_CHECKING, Annotated, Final, NamedTuple

import typer

from runtime.cli.options import fail

if TYPE_CHECKING:
    from balances.edge.redis_store import RedisStore
    from catalog_loader.release import Release

EXIT_REFUSED: Final = 1
"""It was looked at and refused: an identity is taken, a file has faults, the engine says no."""
EXIT_WAITS: Final = 3
"""The command is in the store and waits for an engine."""

TenantOption = Annotated[str, typer.Option("--tenant", help="Whose subscribers.")]


class Catalogue(NamedTuple):
    """A tenant, and its release in force."""

    tenant: int
    release: "Release"


async def tenant_number(store: "RedisStore", name: str) -> int:
    """The store's number of the tenant; ends where there is none."""
    tenants = await store.tenants()
    if name not in tenants:
        known = ", ".join(sorted(tenants)) or "none yet"
        fail(f"tenant {name} is not known (known: {known}): `farebox catalog publish` of its release makes it known")
    return tenants[name]


async def catalogue_of(store: "RedisStore", tenant: str, now_ns: int) -> Catalogue:
    """The tenant's release in force, which says what offers give."""
    from catalog_loader.edge.publish import read_releases
    from catalog_loader.release import in_force

    number = await tenant_number(store, tenant)
    releases = await read_releases(store.client, number)
    release = in_force(releases, now_ns)
    if release is None:
        fail(f"tenant {tenant} has no release in force: `farebox catalog publish FILES` gives it one")
    return Catalogue(number, release)


def check_id(command_id: str | None) -> None:
    """Ends where a given --id doesn't fit, before anything is asked of the store."""
    from balances.commands import CommandError, check_given_id

    if command_id is None:
        return
    try:
        check_given_id(command_id)
    except CommandError as error:
        fail(f"--id: {error}")


async def find_account(store: "RedisStore", tenant: int, identity: str) -> tuple[dict[str, str], int]:
    """(identities of the account among what was typed, by kind; its number). Ends where it is nobody's, or several's."""
    from runtime.subscriber_identities import IdentityInvalid, possible_keys

    try:
        keys = possible_keys(tenant, identity)
    except IdentityInvalid as error:
        fail(f"{error}. {error.remedy}")
    found = await store.find_accounts(list(keys.values()))
    accounts = {kind: account[0] for kind, account in zip(keys, found, strict=True) if account is not None}
    if not accounts:
        fail(f"no account has {identity} as {' or '.join(keys)}")
    if len(set(accounts.values())) > 1:
        fail(f"{identity} belongs to several accounts: write {' or '.join(f'{kind}:{identity}' for kind in accounts)}")
    values = {kind: keys[kind].split(":", 2)[2] for kind in accounts}
    return values, next(iter(accounts.values()))
