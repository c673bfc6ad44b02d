"""What an offering costs and gives for a period, in the engine's terms: the fee, the product's period, money and allowances."""

from typing import NamedTuple

from balances.commands import Change, Credit, ProductPeriod, fee
from bss.catalog.periods import add_period
from bss.catalog.records import OfferingPrice, PriceType
from bss.errors import Conflict
from bss.orchestration.plans import Sold
from catalog_loader.opening import Grant, Opening, opening
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.units import Unit


class PeriodTerms(NamedTuple):
    """A period of a product: [from_ns, to_ns), what it costs, and what it gives.

    fee_micros   recurring charges, taken from the account's money; 0 where a bill settles them. What is paid once is paid
                 where the product is sold
    """

    offer: int
    currency: int
    from_ns: int
    to_ns: int
    fee_micros: int
    credit_limit_micros: int
    credits: tuple[Credit, ...]

    def change(self, command_id: str, tenant: int, account_id: int) -> Change:
        """The command that applies it."""
        fees = (fee(self.fee_micros),) if self.fee_micros else ()
        money = tuple(credit for credit in self.credits if credit.unit == Unit.MONEY)
        others = tuple(credit for credit in self.credits if credit.unit != Unit.MONEY)
        return Change(
            command_id,
            tenant,
            account_id,
            applies=ProductPeriod(self.offer, self.from_ns, self.to_ns),
            amounts=(*money, *fees, *others),
        )


def whole_second(instant_ns: int) -> int:
    """The second in which the instant lies: periods start with one."""
    return instant_ns // NS_PER_S * NS_PER_S


def period_terms(what: Sold, from_ns: int, *, is_first: bool) -> PeriodTerms:
    """The terms of the period that begins at `from_ns`, a whole second. Conflict where the offering takes no account.

    is_first   it comes with the money that an offer gives once
    """
    offer = what.offering.offer
    if offer is None:
        raise Conflict("offering_id", f"offering {what.offering.id} names no offer of the engine", "Order another")
    given = opening(what.release.engine, offer, from_ns)
    limit = credit_limit_micros(given)
    prices = what.release.prices_of(what.offering)
    return PeriodTerms(
        offer=given.offer,
        currency=given.currency,
        from_ns=from_ns,
        to_ns=period_end_ns(prices, from_ns, what.release.engine.time_zone),
        fee_micros=0
        if limit
        else sum(price.amount_micros or 0 for price in prices if price.price_type == PriceType.RECURRING),
        credit_limit_micros=limit,
        credits=tuple(_credit(grant) for grant in given.grants if is_first or grant.unit != Unit.MONEY),
    )


def credit_limit_micros(given: Opening) -> int:
    """How far the account's money may go below zero; above 0 of an offer that is paid by bill."""
    return int(getattr(given, "credit_limit_micros", 0))


def period_end_ns(prices: tuple[OfferingPrice, ...], from_ns: int, zone: str) -> int:
    """When the period that begins at `from_ns` ends, by the recurring price; FOREVER_NS where there is none."""
    recurring = next((price for price in prices if price.price_type == PriceType.RECURRING), None)
    if recurring is None or recurring.recurring_charge_period_length is None:
        return FOREVER_NS
    return add_period(
        from_ns, recurring.recurring_charge_period_length, recurring.recurring_charge_period_type or "", zone
    )


def _credit(grant: Grant) -> Credit:
    return Credit(grant.unit, grant.amount, grant.allowance, grant.from_ns, grant.to_ns, grant.priority)
