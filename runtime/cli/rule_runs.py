"""`farebox rules publish | list | runs | show | replay`: rules in force and what they did."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from runtime.cli.business import Business, Found, cells, finds, on_business, shown, table_of
from runtime.cli.options import fail

if TYPE_CHECKING:
    from bss.automation.records import RuleSet, RunView
    from bss.automation.rules_file import Rule

RunArgument = Annotated[str, typer.Argument(help="Id of the run.", show_default=False)]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Don't ask.")]


def add_run_commands(group: typer.Typer) -> None:
    """Add the commands to `farebox rules`."""
    for name, command in (("publish", publish), ("list", list_), ("runs", runs), ("show", show), ("replay", replay)):
        group.command(name)(command)


@on_business
def publish(
    business: Business,
    rules: Annotated[Path, typer.Argument(help="A file of rules (YAML).")],
    yes: YesOption = False,
) -> None:
    """Put a file of rules in force, instead of those before, after showing what that changes. Exit code 1: it has faults."""
    try:
        text = rules.read_text("utf-8")
    except (OSError, UnicodeError) as error:
        fail(f"{rules} can't be read: {error}")
    from bss.automation.operations import publish_rules
    from bss.automation.queries import rules_in_force
    from bss.automation.rules_file import read_rules

    before = _by_name(business.read(rules_in_force))
    after = {rule.name: rule for rule in read_rules(str(rules), text.encode()).rules}
    for name in dict.fromkeys((*before, *after)):
        if name not in after:
            print(f"gone     {name}")
        elif name not in before:
            print(f"new      {name}: on {after[name].event} {after[name].action}")
        elif before[name] != after[name]:
            print(f"changed  {name}")
    if after and not yes and not typer.confirm("Put them in force?"):
        fail("nothing was changed")
    made = business.write(lambda work: publish_rules(work, text=text, file=str(rules)))
    print(f"in force: rules {made.number}, {len(after)} of them; workers go by them within a second")


@on_business
def list_(business: Business) -> None:
    """List the rules in force, with how many runs of each ended how."""
    from bss.automation.queries import rules_in_force, run_counts
    from runtime.cli.tables import print_table

    found, counts = business.read(lambda work: (rules_in_force(work), run_counts(work)))
    if found is None:
        fail(f"tenant {business.tenant} has no rules: `farebox rules publish FILE` puts some in force")
    known = {each.rule: each for each in counts}
    lines = []
    for rule in _by_name(found).values():
        each = known.get(rule.name)
        numbers = (each.running, each.done, each.failed, each.stopped) if each is not None else (0, 0, 0, 0)
        lines.append(cells(rule.name, rule.event, rule.action, "yes" if rule.enabled else "no", *numbers))
    print_table(
        f"Rules {found.number}, in force since {shown(found.created_ns)} by {found.subject}",
        ("rule", "on", "does", "enabled", "running", "done", "failed", "stopped"),
        lines,
        right=("running", "done", "failed", "stopped"),
    )


@finds
def runs(
    business: Business,
    state: Annotated[
        str | None, typer.Option("--state", help="running, done, failed or stopped.", show_default="all")
    ] = None,
    rule: Annotated[str | None, typer.Option("--rule", help="Of this rule.", show_default="all")] = None,
) -> Found:
    """List runs of rules, the newest first."""
    from bss.automation.queries import list_runs
    from bss.automation.records import RunState

    if state is not None and state not in list(RunState):
        fail(f"--state {state}: write {', '.join(RunState)}")
    found = business.read(lambda work: list_runs(work, state=state, rule=rule))
    return table_of(
        found,
        "Runs",
        ("run", "rule", "state", "does", "about", "began"),
        ((run.id, run.rule, run.state, run.action, run.resource_id, shown(run.created_ns)) for run in found),
    )


@finds
def show(business: Business, run: RunArgument) -> Found:
    """Show a run: the event, its steps with what went in and came out, and what went wrong."""
    from bss.automation.queries import show_run

    view = business.read(lambda work: show_run(work, run_id=run))
    return Found(view, lambda: _print_run(view))


@on_business
def replay(business: Business, run: RunArgument) -> None:
    """Go on with a run at the step that failed."""
    from bss.automation import operations

    made = business.write(lambda work: operations.replay(work, run_id=run))
    print(f"run {made.id}: {made.state}")


def _by_name(found: "RuleSet | None") -> "dict[str, Rule]":
    from bss.automation.rules_file import read_rules

    if found is None:
        return {}
    return {rule.name: rule for rule in read_rules("rules.yaml", found.text.encode()).rules}


def _print_run(view: "RunView") -> None:
    each = view.run
    print(f"run {each.id}: {each.state}, rule {each.rule} of rules {each.rule_set}")
    print(f"  {each.event_kind} of {each.resource} {each.resource_id}, event {each.event_id}, depth {each.depth}")
    if each.reason:
        print(f"  {each.reason}")
    for step in view.steps:
        began, ended = shown(step.started_ns), shown(step.ended_ns)
        print(f"  {step.place:>2}  {step.kind:<24} {step.state:<8} tries {step.attempts}  {began} .. {ended}")
        for word, values in (("in", step.input), ("out", step.outcome)):
            if values:
                print(f"      {word}: " + ", ".join(f"{name}: {value}" for name, value in values.items()))
        if step.error:
            print(f"      {step.error_code}: {step.error}")
