"""Account commands by docs/charging.md §9: open and top up. A command is done whole or not at all."""

from balances.record import AccountStatus
from tests.reference.account import Account, Bucket, Product
from tests.reference.journal import CauseBooks
from tests.reference.requests import Credit, Open, TopUp
from vocabulary.instants import FOREVER_NS
from vocabulary.limits import BUCKETS_PER_ACCOUNT_MAX, MICROS_MAX, UNITS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit


def maximum(unit: Unit) -> int:
    """The most that a bucket of the unit may hold."""
    return {Unit.MONEY: MICROS_MAX, Unit.BILL: 0}.get(unit, UNITS_MAX)


def open_account(command: Open) -> Account:
    """The account without its credits."""
    account = Account(
        command.account_id,
        tenant=command.tenant,
        currency=command.currency,
        status=command.status,
        credit_limit_micros=command.credit_limit_micros,
        expires_ns=command.expires_ns,
    )
    if command.credit_limit_micros:
        account.buckets.append(Bucket(1, Unit.BILL))
    if command.offer:
        period = command.product_from_ns, command.product_to_ns
        account.products.append(Product(command.offer, command.release, *period))
    return account


def top_up(account: Account, command: TopUp) -> Outcome:
    """Whether an account may be topped up with all credits of the command."""
    if account.status == AccountStatus.CLOSED and any(credit.unit != Unit.BILL for credit in command.credits):
        return Outcome.END_USER_SERVICE_DENIED
    return check_credits(account, command.credits)


def check_credits(account: Account, credits: tuple[Credit, ...]) -> Outcome:
    """GRANTED where all can be given. What one command credits in one unit counts together, whatever the buckets."""
    given = dict.fromkeys(Unit, 0)
    new = 0
    for credit in credits:
        bucket = find_bucket(account, credit)
        held = 0 if bucket is None else bucket.reserved + bucket.remaining
        if bucket is not None and bucket.unit != Unit.BILL:
            held = bucket.reserved + max(bucket.remaining, 0)
        new += bucket is None
        given[credit.unit] += credit.amount
        if credit.amount < 1 or held + given[credit.unit] > maximum(credit.unit):
            return Outcome.INVALID_AVP_VALUE
    return Outcome.GRANTED if len(account.buckets) + new <= BUCKETS_PER_ACCOUNT_MAX else Outcome.UNABLE_TO_COMPLY


def give_credits(account: Account, credits: tuple[Credit, ...], books: CauseBooks) -> None:
    """Raise or add the bucket of each credit."""
    for credit in credits:
        bucket = find_bucket(account, credit) or add_bucket(account, credit)
        books.move(account, bucket, credit.movement, credit.amount)


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
