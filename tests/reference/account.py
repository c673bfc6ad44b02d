"""An account as plain objects: what the record holds, nested the way a person would draw it.

Services lie within their session and reservations within their service, so no tag or offset is needed here. Lists keep
the order of the record. Shares nothing with the kernels but numbers of the vocabulary.
"""

from dataclasses import dataclass, field
from typing import Any

from balances.record import AccountStatus
from vocabulary.instants import FOREVER_NS
from vocabulary.outcomes import Outcome
from vocabulary.units import MONEY_UNITS, Unit

SessionKey = tuple[int, int]


@dataclass(slots=True)
class Product:
    """An offer that the account may use in [from_ns, to_ns); lower priority is asked first."""

    offer: int
    release: int = 0
    from_ns: int = 0
    to_ns: int = FOREVER_NS
    priority: int = 0
    period_s: int = 0
    """Start of the period that was applied last; 0: `from_ns`."""

    def is_valid(self, now_ns: int) -> bool:
        """Whether it may be used at that instant."""
        return self.from_ns <= now_ns < self.to_ns


@dataclass(slots=True)
class Bucket:
    """Money in micros or an allowance in units; `remaining` is free, `reserved` is held for grants."""

    bucket_id: int
    unit: Unit = Unit.MONEY
    allowance: int = 0
    priority: int = 0
    remaining: int = 0
    reserved: int = 0
    from_ns: int = 0
    to_ns: int = FOREVER_NS

    def is_valid(self, now_ns: int) -> bool:
        """Whether its period holds that instant."""
        return self.from_ns <= now_ns < self.to_ns

    def is_over(self, now_ns: int) -> bool:
        """Whether its period has ended by then."""
        return self.to_ns <= now_ns


@dataclass(slots=True)
class Reservation:
    """What a service holds of a bucket, in the bucket's unit."""

    bucket_id: int
    amount: int


@dataclass(slots=True)
class Given:
    """What a service was answered once."""

    outcome: Outcome = Outcome.UNDECIDED
    granted: int = 0
    has_grant: bool = False
    is_final: bool = False
    is_cut: bool = False
    """it ends at the tariff change"""


@dataclass(slots=True)
class Service:
    """A rating group (and service identifier, or UPF) within a session; None is absent."""

    rating_group: int | None
    service_identifier: int | None
    unit: Unit
    last_report_ns: int
    carry: int = 0
    last: Given = field(default_factory=Given)
    previous: Given = field(default_factory=Given)
    answered_at: int = 0
    """The session's `answers` when it was last answered."""
    reservations: list[Reservation] = field(default_factory=list)
    upf: int | None = None

    @property
    def has_left(self) -> bool:
        """Whether it was a UPF's that had quota and then reported and asked for nothing, so that nothing is held for it."""
        is_idle = self.last.outcome == Outcome.GRANTED and not self.last.has_grant and not self.last.is_final
        return self.upf is not None and is_idle and self.previous.has_grant and not self.reservations


@dataclass(slots=True)
class Asked:
    """A request that was answered, as far as its repeat is recognised by it."""

    type: int
    number: int
    body_hash: int
    outcome: Outcome


@dataclass(slots=True)
class Session:
    """An open session."""

    key: SessionKey
    opened_ns: int
    service_context: int
    expires_ns: int = 0
    answers: int = 0
    initial_mix: int = 0
    last: Asked | None = None
    previous: Asked | None = None
    highest_number: int = 0
    unanswered: set[int] = field(default_factory=set)
    """Numbers below the highest that have no answer, as far back as is known."""
    older_hashes: tuple[int, int] = (0, 0)
    """Where its peer never counts: of the two answers before `previous`, the later first."""
    services: list[Service] = field(default_factory=list)

    def service(self, rating_group: int | None, service_identifier: int | None, upf: int | None) -> Service | None:
        """The service of that name; where it or the name has no UPF the first of a rating group without identifier."""
        same_group = [service for service in self.services if service.rating_group == rating_group]
        for service in same_group:
            if (service.service_identifier, service.upf) == (service_identifier, upf):
                return service
        if rating_group is None or service_identifier is not None:
            return None
        return next((s for s in same_group if s.service_identifier is None and (s.upf is None) != (upf is None)), None)

    def add_service(self, rating_group: int | None, service_identifier: int | None, upf: int | None) -> Service:
        """A new one, for a UPF in the place of one that has left."""
        for service in self.services:
            was_before = service.answered_at != self.answers
            if upf is not None and service.rating_group == rating_group and was_before and service.has_left:
                service.upf, service.answered_at = upf, self.answers
                service.last, service.previous = Given(), Given()
                return service
        added = Service(rating_group, service_identifier, Unit.MONEY, self.opened_ns, upf=upf)
        self.services.append(added)
        return added


@dataclass(slots=True)
class Account:
    """A subscription with everything that its record holds."""

    account_id: int
    tenant: int = 1
    currency: int = 978
    status: AccountStatus = AccountStatus.ACTIVE
    credit_limit_micros: int = 0
    charged_micros: int = 0
    revision: int = 0
    updated_ns: int = 0
    expires_ns: int = FOREVER_NS
    products: list[Product] = field(default_factory=list)
    buckets: list[Bucket] = field(default_factory=list)
    sessions: list[Session] = field(default_factory=list)
    ended: list[int] = field(default_factory=list)
    """Marks of ended sessions, a ring: `ended_next` is overwritten next."""
    ended_next: int = 0

    def bucket(self, bucket_id: int) -> Bucket:
        """The bucket of that id, which must exist."""
        return next(bucket for bucket in self.buckets if bucket.bucket_id == bucket_id)

    def session(self, key: SessionKey) -> Session | None:
        """The open session of that key."""
        return next((session for session in self.sessions if session.key == key), None)

    def gives_credit(self, now_ns: int) -> bool:
        """Whether it may be granted anything at that instant."""
        return self.status == AccountStatus.ACTIVE and now_ns < self.expires_ns

    def denied_status(self, outcome: Outcome, now_ns: int) -> int:
        """Its status, where a denial is the account's: of an active one that is past its end."""
        is_denied = outcome == Outcome.END_USER_SERVICE_DENIED and not self.gives_credit(now_ns)
        return int(self.status) if is_denied else 0

    def payers(self, settled_by: Unit, now_ns: int) -> list[Bucket]:
        """Buckets of the balance or of the bill that are valid, in the order in which they pay."""
        valid = [bucket for bucket in self.buckets if bucket.unit == settled_by and bucket.is_valid(now_ns)]
        return sorted(valid, key=lambda bucket: (bucket.priority, bucket.to_ns))

    def allowances(self, unit: Unit, numbers: tuple[int, ...], now_ns: int) -> list[Bucket]:
        """Valid unit buckets of one of these allowances, in the order in which they are used."""
        valid = [
            bucket
            for bucket in self.buckets
            if bucket.unit == unit and bucket.allowance in numbers and bucket.is_valid(now_ns)
        ]
        return sorted(valid, key=lambda bucket: (bucket.priority, bucket.to_ns))


def free_and_reserved(account: Account) -> dict[tuple[Unit, int], tuple[int, int]]:
    """(remaining, reserved) summed by (unit, allowance)."""
    sums: dict[tuple[Unit, int], tuple[int, int]] = {}
    for bucket in account.buckets:
        remaining, reserved = sums.get((bucket.unit, bucket.allowance), (0, 0))
        sums[(bucket.unit, bucket.allowance)] = (remaining + bucket.remaining, reserved + bucket.reserved)
    return sums


def check_reservations(account: Account) -> None:
    """AssertionError where a bucket's `reserved` is not what the services hold of it, or anything is out of range."""
    held: dict[int, int] = {}
    for session in account.sessions:
        for service in session.services:
            for reservation in service.reservations:
                assert reservation.amount > 0, reservation
                held[reservation.bucket_id] = held.get(reservation.bucket_id, 0) + reservation.amount
    found: dict[int, Any] = {bucket.bucket_id: bucket.reserved for bucket in account.buckets if bucket.reserved}
    assert found == held, (account.account_id, found, held)
    for bucket in account.buckets:
        assert bucket.unit in MONEY_UNITS or bucket.remaining >= 0, bucket
        assert bucket.unit != Unit.BILL or bucket.remaining + bucket.reserved <= 0, "a bill is never in credit"
