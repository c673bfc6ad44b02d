"""Why sessions were answered as they were, decision by decision, in words: what the console asks beside the live engine.
`runtime/session_stories.py` reads them out of the journal and the charging records.
"""

from dataclasses import dataclass
from typing import Protocol

from bss.engine_port import NoEngine


@dataclass(frozen=True, slots=True)
class ToldStep:
    """One request, account command or ending."""

    at: str
    """RFC 3339"""
    what: str
    """such as "UPDATE 3" or "top-up voucher-7" """
    outcome: str
    lines: tuple[str, ...]
    """price, who paid, why so much was granted, why something was refused and what helps: a sentence each"""


@dataclass(frozen=True, slots=True)
class ToldSession:
    """A session, or a request that was refused without one, and its last decisions."""

    session_id: str
    client: str
    """who asked for credit; "" where it isn't known"""
    opened_ns: int
    closed_ns: int | None
    """None: it is open"""
    how: str
    """how it ended, or with which result it was refused and what helps; "" of an open one"""
    steps: tuple[ToldStep, ...]
    """oldest first"""
    missing: str
    """why there may have been more steps; "" where all are here"""


class SessionStories(Protocol):
    """Calls block, at most for some seconds; NoEngine says why nothing can be told."""

    def of_open(self, tenant: str, account_id: int, key: str) -> ToldSession | NoEngine | None:
        """The open session of this account with this key; None where there is none."""

    def last_ended(self, tenant: str, account_id: int, count: int) -> tuple[ToldSession, ...] | NoEngine:
        """The last sessions of an account that are over, and requests that were refused without one; newest first."""
