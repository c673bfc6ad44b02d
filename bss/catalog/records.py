"""What the product catalogue consists of. Attribute names are TMF620's in snake case, so that an API maps them field by field;
what is called an *offer*, *price* or *allowance* alone is the engine's, of a release file (docs/catalogue.md).

The same records are rows of the working copy, entries of files, and parts of a release's text. Lists in them are tuples.
"""

from collections.abc import Mapping
from typing import Any, Final, Self

import msgspec

from bss.converting import convert, meet


class Micros(int):
    """Money in int64 micros of the catalogue's currency; in files a text such as "10 EUR"."""


class Instant(int):
    """An instant, int64 ns since the Unix epoch; in files a date, or date and time with an offset."""


class LifecycleStatus:
    """Words of `lifecycle_status`."""

    DRAFT: Final = "draft"
    ACTIVE: Final = "active"
    RETIRED: Final = "retired"


class PriceType:
    """Words of `price_type`."""

    ONE_TIME: Final = "one_time"
    RECURRING: Final = "recurring"
    DEPOSIT: Final = "deposit"
    USAGE: Final = "usage"


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a characteristic, a service or a relationship is: a value inside a resource, without a row of its own."""


class Characteristic(Part, frozen=True, kw_only=True):
    """TMF620 ProductSpecificationCharacteristic: what may be chosen of a product, or is said of it."""

    name: str
    description: str = ""
    value_type: str = "string"
    """string, integer or boolean"""
    configurable: bool = True
    """is it chosen in an order?"""
    required: bool = False
    """must an order choose it, where there is no default?"""
    values: tuple[str, ...] = ()
    """those that may be chosen; any of the type where empty"""
    default: str = ""


class ServiceNeed(Part, frozen=True, kw_only=True):
    """A customer facing service that realises a product, and the kinds of resources that it takes (such as msisdn, sim)."""

    id: str
    name: str = ""
    resources: tuple[str, ...] = ()


class CharacteristicValue(Part, frozen=True, kw_only=True):
    """TMF620 ProductSpecificationCharacteristicValueUse: what an offering fixes of its specification."""

    name: str
    value: str


class Relationship(Part, frozen=True, kw_only=True):
    """TMF620 ProductOfferingRelationship: `requires` or `excludes` another offering."""

    relationship_type: str
    id: str


class Resource(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    rename={"valid_from_ns": "valid_from", "valid_to_ns": "valid_to", "amount_micros": "amount"},
):
    """What each resource of the catalogue has. It is valid in [valid_from_ns, valid_to_ns); None: without that bound."""

    id: str
    name: str
    description: str = ""
    version: str = "1.0"
    lifecycle_status: str = LifecycleStatus.ACTIVE
    valid_from_ns: Instant | None = None
    valid_to_ns: Instant | None = None

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record of a row of its table."""
        values = {field.encode_name: row[field.name] for field in msgspec.structs.fields(cls)}
        return convert(values, cls, dec_hook=lambda kind, value: kind(value))

    def to_row(self) -> dict[str, Any]:
        """Column values of its row, lists as they are read back."""
        plain = msgspec.json.decode(msgspec.json.encode(self, enc_hook=int))
        return {field.name: plain[field.encode_name] for field in msgspec.structs.fields(self)}

    def is_valid_at(self, at_ns: int) -> bool:
        """Is the instant within its validity?"""
        return (self.valid_from_ns is None or self.valid_from_ns <= at_ns) and (
            self.valid_to_ns is None or at_ns < self.valid_to_ns
        )


class Catalog(Resource, frozen=True, kw_only=True):
    """TMF620 Catalog: what is shown together, such as a shop's."""

    catalog_type: str = "ProductCatalog"


class Category(Resource, frozen=True, kw_only=True):
    """TMF620 Category; a root where it has no parent. Roots belong to a catalog."""

    catalog_id: str | None = None
    parent_id: str | None = None

    @property
    def is_root(self) -> bool:
        """Is it the top of its tree?"""
        return self.parent_id is None


class Specification(Resource, frozen=True, kw_only=True):
    """TMF620 ProductSpecification: what a product is, whatever it costs, and what realises it."""

    brand: str = ""
    product_number: str = ""
    characteristics: tuple[Characteristic, ...] = ()
    """productSpecCharacteristic"""
    services: tuple[ServiceNeed, ...] = ()
    """serviceSpecification, with their resourceSpecification"""


class Offering(Resource, frozen=True, kw_only=True):
    """TMF620 ProductOffering: what is sold. Its usage is charged as an offer of the engine says."""

    status_reason: str = ""
    is_sellable: bool = True
    """can it be ordered for itself? Otherwise only beside an offering that it requires"""
    product_specification_id: str
    offer: str | None = None
    """id of the engine's offer that an account gets; None: it takes no part in charging"""
    category_ids: tuple[str, ...] = ()
    price_ids: tuple[str, ...] = ()
    """productOfferingPrice"""
    characteristic_values: tuple[CharacteristicValue, ...] = ()
    """prodSpecCharValueUse"""
    relationships: tuple[Relationship, ...] = ()
    """productOfferingRelationship"""
    eligibility: str = ""
    """a condition in CEL (bss/catalog/eligibility.py); empty: everyone may order it"""


class OfferingPrice(Resource, frozen=True, kw_only=True):
    """TMF620 ProductOfferingPrice. Of the type usage it names a price of the engine's, which says what a block costs."""

    price_type: str
    amount_micros: Micros | None = None
    """price.value; None where the type is usage"""
    recurring_charge_period_length: int | None = None
    recurring_charge_period_type: str | None = None
    """hour, day, week, month or year; both are there where the type is recurring"""
    price: str | None = None
    """id of the engine's price; there where the type is usage"""


class WorkingCopy(msgspec.Struct, frozen=True, kw_only=True):
    """What a tenant's next release is made of, beside its resources and tariff parts; one a tenant."""

    revision: int
    base_release: int | None
    """number of the release that it was made from; None before the first"""
    edit_count: int
    """edits since its base release"""
    number: int
    name: str
    description: str
    currency: str
    time_zone: str
    effective_ns: int
    retired_offers: tuple[str, ...]
    retired_allowances: tuple[str, ...]

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record of a row of catalog_working_copy."""
        return convert({name: row[name] for name in cls.__struct_fields__}, cls)


class ReleaseState:
    """Words of a release's state."""

    PREPARED: Final = "prepared"
    """its text is fixed; whether the engine has it is not known yet"""
    PUBLISHED: Final = "published"
    REFUSED: Final = "refused"
    """by the engine: it is as if it had never been"""


class ReleaseRow(msgspec.Struct, frozen=True, kw_only=True):
    """A release, without its text."""

    id: str
    revision: int
    created_ns: int
    number: int
    name: str
    state: str
    effective_ns: int
    hash: str
    """of the text, SHA-256"""
    engine_hash: str
    """of the part that the engine has"""
    migrations: dict[str, str]
    """offering that products in inventory have → offering that they get; to itself: they follow its changes"""
    edit_count: int
    """edits of the working copy that went into it"""

    @classmethod
    def from_row(cls, row: Mapping[str, Any]) -> Self:
        """The record of a row of catalog_release."""
        return convert({name: row[name] for name in cls.__struct_fields__}, cls)


meet(Catalog, Category, Specification, Offering, OfferingPrice, WorkingCopy, ReleaseRow)
