"""The account command that changes an account: its status, a product's period, its credit limit, amounts; whole or not
at all.

Bar, unbar, close, top up, activate, renew, end, adjust and move to another plan are all this one command with other parts,
so they share one id, one answer, one decision (docs/charging.md §9):

    Change(id, tenant, account, status=AccountStatus.BARRED)
    Change(id, tenant, account, amounts=(Credit(Unit.MONEY, micros),))
    Change(id, tenant, account, applies=ProductPeriod(offer, from_ns, to_ns), amounts=(fee(micros), Credit(...)))
    Change(id, tenant, account, ends=ProductEnd(offer, at_ns))
    Change(id, tenant, account, amounts=(Debit(Unit.MONEY, micros),), reason="charged twice, ticket 17")
    Change(id, tenant, account, credit_limit_micros=micros)
"""

from dataclasses import dataclass

from balances.amounts import Amount, Credit, Debit, check_allowance, check_period
from balances.command_checks import INT64_MAX, CommandError, check_address, check_range
from balances.journal import MovementKind
from balances.record import AccountStatus
from vocabulary.instants import NS_PER_S
from vocabulary.limits import CREDITS_PER_COMMAND_MAX, MICROS_MAX, REASON_OCTETS_MAX
from vocabulary.units import MONEY_UNITS, Unit

_ID_MAX = 2**31 - 1
_START_S_MAX = 2**32 - 1


@dataclass(frozen=True, slots=True)
class ProductPeriod:
    """A period for which an account gets a product, or gets it on. (offer, from_ns) is what it is known by: once applied,
    the same product from the same instant is not applied again, whatever the command's id.
    """

    offer: int
    """vocabulary.ids.number_of_name of the offer"""
    from_ns: int
    """a whole second"""
    to_ns: int
    """FOREVER_NS: until it is ended"""
    release: int = 0
    """pinned release; 0 follows the one in force"""
    priority: int = 0
    """of a product that is new; lower is asked for a price first"""

    def __post_init__(self) -> None:
        check_range("offer", self.offer, 1, _ID_MAX)
        check_period("product", self.from_ns, self.to_ns)
        if self.from_ns % NS_PER_S or not 0 < self.from_ns // NS_PER_S <= _START_S_MAX:
            raise CommandError(f"product from_ns is {self.from_ns}: a whole second from 1 to {_START_S_MAX} fits")
        check_range("release", self.release, 0, _ID_MAX)
        check_range("product priority", self.priority, 0, _ID_MAX)


@dataclass(frozen=True, slots=True)
class ProductEnd:
    """The end of a product: no period of it goes beyond `at_ns`."""

    offer: int
    at_ns: int
    allowances: tuple[tuple[Unit, int], ...] = ()
    """whose buckets end then as well; all others stay until their own ends"""

    def __post_init__(self) -> None:
        check_range("offer", self.offer, 1, _ID_MAX)
        check_range("product end", self.at_ns, 1, INT64_MAX)
        for unit, allowance in self.allowances:
            check_allowance(unit, allowance)
            if unit in MONEY_UNITS:
                raise CommandError("a product that ends takes no money with it: name allowances")


@dataclass(frozen=True, slots=True)
class Change:
    """What is to become of an account. Its parts are decided together; where one can't be done none is."""

    command_id: str
    tenant: int
    account_id: int
    status: AccountStatus = AccountStatus.NONE
    """NONE: stays. CLOSED is final"""
    applies: ProductPeriod | None = None
    ends: ProductEnd | None = None
    amounts: tuple[Amount, ...] = ()
    """in the order in which they are done"""
    reason: str = ""
    """for people; it is kept in the journal"""
    credit_limit_micros: int | None = None
    """how much may be owed on the bill from then on; None: stays. What is owed already isn't touched by it"""

    def __post_init__(self) -> None:
        check_address(self.command_id, self.tenant, self.account_id)
        check_range("status", int(self.status), AccountStatus.NONE, max(AccountStatus))
        cuts = len(self.ends.allowances) if self.ends is not None else 0
        check_range("count of amounts", len(self.amounts) + cuts, 0, CREDITS_PER_COMMAND_MAX)
        if self.credit_limit_micros is not None:
            check_range("credit_limit_micros", self.credit_limit_micros, 0, MICROS_MAX)
        elif not (self.status or self.applies or self.ends or self.amounts):
            raise CommandError("a change of nothing: name a status, a product, a credit limit or amounts")
        if self.applies is not None and self.ends is not None and self.applies.offer == self.ends.offer:
            raise CommandError(f"offer {self.applies.offer} is applied and ended: do one of both")
        if self.applies is None and any(amount.kind == MovementKind.FEE for amount in self.amounts):
            raise CommandError("a fee without a product: name the period that it pays")
        if len(self.reason.encode()) > REASON_OCTETS_MAX or not (self.reason.isprintable()):
            raise CommandError(f"reason {self.reason[:20]!r}...: at most {REASON_OCTETS_MAX} printable octets fit")

    @property
    def credits(self) -> tuple[Credit, ...]:
        """Amounts that the account gets."""
        return tuple(amount for amount in self.amounts if isinstance(amount, Credit))

    @property
    def debits(self) -> tuple[Debit, ...]:
        """Amounts that are taken from it."""
        return tuple(amount for amount in self.amounts if isinstance(amount, Debit))
