"""What may be asked of an account's open sessions: to be re-authorised, to be aborted, to be ended here.

The first two change nothing in the account: that they are in the journal is what the notifier goes by, which tells the
session's client (docs/decisions/0018). The third ends a session whose client has lost it, as supervision would.
"""

from dataclasses import dataclass
from enum import IntEnum

from balances.command_checks import INT64_MAX, check_address, check_range

_WORD_MAX = 2 * INT64_MAX + 1


class SessionAction(IntEnum):
    """What is asked; its number is `requests.command` of the journal row."""

    REAUTHORIZE = 3
    """the client is to ask for credit again"""
    ABORT = 4
    """the client is to end the session"""
    END = 5
    """the session ends here: what it holds goes back, its charging record is written"""


@dataclass(frozen=True, slots=True)
class SessionCommand:
    """One action for one open session, or for all of an account."""

    command_id: str
    tenant: int
    account_id: int
    action: SessionAction
    session_high: int = 0
    """digest of the session's id; both halves 0: every open session of the account, which END doesn't take"""
    session_low: int = 0

    def __post_init__(self) -> None:
        check_address(self.command_id, self.tenant, self.account_id)
        check_range("action", int(self.action), min(SessionAction), max(SessionAction))
        check_range("session_high", self.session_high, 0, _WORD_MAX)
        check_range("session_low", self.session_low, 0, _WORD_MAX)
