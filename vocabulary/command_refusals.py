"""What the engine's outcomes say of an account command that was refused, in words for people (docs/charging.md §9)."""

from typing import Final

from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome

COMMAND_REFUSALS: Final[dict[Outcome, str]] = {
    Outcome.INVALID_AVP_VALUE: f"a balance would pass its maximum ({MICROS_MAX // 1_000_000:,} in money,"
    f" {UNITS_MAX:,} units): give less",
    Outcome.USER_UNKNOWN: "there is no such account",
    Outcome.END_USER_SERVICE_DENIED: "the account is closed",
    Outcome.UNABLE_TO_COMPLY: "the account exists already, or has no room for another balance",
    Outcome.CREDIT_LIMIT_REACHED: "what is there doesn't pay it; nothing was changed",
}


def said_of(outcome: Outcome) -> str:
    """The words for an outcome; its name where it has none."""
    return COMMAND_REFUSALS.get(outcome, outcome.name.lower().replace("_", " "))
