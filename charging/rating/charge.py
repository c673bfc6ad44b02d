"""Reported usage to debits: what was reserved first, then allowances, then money or the bill (docs/charging.md §5)."""

import numpy as np

from balances.record import (
    BUCKET_REMAINING,
    HEADER_CHARGED,
    SERVICE_CARRY,
    SERVICE_TAG,
)
from balances.reservations import commit_reservations, debit
from balances.selection import order_allowances, order_money, order_payers
from charging.rating.funds import free_micros
from charging.rating.price import cost_of, cost_of_report, starting_carry
from charging.rating.reported import reported_unit, used_units
from charging.tariff_tables import Control
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.limits import CHARGED_MICROS_MAX, MICROS_MAX
from vocabulary.outcomes import Outcome

_CHARGED = int(Control.CHARGED)
_FREE = int(Control.FREE)
_GRANTED = int(Outcome.GRANTED)
_PAID = 0
_NO_MONEY = 1
_BEYOND_LIMITS = 2
_UNABLE_TO_COMPLY = int(Outcome.UNABLE_TO_COMPLY)


@kernel
def _debit_allowances(arena, slot, scratch, price, allowances, units, now_ns):
    """Charge up to `units` to allowances valid at `now_ns`; returns what is left."""
    left = units
    count = order_allowances(
        arena,
        slot,
        price.unit,
        allowances,
        price.allowance_first,
        price.allowance_count,
        now_ns,
        scratch.order,
    )
    for index in range(count):
        take = min(left, max(arena.words[scratch.order[index] + BUCKET_REMAINING], 0))
        if take > 0:
            debit(arena, slot, scratch.ledger, scratch.order[index], take)
            left -= take
    return left


@inlined_kernel
def _debit_money(arena, slot, scratch, unit, micros, now_ns):
    """Charge `micros` to `unit`, MONEY or BILL: each payer as far as it is above zero, the last the rest.

    Returns _PAID, or why nothing moved.

    Reports come however late, so debts have no floor but this: beyond it 64 bits would turn a debt into credit.
    """
    count = order_payers(arena, slot, unit, now_ns, scratch.money)
    if count == 0:
        return _NO_MONEY
    left = micros
    for index in range(count - 1):
        left -= min(left, max(arena.words[scratch.money[index] + BUCKET_REMAINING], 0))
    if arena.words[scratch.money[count - 1] + BUCKET_REMAINING] - left < -MICROS_MAX:
        return _BEYOND_LIMITS
    if arena.words[arena.first[slot] + HEADER_CHARGED] > CHARGED_MICROS_MAX - micros:
        return _BEYOND_LIMITS
    left = micros
    for index in range(count):
        bucket = scratch.money[index]
        take = left if index == count - 1 else min(left, max(arena.words[bucket + BUCKET_REMAINING], 0))
        if take > 0:
            debit(arena, slot, scratch.ledger, bucket, take)
            left -= take
    arena.words[arena.first[slot] + HEADER_CHARGED] += micros
    return _PAID


@inlined_kernel
def _take_cost(arena, slot, scratch, price, left, micros, now_ns, usage):
    """Debit what `left` units cost, below 0 beyond what can be said; the outcome. Else they are the row's uncharged ones."""
    paid = _BEYOND_LIMITS if micros < 0 else _PAID
    if micros > 0:
        paid = _debit_money(arena, slot, scratch, price.settled_by, micros, now_ns)
    if paid == _PAID:
        usage.charged_micros = micros
        return _GRANTED
    usage.uncharged_units = left
    return _UNABLE_TO_COMPLY if paid == _BEYOND_LIMITS else _GRANTED


@inlined_kernel
def record_report(mscc, price, usage):
    """Write what an MSCC reports; where it names none of the price's unit, what it names is paid by nothing."""
    usage.unit = reported_unit(mscc, price.unit)
    usage.used_units = used_units(mscc, usage.unit)
    if usage.unit != price.unit and price.control != _FREE:
        usage.uncharged_units = usage.used_units


@inlined_kernel
def charge_usage(arena, slot, scratch, price, allowances, rates, service, is_again, used, now_ns, usage):
    """Commit the service's reservations and charge `used` units; fills the usage row, returns the outcome.

    rates     charging.rating.time_bands.UsageRates; allowances pay first, also what was used first
    service   first word of the service's row; its carry is read and written
    is_again  bool: an earlier MSCC of the request was for this service, so what is reserved was granted just now and stays
    usage     USAGE_DTYPE row: allowance_units, uncharged_units, charged_micros are written
    """
    tag = arena.octets[8 * service + SERVICE_TAG]
    if price.control != _CHARGED:
        if not is_again:
            commit_reservations(arena, slot, scratch.ledger, tag, price.unit, 0, now_ns)
        usage.uncharged_units = 0 if price.control == _FREE else used
        return _GRANTED
    left = used
    if not is_again:
        left = commit_reservations(arena, slot, scratch.ledger, tag, price.unit, used, now_ns)
    left = _debit_allowances(arena, slot, scratch, price, allowances, left, now_ns)
    usage.allowance_units = used - left
    if left == 0:
        return _GRANTED
    if price.has_price == 0:
        usage.uncharged_units = left
        return _GRANTED
    carry = starting_carry(price, arena.words[service + SERVICE_CARRY])
    before = max(rates.before_units - usage.allowance_units, 0)
    micros, carry = cost_of_report(price, rates, left, before, carry)
    outcome = _take_cost(arena, slot, scratch, price, left, micros, now_ns, usage)
    if usage.uncharged_units == 0:
        arena.words[service + SERVICE_CARRY] = carry
    return outcome


@kernel
def charge_past_event(arena, slot, scratch, price, block_micros, allowances, units, now_ns, usage):
    """Charge `units` that were used already, into debt where money lacks, as a report is; the outcome.

    block_micros   int64: the price of a block at the event
    """
    if price.control != _CHARGED:
        return _GRANTED
    left = _debit_allowances(arena, slot, scratch, price, allowances, units, now_ns)
    usage.allowance_units = units - left
    if left == 0:
        return _GRANTED
    if price.has_price == 0:
        usage.uncharged_units = left
        return _GRANTED
    micros, _ = cost_of(price, block_micros, left, 0)
    return _take_cost(arena, slot, scratch, price, left, micros, now_ns, usage)


@kernel
def charge_event(arena, slot, scratch, price, block_micros, allowances, units, now_ns, usage):
    """Charge `units` at once where allowances and money cover them in full; False, and nothing moves, where not.

    block_micros   int64: the price of a block at the event
    """
    usage.used_units = units
    if price.control != _CHARGED:
        return True
    available = np.int64(0)
    count = order_allowances(
        arena,
        slot,
        price.unit,
        allowances,
        price.allowance_first,
        price.allowance_count,
        now_ns,
        scratch.order,
    )
    for index in range(count):
        available += max(arena.words[scratch.order[index] + BUCKET_REMAINING], 0)
    from_money = max(units - available, 0)
    micros = np.int64(0)
    if from_money > 0:
        if price.has_price == 0:
            return False
        micros, _ = cost_of(price, block_micros, from_money, 0)
        if micros < 0:
            return False
        count = order_money(arena, slot, price.settled_by, now_ns, scratch.money)
        funds = free_micros(arena, slot, price.settled_by, scratch.money, count, count)
        if micros > funds or arena.words[arena.first[slot] + HEADER_CHARGED] > CHARGED_MICROS_MAX - micros:
            return False
    _debit_allowances(arena, slot, scratch, price, allowances, units - from_money, now_ns)
    if micros > 0:
        assert _debit_money(arena, slot, scratch, price.settled_by, micros, now_ns) == _PAID
    usage.allowance_units = units - from_money
    usage.charged_micros = micros
    return True
