"""What `farebox session show` prints: a session as it is, and below it each decision with its reasons."""

from typing import TYPE_CHECKING, Any

from runtime.cli.tables import print_pairs, print_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from runtime.explain.closed_sessions import ClosedSession
    from runtime.explain.stories import Story
    from runtime.explain.words import MovedWords, StepWords
    from runtime.live_sessions import LiveSession


def print_story(story: "Story") -> None:
    """The session, then its decisions, oldest first."""
    from runtime.live_sessions import LiveSession

    if isinstance(story.session, LiveSession):
        _print_live(story.session)
    else:
        _print_closed(story.session, story.steps)
    print("decisions, and why:")
    if story.missing:
        print(f"  ... {story.missing}")
    for step in story.steps:
        _print_step(step)
    print()


def _print_live(live: "LiveSession") -> None:
    from runtime import live_sessions

    print_pairs(live_sessions.why_pairs(live))
    rows = [live_sessions.service_row(live, service) for service in live.session.services]
    print_table("services", live_sessions.SERVICE_COLUMNS, rows, right=("granted", "carry"))


def _print_closed(closed: "ClosedSession", steps: "Sequence[StepWords]") -> None:
    from vocabulary.instants import to_rfc3339

    last = closed.last
    account = "nobody" if last["account_id"] is None else str(last["account_id"])
    pairs = [
        ("session", closed.session_id),
        ("client", f"{last['origin_host']} of {last['origin_realm']}"),
        ("tenant, account", f"{last['tenant_name']}, {account}"),
        ("opened", to_rfc3339(last["session_opened_ns"])),
        ("closed", f"{to_rfc3339(last['closed_ns'])} by {last['closed_by'].replace('_', ' ')}"),
        ("result", _result(last["result_code"], steps)),
    ]
    if closed.refused_later:
        code = _result(closed.refused_later[-1]["result_code"], steps)
        pairs.append(("refused later", f"{closed.refused_later_count}, the last with {code}"))
    print_pairs(pairs)
    used = [_line(row) for row in closed.rows if row["line"] > 0]
    columns = ("rating_group", "used", "from_allowances", "paid_by_nothing", "charged", "refused")
    print_table("what its records charge", columns, used, right=columns[1:])


def _result(code: int, steps: "Sequence[StepWords]") -> str:
    """A Result-Code; of a refusal with what it means, as the last decision that came to it has it where it is here."""
    from vocabulary.outcome_words import OUTCOME_WORDS
    from vocabulary.outcomes import RESULT_CODES, Outcome

    if code not in RESULT_CODES or code == RESULT_CODES[Outcome.GRANTED]:
        return str(code)
    outcome = Outcome(RESULT_CODES.index(code))
    decided = next((step for step in reversed(steps) if step.outcome == outcome.name.lower()), None)
    meaning, remedy = OUTCOME_WORDS[outcome] if decided is None else (decided.refused, decided.remedy)
    return f"{code}: {meaning}. What helps: {remedy}"


def _line(row: dict[str, Any]) -> tuple[str, ...]:
    from catalog_loader.amounts import money_text

    group = "absent" if row["rating_group"] is None else str(row["rating_group"])
    amounts = tuple(_units(row["unit"], row[name]) for name in ("used_units", "allowance_units", "uncharged_units"))
    charged = money_text(row["charged_micros"], row["currency"] or "") if row["charged_micros"] else "-"
    return group, *amounts, charged, f"{row['refused_count']} of {row['report_count']}"


def _units(name: str | None, units: int) -> str:
    from catalog_loader.amounts import units_text
    from vocabulary.units import UNIT_NAMES

    unit = next((unit for unit, known in UNIT_NAMES.items() if known == name), None)
    return "-" if not units else units_text(unit, units) if unit is not None else str(units)


def _print_step(step: "StepWords") -> None:
    from runtime.explain.words import sentences

    print(f"  {step.at}  {step.what}: {step.outcome.replace('_', ' ')}")
    for sentence in step.asked:
        print(f"    {sentence}")
    if step.refused:
        print(f"    Refused: {step.refused}")
        print(f"    What helps: {step.remedy}")
    for moved in step.moved:
        print(f"    {_moved(moved)}")
    for service in step.services:
        print(f"    {service.service}")
        for sentence in sentences(service):
            print(f"      {sentence}")
    if step.ended:
        print(f"    {step.ended[0].upper()}{step.ended[1:]}")


def _moved(moved: "MovedWords") -> str:
    return f"{moved.kind.capitalize()}: {moved.amount} of {moved.bucket} (bucket {moved.bucket_id})"
