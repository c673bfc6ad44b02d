"""What an account is opened or topped up with, from words that people write and the release in force to exact amounts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeVar

from balances.commands import Credit, Terms
from balances.journal import MovementKind
from catalog_loader.amounts import AmountInvalid, money_text, parse_money, parse_units, units_text
from catalog_loader.instants import InstantInvalid, parse_instant
from catalog_loader.opening import Grant, Opening, UnknownName, allowance_grant, opening
from catalog_loader.release import Release
from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.limits import CREDITS_PER_COMMAND_MAX, MICROS_MAX, UNITS_MAX
from vocabulary.units import Unit

NOTHING: Final = "-"
"""As `allowances`: none, although the offer grants some. As `offer`: none, an order brings what the account gets."""

_Value = TypeVar("_Value")


class WordFault(NamedTuple):
    """One value that can't be taken; `name` is its column or option."""

    name: str
    problem: str
    remedy: str


class TermsInvalid(ValueError):
    """Values that can't be taken, all at once."""

    def __init__(self, faults: list[WordFault]) -> None:
        super().__init__("; ".join(f"{fault.name}: {fault.problem}. {fault.remedy}" for fault in faults))
        self.faults = faults


@dataclass(frozen=True, slots=True)
class WantedTerms:
    """Terms in the words of a file or of options; '' leaves a value to the offer."""

    offer: str
    money: str = ""
    """decimal text in the release's currency"""
    credit_limit: str = ""
    """how much may be owed on the bill; 0: the account gets no bill"""
    allowances: str = ""
    """ids with `;` between them, each with an amount of its own where that isn't the release's: `data-1gib=512 MiB`"""
    expires: str = ""
    """an instant; a date is midnight in the release's time zone"""


def terms_of(release: Release, wanted: WantedTerms, opened_ns: int) -> Terms:
    """The terms of an account that is opened at `opened_ns`. TermsInvalid with every fault.

    Periods start at the whole second before, so that an engine whose clock is a little behind finds them begun.
    """
    faults: list[WordFault] = []
    from_ns = opened_ns // NS_PER_S * NS_PER_S
    given = None
    if wanted.offer == NOTHING:
        given = Opening(CURRENCY_NUMBERS[release.currency], 0, FOREVER_NS, (), 0)
    elif wanted.offer:
        given = taken(faults, "offer", lambda: opening(release, wanted.offer, from_ns))
    else:
        faults.append(WordFault("offer", "no offer is named", "Write the id of one of the release's offers"))
    grants = [] if given is None else list(given.grants)
    if wanted.money:
        micros = taken(faults, "money", lambda: money_of(wanted.money, release.currency))
        grants = [grant for grant in grants if grant.unit != Unit.MONEY]
        if micros:
            grants.insert(0, Grant(Unit.MONEY, micros, 0, 0, 0, FOREVER_NS))
    if wanted.allowances:
        grants = [grant for grant in grants if grant.unit == Unit.MONEY]
        grants += _wanted_allowances(faults, release, wanted.allowances, from_ns)
    limit, expires_ns = 0 if given is None else given.credit_limit_micros, FOREVER_NS
    if wanted.credit_limit:
        limit = taken(faults, "credit_limit", lambda: money_of(wanted.credit_limit, release.currency)) or 0
    if wanted.expires:
        instant_ns = taken(faults, "expires", lambda: parse_instant(wanted.expires, release.time_zone))
        expires_ns = FOREVER_NS if instant_ns is None else instant_ns
        if expires_ns <= opened_ns:
            faults.append(WordFault("expires", f"{wanted.expires} is over already", "Write an instant to come"))
    if given is None or faults:
        raise TermsInvalid(faults)
    return Terms(
        currency=given.currency,
        offer=given.offer,
        product_from_ns=from_ns,
        product_to_ns=given.to_ns,
        credit_limit_micros=limit,
        expires_ns=expires_ns,
        credits=tuple(_credit(grant, MovementKind.OPENED) for grant in grants),
    )


def top_up_credits(release: Release, money: str, allowances: str, now_ns: int) -> tuple[Credit, ...]:
    """What a top-up gives: money, allowances (as in WantedTerms), or both. TermsInvalid with every fault."""
    faults: list[WordFault] = []
    grants: list[Grant] = []
    if money:
        micros = taken(faults, "money", lambda: money_of(money, release.currency))
        if micros:
            grants.append(Grant(Unit.MONEY, micros, 0, 0, 0, FOREVER_NS))
        elif micros == 0:
            faults.append(WordFault("money", f"{money} is nothing", "Write a sum above zero"))
    if allowances:
        grants += _wanted_allowances(faults, release, allowances, now_ns // NS_PER_S * NS_PER_S)
    if not grants and not faults:
        faults.append(WordFault("money", "nothing to top up is named", "Write money, an allowance, or both"))
    if faults:
        raise TermsInvalid(faults)
    return tuple(_credit(grant, MovementKind.TOPPED_UP) for grant in grants)


def credit_text(credit: Credit, currency: str, allowance: str) -> str:
    """ "10.00 EUR", "512 MiB of data-1gib"."""
    if credit.unit == Unit.MONEY:
        return money_text(credit.amount, currency)
    return f"{units_text(credit.unit, credit.amount)} of {allowance}"


def _credit(grant: Grant, kind: MovementKind) -> Credit:
    return Credit(grant.unit, grant.amount, grant.allowance, grant.from_ns, grant.to_ns, grant.priority, kind)


def money_of(text: str, currency: str) -> int:
    """Micros of a sum; AmountInvalid where it is none, or more than an account holds."""
    micros = parse_money(text, currency)
    if micros > MICROS_MAX:
        raise AmountInvalid(f"{text} is more than an account holds", f"At most {money_text(MICROS_MAX, currency)} fit")
    return micros


def units_of(text: str, unit: Unit, allowance: str) -> int:
    """Units of an amount of an allowance; AmountInvalid where it is none, or more or less than a bucket holds."""
    _, units = parse_units(text, unit)
    if not 1 <= units <= UNITS_MAX:
        raise AmountInvalid(f"{text} of {allowance} is not in 1 to {UNITS_MAX}", "Write an amount that fits")
    return units


def _wanted_allowances(faults: list[WordFault], release: Release, text: str, from_ns: int) -> list[Grant]:
    """A grant an entry of the list; nothing for NOTHING."""
    if text.strip() == NOTHING:
        return []
    grants: dict[str, Grant] = {}
    for entry in text.split(";"):
        name, equals, amount = (part.strip() for part in entry.partition("="))
        if not name:
            faults.append(WordFault("allowances", f'"{text[:60]}" has an empty entry', "Write ids with ; between them"))
        elif name in grants:
            faults.append(WordFault("allowances", f"{name} is named twice", "Name it once, with the whole amount"))
        else:
            grant = taken(faults, "allowances", lambda: _wanted_allowance(release, name, amount, from_ns))  # noqa: B023
            if grant is not None:
                grants[name] = grant
            if equals and not amount:
                faults.append(WordFault("allowances", f"{name} has no amount", f"Write {name}, or {name}=512 MiB"))
    if len(grants) >= CREDITS_PER_COMMAND_MAX:
        remedy = f"At most {CREDITS_PER_COMMAND_MAX - 1} fit"
        faults.append(WordFault("allowances", f"{len(grants)} allowances", remedy))
    return list(grants.values())


def _wanted_allowance(release: Release, name: str, amount: str, from_ns: int) -> Grant:
    grant = allowance_grant(release, name, from_ns)
    if not amount:
        return grant
    units = units_of(amount, grant.unit, name)
    return Grant(grant.unit, units, grant.allowance, grant.priority, grant.from_ns, grant.to_ns)


def taken(faults: list[WordFault], name: str, read: Callable[[], _Value]) -> _Value | None:
    """What `read` gives; None after noting a fault."""
    try:
        return read()
    except (AmountInvalid, InstantInvalid) as error:
        faults.append(WordFault(name, str(error), error.remedy))
    except UnknownName as error:
        faults.append(WordFault(name, *_problem_and_remedy(error)))
    return None


def _problem_and_remedy(error: UnknownName) -> tuple[str, str]:
    problem, _, remedy = str(error).partition(". ")
    return problem, remedy
