"""A release of the product catalogue: one immutable text that holds the resources and the engine's release that they stand
on. Equal releases have equal texts and equal hashes. The engine gets the text of its part alone (catalog_loader.release).
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Final, TypeVar

import msgspec

from bss.catalog.records import Catalog, Category, Offering, OfferingPrice, Resource, Specification
from catalog_loader import release as engine_release
from catalog_loader.check import CheckedRelease
from catalog_loader.release import Release, release_text, text_hash

FORMAT: Final = 1
"""Raised when the text changes its shape."""

R = TypeVar("R", bound=Resource)


class CatalogRelease(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Everything that one tenant sells from one instant on. Drafts are no part of it."""

    format: int = FORMAT
    engine: Release
    catalogs: tuple[Catalog, ...] = ()
    categories: tuple[Category, ...] = ()
    specifications: tuple[Specification, ...] = ()
    offering_prices: tuple[OfferingPrice, ...] = ()
    offerings: tuple[Offering, ...] = ()

    def offering(self, offering_id: str) -> Offering | None:
        """The offering of this id, or none."""
        return next((each for each in self.offerings if each.id == offering_id), None)

    def specification(self, specification_id: str) -> Specification | None:
        """The specification of this id, or none."""
        return next((each for each in self.specifications if each.id == specification_id), None)

    def prices_of(self, offering: Offering) -> tuple[OfferingPrice, ...]:
        """The offering's prices, in its order."""
        by_id = {price.id: price for price in self.offering_prices}
        return tuple(by_id[price_id] for price_id in offering.price_ids if price_id in by_id)

    def resources(self, kind: type[R]) -> tuple[R, ...]:
        """Those of one kind."""
        resources: tuple[R, ...] = getattr(self, LIST_OF[kind])
        return resources


LIST_OF: Final[dict[type[Resource], str]] = {
    Catalog: "catalogs",
    Category: "categories",
    Specification: "specifications",
    OfferingPrice: "offering_prices",
    Offering: "offerings",
}
"""Key of a kind in a release and in files; in an order in which references point backwards."""
KIND_OF: Final = {name: kind for kind, name in LIST_OF.items()}

_ENCODER: Final = msgspec.json.Encoder(enc_hook=int)
_DECODER: Final = msgspec.json.Decoder(CatalogRelease, dec_hook=lambda kind, value: kind(value))


def canonical(release: CatalogRelease) -> CatalogRelease:
    """The same release in the one order: by id; within an entry the order means something, that of categories aside."""
    return msgspec.structs.replace(
        release,
        engine=engine_release.canonical(release.engine),
        **{name: tuple(sorted(getattr(release, name), key=lambda each: each.id)) for name in KIND_OF},
    )


def catalog_text(release: CatalogRelease) -> str:
    """The canonical text, JSON without spaces."""
    return _ENCODER.encode(canonical(release)).decode()


def catalog_hash(text: str) -> str:
    """SHA-256 of a text, 64 hex digits."""
    return text_hash(text.encode())


@lru_cache(maxsize=16)
def read_catalog(text: str) -> CatalogRelease:
    """The release of a text that catalog_text wrote. msgspec.MsgspecError where it is none."""
    return _DECODER.decode(text)


def engine_part(release: CatalogRelease) -> CheckedRelease:
    """What the engine gets: its release, which was checked when the text was made."""
    text = release_text(release.engine)
    return CheckedRelease(release.engine, text, text_hash(text))


def without_drafts(resources: dict[str, tuple[Resource, ...]]) -> dict[str, tuple[Resource, ...]]:
    """By list name, those that a release holds."""
    return {
        name: tuple(each for each in found if each.lifecycle_status != "draft") for name, found in resources.items()
    }


def ids_of(release: CatalogRelease) -> Iterator[tuple[str, str]]:
    """(list name, id) of each resource."""
    for name in KIND_OF:
        for each in getattr(release, name):
            yield name, each.id
