"""What a request's headers decide before its body is looked at: who may ask, how much it matters, how long it is waited for.

The body has come by then: a client that is answered while it still sends may take the stream for broken, and lose the
401 that tells it to get another token.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from chf_http2.access_tokens import NF_TYPE, TokenChecker, TokenRules, Verified
from chf_http2.config import ChfConfig, plmn_of
from chf_http2.congestion import CONGESTED_FROM, priority_taken
from chf_http2.edge.token_files import TokenFiles
from chf_http2.errors import RequestRefused
from chf_http2.problems import REFUSALS, problem, refusal_problem
from chf_http2.routes import Operation, Route
from chf_http2.sbi_headers import (
    CORRELATION_INFO,
    MAX_RSP_TIME,
    MESSAGE_PRIORITY,
    NO_RETRY,
    PRIORITY_DEFAULT,
    SENDER_TIMESTAMP,
    correlation_info,
    due_ns,
    message_priority,
)
from chf_http2.token_keys import TokenKey
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome


class Asked(NamedTuple):
    """What the headers of a request ask for beside what its body does."""

    due_ns: int
    """an answer later than this is of no use; 0: at any time"""
    echoed: tuple[tuple[str, str], ...]
    """headers that the answer repeats"""


NOTHING: Final = Asked(0, ())
SEND_AGAIN: Final = "what became of the request is not known yet; the same one, sent again, gets the answer that it had"
_TIME_IS_OVER: Final = "the time of 3gpp-Sbi-Max-Rsp-Time has passed"


class Admission:
    """Looks at the headers of one server's requests."""

    def __init__(
        self, config: ChfConfig, nf_instance_id: str, forget_tokens: Callable[[], None] = lambda: None
    ) -> None:
        """`forget_tokens` is called where keys changed. ValueError, OSError: the keys of tokens can't be read."""
        self._forget_tokens = forget_tokens
        self._tokens: TokenChecker | None = None
        self._files: TokenFiles | None = None
        if config.token_keys:
            self._tokens = TokenChecker(_rules_of(config, nf_instance_id), ())
            self._files = TokenFiles(config.token_keys, self._use_keys)

    @property
    def takes_tokens(self) -> bool:
        """Is there a token to be looked at in each request?"""
        return self._tokens is not None

    def _use_keys(self, keys: tuple[TokenKey, ...]) -> None:
        assert self._tokens is not None
        self._tokens.use_keys(keys)
        self._forget_tokens()

    def verified(self, authorization: str) -> Verified | None:
        """What is known of a header that was admitted."""
        return None if self._tokens is None else self._tokens.verified(authorization)

    def admit(self, headers: Mapping[str, str], route: Route, now_ns: int, waiting_count: int) -> Asked:
        """What they ask for. RequestRefused: not with these headers.

        waiting_count   requests that wait for their answer
        """
        if self._tokens is not None:
            self._tokens.check(headers.get("authorization"), route.service.name, now_ns / NS_PER_S)
        if waiting_count >= CONGESTED_FROM and route.operation is Operation.CREATE:
            _refuse_what_matters_less(headers, waiting_count)
        has_time = MAX_RSP_TIME in headers
        if not has_time and CORRELATION_INFO not in headers:
            return NOTHING
        echoed = correlation_info(headers.get(CORRELATION_INFO, ""))
        due = due_ns(headers.get(MAX_RSP_TIME, ""), headers.get(SENDER_TIMESTAMP), now_ns) if has_time else 0
        return Asked(due, ((CORRELATION_INFO, echoed),) if echoed else ())

    def look(self, now_ns: int) -> None:
        """Follow files that change; to be called now and then."""
        if self._files is not None:
            self._files.look(now_ns)


def refuse_late(asked: Asked, now_ns: int, *, is_handed_over: bool) -> None:
    """RequestRefused: nobody waits for the answer any more (TS 29.500 §6.11.2).

    is_handed_over   an engine may have decided it, or will: who sends it again gets that answer, and must not be told not to
    """
    if not asked.due_ns or asked.due_ns > now_ns:
        return
    if is_handed_over:
        raise RequestRefused(problem(504, "TIMED_OUT_REQUEST", f"{_TIME_IS_OVER}: {SEND_AGAIN}"))
    raise RequestRefused(problem(504, "TIMED_OUT_REQUEST", f"{_TIME_IS_OVER}; nothing was charged"), NO_RETRY)


def _refuse_what_matters_less(headers: Mapping[str, str], waiting_count: int) -> None:
    said = message_priority(headers.get(MESSAGE_PRIORITY, ""))
    if (PRIORITY_DEFAULT if said is None else said) > priority_taken(waiting_count):
        retry_after_s = REFUSALS[Outcome.TOO_BUSY].retry_after_s
        raise RequestRefused(refusal_problem(Outcome.TOO_BUSY), ("retry-after", str(retry_after_s)))


def _rules_of(config: ChfConfig, nf_instance_id: str) -> TokenRules:
    return TokenRules(
        audiences=frozenset({NF_TYPE.lower(), nf_instance_id.lower()} - {""}),
        issuers=frozenset(issuer.lower() for issuer in config.token_issuers),
        plmns=frozenset(map(plmn_of, config.plmns)),
    )
