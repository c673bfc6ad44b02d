"""What an account command does to buckets: credits and debits, checked where they are built."""

from dataclasses import dataclass

from balances.command_checks import INT64_MAX, CommandError, check_range
from balances.journal import FIRST_DEBIT, MovementKind
from vocabulary.instants import FOREVER_NS
from vocabulary.limits import MICROS_MAX, UNITS_MAX
from vocabulary.units import MONEY_UNITS, UNIT_NAMES, Unit

_ID_MAX = 2**31 - 1


def check_period(name: str, from_ns: int, to_ns: int) -> None:
    """CommandError where a period's ends don't fit, or it ends before it begins."""
    check_range(f"{name} from_ns", from_ns, 0, INT64_MAX)
    check_range(f"{name} to_ns", to_ns, 0, INT64_MAX)
    if to_ns <= from_ns:
        raise CommandError(f"{name} ends at {to_ns}, not after it starts at {from_ns}")


def check_allowance(unit: Unit, allowance: int) -> None:
    """CommandError where unit and allowance don't go together: 0 for money, a number for units."""
    check_range("unit", int(unit), 0, max(Unit))
    check_range("allowance", allowance, 0, _ID_MAX)
    if (allowance == 0) != (unit in MONEY_UNITS):
        raise CommandError(f"allowance is {allowance} for {UNIT_NAMES[unit]}: 0 for money, a number for units")


def _check_amount(unit: Unit, amount: int) -> None:
    check_range(f"amount in {UNIT_NAMES[unit]}", amount, 1, MICROS_MAX if unit in MONEY_UNITS else UNITS_MAX)


@dataclass(frozen=True, slots=True)
class Credit:
    """An amount for one bucket: micros of money or of what the bill is settled by, or units of an allowance."""

    unit: Unit
    amount: int
    allowance: int = 0
    """vocabulary.ids.number_of_name of the allowance; 0 for money and the bill."""
    from_ns: int = 0
    to_ns: int = FOREVER_NS
    priority: int = 0
    """0..255, lower is used first"""
    kind: MovementKind = MovementKind.TOPPED_UP
    bucket_id: int = 0
    """that bucket, whatever its period; 0: the one of this unit, allowance and period, or a new one"""

    def __post_init__(self) -> None:
        check_allowance(self.unit, self.allowance)
        _check_amount(self.unit, self.amount)
        check_period("credit", self.from_ns, self.to_ns)
        check_range("priority", self.priority, 0, 255)
        check_range("kind", int(self.kind), MovementKind.OPENED, FIRST_DEBIT - 1)
        check_range("bucket_id", self.bucket_id, 0, _ID_MAX)
        if (self.unit == Unit.BILL) != (self.kind == MovementKind.SETTLED):
            raise CommandError(
                f"kind {self.kind.name} for {UNIT_NAMES[self.unit]}: a bill is SETTLED, and nothing else is"
            )
        if self.unit == Unit.BILL and (self.from_ns, self.to_ns) != (0, FOREVER_NS):
            raise CommandError("a bill has no period: leave from_ns and to_ns out")


@dataclass(frozen=True, slots=True)
class Debit:
    """An amount to be taken from money, or from an allowance's units; where it can't be paid whole nothing is taken."""

    unit: Unit
    amount: int
    allowance: int = 0
    kind: MovementKind = MovementKind.ADJUSTED_OUT
    bucket_id: int = 0
    """that bucket alone; 0: valid ones in the order in which usage takes them"""
    may_go_below_zero: bool = False
    """money: taken in any case, whatever is there"""

    def __post_init__(self) -> None:
        check_allowance(self.unit, self.allowance)
        _check_amount(self.unit, self.amount)
        check_range("kind", int(self.kind), MovementKind.ADJUSTED_OUT, MovementKind.FEE)
        check_range("bucket_id", self.bucket_id, 0, _ID_MAX)
        if self.unit == Unit.BILL:
            raise CommandError("nothing is taken of a bill: usage alone is charged to it")
        if self.may_go_below_zero and self.unit != Unit.MONEY:
            raise CommandError(f"{UNIT_NAMES[self.unit]} can't go below zero: only money can")
        if self.kind == MovementKind.FEE and self.unit != Unit.MONEY:
            raise CommandError(f"a fee is in {UNIT_NAMES[self.unit]}: only money pays fees")


def fee(micros: int) -> Debit:
    """What a product's period costs, from the account's money."""
    return Debit(Unit.MONEY, micros, kind=MovementKind.FEE)


Amount = Credit | Debit
