"""What a grant sees of a price that changes by the time of the week (docs/charging.md §6), and what a report is charged at."""

from dataclasses import dataclass, replace
from typing import Self

from tests.reference.requests import Mscc
from tests.reference.tariffs import Price
from vocabulary.instants import NS_PER_S
from vocabulary.units import Unit


@dataclass(frozen=True, slots=True)
class Window:
    """How long a grant may be used, and what a block costs meanwhile."""

    micros: int
    """the dearest"""
    validity_s: int
    change_s: int
    """the instant that is told, 0 where none is"""
    now_micros: int
    now_s: int
    """so long nothing changes"""
    is_cut: bool = False

    def cut(self) -> Self:
        """The same, ending where the price changes."""
        return replace(self, micros=self.now_micros, validity_s=self.now_s, change_s=0, is_cut=True)


def whole_seconds(duration_ns: int) -> int:
    """Down to seconds, one at least."""
    return max(duration_ns // NS_PER_S, 1)


def window_of(price: Price, now_ns: int, *, ends_at_change: bool) -> Window:
    """Of a grant that is decided now."""
    micros = price.micros_at(now_ns)
    changes = price.changes(now_ns, now_ns + price.validity_s * NS_PER_S)
    if not changes:
        return Window(micros, price.validity_s, 0, micros, price.validity_s)
    now_s = whole_seconds(changes[0] - now_ns)
    whole = Window(
        max(micros, price.micros_at(changes[0])),
        whole_seconds(changes[1] - now_ns) if len(changes) > 1 else price.validity_s,
        0 if price.unit == Unit.SECONDS else changes[0] // NS_PER_S,
        micros,
        now_s,
    )
    return replace(whole.cut(), is_cut=False) if ends_at_change else whole


def window_again(price: Price, now_ns: int, since_ns: int, *, ends_at_change: bool, is_cut: bool) -> Window:
    """Of a grant that is answered again; one that was cut stays so, and is as good as over where the price has changed."""
    window = window_of(price, now_ns, ends_at_change=ends_at_change)
    if not is_cut or not price.bands:
        return window
    if price.changes(since_ns, now_ns + 1):
        return replace(window.cut(), validity_s=1)
    return window.cut()


def units_before(price: Price, mscc: Mscc, used: int, from_ns: int, to_ns: int) -> tuple[int, int, int]:
    """(units used before the last change, micros of a block then, micros of a block of the others)."""
    end_ns = max(to_ns - 1, from_ns)
    changes = price.changes(from_ns, end_ns + 1)
    if not changes:
        return 0, price.micros_at(end_ns), price.micros_at(end_ns)
    before = 0
    if mscc.before is not None:
        before = mscc.before.get(price.unit, 0)
    elif price.unit == Unit.SECONDS:
        before = max(used + (changes[-1] - to_ns) // NS_PER_S, 0)
    return min(before, used), price.micros_at(changes[-1] - 1), price.micros_at(end_ns)
