"""Requests and answers of the twin: plain, frozen, with None for what is absent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from balances.journal import MovementKind
from balances.record import AccountStatus
from vocabulary.instants import FOREVER_NS
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


@dataclass(frozen=True, slots=True)
class Mscc:
    """One Multiple-Services-Credit-Control.

    requested   None: no Requested-Service-Unit; empty: the server decides
    used        None: no Used-Service-Unit; else sums by unit
    before      of these, what was used before a tariff change; None: nothing is said of one
    upf         digest of the UPF that it is of, which has no service identifier then
    outcome     of what is only recorded, beside the MSCCs of its request
    """

    rating_group: int | None = None
    service_identifier: int | None = None
    requested: Mapping[Unit, int] | None = None
    used: Mapping[Unit, int] | None = None
    before: Mapping[Unit, int] | None = None
    upf: int | None = None
    outcome: Outcome = Outcome.UNDECIDED

    @property
    def service(self) -> tuple[int | None, int | None, int | None]:
        """Rating group, service identifier and UPF."""
        return self.rating_group, self.service_identifier, self.upf


@dataclass(frozen=True, slots=True)
class CreditControl:
    """A credit-control request."""

    account_id: int | None
    session: tuple[int, int]
    type: int
    number: int
    body_hash: int
    received_ns: int
    tenant: int = 1
    msccs: tuple[Mscc, ...] = ()
    event_ns: int | None = None
    service_context: int = 32251
    requested_action: int | None = None
    outcome: Outcome = Outcome.UNDECIDED
    never_counts: bool = False
    command_level_limit: bool = False
    ends_at_tariff_change: bool = False
    reports_alone: bool = False
    """of a service that gives no quota"""
    is_sent_again: bool = False
    """the T flag"""
    refusal: Outcome = Outcome.UNDECIDED
    """of one at fault that reports use"""


@dataclass(frozen=True, slots=True)
class Credit:
    """A bucket that an account command opens or raises."""

    amount: int
    unit: Unit = Unit.MONEY
    allowance: int = 0
    from_ns: int = 0
    to_ns: int = FOREVER_NS
    priority: int = 0
    movement: MovementKind = MovementKind.TOPPED_UP
    bucket_id: int = 0


@dataclass(frozen=True, slots=True)
class Open:
    """The account command that opens an account."""

    account_id: int
    received_ns: int
    tenant: int = 1
    offer: int = 1
    release: int = 0
    product_from_ns: int = 0
    product_to_ns: int = FOREVER_NS
    currency: int = 978
    status: AccountStatus = AccountStatus.ACTIVE
    credit_limit_micros: int = 0
    expires_ns: int = FOREVER_NS
    credits: tuple[Credit, ...] = ()
    command_id: str = ""


@dataclass(frozen=True, slots=True)
class Debit:
    """What an account command takes of money or of an allowance."""

    amount: int
    unit: Unit = Unit.MONEY
    allowance: int = 0
    bucket_id: int = 0
    movement: MovementKind = MovementKind.ADJUSTED_OUT
    may_go_below_zero: bool = False


@dataclass(frozen=True, slots=True)
class Applies:
    """A period for which an account command gives a product."""

    offer: int
    from_ns: int
    to_ns: int
    release: int = 0
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Ends:
    """A product that an account command ends, and whose allowances' buckets end with it."""

    offer: int
    at_ns: int
    allowances: tuple[tuple[Unit, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Change:
    """The account command that changes an account."""

    account_id: int | None
    received_ns: int
    tenant: int = 1
    amounts: tuple[Credit | Debit, ...] = ()
    status: AccountStatus = AccountStatus.NONE
    applies: Applies | None = None
    ends: Ends | None = None
    command_id: str = ""
    credit_limit_micros: int | None = None


@dataclass(frozen=True, slots=True)
class AskSessions:
    """The account command that asks something of open sessions; session None: of all."""

    account_id: int
    received_ns: int
    command: int
    session: tuple[int, int] | None = None
    tenant: int = 1


@dataclass(frozen=True, slots=True)
class Wake:
    """The sweeper's: apply what is due to one account."""

    account_id: int
    received_ns: int
    tenant: int = 1


Request = CreditControl | Open | Change | AskSessions | Wake


@dataclass(slots=True)
class MsccAnswer:
    """The answer of one MSCC; granted None: no Granted-Service-Unit."""

    outcome: Outcome
    unit: Unit = Unit.MONEY
    granted: int | None = None
    validity_s: int = 0
    final_action: int = 0
    threshold_units: int = 0
    holding_s: int = 0
    final_unit: int = 0
    tariff_change_s: int = 0
    is_cut: bool = field(default=False, compare=False)
    """of the twin alone: the grant ends at the tariff change"""
    basis: int = field(default=0, compare=False)
    """of the twin alone: GrantBasis"""


@dataclass(slots=True)
class Answer:
    """The answer of a request."""

    outcome: Outcome
    is_duplicate: bool = False
    opened_session: bool = False
    ended_session: bool = False
    keeps_answer: bool = False
    failed_code: int = 0
    msccs: list[MsccAnswer] = field(default_factory=list)
