"""`farebox rules`: automation that an operator writes, checked, tried with a sample event, put in force; and its runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from runtime.cli.options import JsonOption, fail
from runtime.cli.rule_runs import add_run_commands

if TYPE_CHECKING:
    from bss.automation.events import Event
    from bss.automation.rules_file import Rule

EXIT_FAULTY: Final = 1
RULES_OCTETS_MAX: Final = 1 << 20

RulesArgument = Annotated[Path, typer.Argument(help="A file of rules (YAML).")]

_HELP: Final = """Automation rules: one event, a condition (CEL), an action.

\b
    farebox rules check rules.yaml                    every fault at once, with its line
    farebox rules test rules.yaml --event event.json  which rules fire for the event, and with what
    farebox rules publish rules.yaml                  put them in force, instead of those before
    farebox rules list                                those in force, and how their runs went
    farebox rules runs --state failed                 what they did; `show RUN` and `replay RUN`

docs/automation.md describes the file and the event.
"""


def register(app: typer.Typer) -> None:
    """Add `farebox rules`."""
    group = typer.Typer(name="rules", help=_HELP, no_args_is_help=True, rich_markup_mode=None)
    group.command("check")(check)
    group.command("test")(try_event)
    add_run_commands(group)
    app.add_typer(group)


def check(rules: RulesArgument) -> None:
    """Check a file of rules. Exit code 1: it has faults."""
    read = _read_rules(rules)
    print(f"sound: {len(read)} rule{'s' if len(read) != 1 else ''}")


def try_event(
    rules: RulesArgument,
    event: Annotated[Path, typer.Option("--event", "-e", help="The event, as JSON or YAML.")],
    as_json: JsonOption = False,
) -> None:
    """Show which rules an event fires, with what, and why the others don't. Nothing is done."""
    read = _read_rules(rules)
    happened = _read_event(event)
    from bss.automation.evaluate import look_at_rules

    looks = look_at_rules(read, happened)
    if as_json:
        import json

        shown: list[dict[str, Any]] = [
            {"rule": look.rule, "fires": look.firing is not None, "reason": look.reason}
            | ({"do": look.firing.action, "with": look.firing.texts} if look.firing is not None else {})
            for look in looks
        ]
        print(json.dumps(shown, indent=1, ensure_ascii=False))
        return
    from runtime.cli.tables import print_table

    rows = []
    for look in looks:
        if look.firing is None:
            rows.append((look.rule, "-", look.reason))
        else:
            texts = ", ".join(f"{name}: {text}" for name, text in look.firing.texts.items())
            rows.append((look.rule, look.firing.action, texts))
    print_table(f"Rules for {happened.kind}", ("rule", "does", "with, or why not"), rows)


def _read_rules(path: Path) -> "tuple[Rule, ...]":
    """The rules; faults end the command, exit 1."""
    try:
        from bss.automation.rules_file import read_rules
    except ModuleNotFoundError as error:
        fail(f"{error.name} is missing: pip install 'farebox[bss]' gives the business side what it needs")
    read = read_rules(str(path), _octets(path))
    if read.faults:
        for fault in read.faults:
            print(fault, file=sys.stderr)
        count = len(read.faults)
        print(f"farebox: {count} fault{'s' if count != 1 else ''}", file=sys.stderr)
        raise typer.Exit(EXIT_FAULTY)
    return read.rules


def _read_event(path: Path) -> "Event":
    """The event; what is wrong with it is printed, exit 2."""
    import msgspec
    import yaml

    from bss.automation.events import Event

    octets = _octets(path)
    try:
        return msgspec.convert(yaml.safe_load(octets), Event)
    except yaml.YAMLError as error:
        fail(f"{path} is neither JSON nor YAML: {error}")
    except msgspec.ValidationError as error:
        fail(f"{path}: {error}", "an event has kind, resource, resource_id, ids, occurred_ns and resource_fields")


def _octets(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            octets = opened.read(RULES_OCTETS_MAX + 1)
    except OSError as error:
        fail(f"{path} can't be read: {error.strerror}")
    if len(octets) > RULES_OCTETS_MAX:
        fail(f"{path} is longer than {RULES_OCTETS_MAX} octets: split it")
    return octets
