"""What the store says about published releases and what engines make of it: entries, tables, who took them up.

The stream is the truth: a release is published when an entry names it and its hash. Its text lies under a key of its
own and must have that hash.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from catalog_loader.compile import compile_release, stack
from catalog_loader.faults import CatalogError
from catalog_loader.names import EMPTY_POSITION, CatalogueNames, names_of
from catalog_loader.release import Release, ReleaseDamaged, read_release, text_hash
from charging.tariff_tables import TariffTables

RELEASES_KEY: Final = "farebox:releases"
ACKNOWLEDGED_KEY: Final = "farebox:releases:acknowledged"


def release_key(tenant: int, number: int) -> str:
    """Key of a release's text."""
    return f"farebox:release:{tenant}:{number}"


class PublishedEntry(NamedTuple):
    """One entry of the stream of releases."""

    stream_id: str
    tenant: int
    """the store's number"""
    tenant_name: str
    number: int
    hash: str

    def fields(self) -> dict[str, str]:
        """As the stream holds it."""
        return {
            "tenant": str(self.tenant),
            "tenant_name": self.tenant_name,
            "release": str(self.number),
            "hash": self.hash,
        }


def read_entry(stream_id: bytes | str, fields: Mapping[bytes, bytes]) -> PublishedEntry:
    """An entry as the store's client gives it. ReleaseDamaged where a field is missing or none of ours."""
    place = _text(stream_id)
    try:
        return PublishedEntry(
            place,
            int(fields[b"tenant"]),
            fields[b"tenant_name"].decode(),
            int(fields[b"release"]),
            fields[b"hash"].decode(),
        )
    except (KeyError, ValueError) as error:
        raise ReleaseDamaged(f"entry {place} of {RELEASES_KEY} is not one of ours: {error!r}") from None


@dataclass(frozen=True, slots=True)
class PublishedRelease:
    """A release that the store holds, read and found whole."""

    entry: PublishedEntry
    release: Release


def read_published(entry: PublishedEntry, text: bytes | None) -> PublishedRelease:
    """The release that the entry names. ReleaseDamaged where its text is missing or another than was published."""
    key = release_key(entry.tenant, entry.number)
    if text is None:
        raise ReleaseDamaged(f"{key} is missing, but was published: publish the same files again")
    if text_hash(text) != entry.hash:
        raise ReleaseDamaged(f"{key} isn't the text that was published: restore it from its files or a backup")
    release = read_release(text)
    if (release.number, release.tenant) != (entry.number, entry.tenant_name):
        raise ReleaseDamaged(f"{key} holds release {release.number} of tenant {release.tenant}")
    return PublishedRelease(entry, release)


def assemble(published: Sequence[PublishedRelease], stream_id: str) -> tuple[TariffTables, CatalogueNames]:
    """Tables and names of all releases, as engines load them.

    stream_id   of the last entry that was read
    """
    tables = stack([compile_release(each.release, each.entry.tenant) for each in published])
    named = [(each.entry.tenant, each.release, each.entry.hash) for each in published]
    return tables, names_of(named, stream_id)


# --- who has taken it up ---------------------------------------------------------------------------------------------


def position_of(stream_id: str) -> tuple[int, int]:
    """A stream id in an order that can be compared. CatalogError where it is none."""
    milliseconds, _, number = stream_id.partition("-")
    try:
        return int(milliseconds), int(number)
    except ValueError:
        raise CatalogError(f"{stream_id!r} is no stream id: expected <milliseconds>-<number>") from None


def is_reached(acknowledged: str | None, stream_id: str) -> bool:
    """Has an engine that acknowledged this (None: nothing) taken up the release at `stream_id`?"""
    return position_of(acknowledged or EMPTY_POSITION) >= position_of(stream_id)


def waiting_engines(acknowledged: Mapping[str, str], engines: Sequence[str], stream_id: str) -> list[str]:
    """Those of `engines` that have not taken up the release at `stream_id` yet, in order."""
    return sorted(engine for engine in engines if not is_reached(acknowledged.get(engine), stream_id))


def _text(value: bytes | str) -> str:
    return value.decode() if isinstance(value, bytes) else value
