"""What the twin writes down: request rows, usage rows, and per (row, bucket) the sums that become movements."""

from collections import defaultdict
from dataclasses import dataclass, field

from balances.journal import FIRST_DEBIT, MovementKind
from tests.reference.account import Account, Bucket
from tests.reference.requests import Mscc
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


@dataclass(slots=True)
class RequestRow:
    """A decided request, a session that supervision ended, or what expired of buckets."""

    account_id: int
    tenant: int
    session: tuple[int, int]
    kind: int
    type: int = 0
    number: int = 0
    command: int = 0
    outcome: Outcome = Outcome.UNDECIDED
    ended_session: int = 0
    currency: int = 0
    """of the account; 0 where there is none"""
    is_uncounted: bool = False
    denied_status: int = 0
    """of the account that gave no credit; ACTIVE: it was past its end"""


@dataclass(slots=True)
class UsageRow:
    """What one MSCC reported, cost and was granted, and why."""

    request: int
    rating_group: int | None
    service_identifier: int | None
    unit: Unit = Unit.MONEY
    from_ns: int = 0
    to_ns: int = 0
    used_units: int = 0
    allowance_units: int = 0
    uncharged_units: int = 0
    charged_micros: int = 0
    granted_units: int = 0
    release: int = 0
    offer: int = 0
    price: int = 0
    outcome: Outcome = Outcome.UNDECIDED
    final_action: int = 0
    requested_units: int = 0
    grant_basis: int = 0
    settled_by: Unit = Unit.MONEY


@dataclass(slots=True)
class Moved:
    """What happened to one bucket for one cause: amounts by kind, and the change of `reserved`."""

    unit: Unit
    allowance: int
    amounts: dict[MovementKind, int] = field(default_factory=lambda: defaultdict(int))
    held: int = 0


Cause = tuple[int, int, int, int]
"""(request row, usage row or -1, account id, bucket id)"""


@dataclass(slots=True)
class Books:
    """The journal of one batch; every change of a bucket goes through here, so that books and buckets can't differ."""

    requests: list[RequestRow] = field(default_factory=list)
    usages: list[UsageRow] = field(default_factory=list)
    moved: dict[Cause, Moved] = field(default_factory=dict)

    def add_request(self, row: RequestRow) -> int:
        """Write a request row; its index."""
        self.requests.append(row)
        return len(self.requests) - 1

    def add_usage(self, request: int, mscc: Mscc) -> int:
        """Write the usage row of an MSCC; its index."""
        self.usages.append(UsageRow(request, mscc.rating_group, mscc.service_identifier))
        return len(self.usages) - 1

    def cause(self, request: int, usage: int = -1) -> "CauseBooks":
        """The books of one request (usage -1) or one of its MSCCs."""
        return CauseBooks(self, request, usage)

    def movements(self) -> dict[Cause, tuple[int, int, dict[MovementKind, int], int]]:
        """(unit, allowance, amounts by kind, held) by cause, without what came to nothing."""
        found = {}
        for cause, moved in self.moved.items():
            amounts = {kind: amount for kind, amount in moved.amounts.items() if amount}
            if amounts or moved.held:
                found[cause] = (int(moved.unit), moved.allowance, amounts, moved.held)
        return found


@dataclass(slots=True)
class CauseBooks:
    """Moves amounts of buckets and writes each move under one cause."""

    books: Books
    request: int
    usage: int

    def _of(self, account: Account, bucket: Bucket) -> Moved:
        cause = (self.request, self.usage, account.account_id, bucket.bucket_id)
        return self.books.moved.setdefault(cause, Moved(bucket.unit, bucket.allowance))

    def hold(self, account: Account, bucket: Bucket, amount: int) -> None:
        """Move an amount from remaining to reserved; below zero: back."""
        bucket.remaining -= amount
        bucket.reserved += amount
        self._of(account, bucket).held += amount

    def move(self, account: Account, bucket: Bucket, kind: MovementKind, amount: int) -> None:
        """Credit or debit `remaining` by kind."""
        bucket.remaining += -amount if kind >= FIRST_DEBIT else amount
        self.note(account, bucket, kind, amount)

    def note(self, account: Account, bucket: Bucket, kind: MovementKind, amount: int) -> None:
        """Write a move that was done."""
        self._of(account, bucket).amounts[kind] += amount
