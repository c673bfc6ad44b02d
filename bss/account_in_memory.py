"""What account commands make of an account that is held in memory (bss/engine_in_memory.py): docs/charging.md §9, on frozen
views. Nothing is charged to such an account and nothing expires in it.
"""

from collections.abc import Sequence
from dataclasses import replace

from balances.commands import (
    AccountStatus,
    Amount,
    Change,
    Credit,
    Debit,
    MovementKind,
    ProductEnd,
    ProductPeriod,
    Terms,
)
from balances.queries import AccountView, BucketView, ProductView
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX, PRODUCTS_PER_ACCOUNT_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import MONEY_UNITS, Unit

_SETTLES = frozenset(
    {
        MovementKind.SETTLED,
        MovementKind.ADJUSTED_IN,
        MovementKind.REFUNDED,
        MovementKind.ADJUSTED_OUT,
        MovementKind.MOVED_OUT,
    }
)
"""What may still be done to the money of a closed account."""


class CommandRefused(Exception):
    """A part of a command that can't be done, so that none of it is."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.name)
        self.outcome = outcome


def open_account(tenant: int, account_id: int, terms: Terms, now_ns: int) -> tuple[AccountView, int]:
    """(the account that is opened, what the bucket has that was credited last). CommandRefused."""
    start_s = terms.product_from_ns // NS_PER_S
    period = (terms.product_from_ns, terms.product_to_ns)
    product = ProductView(terms.offer, terms.release, *period, priority=0, period_from_ns=start_s * NS_PER_S)
    view = AccountView(
        account_id=account_id,
        tenant=tenant,
        status=terms.status,
        currency=terms.currency,
        zone=0,
        revision=1,
        identity_epoch=0,
        credit_limit_micros=0,
        charged_micros=0,
        updated_ns=now_ns,
        expires_ns=terms.expires_ns,
        products=(product,) if terms.offer else (),
        buckets=(),
        sessions=(),
        ended=(),
        ended_next=0,
    )
    return _with_amounts(_with_credit_limit(view, terms.credit_limit_micros), terms.credits, now_ns)


def change_account(view: AccountView, change: Change, now_ns: int) -> tuple[AccountView, int]:
    """(the account as it is then, what the bucket has that was moved last); the same view: it was so. CommandRefused."""
    if view.status == AccountStatus.CLOSED:
        reopens = change.status not in (AccountStatus.NONE, AccountStatus.CLOSED)
        sets_limit = change.credit_limit_micros is not None
        if reopens or sets_limit or change.applies or any(amount.kind not in _SETTLES for amount in change.amounts):
            raise CommandRefused(Outcome.END_USER_SERVICE_DENIED)
    changed = view
    if change.applies is not None:
        applied = _with_product(changed, change.applies, now_ns)
        if applied is None:
            return view, 0
        changed = applied
    if change.credit_limit_micros is not None:
        changed = _with_credit_limit(changed, change.credit_limit_micros)
    if change.ends is not None:
        changed = replace(changed, products=tuple(_ended(each, change.ends) for each in changed.products))
    changed, remaining = _with_amounts(changed, change.amounts, now_ns)
    if change.ends is not None:
        changed = replace(changed, buckets=tuple(_bucket_ended(each, change.ends) for each in changed.buckets))
    if change.status != AccountStatus.NONE:
        changed = replace(changed, status=change.status)
    if changed == view:
        return view, 0
    return replace(changed, revision=view.revision + 1, updated_ns=now_ns), remaining


def _with_credit_limit(view: AccountView, limit_micros: int) -> AccountView:
    """With this limit, and a bill where something may be on it. CommandRefused where there is no room for a bill."""
    changed = replace(view, credit_limit_micros=limit_micros)
    if limit_micros == 0 or any(bucket.unit == Unit.BILL for bucket in view.buckets):
        return changed
    if len(view.buckets) == BUCKETS_PER_ACCOUNT_MAX:
        raise CommandRefused(Outcome.UNABLE_TO_COMPLY)
    bucket_id = max((bucket.bucket_id for bucket in view.buckets), default=0) + 1
    bill = BucketView(bucket_id, Unit.BILL, 0, 0, 0, 0, 0, FOREVER_NS)
    return replace(changed, buckets=(*view.buckets, bill))


# --- products --------------------------------------------------------------------------------------------------------


def _with_product(view: AccountView, applies: ProductPeriod, now_ns: int) -> AccountView | None:
    """With the offer's row gone on to the end of the period; None where that period was applied last. CommandRefused."""
    products = list(view.products)
    place = next((place for place, row in enumerate(products) if row.offer == applies.offer), None)
    if place is None:
        place = _place_of_new(products, now_ns)
        new = ProductView(applies.offer, 0, applies.from_ns, 0, applies.priority, 0)
        products[place : place + 1] = [new]
    else:
        last_ns = products[place].period_from_ns or products[place].from_ns // NS_PER_S * NS_PER_S
        if applies.from_ns == last_ns:
            return None
        if applies.from_ns < last_ns:
            raise CommandRefused(Outcome.UNABLE_TO_COMPLY)
    row = products[place]
    from_ns = applies.from_ns if row.to_ns < applies.from_ns else row.from_ns
    products[place] = replace(
        row, release=applies.release, from_ns=from_ns, to_ns=applies.to_ns, period_from_ns=applies.from_ns
    )
    return replace(view, products=tuple(products))


def _place_of_new(products: Sequence[ProductView], now_ns: int) -> int:
    """Behind the others; at the maximum that of the product which is over longest. CommandRefused."""
    if len(products) < PRODUCTS_PER_ACCOUNT_MAX:
        return len(products)
    over = [(row.to_ns, place) for place, row in enumerate(products) if row.to_ns <= now_ns]
    if not over:
        raise CommandRefused(Outcome.UNABLE_TO_COMPLY)
    return min(over)[1]


def _ended(product: ProductView, ends: ProductEnd) -> ProductView:
    return product if product.offer != ends.offer else replace(product, to_ns=min(product.to_ns, ends.at_ns))


def _bucket_ended(bucket: BucketView, ends: ProductEnd) -> BucketView:
    is_named = (bucket.unit, bucket.allowance) in ends.allowances
    return replace(bucket, to_ns=min(bucket.to_ns, ends.at_ns)) if is_named else bucket


# --- amounts ---------------------------------------------------------------------------------------------------------


def _with_amounts(view: AccountView, amounts: Sequence[Amount], now_ns: int) -> tuple[AccountView, int]:
    """Credits and debits in order. CommandRefused."""
    buckets, remaining = list(view.buckets), 0
    for amount in amounts:
        if isinstance(amount, Credit):
            remaining = _give(buckets, amount)
        else:
            remaining = _take(buckets, amount, now_ns)
    return replace(view, buckets=tuple(buckets)), remaining


def _give(buckets: list[BucketView], credit: Credit) -> int:
    """Raise or add the bucket of a credit; what it has then."""
    if credit.bucket_id:
        place = _named(buckets, credit)
    else:
        place = next((place for place, bucket in enumerate(buckets) if _fits(bucket, credit)), len(buckets))
    if place == len(buckets):
        if place == BUCKETS_PER_ACCOUNT_MAX:
            raise CommandRefused(Outcome.UNABLE_TO_COMPLY)
        bucket_id = max((bucket.bucket_id for bucket in buckets), default=0) + 1
        period = (credit.from_ns, credit.to_ns)
        buckets.append(BucketView(bucket_id, credit.unit, credit.allowance, credit.priority, 0, 0, *period))
    bucket = buckets[place]
    if not _may_hold(bucket, credit.amount):
        raise CommandRefused(Outcome.INVALID_AVP_VALUE)
    buckets[place] = replace(bucket, remaining=bucket.remaining + credit.amount)
    return buckets[place].remaining


def _take(buckets: list[BucketView], debit: Debit, now_ns: int) -> int:
    """Debit the bucket that is named, or valid ones in the order of usage, the last of which pays the rest."""
    payers = [_named(buckets, debit)] if debit.bucket_id else _payers(buckets, debit, now_ns)
    if not payers:
        raise CommandRefused(Outcome.CREDIT_LIMIT_REACHED)
    left = debit.amount
    floor = -MICROS_MAX if debit.may_go_below_zero else 0
    for place in payers:
        part = min(left, max(buckets[place].remaining, 0))
        if place == payers[-1] and left:
            part = left
            if buckets[place].remaining - left < floor:
                raise CommandRefused(Outcome.CREDIT_LIMIT_REACHED)
        buckets[place] = replace(buckets[place], remaining=buckets[place].remaining - part)
        left -= part
    return buckets[payers[-1]].remaining


def _payers(buckets: Sequence[BucketView], debit: Debit, now_ns: int) -> list[int]:
    own = [place for place, bucket in enumerate(buckets) if _is_of(bucket, debit)]
    valid = [place for place in own if buckets[place].from_ns <= now_ns < buckets[place].to_ns]
    valid.sort(key=lambda place: (buckets[place].priority, buckets[place].to_ns))
    return valid or (own[:1] if debit.may_go_below_zero else [])


def _named(buckets: Sequence[BucketView], amount: Amount) -> int:
    """Place of the bucket whose id is said. CommandRefused where it is none of that unit and allowance."""
    for place, bucket in enumerate(buckets):
        if bucket.bucket_id == amount.bucket_id and _is_of(bucket, amount):
            return place
    raise CommandRefused(Outcome.INVALID_AVP_VALUE)


def _is_of(bucket: BucketView, amount: Amount) -> bool:
    return (bucket.unit, bucket.allowance) == (amount.unit, amount.allowance)


def _fits(bucket: BucketView, credit: Credit) -> bool:
    """Does the credit raise this bucket? Money without an end is one."""
    if not _is_of(bucket, credit) or bucket.to_ns != credit.to_ns:
        return False
    return (credit.unit == Unit.MONEY and credit.to_ns == FOREVER_NS) or bucket.from_ns == credit.from_ns


def _may_hold(bucket: BucketView, amount: int) -> bool:
    """May the bucket be credited so much? Of a bill no more is settled than is owed."""
    if bucket.unit == Unit.BILL:
        return bucket.remaining + bucket.reserved + amount <= 0
    most = MICROS_MAX if bucket.unit in MONEY_UNITS else UNITS_MAX
    return max(bucket.remaining, 0) + bucket.reserved + amount <= most
