"""`farebox session`: who uses what at this moment, and what is held for it."""

import json
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli import session_ask
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
    from runtime.live_sessions import LiveSession

EXIT_NONE: Final = 1
"""There is no such session."""
TenantOption = Annotated[str, typer.Option("--tenant", help="Whose subscribers an identity is looked for among.")]
LIMIT: Final = 1000


def list_sessions(
    subscriber: Annotated[
        str | None, typer.Argument(help="IMSI, number, SIP URI ...; all sessions where it is left out.")
    ] = None,
    tenant: TenantOption = "default",
    limit: Annotated[int, typer.Option("--limit", min=1, help="Sessions that are shown.")] = LIMIT,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List open sessions of a subscriber, or of everybody."""

    async def work(opened: "RedisStore") -> "list[LiveSession]":
        from catalog_loader.edge.publish import load_published
        from runtime.live_sessions import all_sessions, sessions_of_keys

        _, names = await load_published(opened.client)
        if subscriber is not None:
            return (await sessions_of_keys(opened, names, await _keys(opened, tenant, subscriber)))[: limit + 1]
        found = []
        async for live in all_sessions(opened, names):
            found.append(live)
            if len(found) > limit:
                break
        return found

    found = run_on_store(settings_or_exit(config, store, data_dir), work)
    _print_list(found[:limit], is_cut=len(found) > limit, as_json=as_json)


def _print_list(found: "list[LiveSession]", *, is_cut: bool, as_json: bool) -> None:
    from runtime import live_sessions
    from runtime.cli.tables import print_table

    if as_json:
        print(json.dumps([live_sessions.as_json(live) for live in found], indent=1))
        return
    print_table("open sessions", live_sessions.LIST_COLUMNS, [live_sessions.list_row(live) for live in found])
    if is_cut:
        print(f"... and more: --limit says how many are shown, {len(found)} now")


def show(
    session: Annotated[str, typer.Argument(help="Session-Id, its key of 32 hex digits, or a subscriber's identity.")],
    tenant: TenantOption = "default",
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show one open session, or all of a subscriber: services, grants, what is held, and what the answers rest on.

    Ended sessions are in the charging records: farebox cdr tail.
    """

    async def work(opened: "RedisStore") -> "list[LiveSession]":
        from catalog_loader.edge.publish import load_published
        from runtime.live_sessions import session_of, sessions_of_keys

        _, names = await load_published(opened.client)
        one = await session_of(opened, names, session)
        if one is not None:
            return [one]
        return [] if ";" in session else await sessions_of_keys(opened, names, await _keys(opened, tenant, session))

    found = run_on_store(settings_or_exit(config, store, data_dir), work)
    if not found:
        print(f"no open session {session}: it may have ended (farebox cdr tail), or is another tenant's (--tenant)")
        raise typer.Exit(EXIT_NONE)
    if as_json:
        from runtime.live_sessions import as_json as to_json

        print(json.dumps([to_json(live) for live in found], indent=1))
        return
    for live in found:
        _print_one(live)


def _print_one(live: "LiveSession") -> None:
    from runtime import live_sessions
    from runtime.cli.tables import print_pairs, print_table

    print_pairs(live_sessions.why_pairs(live))
    rows = [live_sessions.service_row(live, service) for service in live.session.services]
    print_table("services", live_sessions.SERVICE_COLUMNS, rows, right=("granted", "carry"))


async def _keys(store: "RedisStore", tenant: str, subscriber: str) -> list[str]:
    """Identity keys that the text may stand for; unknown tenants and texts that are no identity end the command."""
    from runtime.subscriber_identities import IdentityInvalid, possible_keys

    tenants = await store.tenants()
    if tenant not in tenants:
        fail(f"there is no tenant {tenant!r}: known are {', '.join(sorted(tenants)) or 'none yet'}")
    try:
        return list(possible_keys(tenants[tenant], subscriber).values())
    except IdentityInvalid as error:
        fail(f"{error}. {error.remedy}")


def register(app: typer.Typer) -> None:
    """Add `farebox session`."""
    group = typer.Typer(name="session", help="Open sessions.", no_args_is_help=True, rich_markup_mode=None)
    group.command("list")(list_sessions)
    group.command("show")(show)
    group.command("reauth")(session_ask.reauth)
    group.command("abort")(session_ask.abort)
    app.add_typer(group)
