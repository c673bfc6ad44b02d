"""What the demo sells and charges on the business side, as a table: a customer, a plan, a session, and what each step comes to.

Expected values follow from traveller.yaml by hand: 6.00 EUR and 50 MiB come with the plan, 5.00 EUR are its fee of 30 days.
"""

from pathlib import Path
from typing import Any, Final

import yaml

import catalog_loader
from runtime.demo.script import (
    CREDIT_LIMIT_REACHED,
    EUR,
    INITIAL,
    MIB,
    TERMINATION,
    UPDATE,
    DemoAccount,
    DemoSession,
    Step,
)
from vocabulary.units import Unit

SAMPLE: Final = Path(catalog_loader.__file__).parent / "samples" / "prepaid.yaml"
PLAN: Final = Path(__file__).with_name("traveller.yaml")
OFFERING: Final = "traveller"
ALLOWANCE: Final = "data-50mib"
RELEASE: Final = 2
ICCID: Final = "8949020000000001012"
CLARA: Final = DemoAccount("Clara", "001010000000101", "491700000101", EUR, 50 * MIB)
"""As the order leaves her account: the first fee is taken."""
TOP_UP_EUR: Final = 10
FEE_MICROS: Final = 5 * EUR
AHEAD: Final = "31d"
NCHF_USED: Final = 10 * MIB
CHARGED_MICROS: Final = EUR + EUR // 10

UNTIL_EMPTY: Final = (
    Step(INITIAL, None, 10 * MIB, 10 * MIB, money_left_micros=EUR, note="the first grant: of the 50 MiB"),
    Step(UPDATE, 10 * MIB, 30 * MIB, 30 * MIB, money_left_micros=EUR, note="10 MiB went over 5G"),
    Step(UPDATE, 30 * MIB, 60 * MIB, 50 * MIB, is_final=True, money_left_micros=EUR, note="all that 1.00 EUR buys"),
    Step(UPDATE, 50 * MIB, 10 * MIB, None, CREDIT_LIMIT_REACHED, note="nothing is left"),
)
AFTER_TOP_UP: Final = (
    Step(UPDATE, 0, 10 * MIB, 10 * MIB, money_left_micros=10 * EUR, note="0.20 EUR are held"),
    Step(TERMINATION, 5 * MIB, money_left_micros=9_900_000, note="5 MiB: 0.10 EUR"),
)
DATA: Final = DemoSession(
    "Data: what came with the plan, then 0.02 EUR for each MiB that was started",
    CLARA,
    "32251@3gpp.org",
    10,
    Unit.OCTETS,
    CHARGED_MICROS,
    (*UNTIL_EMPTY, *AFTER_TOP_UP),
)


def catalogue(effective: str) -> str:
    """The catalogue file of the demo: the next release behind the sample's, with the plan in it.

    effective   when it takes effect, an instant in RFC 3339
    """
    sample, plan = (yaml.safe_load(path.read_text()) for path in (SAMPLE, PLAN))
    merged: dict[str, Any] = dict(sample)
    merged["release"] = sample["release"] | {"number": RELEASE, "name": "Traveller", "effective": effective}
    for name, entries in plan.items():
        merged[name] = [*merged.get(name, ()), *entries]
    return yaml.safe_dump(merged, sort_keys=False, allow_unicode=True)
