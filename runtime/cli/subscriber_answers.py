"""What account commands of `farebox subscriber` come to, said in words and exit codes."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.subscriber_lookup import EXIT_REFUSED, EXIT_WAITS

if TYPE_CHECKING:
    from balances.commands import Applied, CommandResult
    from vocabulary.outcomes import Outcome

CommandIdOption = Annotated[
    str | None,
    typer.Option(
        "--id", help="Name of this command: the same again is done once.", show_default="a new one for each call"
    ),
]


def new_id(what: str) -> str:
    """An id for a command that was given none."""
    from uuid import uuid4

    return f"{what}-{uuid4().hex}"


@contextmanager
def id_said() -> Iterator[None]:
    """An id that stands for another command is said and ends the command: it was looked at and refused."""
    from balances.commands import CommandIdUsed

    try:
        yield
    except CommandIdUsed as error:
        print(f"farebox: --id: {error}", file=sys.stderr)
        raise typer.Exit(EXIT_REFUSED) from error


def applied_or_exit(
    result: "CommandResult", command_id: str, refusals: "Mapping[Outcome, str] | None" = None
) -> "Applied":
    """What the command did; anything else is said and ends the command.

    refusals   what outcomes say of this command, where that is another thing than usual
    """
    from balances.commands import Applied, IdentityTaken, Refused
    from runtime.subscriber_identities import shown_identity

    if isinstance(result, Applied):
        return result
    if isinstance(result, IdentityTaken):
        print(
            f"farebox: {shown_identity(result.identity)} belongs to account {result.account_id} already",
            file=sys.stderr,
        )
        raise typer.Exit(EXIT_REFUSED)
    if isinstance(result, Refused):
        from vocabulary.command_refusals import said_of

        why = (refusals or {}).get(result.outcome) or said_of(result.outcome)
        print(f"farebox: refused for account {result.account_id}: {why}", file=sys.stderr)
        raise typer.Exit(EXIT_REFUSED)
    print(f"farebox: {result.reason}; ask again with --id {command_id}, and it is done once", file=sys.stderr)
    raise typer.Exit(EXIT_WAITS)
