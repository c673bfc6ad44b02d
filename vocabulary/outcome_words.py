"""Outcomes for people who look after subscribers: what each means, and what helps."""

from typing import Final, NamedTuple

from vocabulary.outcomes import Outcome


class OutcomeWords(NamedTuple):
    """One outcome, in sentences without their full stop."""

    meaning: str
    remedy: str


OUTCOME_WORDS: Final = {
    Outcome.UNDECIDED: OutcomeWords("it was not decided", "Look at the request's later repeats"),
    Outcome.GRANTED: OutcomeWords("it was granted", "Nothing is to be done"),
    Outcome.TOO_BUSY: OutcomeWords(
        "Farebox had more requests than it could decide, or its store was away", "Wait: the client asks again by itself"
    ),
    Outcome.UNABLE_TO_DELIVER: OutcomeWords(
        "no engine could be reached for the account", "Wait: the client asks again; farebox up's log says what is down"
    ),
    Outcome.AVP_UNSUPPORTED: OutcomeWords(
        "the client demands something that Farebox doesn't know", "Compare what the client sends with docs/diameter.md"
    ),
    Outcome.INVALID_AVP_LENGTH: OutcomeWords(
        "a part of the request has a length that can't be", "Report it to who made the client"
    ),
    Outcome.INVALID_AVP_VALUE: OutcomeWords(
        "a value in the request can't be, or its number was used by another request",
        "Report it to who runs the client; a client that doesn't count is set so (gy.peers.<name>.counts)",
    ),
    Outcome.MISSING_AVP: OutcomeWords("the request lacks what is mandatory", "Report it to who made the client"),
    Outcome.AVP_OCCURS_TOO_MANY_TIMES: OutcomeWords(
        "the request has more of one part than is allowed", "Have the client ask for fewer services at once"
    ),
    Outcome.UNABLE_TO_COMPLY: OutcomeWords(
        "the account can hold no more sessions, services or buckets, or an amount is beyond every limit",
        "End sessions that are not used (farebox session list), or report it with this page",
    ),
    Outcome.USER_UNKNOWN: OutcomeWords(
        "nobody has this number or identity", "Add the subscriber, or correct the identity (farebox subscriber add)"
    ),
    Outcome.UNKNOWN_SESSION_ID: OutcomeWords(
        "there is no such open session: it has ended, or never began", "Nothing: the client begins a new session"
    ),
    Outcome.END_USER_SERVICE_DENIED: OutcomeWords(
        "the account gives no credit: it is barred, closed or past its end", "See its status (farebox subscriber show)"
    ),
    Outcome.AUTHORIZATION_REJECTED: OutcomeWords(
        "no offer of the account has this service, though other offers have it", "Sell an offer that has the service"
    ),
    Outcome.RATING_FAILED: OutcomeWords(
        "no offer has a price for this service", "Publish a release that prices it, or correct the rating group"
    ),
    Outcome.CREDIT_CONTROL_NOT_APPLICABLE: OutcomeWords(
        "the catalogue says that this service needs no credit control", "Nothing: the client lets it pass"
    ),
    Outcome.CREDIT_LIMIT_REACHED: OutcomeWords(
        "neither an allowance nor money pays for more", "Top up; the client is told by itself"
    ),
}

assert set(OUTCOME_WORDS) == set(Outcome)
