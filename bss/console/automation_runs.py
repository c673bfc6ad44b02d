"""What rules did: their runs, one with its steps, and replaying one that failed. Rules in force, with how their runs went."""

from collections.abc import Mapping

from nicegui import ui

from bss.automation.operations import replay
from bss.automation.queries import list_runs, rules_in_force, run_counts, show_run
from bss.automation.records import RuleCounts, RunState, RunStep, RunView
from bss.automation.rules_file import read_rules
from bss.console.frame import act, confirmed, page
from bss.console.rows import show_facts, show_rows
from bss.console.site import ROOT, Site, Viewer
from bss.console.words import instant

PATH = f"{ROOT}/automation/runs"
EVERY_S = 1.0
"""A run that is under way is looked at so often while its page is open."""
_SHOWN_MAX = 100


def register(site: Site) -> None:
    """The list and the page of one run."""

    @page(site, PATH, "Automation runs", "automation:read")
    async def runs(viewer: Viewer, state: str = "") -> None:
        await _show_rules(viewer)
        _heading("Runs")
        ui.select(
            {"": "every state", **{each: str(each) for each in RunState}},
            value=state if state in list(RunState) else "",
            label="State",
            on_change=lambda event: ui.navigate.to(f"{PATH}?state={event.value}"),
        ).props("outlined dense").classes("w-56")
        found = await viewer.read(lambda work: list_runs(work, state=state or None, limit=_SHOWN_MAX))
        show_rows(
            ("run", "rule", "state", "does", "about", "event", "began", "ended"),
            [
                (
                    run.id,
                    run.rule,
                    run.state,
                    run.action,
                    f"{run.resource} {run.resource_id}",
                    run.event_kind,
                    instant(run.created_ns),
                    instant(run.ended_ns),
                )
                for run in found
            ],
            links=[f"{PATH}/{run.id}" for run in found],
            empty=("No runs", "A rule runs when its event happens and its condition holds"),
        )

    @page(site, f"{PATH}/{{run_id}}", "Automation run", "automation:read")
    async def run(viewer: Viewer, run_id: str) -> None:
        shown = await viewer.read(lambda work: show_run(work, run_id=run_id))
        here = ui.column().classes("w-full gap-4")
        drawn = [shown]

        async def refresh() -> None:
            view = await viewer.read(lambda work: show_run(work, run_id=run_id))
            if view != drawn[0]:
                drawn[0] = view
                here.clear()
                with here:
                    _draw(viewer, view)
            if view.run.state != RunState.RUNNING:
                timer.cancel()

        with here:
            _draw(viewer, shown)
        timer = ui.timer(EVERY_S, refresh, active=shown.run.state == RunState.RUNNING)


async def _show_rules(viewer: Viewer) -> None:
    found, counts = await viewer.read(lambda work: (rules_in_force(work), run_counts(work)))
    _heading("Rules in force")
    known = {each.rule: each for each in counts}
    rules = () if found is None else read_rules("rules.yaml", found.text.encode()).rules
    if found is not None:
        ui.label(f"Rules {found.number}, since {instant(found.created_ns)}, by {found.subject}")
    show_rows(
        ("rule", "on", "when", "does", "done", "failed", "stopped"),
        [
            (
                rule.name,
                rule.event,
                rule.condition.text,
                _does(rule.action, enabled=rule.enabled),
                *_numbers(known, rule.name),
            )
            for rule in rules
        ],
        empty=("No rules", "farebox rules publish FILE puts some in force"),
    )


def _does(action: str, *, enabled: bool) -> str:
    return action if enabled else f"{action}, not enabled"


def _numbers(known: Mapping[str, RuleCounts], rule: str) -> tuple[str, str, str]:
    counts = known.get(rule, RuleCounts(rule=rule))
    return f"{counts.done:,}", f"{counts.failed:,}", f"{counts.stopped:,}"


def _heading(text: str) -> None:
    ui.label(text).props("role=heading aria-level=2").classes("text-lg font-semibold")


def _draw(viewer: Viewer, view: RunView) -> None:
    run = view.run
    with ui.row().classes("items-center gap-3"):
        ui.label(run.id).classes("font-semibold")
        ui.badge(run.state).props("outline")
        if run.state == RunState.FAILED and viewer.caller.may("automation:write"):
            ui.button("Replay", on_click=lambda: _replay(viewer, view)).props("outline dense")
    if run.reason:
        ui.label(f"Nothing was done: {run.reason}").classes("text-red-800")
    show_facts(
        [
            ("rule", f"{run.rule}, of rules {run.rule_set}"),
            ("event", f"{run.event_kind} ({run.event_id})"),
            ("about", f"{run.resource} {run.resource_id}"),
            ("runs that led to it", str(run.depth)),
            ("does", run.action),
            *((f"with {name}", text) for name, text in run.texts.items()),
            ("made", run.made_id or "-"),
            ("began", instant(run.created_ns)),
            ("ended", instant(run.ended_ns)),
        ]
    )
    _heading("Steps")
    show_rows(
        ("step", "state", "attempts", "went in", "came out", "began", "ended", "what went wrong"),
        [_row(step) for step in view.steps],
        empty=("No steps", "The run does nothing"),
    )


def _row(step: RunStep) -> tuple[str, ...]:
    return (
        step.kind,
        step.state,
        str(step.attempts),
        _words(step.input),
        _words(step.outcome),
        instant(step.started_ns),
        instant(step.ended_ns),
        f"{step.error_code}: {step.error}" if step.error else "",
    )


def _words(values: Mapping[str, str]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in values.items())


async def _replay(viewer: Viewer, view: RunView) -> None:
    failed = next(step for step in view.steps if step.error)
    text = f"{view.run.action} goes on at the step {failed.kind}. What was done before stays done."
    if not await confirmed("Replay this run?", text, "Replay"):
        return
    done = await act(lambda: viewer.write(lambda work: replay(work, run_id=view.run.id)), "The run goes on")
    if done is not None:
        ui.navigate.reload()
