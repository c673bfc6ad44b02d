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
from runtime.cli.subscriber_lookup import tenant_number

if TYPE_CHECKING:
    from pathlib import Path

    from balances.edge.redis_store import RedisStore
    from runtime.explain.closed_sessions import ClosedSession
    from runtime.explain.stories import Story
    from runtime.live_sessions import LiveSession

EXIT_NONE: Final = 1
"""There is no such session."""
TenantOption = Annotated[str, typer.Option("--tenant", help="Whose subscribers an identity is looked for among.")]
DEFAULT_TENANT: Final = "default"
LIMIT: Final = 1000
STEPS: Final = 20
CLOSED_SHOWN: Final = 3
"""Sessions that are over, of a subscriber who has none open."""


def list_sessions(
    subscriber: Annotated[
        str | None, typer.Argument(help="IMSI, number, SIP URI ...; all sessions where it is left out.")
    ] = None,
    tenant: Annotated[
        str | None,
        typer.Option(
            "--tenant",
            help="Whose sessions, and whose subscribers the identity is looked for among.",
            show_default="all; default with a subscriber",
        ),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="Sessions that are shown.")] = LIMIT,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """List open sessions of a subscriber, of a tenant, or of everybody."""

    async def work(opened: "RedisStore") -> "list[LiveSession]":
        from catalog_loader.edge.publish import load_published
        from runtime.live_sessions import all_sessions, sessions_of_keys

        _, names = await load_published(opened.client)
        if subscriber is not None:
            keys = await _keys(opened, tenant or DEFAULT_TENANT, subscriber)
            if not any(await opened.find_accounts(keys)):
                fail(f"no account of tenant {tenant or DEFAULT_TENANT} has {subscriber}: --tenant says whose it is")
            return (await sessions_of_keys(opened, names, keys))[: limit + 1]
        if tenant is not None:
            await tenant_number(opened, tenant)
        found = []
        async for live in all_sessions(opened, names):
            if tenant in (None, live.tenant):
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
    session: Annotated[
        str, typer.Argument(help="Session-Id, a ref of Nchf, the key of a session, or a subscriber's identity.")
    ],
    tenant: TenantOption = DEFAULT_TENANT,
    steps: Annotated[int, typer.Option("--steps", min=1, help="Decisions that are shown, the newest.")] = STEPS,
    config: ConfigOption = None,
    store: StoreOption = None,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
) -> None:
    """Show a session, or a subscriber's: services, grants, what is held, and each decision with its reasons.

    Which price decided, which buckets paid, why a grant has its size, why something was refused and what helps. A session
    that has ended is found in the charging records; of a subscriber without an open one the last are shown.
    """
    session_ask.refuse_empty(session)
    settings = settings_or_exit(config, store, data_dir)

    async def work(opened: "RedisStore") -> "list[Story]":
        from runtime.data_folder import DataFolder
        from runtime.explain.stories import tell

        folder = DataFolder(settings.store.data_dir)
        return await tell(opened, folder, await _sessions(opened, folder.records, tenant, session), steps)

    found = run_on_store(settings, work)
    if not found:
        print(f"no session {session}, open or in the charging records: is it another tenant's (--tenant)?")
        print("A session that ended just now is in the records once their file is closed (records.file_age_s).")
        raise typer.Exit(EXIT_NONE)
    if as_json:
        print(json.dumps([story.to_json() for story in found], indent=1))
        return
    from runtime.cli.session_story import print_story

    for story in found:
        print_story(story)


async def _sessions(
    opened: "RedisStore", records: "Path", tenant: str, text: str
) -> "list[LiveSession | ClosedSession]":
    """Open sessions that the text stands for; where there is none, the one that had that Session-Id, or the last ones."""
    from catalog_loader.edge.publish import load_published
    from cdr.manifest import ManifestError
    from chf_http2.charging_data_ref import session_of_text
    from runtime.explain.closed_sessions import closed_session, closed_sessions_of
    from runtime.live_sessions import session_of, sessions_of_keys

    _, names = await load_published(opened.client)
    text, account_id = session_of_text(text)
    one = await session_of(opened, names, text, account_id)
    if one is not None:
        return [one]
    try:
        closed = closed_session(records, text, account_id)
        if closed is not None or ";" in text:
            return [] if closed is None else [closed]
        keys = await _keys(opened, tenant, text)
        live = await sessions_of_keys(opened, names, keys)
        if live:
            return list(live)
        accounts = {account[0] for account in await opened.find_accounts(keys) if account is not None}
        return list(closed_sessions_of(records, sorted(accounts), CLOSED_SHOWN)) if accounts else []
    except ManifestError as error:
        fail(str(error))


async def _keys(store: "RedisStore", tenant: str, subscriber: str) -> list[str]:
    """Identity keys that the text may stand for; unknown tenants and texts that are no identity end the command."""
    from runtime.subscriber_identities import IdentityInvalid, possible_keys

    number = await tenant_number(store, tenant)
    try:
        return list(possible_keys(number, subscriber).values())
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
