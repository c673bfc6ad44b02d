"""A decision as lines of text, for screens: each with how deep it stands."""

from collections.abc import Iterator, Sequence

from runtime.explain.closed_sessions import ClosedSession
from runtime.explain.words import MovedWords, StepWords, sentences
from vocabulary.outcome_words import OUTCOME_WORDS
from vocabulary.outcomes import RESULT_CODES, Outcome


def lines_of(step: StepWords) -> Iterator[tuple[int, str]]:
    """Why the step came to what it did: (0, a sentence), what was decided for a service below its name, as (1, a sentence)."""
    for sentence in step.asked:
        yield 0, sentence
    if step.refused:
        yield 0, f"Refused: {step.refused}"
        yield 0, f"What helps: {step.remedy}"
    for moved in step.moved:
        yield 0, _moved(moved)
    for service in step.services:
        yield 0, service.service
        for sentence in sentences(service):
            yield 1, sentence
    if step.ended:
        yield 0, f"{step.ended[0].upper()}{step.ended[1:]}"


def outcome_text(step: StepWords) -> str:
    """`credit limit reached` of credit_limit_reached."""
    return step.outcome.replace("_", " ")


def _moved(moved: MovedWords) -> str:
    return f"{moved.kind.capitalize()}: {moved.amount} of {moved.bucket} (bucket {moved.bucket_id})"


def result_text(code: int, steps: Sequence[StepWords]) -> str:
    """A Result-Code; of a refusal with what it means, as the last decision that came to it has it where it is here."""
    if code not in RESULT_CODES or code == RESULT_CODES[Outcome.GRANTED]:
        return str(code)
    outcome = Outcome(RESULT_CODES.index(code))
    decided = next((step for step in reversed(steps) if step.outcome == outcome.name.lower()), None)
    meaning, remedy = OUTCOME_WORDS[outcome] if decided is None else (decided.refused, decided.remedy)
    return f"{code}: {meaning}. What helps: {remedy}"


def closing_text(closed: ClosedSession) -> str:
    """`by termination`"""
    return f"by {str(closed.last['closed_by']).replace('_', ' ')}"
