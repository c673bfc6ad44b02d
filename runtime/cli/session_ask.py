"""`farebox session reauth` and `abort`: what is asked of open sessions, an account command each."""

import sys
from typing import TYPE_CHECKING, Annotated, Final

import typer

from runtime.cli.account_commands import AccountCommands, by_account_command
from runtime.cli.options import fail, run_on_store
from runtime.cli.subscriber_lookup import EXIT_REFUSED, EXIT_WAITS, find_account, tenant_number

if TYPE_CHECKING:
    from balances.commands import CommandResult
    from balances.edge.redis_store import RedisStore
    from balances.session_commands import SessionAction

WhoseArgument = Annotated[
    str,
    typer.Argument(
        help="Session-Id, a ref of Nchf, the key of a session, or a subscriber's identity: all that are open."
    ),
]
_WORDS: Final = {"reauth": "told to ask again", "abort": "told to end"}


def refuse_empty(session: str) -> None:
    """Ends where nothing is named: a script's variable that isn't set must not read as a session that isn't there."""
    if not session.strip():
        fail(
            "the session is empty: write a Session-Id, a ref of Nchf, the key of a session, or a subscriber's identity"
        )


@by_account_command
def reauth(commands: AccountCommands, session: WhoseArgument) -> None:
    """Have clients of open sessions ask for credit again: RAR over Gy, REAUTHORIZATION over Nchf.

    The notifier tells them, again and again until they do; farebox session show says how far it is.
    """
    from balances.session_commands import SessionAction

    refuse_empty(session)
    run_on_store(commands.settings, lambda opened: _ask(opened, "reauth", SessionAction.REAUTHORIZE, session, commands))


@by_account_command
def abort(commands: AccountCommands, session: WhoseArgument) -> None:
    """Have clients of open sessions end them: ASR over Gy, ABORT_CHARGING over Nchf.

    A session that its client has lost, or whose client doesn't end it, is ended here: what it holds goes back and its
    charging record is written.
    """
    from balances.session_commands import SessionAction

    refuse_empty(session)
    run_on_store(commands.settings, lambda opened: _ask(opened, "abort", SessionAction.ABORT, session, commands))


async def _ask(
    store: "RedisStore", word: str, action: "SessionAction", session: str, commands: AccountCommands
) -> None:
    """Send the command for one session, or for all of a subscriber; what it came to is printed."""
    from balances.command_checks import CommandError
    from balances.commands import CommandIdUsed
    from balances.edge.command_sender import CommandSender
    from balances.session_commands import SessionCommand
    from catalog_loader.edge.publish import load_published
    from chf_http2.charging_data_ref import session_of_text
    from runtime.live_sessions import session_of, sessions_of_account

    asked_id = commands.id_for(word)
    _, names = await load_published(store.client)
    session, account_id = session_of_text(session)
    live = await session_of(store, names, session, account_id)
    if live is not None:
        key = (live.session.key_high, live.session.key_low)
        command = SessionCommand(asked_id, live.account.tenant, live.account.account_id, action, *key)
    elif ";" in session:
        fail(f"no open session {session}: farebox session list shows those that are")
    else:
        number = await tenant_number(store, commands.tenant)
        _, account_id = await find_account(store, number, session)
        is_new = commands.command_id is None  # one that is sent again is known by its id, whatever is open by now
        if is_new and not await sessions_of_account(store, number, account_id, names):
            print(f"farebox: {session} has no open session", file=sys.stderr)
            raise typer.Exit(EXIT_REFUSED)
        command = SessionCommand(asked_id, number, account_id, action)
    try:
        (result,) = await CommandSender(store, store.meta.partition_count).send([command])
    except CommandIdUsed as error:
        print(f"farebox: --id: {error}", file=sys.stderr)
        raise typer.Exit(EXIT_REFUSED) from error
    except CommandError as error:
        fail(f"--id: {error}")
    what = f"session {live.session_id}" if live is not None else f"every open session of {session}"
    _say(result, what, word, asked_id)


def _say(result: "CommandResult", what: str, word: str, command_id: str) -> None:
    from balances.commands import Applied, Refused
    from vocabulary.outcomes import Outcome

    if isinstance(result, Applied):
        print(f"the client of {what} is {_WORDS[word]}; `farebox session show` says how far it is")
        return
    if isinstance(result, Refused):
        why = {
            Outcome.UNKNOWN_SESSION_ID: "it has ended meanwhile",
            Outcome.USER_UNKNOWN: "there is no such account",
        }.get(result.outcome, result.outcome.name)
        print(f"farebox: refused for {what}: {why}", file=sys.stderr)
        raise typer.Exit(EXIT_REFUSED)
    reason = getattr(result, "reason", "")
    print(f"farebox: {reason}; ask again with --id {command_id}, and it is done once", file=sys.stderr)
    raise typer.Exit(EXIT_WAITS)
