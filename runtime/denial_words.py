"""Why an account gives no credit, and what helps: END_USER_SERVICE_DENIED in words (`denied_status` of the journal)."""

from typing import Final

from balances.record import AccountStatus
from vocabulary.instants import FOREVER_NS, to_rfc3339
from vocabulary.outcome_words import OUTCOME_WORDS, OutcomeWords
from vocabulary.outcomes import Outcome

_DENIALS: Final = {
    AccountStatus.ACTIVE: OutcomeWords(
        "the account is past its end",
        "Close it and add another (farebox subscriber close, add): its end can't be moved",
    ),
    AccountStatus.BARRED: OutcomeWords(
        "the account is barred",
        "Resume its product by an order, or unbar it where it was barred by hand (farebox subscriber unbar)",
    ),
    AccountStatus.CLOSED: OutcomeWords(
        "the account is closed for good", "Order a product anew, or add another account (farebox subscriber add)"
    ),
}


def denial_words(denied_status: int) -> OutcomeWords:
    """Of a status in the journal; all that it may be, where entries of an earlier release don't say which."""
    known = {int(status): said for status, said in _DENIALS.items()}
    return known.get(denied_status, OUTCOME_WORDS[Outcome.END_USER_SERVICE_DENIED])


def status_text(status: AccountStatus, expires_ns: int) -> str:
    """An account's status; of one that isn't active with what helps, of one that ends with its end."""
    if status != AccountStatus.ACTIVE:
        return f"{status.name.lower()}: {denial_words(status).remedy}"
    return "active" if expires_ns == FOREVER_NS else f"active until {to_rfc3339(expires_ns)}"
