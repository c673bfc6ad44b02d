"""A small sound release built in code, and the shipped sample, for the tests of the loader."""

from pathlib import Path
from typing import Any

import msgspec

import catalog_loader
from catalog_loader.check import CheckedRelease
from catalog_loader.edge.read_files import check
from catalog_loader.release import Allowance, Offer, Price, Release, Service, price_of

SAMPLES = Path(str(catalog_loader.__file__)).parent / "samples"
SAMPLE = SAMPLES / "prepaid.yaml"
SAMPLE_2 = SAMPLES / "prepaid-2.yaml"
POSTPAID = SAMPLES / "postpaid.yaml"


def checked_sample(path: Path = SAMPLE) -> CheckedRelease:
    """The shipped sample, checked."""
    report = check([path])
    assert report.checked is not None, report.lines()
    return report.checked


def data_price(**changes: Any) -> Price:
    """A charged price of rating group 10 with an allowance."""
    price = price_of("data-general", (Service(32251, 10),), "octets", price_micros=20_000, block_units=1024**2)
    return msgspec.structs.replace(price, **({"allowances": ("data-1gib",)} | changes))


def data_allowance(**changes: Any) -> Allowance:
    """1 GiB for 30 days."""
    allowance = Allowance(id="data-1gib", unit="octets", amount=1024**3, valid_for_s=30 * 86400)
    return msgspec.structs.replace(allowance, **changes)


def small_release(**changes: Any) -> Release:
    """One offer, one price, one allowance; sound unless the changes make it otherwise."""
    release = Release(
        number=1,
        name="Small",
        currency="EUR",
        time_zone="UTC",
        effective_ns=1_000,
        offers=(Offer(id="start", prices=("data-general",), allowances=("data-1gib",), money_micros=10_000_000),),
        prices=(data_price(),),
        allowances=(data_allowance(),),
    )
    return msgspec.structs.replace(release, **changes)
