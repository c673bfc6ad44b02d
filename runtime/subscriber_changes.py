"""Changes of an account in the words of who asks for them, to the account commands that do them. Pure; time is passed in."""

from dataclasses import dataclass
from typing import Final

from balances.commands import Amount, Credit, Debit, ProductEnd, ProductPeriod, fee
from balances.journal import MovementKind
from balances.queries import AccountView
from catalog_loader.amounts import money_text, units_text
from catalog_loader.instants import parse_instant
from catalog_loader.opening import allowance_grant, offer_period
from catalog_loader.release import Release
from runtime.subscriber_terms import TermsInvalid, WordFault, money_of, taken, units_of
from vocabulary.ids import number_of_name
from vocabulary.instants import FOREVER_NS, NS_PER_S, to_rfc3339
from vocabulary.units import Unit


@dataclass(frozen=True, slots=True)
class WantedPeriod:
    """A period of a product in the words of options; '' leaves a value to the offer."""

    offer: str
    starts: str = ""
    """an instant; '': where the last period ends, or now"""
    until: str = ""
    fee: str = ""


@dataclass(frozen=True, slots=True)
class PeriodChange:
    """What an activation or renewal does."""

    period: ProductPeriod
    fee_micros: int
    amounts: tuple[Amount, ...]


def period_change(release: Release, account: AccountView, wanted: WantedPeriod, now_ns: int) -> PeriodChange:
    """The period, what it costs and brings. TermsInvalid with every fault."""
    faults: list[WordFault] = []
    zone = release.time_zone
    from_ns = _next_start(account, wanted.offer, now_ns)
    if wanted.starts:
        from_ns = taken(faults, "from", lambda: parse_instant(wanted.starts, zone)) or from_ns
    until_ns = taken(faults, "until", lambda: parse_instant(wanted.until, zone)) if wanted.until else None
    micros = taken(faults, "fee", lambda: money_of(wanted.fee, release.currency)) if wanted.fee else None
    given = taken(faults, "offer", lambda: offer_period(release, wanted.offer, from_ns, until_ns))
    if from_ns % NS_PER_S:
        faults.append(WordFault("from", f"{wanted.starts} is no whole second", "Write one"))
    if until_ns is not None and until_ns <= from_ns:
        faults.append(WordFault("until", f"{wanted.until} is not after {to_rfc3339(from_ns)}", "Write a later instant"))
    if given is None or faults:
        raise TermsInvalid(faults)
    micros = given.fee_micros if micros is None else micros
    allotted = tuple(
        Credit(
            grant.unit,
            grant.amount,
            grant.allowance,
            grant.from_ns,
            grant.to_ns,
            grant.priority,
            MovementKind.ALLOTTED,
        )
        for grant in given.grants
    )
    period = ProductPeriod(given.offer, from_ns, given.to_ns)
    return PeriodChange(period, micros, ((fee(micros),) if micros else ()) + allotted)


def credit_limit_micros(release: Release, text: str) -> int:
    """How much may be owed on a bill, as somebody wrote it. TermsInvalid."""
    faults: list[WordFault] = []
    micros = taken(faults, "to", lambda: money_of(text, release.currency))
    if micros is None:
        raise TermsInvalid(faults)
    return micros


def _next_start(account: AccountView, offer: str, now_ns: int) -> int:
    """Where the product's last period ends while that is to come, else the whole second before now."""
    number = number_of_name(offer)
    ends = [product.to_ns for product in account.products if product.offer == number]
    if ends and now_ns < ends[0] < FOREVER_NS:
        return -(-ends[0] // NS_PER_S) * NS_PER_S
    return now_ns // NS_PER_S * NS_PER_S


def product_end(
    release: Release, account: AccountView, offer: str, at: str, now_ns: int, *, with_allowances: bool
) -> ProductEnd:
    """The end of a product that the account has; with the allowances that the offer gives. TermsInvalid with every fault."""
    faults: list[WordFault] = []
    number = number_of_name(offer)
    if number not in [product.offer for product in account.products]:
        known = ", ".join(sorted(product.name or str(product.offer) for product in account.products)) or "none"
        faults.append(WordFault("offer", f"the account has no product {offer}", f"It has {known}"))
    at_ns = taken(faults, "at", lambda: parse_instant(at, release.time_zone)) if at else now_ns
    names = [name for each in release.offers if each.id == offer for name in each.allowances] if with_allowances else []
    if faults or at_ns is None:
        raise TermsInvalid(faults)
    grants = [allowance_grant(release, name, 0) for name in names]
    return ProductEnd(number, at_ns, tuple((grant.unit, grant.allowance) for grant in grants))


@dataclass(frozen=True, slots=True)
class WantedAdjustment:
    """What is to be given or taken, in the words of options; one of the two."""

    give: str = ""
    take: str = ""
    allowance: str = ""
    """'': money"""
    bucket: int = 0
    """id of a balance of the account; 0: the usual ones"""
    below_zero: bool = False


MONEY: Final = "money"


def adjustment(release: Release, account: AccountView, wanted: WantedAdjustment, now_ns: int) -> Amount:
    """The one amount of an adjustment. TermsInvalid with every fault."""
    faults: list[WordFault] = []
    text, option = (wanted.give, "give") if wanted.give else (wanted.take, "take")
    if bool(wanted.give) == bool(wanted.take):
        faults.append(WordFault("give", "one of --give and --take is needed", "Write --give 2.50, or --take 2.50"))
    bucket = account.bucket(wanted.bucket)
    if wanted.bucket and bucket is None:
        known = ", ".join(str(each.bucket_id) for each in account.buckets) or "none"
        faults.append(WordFault("bucket", f"the account has no balance {wanted.bucket}", f"It has {known}"))
    if faults:
        raise TermsInvalid(faults)
    grant = None
    if wanted.allowance:
        grant = taken(faults, "allowance", lambda: allowance_grant(release, wanted.allowance, _second(now_ns)))
    unit = bucket.unit if bucket else grant.unit if grant else Unit.MONEY
    number = bucket.allowance if bucket else grant.allowance if grant else 0
    if bucket and grant and number != grant.allowance:
        problem = f"balance {bucket.bucket_id} is of {bucket.name or MONEY}, not of {wanted.allowance}"
        faults.append(WordFault("bucket", problem, "Leave --allowance out"))
    if wanted.below_zero and (wanted.give or unit != Unit.MONEY):
        faults.append(WordFault("below-zero", "only money that is taken can go below zero", "Leave it out"))
    name = wanted.allowance or (bucket.name if bucket else "")
    amount = taken(
        faults,
        option,
        lambda: money_of(text, release.currency) if unit == Unit.MONEY else units_of(text, unit, name),
    )
    if amount is not None and amount < 1:
        faults.append(WordFault(option, f"{text} is nothing", "Write an amount above zero"))
    if faults or amount is None:
        raise TermsInvalid(faults)
    if wanted.take:
        return Debit(unit, amount, number, MovementKind.ADJUSTED_OUT, wanted.bucket, wanted.below_zero)
    from_ns, to_ns, priority = (grant.from_ns, grant.to_ns, grant.priority) if grant else (0, FOREVER_NS, 0)
    return Credit(unit, amount, number, from_ns, to_ns, priority, MovementKind.ADJUSTED_IN, wanted.bucket)


def _second(now_ns: int) -> int:
    return now_ns // NS_PER_S * NS_PER_S


def amount_words(amount: Amount, release: Release, names: dict[int, str]) -> str:
    """ "2.50 EUR", "100 MiB of data-1gib"."""
    if amount.unit == Unit.MONEY:
        return money_text(amount.amount, release.currency)
    return f"{units_text(amount.unit, amount.amount)} of {names.get(amount.allowance, amount.allowance)}"
