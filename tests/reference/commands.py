"""Account commands by docs/charging.md §9: open and change. Everything is done to the account that is given, which its
caller throws away where not all of it could be done.
"""

from balances.journal import FIRST_DEBIT, MovementKind
from balances.record import AccountStatus
from tests.reference.account import Account, Bucket, Product
from tests.reference.requests import Applies, Change, Credit, Debit, Ends, Open
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX, PRODUCTS_PER_ACCOUNT_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import MONEY_UNITS, Unit

Move = tuple[int, MovementKind, int]
"""(bucket id, kind, amount)"""
SETTLES = {
    MovementKind.SETTLED,
    MovementKind.ADJUSTED_IN,
    MovementKind.REFUNDED,
    MovementKind.ADJUSTED_OUT,
    MovementKind.MOVED_OUT,
}
"""What may still be done to the money of a closed account."""


def maximum(unit: Unit) -> int:
    """The most that an amount of the unit may be."""
    return MICROS_MAX if unit in MONEY_UNITS else UNITS_MAX


def fits(bucket: Bucket, amount: int) -> bool:
    """Whether a bucket may be credited so much; no more of a bill is settled than is owed."""
    if bucket.unit == Unit.BILL:
        return bucket.remaining + bucket.reserved + amount <= 0
    return max(bucket.remaining, 0) + bucket.reserved + amount <= maximum(bucket.unit)


def open_account(command: Open) -> Account:
    """The account without its credits."""
    account = Account(
        command.account_id,
        tenant=command.tenant,
        currency=command.currency,
        status=command.status,
        expires_ns=command.expires_ns,
    )
    set_credit_limit(account, command.credit_limit_micros)
    if command.offer:
        period = command.product_from_ns, command.product_to_ns
        start_s = command.product_from_ns // NS_PER_S
        account.products.append(Product(command.offer, command.release, *period, period_s=start_s))
    return account


def change_account(account: Account, change: Change, now_ns: int, moved: list[Move]) -> tuple[Outcome, bool]:
    """(outcome, whether the product's period was applied before, so that nothing is done)."""
    if account.status == AccountStatus.CLOSED:
        reopens = change.status not in (AccountStatus.NONE, AccountStatus.CLOSED)
        sets_limit = change.credit_limit_micros is not None
        if reopens or sets_limit or change.applies or any(amount.movement not in SETTLES for amount in change.amounts):
            return Outcome.END_USER_SERVICE_DENIED, False
    if change.applies is not None:
        product = next((product for product in account.products if product.offer == change.applies.offer), None)
        if product is not None:
            last_s = product.period_s or product.from_ns // NS_PER_S
            if change.applies.from_ns // NS_PER_S == last_s:
                return Outcome.GRANTED, True
            if change.applies.from_ns // NS_PER_S < last_s:
                return Outcome.UNABLE_TO_COMPLY, False
        if not apply_product(account, product, change.applies, now_ns):
            return Outcome.UNABLE_TO_COMPLY, False
    if change.credit_limit_micros is not None and not set_credit_limit(account, change.credit_limit_micros):
        return Outcome.UNABLE_TO_COMPLY, False
    if change.ends is not None:
        end_product(account, change.ends)
    outcome = move_amounts(account, change.amounts, now_ns, moved)
    if change.ends is not None and outcome == Outcome.GRANTED:
        end_buckets(account, change.ends)
    if change.status != AccountStatus.NONE:
        account.status = change.status
    return outcome, False


def set_credit_limit(account: Account, limit_micros: int) -> bool:
    """The limit, with a bill where there may be something on it; False where there is no room for one."""
    account.credit_limit_micros = limit_micros
    if limit_micros == 0 or any(bucket.unit == Unit.BILL for bucket in account.buckets):
        return True
    if len(account.buckets) == BUCKETS_PER_ACCOUNT_MAX:
        return False
    account.buckets.append(Bucket(max((bucket.bucket_id for bucket in account.buckets), default=0) + 1, Unit.BILL))
    return True


def apply_product(account: Account, product: Product | None, applies: Applies, now_ns: int) -> bool:
    """The offer's row goes on to the end of the period; a new one takes the place of what is over longest at the maximum."""
    if product is None:
        product = Product(applies.offer, from_ns=applies.from_ns, priority=applies.priority)
        if len(account.products) < PRODUCTS_PER_ACCOUNT_MAX:
            account.products.append(product)
        else:
            over = [other for other in account.products if other.to_ns <= now_ns]
            if not over:
                return False
            account.products[account.products.index(min(over, key=lambda other: other.to_ns))] = product
    elif product.to_ns < applies.from_ns:
        product.from_ns = applies.from_ns
    product.to_ns, product.release = applies.to_ns, applies.release
    product.period_s = applies.from_ns // NS_PER_S
    return True


def end_product(account: Account, ends: Ends) -> None:
    """No period of the offer goes beyond the end."""
    for product in account.products:
        if product.offer == ends.offer:
            product.to_ns = min(product.to_ns, ends.at_ns)


def end_buckets(account: Account, ends: Ends) -> None:
    """Nor do buckets of these allowances."""
    for bucket in account.buckets:
        if (bucket.unit, bucket.allowance) in ends.allowances:
            bucket.to_ns = min(bucket.to_ns, ends.at_ns)


def move_amounts(account: Account, amounts: tuple[Credit | Debit, ...], now_ns: int, moved: list[Move]) -> Outcome:
    """Credits and debits in order; what each moved. Not GRANTED: the account is as it must not stay."""
    for amount in amounts:
        if not 0 < amount.amount <= maximum(amount.unit):
            return Outcome.INVALID_AVP_VALUE
        outcome = give(account, amount, moved) if isinstance(amount, Credit) else take(account, amount, now_ns, moved)
        if outcome != Outcome.GRANTED:
            return outcome
    return Outcome.GRANTED


def move(bucket: Bucket, kind: MovementKind, amount: int, moved: list[Move]) -> None:
    """Credit or debit a bucket."""
    bucket.remaining += -amount if kind >= FIRST_DEBIT else amount
    moved.append((bucket.bucket_id, kind, amount))


def give(account: Account, credit: Credit, moved: list[Move]) -> Outcome:
    """Raise or add the bucket of a credit."""
    if credit.bucket_id:
        bucket = named_bucket(account, credit)
        if bucket is None:
            return Outcome.INVALID_AVP_VALUE
    else:
        bucket = find_bucket(account, credit)
        if bucket is None and len(account.buckets) == BUCKETS_PER_ACCOUNT_MAX:
            return Outcome.UNABLE_TO_COMPLY
        bucket = bucket or add_bucket(account, credit)
    if not fits(bucket, credit.amount):
        return Outcome.INVALID_AVP_VALUE
    move(bucket, credit.movement, credit.amount, moved)
    return Outcome.GRANTED


def take(account: Account, debit: Debit, now_ns: int, moved: list[Move]) -> Outcome:
    """Debit what a debit names: a bucket, or valid ones in the order of usage; the last pays the rest as far as it may."""
    if debit.bucket_id:
        named = named_bucket(account, debit)
        if named is None:
            return Outcome.INVALID_AVP_VALUE
        payers = [named]
    else:
        own = [bucket for bucket in account.buckets if (bucket.unit, bucket.allowance) == (debit.unit, debit.allowance)]
        valid = [bucket for bucket in own if bucket.is_valid(now_ns)]
        payers = sorted(valid, key=lambda bucket: (bucket.priority, bucket.to_ns))
        if not payers and debit.may_go_below_zero:
            payers = own[:1]
    if not payers:
        return Outcome.CREDIT_LIMIT_REACHED
    parts = []
    left = debit.amount
    for bucket in payers[:-1]:
        parts.append(min(left, max(bucket.remaining, 0)))
        left -= parts[-1]
    parts.append(left)
    floor = -MICROS_MAX if debit.may_go_below_zero else 0
    if left and payers[-1].remaining - left < floor:
        return Outcome.CREDIT_LIMIT_REACHED
    for bucket, part in zip(payers, parts, strict=True):
        if part:
            move(bucket, debit.movement, part, moved)
    return Outcome.GRANTED


def named_bucket(account: Account, amount: Credit | Debit) -> Bucket | None:
    """The bucket whose id is said, where it is of that unit and allowance."""
    for bucket in account.buckets:
        if bucket.bucket_id == amount.bucket_id:
            return bucket if (bucket.unit, bucket.allowance) == (amount.unit, amount.allowance) else None
    return None


def find_bucket(account: Account, credit: Credit) -> Bucket | None:
    """The bucket that a credit raises: endless money goes to the first endless money, all else to its equal."""
    for bucket in account.buckets:
        if bucket.unit != credit.unit or bucket.to_ns != credit.to_ns:
            continue
        if credit.unit == Unit.MONEY and credit.to_ns == FOREVER_NS:
            return bucket
        if (bucket.allowance, bucket.from_ns) == (credit.allowance, credit.from_ns):
            return bucket
    return None


def add_bucket(account: Account, credit: Credit) -> Bucket:
    """A new, empty bucket for a credit; its id is above all others."""
    bucket = Bucket(
        max((bucket.bucket_id for bucket in account.buckets), default=0) + 1,
        credit.unit,
        credit.allowance,
        credit.priority,
        from_ns=credit.from_ns,
        to_ns=credit.to_ns,
    )
    account.buckets.append(bucket)
    return bucket
