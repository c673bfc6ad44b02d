"""Which new sessions a front end still takes while requests wait: the less a message matters, the sooner it is refused.

Beyond these levels the link to the engine refuses new sessions, then everything (TS 29.500 §6.4, §6.8).
"""

from typing import Final

from chf_http2.sbi_headers import PRIORITY_DEFAULT, PRIORITY_LOWEST
from vocabulary.limits import REQUESTS_QUEUED_NEW_SESSIONS_MAX

LEVELS_PERCENT: Final = ((90, PRIORITY_DEFAULT // 2 - 1), (80, PRIORITY_DEFAULT - 1), (50, PRIORITY_DEFAULT))
"""(fill of REQUESTS_QUEUED_NEW_SESSIONS_MAX from which on, largest priority number that is still taken), fullest first."""
_LEVELS: Final = tuple((percent * REQUESTS_QUEUED_NEW_SESSIONS_MAX // 100, taken) for percent, taken in LEVELS_PERCENT)
CONGESTED_FROM: Final = _LEVELS[-1][0]
"""Fewer that wait, and everything is taken."""

assert [percent for percent, _ in LEVELS_PERCENT] == sorted((percent for percent, _ in LEVELS_PERCENT), reverse=True)
assert [taken for _, taken in LEVELS_PERCENT] == sorted(taken for _, taken in LEVELS_PERCENT)


def priority_taken(waiting_count: int) -> int:
    """The largest priority number that a new session may have while so many requests wait."""
    for reached, taken in _LEVELS:
        if waiting_count >= reached:
            return taken
    return PRIORITY_LOWEST
