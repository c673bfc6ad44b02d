"""TMF620 Product Catalog Management: catalogs, categories, specifications, offerings and prices of bss/catalog."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from bss.api.catalog_resources import (
    NEXT_STATES,
    NO_BUNDLES,
    PATH,
    common_fields,
    domain_of,
    events_of,
    not_served,
)
from bss.api.filters import Filter
from bss.api.kinds import Amount, Flag, Money, OneOf, Text, Whole
from bss.api.limits import ID_LENGTH_MAX
from bss.api.resource import (
    OF_SUBTYPES,
    OF_SUBTYPES_WITHIN,
    Api,
    Document,
    Field,
    Many,
    NotServed,
    Resource,
    Structure,
    Values,
    Writable,
)
from bss.api.rows import Row
from bss.api.specification_characteristics import (
    CHARACTERISTIC,
    VALUE_USE,
    characteristic_documents,
    characteristics_of,
    value_use_documents,
    value_uses_of,
)
from bss.api.structures import HREF, href_of, reference_to
from bss.catalog.operations import change_resource
from bss.catalog.page_queries import catalog_currency, categories_below, categories_of_catalogs, names_of
from bss.catalog.queries import resource_row
from bss.catalog.records import Catalog, Category, Offering, OfferingPrice, Relationship, Specification
from bss.catalog.rules import PERIOD_LENGTH_MAX, PERIOD_TYPES, PRICE_TYPES, RELATIONSHIP_TYPES
from bss.catalog.tables import OFFERING
from bss.errors import Invalid
from bss.work import Work

_HAS_IT: Final = "the resource itself has it"
_OF_RESOURCE: Final = (NotServed("version", _HAS_IT), NotServed("@referredType", "it is the type of the member"))
CATEGORY_REF: Final = reference_to("CategoryRef", not_served=_OF_RESOURCE)
SPECIFICATION_REF: Final = reference_to(
    "ProductSpecificationRef",
    not_served=(*_OF_RESOURCE, NotServed("targetProductSchema", "products have no schema of their own")),
)
SERVICE_REF: Final = reference_to("ServiceSpecificationRef", not_served=_OF_RESOURCE)
RESOURCE_REF: Final = reference_to("ResourceSpecificationRef", not_served=_OF_RESOURCE)
PRICE_REF: Final = reference_to(
    "ProductOfferingPriceRefOrValue",
    not_served=(
        *not_served(
            "description",
            "lastUpdate",
            "lifecycleStatus",
            "priceType",
            "recurringChargePeriod",
            "recurringChargePeriodLength",
            "constraint",
            "price",
            "priceAlteration",
            "unitOfMeasure",
            "validFor",
            reason="an offering refers to its prices; each is a productOfferingPrice",
        ),
        *_OF_RESOURCE,
    ),
)
RELATIONSHIP: Final = Structure(
    "ProductOfferingRelationship",
    (
        Field("id", Text(ID_LENGTH_MAX, length_min=1), required=True),
        HREF,
        Field("relationshipType", OneOf(RELATIONSHIP_TYPES), required=True),
    ),
    (
        NotServed("name", _HAS_IT),
        NotServed("role", "relationshipType says it"),
        NotServed("validFor", "it holds as long as the offering does"),
        NotServed("@referredType", "it is always an offering"),
        *OF_SUBTYPES_WITHIN,
    ),
)


def _references(kind: Structure, resource: str, ids: Sequence[str], names: Mapping[str, str]) -> list[Document]:
    path = f"{PATH}/{resource}"
    return [kind.write({"id": one, "href": href_of(path, one), "name": names.get(one)}) for one in ids]


def _ids_of(said: Sequence[Values] | None) -> tuple[str, ...]:
    return tuple(one["id"] for one in said or ())


# --- catalogs and categories -------------------------------------------------------------------------------------------


def _put_categories(work: Work, catalog_id: str, values: Values) -> None:
    """The catalog's categories are these; a category says itself which catalog it belongs to."""
    if "category" not in values:
        return
    wanted = set(_ids_of(values["category"]))
    before = {one.id: one for one in categories_of_catalogs(work, [catalog_id])}
    for one in wanted - before.keys():
        category = Category.from_row(resource_row(work, kind=Category, resource_id=one))
        change_resource(work, resource=msgspec.structs.replace(category, catalog_id=catalog_id))
    for one in before.keys() - wanted:
        change_resource(work, resource=msgspec.structs.replace(before[one], catalog_id=None))


def _fill_catalogs(work: Work, rows: Sequence[Row], documents: Mapping[str, Document]) -> None:
    for category in categories_of_catalogs(work, list(documents)):
        assert category.catalog_id is not None
        reference = _references(CATEGORY_REF, "category", [category.id], {category.id: category.name})
        documents[category.catalog_id].setdefault("category", []).extend(reference)


def _category_columns(work: Work, values: Values) -> dict[str, Any]:
    return {"parent_id": values["parentId"]} if "parentId" in values else {}


def _fill_categories(work: Work, rows: Sequence[Row], documents: Mapping[str, Document]) -> None:
    for row in rows:
        documents[row["id"]]["isRoot"] = row["parent_id"] is None
    for below in categories_below(work, list(documents)):
        assert below.parent_id is not None
        reference = _references(CATEGORY_REF, "category", [below.id], {below.id: below.name})
        documents[below.parent_id].setdefault("subCategory", []).extend(reference)


CATALOGS: Final = Resource(
    name="catalog",
    type_name="Catalog",
    meaning="What is shown together, such as a shop's",
    fields=(
        *common_fields("Catalog"),
        Field("catalogType", Text(80), meaning="ProductCatalog unless said"),
        Field("category", Many(CATEGORY_REF), meaning="those that belong to it; of each the id is said"),
    ),
    not_served=(NotServed("relatedParty", "the catalogue is the operator's"), *OF_SUBTYPES),
    domain=domain_of(Catalog, {"catalogType": "catalog_type"}, None, _fill_catalogs, _put_categories),
    next_states=NEXT_STATES,
    events=events_of(Catalog),
)
CATEGORIES: Final = Resource(
    name="category",
    type_name="Category",
    meaning="What offerings are sorted by, a tree",
    fields=(
        *common_fields("Category"),
        Field("parentId", Text(ID_LENGTH_MAX, length_min=1), is_filter=True, meaning="of the category above"),
        Field("isRoot", Flag(), column="", writable=Writable.NEVER, meaning="is there none above?"),
        Field("subCategory", Many(CATEGORY_REF), writable=Writable.NEVER, meaning="those right below"),
    ),
    not_served=(NotServed("productOffering", "an offering names its categories"), *OF_SUBTYPES),
    domain=domain_of(Category, {}, _category_columns, _fill_categories),
    next_states=NEXT_STATES,
    events=events_of(Category),
)


# --- specifications ----------------------------------------------------------------------------------------------------


def _specification_columns(work: Work, values: Values) -> dict[str, Any]:
    if "productSpecCharacteristic" not in values:
        return {}
    return {"characteristics": characteristics_of(values["productSpecCharacteristic"])}


def _fill_specifications(work: Work, rows: Sequence[Row], documents: Mapping[str, Document]) -> None:
    for row in rows:
        record, document = Specification.from_row(row), documents[row["id"]]
        if record.characteristics:
            document["productSpecCharacteristic"] = characteristic_documents(record.characteristics)
        if record.services:
            document["serviceSpecification"] = [
                SERVICE_REF.write({"id": one.id, "name": one.name or None}) for one in record.services
            ]
        kinds = dict.fromkeys(kind for one in record.services for kind in one.resources)
        if kinds:
            document["resourceSpecification"] = [RESOURCE_REF.write({"id": kind}) for kind in kinds]


_IN_FILES: Final = "what realises a product is written in catalogue files or in the console"
SPECIFICATIONS: Final = Resource(
    name="productSpecification",
    type_name="ProductSpecification",
    meaning="What a product is, whatever it costs, and what realises it",
    fields=(
        *common_fields("ProductSpecification"),
        Field("brand", Text(200)),
        Field("productNumber", Text(80), is_filter=True),
        Field("productSpecCharacteristic", Many(CHARACTERISTIC)),
        Field("serviceSpecification", Many(SERVICE_REF), writable=Writable.NEVER, meaning=_IN_FILES),
        Field("resourceSpecification", Many(RESOURCE_REF), writable=Writable.NEVER, meaning=_IN_FILES),
    ),
    not_served=(
        *not_served("isBundle", "bundledProductSpecification", reason=NO_BUNDLES),
        NotServed("attachment", "documents are not kept"),
        NotServed("productSpecificationRelationship", "offerings have relationships, specifications have none"),
        NotServed("relatedParty", "the catalogue is the operator's"),
        NotServed("targetProductSchema", "products have no schema of their own"),
        *OF_SUBTYPES,
    ),
    domain=domain_of(
        Specification,
        {"brand": "brand", "productNumber": "product_number"},
        _specification_columns,
        _fill_specifications,
    ),
    next_states=NEXT_STATES,
    events=events_of(Specification),
)


# --- offerings ---------------------------------------------------------------------------------------------------------


def _offering_columns(work: Work, values: Values) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if "productSpecification" in values:
        found["product_specification_id"] = values["productSpecification"]["id"]
    for member, column in (("category", "category_ids"), ("productOfferingPrice", "price_ids")):
        if member in values:
            found[column] = _ids_of(values[member])
    if "productOfferingRelationship" in values:
        found["relationships"] = tuple(
            Relationship(relationship_type=one["relationshipType"], id=one["id"])
            for one in values["productOfferingRelationship"] or ()
        )
    if "prodSpecCharValueUse" in values:
        found["characteristic_values"] = value_uses_of(values["prodSpecCharValueUse"])
    return found


def _fill_offerings(work: Work, rows: Sequence[Row], documents: Mapping[str, Document]) -> None:
    records = [Offering.from_row(row) for row in rows]
    specifications = names_of(work, kind=Specification, ids=[one.product_specification_id for one in records])
    categories = names_of(work, kind=Category, ids=[id_ for one in records for id_ in one.category_ids])
    prices = names_of(work, kind=OfferingPrice, ids=[id_ for one in records for id_ in one.price_ids])
    for one in records:
        document = documents[one.id]
        (document["productSpecification"],) = _references(
            SPECIFICATION_REF, "productSpecification", [one.product_specification_id], specifications
        )
        if one.category_ids:
            document["category"] = _references(CATEGORY_REF, "category", one.category_ids, categories)
        if one.price_ids:
            document["productOfferingPrice"] = _references(PRICE_REF, "productOfferingPrice", one.price_ids, prices)
        if one.relationships:
            document["productOfferingRelationship"] = [_relationship_document(each) for each in one.relationships]
        if one.characteristic_values:
            document["prodSpecCharValueUse"] = value_use_documents(one.characteristic_values)


def _relationship_document(one: Relationship) -> Document:
    href = href_of(f"{PATH}/productOffering", one.id)
    return RELATIONSHIP.write({"id": one.id, "href": href, "relationshipType": one.relationship_type})


OFFERINGS: Final = Resource(
    name="productOffering",
    type_name="ProductOffering",
    meaning="What is sold",
    fields=(
        *common_fields("ProductOffering"),
        Field("statusReason", Text(500)),
        Field("isSellable", Flag(), meaning="can it be ordered for itself? Yes unless said"),
        Field("productSpecification", SPECIFICATION_REF, required=True),
        Field("category", Many(CATEGORY_REF)),
        Field("productOfferingPrice", Many(PRICE_REF)),
        Field("productOfferingRelationship", Many(RELATIONSHIP)),
        Field("prodSpecCharValueUse", Many(VALUE_USE), meaning="what it fixes of its specification"),
    ),
    required_by_us=frozenset({"productSpecification"}),
    not_served=(
        *not_served("isBundle", "bundledProductOffering", reason=NO_BUNDLES),
        *not_served(
            "resourceCandidate", "serviceCandidate", reason="the specification says which services realise the product"
        ),
        NotServed("agreement", "agreements are not kept"),
        NotServed("attachment", "documents are not kept"),
        NotServed("channel", "who may order what is a condition of eligibility, written in catalogue files"),
        NotServed("marketSegment", "who may order what is a condition of eligibility, written in catalogue files"),
        NotServed("place", "offerings hold everywhere"),
        NotServed("productOfferingTerm", "commitments come with billing"),
        NotServed("serviceLevelAgreement", "agreements are not kept"),
        *OF_SUBTYPES,
    ),
    filters=(Filter("productSpecification.id", Text(ID_LENGTH_MAX), OFFERING.c.product_specification_id),),
    domain=domain_of(
        Offering, {"statusReason": "status_reason", "isSellable": "is_sellable"}, _offering_columns, _fill_offerings
    ),
    next_states=NEXT_STATES,
    events=events_of(Offering),
)


# --- prices ------------------------------------------------------------------------------------------------------------


def _price_columns(work: Work, values: Values) -> dict[str, Any]:
    if "price" not in values:
        return {}
    price: Money | None = values["price"]
    currency = catalog_currency(work)
    if price is not None and price.currency != currency:
        raise Invalid("price.unit", f"the catalogue is in {currency}, not {price.currency}", f"Write {currency}")
    return {"amount_micros": None if price is None else price.micros}


def _fill_prices(work: Work, rows: Sequence[Row], documents: Mapping[str, Document]) -> None:
    currency = catalog_currency(work)
    for row in rows:
        if row["amount_micros"] is not None:
            documents[row["id"]]["price"] = Amount().write(Money(row["amount_micros"], currency))


PRICES: Final = Resource(
    name="productOfferingPrice",
    type_name="ProductOfferingPrice",
    meaning="What an offering costs: once, in each period, as a deposit, or by usage as the engine's tariff says",
    fields=(
        *common_fields("ProductOfferingPrice"),
        Field(
            "priceType", OneOf(PRICE_TYPES), required=True, is_filter=True, meaning="usage is written in files alone"
        ),
        Field("price", Amount(0), meaning="in the catalogue's currency; usage has none"),
        Field("recurringChargePeriodLength", Whole(1, PERIOD_LENGTH_MAX)),
        Field("recurringChargePeriodType", OneOf(PERIOD_TYPES)),
    ),
    required_by_us=frozenset({"priceType"}),
    not_served=(
        *not_served("isBundle", "bundledPopRelationship", reason=NO_BUNDLES),
        *not_served(
            "pricingLogicAlgorithm", "unitOfMeasure", reason="what usage costs is a tariff of the engine (files)"
        ),
        NotServed("constraint", "who may order what is a condition of the offering's eligibility"),
        NotServed("percentage", "discounts come with billing"),
        NotServed("place", "prices hold everywhere"),
        NotServed("popRelationship", "an offering lists its prices; among themselves they have no relationships"),
        NotServed("prodSpecCharValueUse", "an offering fixes values, a price doesn't"),
        NotServed("productOfferingTerm", "commitments come with billing"),
        NotServed("tax", "taxes come with billing"),
        *OF_SUBTYPES,
    ),
    domain=domain_of(
        OfferingPrice,
        {
            "priceType": "price_type",
            "recurringChargePeriodLength": "recurring_charge_period_length",
            "recurringChargePeriodType": "recurring_charge_period_type",
        },
        _price_columns,
        _fill_prices,
    ),
    next_states=NEXT_STATES,
    events=events_of(OfferingPrice),
)
PRODUCT_CATALOG_API: Final = Api(
    "TMF620",
    "productCatalogManagement",
    "Product Catalog Management",
    "4.1.0",
    (CATALOGS, CATEGORIES, SPECIFICATIONS, OFFERINGS, PRICES),
    not_served("importJob", "exportJob", reason="farebox catalog import and show read and write files"),
)
