"""What commands work on, such as the business side's database, made of options that the whole group takes alike.

A group declares once how its context is made: a function of those options. Its commands take the context first and declare
their own arguments alone; what typer sees, and what `--help` shows, has both.
"""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, Concatenate, TypeVar

import typer

C = TypeVar("C")
R = TypeVar("R")

Command = Callable[..., Any]


def works_on(make: Callable[..., C]) -> Callable[[Callable[Concatenate[C, ...], R]], Callable[..., R]]:
    """The command gets what `make` makes of its options, which come behind the command's own in `--help`."""
    further = inspect.signature(make).parameters

    def declare(command: Callable[Concatenate[C, ...], R]) -> Callable[..., R]:
        own = list(inspect.signature(command).parameters.values())[1:]
        shown = inspect.Signature([*own, *further.values()])

        @functools.wraps(command)
        def run(*arguments: Any, **options: Any) -> R:
            given = shown.bind(*arguments, **options).arguments
            context = make(**{name: given.pop(name) for name in further if name in given})
            return command(context, **given)

        run.__signature__ = shown  # type: ignore[attr-defined]
        run.__annotations__ = {name: parameter.annotation for name, parameter in shown.parameters.items()}
        return run

    return declare


def add_group(app: typer.Typer, name: str, text: str, commands: Iterable[tuple[str, Command]]) -> typer.Typer:
    """Add `farebox <name>` with its commands, in their order; `text` is its help. Returns the group."""
    group = typer.Typer(name=name, help=text, no_args_is_help=True, rich_markup_mode=None)
    for word, command in commands:
        group.command(word)(command)
    app.add_typer(group)
    return group
