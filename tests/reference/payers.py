"""Who pays for usage by docs/charging.md §5: what was held, then allowances, then money or the bill."""

from balances.journal import MovementKind
from tests.reference.account import Account, Bucket, Service
from tests.reference.journal import CauseBooks
from tests.reference.tariffs import Price
from vocabulary.limits import CHARGED_MICROS_MAX, MICROS_MAX
from vocabulary.units import MONEY_UNITS, Unit


def give_back(account: Account, service: Service, books: CauseBooks, now_ns: int, used: int, unit: Unit) -> int:
    """Commit the reservations of a service: `used` units are charged from its unit buckets, the rest goes back.

    Returns the units that were charged.
    """
    charged = 0
    for reservation in service.reservations:
        bucket = account.bucket(reservation.bucket_id)
        books.hold(account, bucket, -reservation.amount)
        take = min(used - charged, reservation.amount) if bucket.unit == unit not in MONEY_UNITS else 0
        if take:
            books.move(account, bucket, MovementKind.CHARGED, take)
            charged += take
        if bucket.is_over(now_ns) and bucket.unit not in MONEY_UNITS:
            books.move(account, bucket, MovementKind.EXPIRED, reservation.amount - take)
    service.reservations.clear()
    return charged


def charge_allowances(account: Account, books: CauseBooks, price: Price, left: int, now_ns: int) -> int:
    """Charge what allowances can pay of `left` units; returns the units that they paid."""
    paid = 0
    for bucket in account.allowances(price.unit, price.allowances, now_ns):
        take = min(left - paid, max(bucket.remaining, 0))
        if take:
            books.move(account, bucket, MovementKind.CHARGED, take)
            paid += take
    return paid


def payers_of(account: Account, settled_by: Unit, now_ns: int) -> list[Bucket]:
    """Who pays: money whose period is over and that was held until now, then valid money, else the first money.

    Of a price that is settled by bill the same of the bill.
    """
    money = [bucket for bucket in account.buckets if bucket.unit == settled_by]
    last = account.payers(settled_by, now_ns) or money[:1]
    over = [bucket for bucket in money if bucket.is_over(now_ns) and bucket.remaining > 0 and bucket not in last]
    return over + last


def is_beyond_limits(account: Account, settled_by: Unit, charge: int, now_ns: int) -> bool:
    """Whether the charge would leave a debt, or a sum of charges, larger than an account may have."""
    payers = payers_of(account, settled_by, now_ns)
    if account.charged_micros + charge > CHARGED_MICROS_MAX:
        return bool(payers)
    above_zero = sum(max(bucket.remaining, 0) for bucket in payers[:-1])
    return bool(payers) and payers[-1].remaining - max(charge - above_zero, 0) < -MICROS_MAX


def pay(account: Account, books: CauseBooks, settled_by: Unit, charge: int, now_ns: int) -> bool:
    """Debit money or the bill in the order of payers, the last below zero; False where the account has no such bucket."""
    payers = payers_of(account, settled_by, now_ns)
    if not payers:
        return False
    for bucket in payers[:-1]:
        take = min(charge, max(bucket.remaining, 0))
        books.move(account, bucket, MovementKind.CHARGED, take)
        charge -= take
    books.move(account, payers[-1], MovementKind.CHARGED, charge)
    return True
