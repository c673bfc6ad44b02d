"""A catalogue release: immutable, in base units, and with one text; equal releases have equal texts and equal hashes.

Files, a database or the BSS build a `Release`; `canonical` puts it in order, `release_text` writes it, `read_release`
reads it back. The text is what the store keeps and what a hash is taken of: a contract, with a format number.
"""

from collections.abc import Iterable
from hashlib import sha256
from typing import Final

import msgspec
from msgspec import UNSET, UnsetType

from catalog_loader.faults import CatalogError
from catalog_loader.schema import GRANT_SIZES, PRIORITY, TENANT, VALIDITY_S
from charging.tariff_tables import ANY

FORMAT: Final = 1
"""Raised when the text changes its shape; engines read the formats that they know."""


class ReleaseDamaged(CatalogError):
    """A published text isn't what was published, or is of a format that this Farebox doesn't know."""


class Service(msgspec.Struct, frozen=True, order=True, array_like=True, forbid_unknown_fields=True):
    """What a price is for; rating_group may be ABSENT or ANY, service_identifier ANY (charging.tariff_tables)."""

    context: int
    rating_group: int
    service_identifier: int = ANY


class Allowance(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Units that accounts are given to use before money."""

    id: str
    unit: str
    amount: int
    """in octets, seconds or events"""
    name: str = ""
    description: str = ""
    valid_for_s: int | None = None
    """None: without end"""
    priority: int = PRIORITY
    granted_by: str = "opening"


class Terms(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What a price says of its grants beside their size and validity; the default of each is to say nothing."""

    threshold_units: int = 0
    threshold_percent: int = 0
    """of the grant; one of the two at most is above 0"""
    holding_s: int = 0
    redirect_to: str = ""
    filter_id: str = ""
    filter_rule: str = ""


NO_TERMS: Final = Terms()


class Band(msgspec.Struct, frozen=True, kw_only=True, order=True, forbid_unknown_fields=True):
    """Times of the week at which a block has another price, by the clock in the release's time zone."""

    days: tuple[int, ...]
    """on which it begins; 0 is Monday"""
    from_min: int
    """minutes since midnight, 0..1439"""
    to_min: int
    """1..1440; at most from_min: on the next day"""
    price_micros: int


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What services cost; words are those of catalog_loader.schema."""

    id: str
    services: tuple[Service, ...]
    unit: str
    name: str = ""
    description: str = ""
    control: str = "charged"
    block_units: int = 1
    price_micros: int | None = None
    """of one block; None: allowances alone pay"""
    rounding: str = "up"
    rounding_over: str = "session"
    grant_units: int
    grant_units_min: int
    grant_units_max: int
    validity_s: int = VALIDITY_S
    allowances: tuple[str, ...] = ()
    final_action: str = "terminate"
    settled_by: str = "balance"
    said: Terms | UnsetType = UNSET
    """UNSET, never NO_TERMS, where nothing is said: the text is then as it was before there were terms"""
    by_time: tuple[Band, ...] | UnsetType = UNSET
    """UNSET, never (), where the price is the same at all times"""

    @property
    def terms(self) -> Terms:
        """What is said of grants."""
        return NO_TERMS if self.said is UNSET else self.said

    @property
    def bands(self) -> tuple[Band, ...]:
        """When a block has another price than price_micros."""
        return () if self.by_time is UNSET else self.by_time


class Renewal(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How an offer goes on from period to period."""

    period_s: int
    fee_micros: int = 0
    """of each period after the first"""


class Offer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is sold: prices by id, and what an account is given at its opening."""

    id: str
    prices: tuple[str, ...]
    name: str = ""
    description: str = ""
    money_micros: int = 0
    allowances: tuple[str, ...] = ()
    renewal: Renewal | UnsetType = UNSET
    """UNSET where the offer lasts without end"""
    credit: int | UnsetType = UNSET
    """micros; UNSET, never 0, where an account has no bill"""

    @property
    def credit_limit_micros(self) -> int:
        """How much an account that is opened with it may owe on its bill; 0: it has none."""
        return 0 if self.credit is UNSET else self.credit


class Release(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A catalogue of one tenant from one instant on."""

    format: int = FORMAT
    number: int
    name: str
    description: str = ""
    tenant: str = TENANT
    currency: str
    time_zone: str
    effective_ns: int
    offers: tuple[Offer, ...]
    prices: tuple[Price, ...]
    allowances: tuple[Allowance, ...] = ()
    retired_offers: tuple[str, ...] = ()
    retired_allowances: tuple[str, ...] = ()


def in_force(releases: Iterable[Release], now_ns: int) -> Release | None:
    """Of one tenant's releases the one with the latest effective_ns <= now_ns, as kernels find it; None where none is."""
    begun = [release for release in releases if release.effective_ns <= now_ns]
    return max(begun, key=lambda release: release.effective_ns, default=None)


def price_of(
    id: str, services: tuple[Service, ...], unit: str, *, price_micros: int | None, block_units: int = 1
) -> Price:
    """A price with the usual grants of its unit, for releases that are built in code."""
    sizes = GRANT_SIZES[unit]
    return Price(
        id=id,
        services=services,
        unit=unit,
        price_micros=price_micros,
        block_units=block_units,
        grant_units=sizes.default,
        grant_units_min=sizes.min,
        grant_units_max=sizes.max,
    )


def canonical(release: Release) -> Release:
    """The same release in the one order: everything by id, where the order means nothing."""
    return msgspec.structs.replace(
        release,
        offers=tuple(
            msgspec.structs.replace(
                offer, prices=tuple(sorted(offer.prices)), allowances=tuple(sorted(offer.allowances))
            )
            for offer in sorted(release.offers, key=lambda offer: offer.id)
        ),
        prices=tuple(
            msgspec.structs.replace(
                price,
                services=tuple(sorted(price.services)),
                by_time=tuple(sorted(price.bands)) if price.bands else UNSET,
            )
            for price in sorted(release.prices, key=lambda price: price.id)
        ),
        allowances=tuple(sorted(release.allowances, key=lambda allowance: allowance.id)),
        retired_offers=tuple(sorted(release.retired_offers)),
        retired_allowances=tuple(sorted(release.retired_allowances)),
    )


class _Format(msgspec.Struct):
    """The one field that every format has."""

    format: int = 0


_ENCODER: Final = msgspec.json.Encoder()
_DECODER: Final = msgspec.json.Decoder(Release)


def release_text(release: Release) -> bytes:
    """The canonical text, UTF-8 JSON without spaces: the octets that are published and hashed."""
    return _ENCODER.encode(canonical(release))


def text_hash(text: bytes) -> str:
    """SHA-256 of a release text, 64 hex digits."""
    return sha256(text).hexdigest()


def read_release(text: bytes) -> Release:
    """The release of a canonical text. ReleaseDamaged where it is none, or isn't written as we write it."""
    try:
        format_ = msgspec.json.decode(text, type=_Format).format
        if format_ != FORMAT:
            raise ReleaseDamaged(f"the release has format {format_}, this Farebox reads {FORMAT}: use a newer one")
        release = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise ReleaseDamaged(f"the text is no catalogue release: {error}") from None
    if release_text(release) != text:
        raise ReleaseDamaged(f"the text of release {release.number} is not canonical: publish it from its files again")
    return release
