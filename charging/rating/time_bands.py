"""Prices that change with the time of the week: which holds when, what a report is split at, what a grant must cover.

A price has bands of the local week and a zone with its offsets from UTC (charging.tariff_tables); one without, which most
are, costs one look at `band_count`. The clock on the wall decides: a band is as long as its hours are on the day on
which clocks are changed (docs/charging.md §4).
"""

from typing import Final, NamedTuple

import numpy as np

from charging.batch import HAS_USED_BEFORE
from vocabulary.instants import FOREVER_NS, NS_PER_S
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.units import Unit

WEEK_S: Final = 7 * 86400
_MONDAY_S: Final = 4 * 86400
"""The Unix epoch was a Thursday; its first Monday came four days later."""
_OCTETS = int(Unit.OCTETS)
_SECONDS = int(Unit.SECONDS)


class UsageRates(NamedTuple):
    """What a report costs: its first units, used before a tariff change, and the others."""

    before_units: int
    before_micros: int  # of a block
    micros: int  # of a block


class GrantWindow(NamedTuple):
    """How long a grant may be used, and the prices of a block meanwhile."""

    micros: int  # the dearest, which is reserved
    validity_s: int
    tariff_change_s: int  # Unix time that the client is told; 0: none
    now_micros: int  # until the tariff change
    now_s: int  # until then; validity_s where none comes


@kernel
def _offset_row(offsets, price, at_ns):
    """The row of the zone's offsets that holds at an instant."""
    low, high = np.int64(price.offset_first), np.int64(price.offset_first) + price.offset_count
    while high - low > 1:
        middle = (low + high) // 2
        if offsets[middle].from_ns <= at_ns:
            low = middle
        else:
            high = middle
    return low


@kernel
def _band_row(bands, price, week_s):
    """The row of the price's bands that holds at a second of the week; the last one before the first begins."""
    first, low, high = np.int64(price.band_first), np.int64(price.band_first), np.int64(price.band_first)
    high += price.band_count
    while low < high:
        middle = (low + high) // 2
        if bands[middle].start_s <= week_s:
            low = middle + 1
        else:
            high = middle
    return low - 1 if low > first else first + price.band_count - 1


@kernel
def span_at(tariffs, price, at_ns):
    """(micros of a block, begins_ns, ends_ns): what a price with bands costs at an instant, and as long as nothing changes.

    The span ends at the end of a band and where clocks are changed; so the next one may cost the same.
    """
    bands, offsets = tariffs.bands, tariffs.offsets
    offset = _offset_row(offsets, price, at_ns)
    local_s = at_ns // NS_PER_S + offsets[offset].offset_s
    week_s = (local_s - _MONDAY_S) % WEEK_S
    band = _band_row(bands, price, week_s)
    first, behind = np.int64(price.band_first), np.int64(price.band_first) + price.band_count
    begins_s, ends_s = bands[band].start_s, bands[first].start_s + WEEK_S
    if band + 1 < behind:
        ends_s = bands[band + 1].start_s
    elif week_s < begins_s:  # Monday's first hours are still those of Sunday's last band
        begins_s -= WEEK_S
        ends_s -= WEEK_S
    monday_s = at_ns // NS_PER_S - week_s
    begins_ns = max((monday_s + begins_s) * NS_PER_S, offsets[offset].from_ns)
    ends_ns = (monday_s + ends_s) * NS_PER_S
    if offset + 1 < np.int64(price.offset_first) + price.offset_count:
        ends_ns = min(ends_ns, offsets[offset + 1].from_ns)
    return bands[band].price_micros, begins_ns, ends_ns


@kernel
def micros_at(tariffs, price, at_ns):
    """Micros of a block at an instant."""
    if price.band_count == 0:
        return price.price_micros
    micros, _, _ = span_at(tariffs, price, at_ns)
    return micros


@kernel
def change_after(tariffs, price, at_ns, until_ns):
    """(the first instant behind at_ns and before until_ns at which the price is another, micros then); FOREVER_NS: none."""
    micros, _, ends_ns = span_at(tariffs, price, at_ns)
    while ends_ns < until_ns:
        then, _, next_ns = span_at(tariffs, price, ends_ns)
        if then != micros:
            return ends_ns, then
        ends_ns = next_ns
    return FOREVER_NS, micros


@kernel
def change_before(tariffs, price, at_ns, since_ns):
    """(the last instant behind since_ns and up to at_ns at which the price became another, micros before); since_ns: none."""
    micros, begins_ns, _ = span_at(tariffs, price, at_ns)
    while begins_ns > since_ns:
        before, earlier_ns, _ = span_at(tariffs, price, begins_ns - 1)
        if before != micros:
            return begins_ns, before
        begins_ns = earlier_ns
    return since_ns, micros


@kernel
def _said_before(mscc, unit):
    """Units of `unit` that are said to have been used before the tariff change; -1 where nothing is said."""
    if not mscc.presence & HAS_USED_BEFORE:
        return np.int64(-1)
    if unit == _OCTETS:
        return mscc.before_octets
    return mscc.before_seconds if unit == _SECONDS else mscc.before_events


@inlined_kernel
def rates_of_usage(tariffs, price, mscc, used, from_ns, to_ns):
    """UsageRates of `used` units that an MSCC reports, used in [from_ns, to_ns).

    Units behind the last tariff change of that time, and all where there was none, cost what the price was at its end. Those
    before it are the ones that the client says; without its word, of seconds those that are more than have passed since.
    What it doesn't split, or calls indeterminate, is of the end.
    """
    if price.band_count == 0:
        return UsageRates(np.int64(0), np.int64(price.price_micros), np.int64(price.price_micros))
    end_ns = max(to_ns - 1, from_ns)
    micros, _, _ = span_at(tariffs, price, end_ns)
    change_ns, before_micros = change_before(tariffs, price, end_ns, from_ns)
    if change_ns <= from_ns:
        return UsageRates(np.int64(0), np.int64(micros), np.int64(micros))
    before = _said_before(mscc, price.unit)
    if before < 0:
        passed_s = (to_ns - change_ns + NS_PER_S - 1) // NS_PER_S
        before = max(used - passed_s, 0) if price.unit == _SECONDS else np.int64(0)
    return UsageRates(np.int64(min(before, used)), np.int64(before_micros), np.int64(micros))


@inlined_kernel
def _steady(micros, validity_s):
    """The window of a grant whose price stays what it is."""
    return GrantWindow(micros, validity_s, np.int64(0), micros, validity_s)


@inlined_kernel
def until_change(window):
    """The same grant, but used until the tariff change only."""
    return _steady(window.now_micros, window.now_s)


@inlined_kernel
def window_of_grant(tariffs, price, ends_at_change, now_ns):
    """GrantWindow of a grant that is decided at now_ns: it ends at the second tariff change at the latest.

    ends_at_change   bool: at the first, for a client that can't split what it reports
    Of seconds no client is told: those of a call pass by themselves, and are split when they are reported (RFC 8506 §5.1.1).
    """
    validity_s = np.int64(price.validity_s)
    if price.band_count == 0:
        return _steady(np.int64(price.price_micros), validity_s)
    now_micros, _, _ = span_at(tariffs, price, now_ns)
    change_ns, then_micros = change_after(tariffs, price, now_ns, now_ns + validity_s * NS_PER_S)
    if change_ns == FOREVER_NS:
        return _steady(np.int64(now_micros), validity_s)
    now_s = np.int64(max((change_ns - now_ns) // NS_PER_S, 1))
    if ends_at_change:
        return _steady(np.int64(now_micros), now_s)
    second_ns, _ = change_after(tariffs, price, change_ns, now_ns + validity_s * NS_PER_S)
    if second_ns != FOREVER_NS:
        validity_s = np.int64(max((second_ns - now_ns) // NS_PER_S, 1))
    told_s = np.int64(0) if price.unit == _SECONDS else np.int64(change_ns // NS_PER_S)
    return GrantWindow(np.int64(max(now_micros, then_micros)), validity_s, told_s, np.int64(now_micros), now_s)


@kernel
def window_of_repeat(tariffs, price, ends_at_change, is_cut, since_ns, now_ns):
    """GrantWindow of a grant that is answered again at now_ns.

    is_cut     bool: it was granted until the tariff change (until_change); of one that is over a second is left
    since_ns   int64: before which the answer that is repeated wasn't given
    """
    window = window_of_grant(tariffs, price, ends_at_change, now_ns)
    if not is_cut or price.band_count == 0:
        return window
    changed_ns, _ = change_before(tariffs, price, now_ns, since_ns)
    return until_change(window) if changed_ns <= since_ns else _steady(window.now_micros, np.int64(1))
