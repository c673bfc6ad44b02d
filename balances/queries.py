"""A readable view of an account record, for the console, the API, the CLI and tests; kernels never come here.

The view nests what the record keeps side by side: services within their session, what they hold within the service.
Numbers of names (offers, allowances) get their names from a mapping that the caller has from a release; absent ones stay
numbers. Every field comes out of `balances.record.FIELDS`, so that the layout table is the only place that knows it.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Final

from balances.record import (
    ANSWERED_TYPE_BITS,
    ANSWERED_TYPE_MASK,
    FIELDS,
    FINAL_LAST,
    FINAL_PREVIOUS,
    GSU_LAST,
    GSU_PREVIOUS,
    HEADER_DIRECTORY,
    HEADER_WORDS,
    LAYOUT_VERSION,
    PRESENT_RATING_GROUP,
    PRESENT_SERVICE_IDENTIFIER,
    PRESENT_UPF,
    SECTION_COUNT,
    AccountStatus,
    Field,
    Section,
)
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

Row = dict[str, int]

_UNSIGNED: Final = frozenset({"key_high", "key_low"})
_SIGNED: Final = frozenset({"service_context"})
"""Words are signed and smaller fields unsigned, but for these."""

_MONEY_NAMES: Final = {Unit.MONEY: "money", Unit.BILL: "bill"}

FIELDS_OF: Final[Mapping[str, tuple[Field, ...]]] = {
    name: tuple(field for field in FIELDS if field.section == name)
    for name in ("header", *(section.name.lower() for section in Section))
}
"""Fields by the name of their section."""


class RecordError(ValueError):
    """The octets are no account record of a layout that this release reads; the message says what does not fit."""


@dataclass(frozen=True, slots=True)
class ProductView:
    """An offer that the account may use in [from_ns, to_ns)."""

    offer: int
    release: int
    from_ns: int
    to_ns: int
    priority: int
    period_from_ns: int
    """start of the period that was applied last"""
    name: str = ""


@dataclass(frozen=True, slots=True)
class BucketView:
    """A bucket: micros of money or of the bill, or units of an allowance."""

    bucket_id: int
    unit: Unit
    allowance: int
    priority: int
    remaining: int
    reserved: int
    from_ns: int
    to_ns: int
    name: str = ""


@dataclass(frozen=True, slots=True)
class ReservationView:
    """What a service holds of a bucket."""

    bucket_id: int
    amount: int


@dataclass(frozen=True, slots=True)
class GivenView:
    """What a service was answered: granted is None where the answer had no Granted-Service-Unit."""

    outcome: Outcome
    granted: int | None
    is_final: bool


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A rating group with a service identifier or UPF within a session; None is absent."""

    tag: int
    rating_group: int | None
    service_identifier: int | None
    upf: int | None
    """digest of its name"""
    unit: Unit
    last_report_ns: int
    carry: int
    last: GivenView
    previous: GivenView
    last_answer: int
    reservations: tuple[ReservationView, ...]


@dataclass(frozen=True, slots=True)
class AskedView:
    """A request that the session answered."""

    type: int
    number: int
    body_hash: int
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class SessionView:
    """An open session."""

    key_high: int
    key_low: int
    tag: int
    opened_ns: int
    expires_ns: int
    service_context: int
    service_information: int
    answers: int
    initial_mix: int
    last: AskedView
    previous: AskedView
    highest_number: int
    unanswered: tuple[int, ...]
    """numbers below the highest, of those that are known"""
    third_hash: int
    fourth_hash: int
    services: tuple[ServiceView, ...]


@dataclass(frozen=True, slots=True)
class AccountView:
    """A whole account."""

    account_id: int
    tenant: int
    status: AccountStatus
    currency: int
    zone: int
    revision: int
    identity_epoch: int
    credit_limit_micros: int
    charged_micros: int
    updated_ns: int
    expires_ns: int
    products: tuple[ProductView, ...]
    buckets: tuple[BucketView, ...]
    sessions: tuple[SessionView, ...]
    ended: tuple[int, ...]
    ended_next: int

    def bucket(self, bucket_id: int) -> BucketView | None:
        """The bucket of that id."""
        return next((bucket for bucket in self.buckets if bucket.bucket_id == bucket_id), None)

    def total(self, unit: Unit = Unit.MONEY) -> tuple[int, int]:
        """(remaining, reserved) of all buckets of a unit."""
        own = [bucket for bucket in self.buckets if bucket.unit == unit]
        return sum(bucket.remaining for bucket in own), sum(bucket.reserved for bucket in own)

    @property
    def owed_micros(self) -> int | None:
        """Charged to the bill and not settled; None where the account has no bill."""
        if all(bucket.unit != Unit.BILL for bucket in self.buckets):
            return None
        return -sum(self.total(Unit.BILL))

    def to_dict(self) -> dict[str, Any]:
        """The view as nested dicts and lists, enums as their numbers."""
        return asdict(self)


def decode_rows(octets: bytes | memoryview) -> dict[str, list[Row]]:
    """Rows of fields by name of section ("header" has one). RecordError where the octets are no record.

    A section of an older layout may be narrower than FIELDS: fields beyond its stride are 0. Of a newer one the fields
    that this table lists are read.
    """
    if len(octets) % 8 or len(octets) < HEADER_WORDS * 8:
        raise RecordError(f"record of {len(octets)} octets: a record is whole words, at least {HEADER_WORDS}")
    if octets[0] != LAYOUT_VERSION:
        raise RecordError(
            f"record has layout {octets[0]}, this release reads {LAYOUT_VERSION}: use the one that wrote it"
        )
    rows: dict[str, list[Row]] = {"header": [_decode_row(octets, 0, HEADER_WORDS, FIELDS_OF["header"])]}
    at = HEADER_WORDS
    for kind in range(SECTION_COUNT):
        count, stride = octets[HEADER_DIRECTORY + 2 * kind], octets[HEADER_DIRECTORY + 2 * kind + 1]
        if kind in set(Section):
            name = Section(kind).name.lower()
            if (at + count * stride) * 8 > len(octets):
                raise RecordError(f"record is cut off: {count} {name} of {stride} words do not fit")
            fields = FIELDS_OF[name]
            rows[name] = [_decode_row(octets, at + row * stride, stride, fields) for row in range(count)]
        at += count * stride
    if at * 8 != len(octets):
        raise RecordError(f"record has {len(octets)} octets, its directory says {at * 8}")
    return rows


def _decode_row(octets: bytes | memoryview, first_word: int, stride: int, fields: tuple[Field, ...]) -> Row:
    row: Row = {}
    for field in fields:
        inside = field.index * field.width
        start = first_word * 8 + inside
        signed = field.name in _SIGNED or (field.width == 8 and field.name not in _UNSIGNED)
        is_there = inside + field.width <= stride * 8
        row[field.name] = (
            int.from_bytes(octets[start : start + field.width], "little", signed=signed) if is_there else 0
        )
    return row


def decode_record(octets: bytes | memoryview, names: Mapping[int, str] | None = None) -> AccountView:
    """The view of a record. RecordError where the octets are none.

    names   name by number of offers and allowances (vocabulary.ids.number_of_name), from a release
    """
    rows = decode_rows(octets)
    named = names or {}
    header = rows["header"][0]
    sessions = tuple(_session(row, rows) for row in rows["sessions"])
    return AccountView(
        account_id=header["account_id"],
        tenant=header["tenant"],
        status=AccountStatus(header["status"]),
        currency=header["currency"],
        zone=header["zone"],
        revision=header["revision"],
        identity_epoch=header["identity_epoch"],
        credit_limit_micros=header["credit_limit_micros"],
        charged_micros=header["charged_micros"],
        updated_ns=header["updated_ns"],
        expires_ns=header["expires_ns"],
        products=tuple(_product(row, named) for row in rows["products"]),
        buckets=tuple(_bucket(row, named) for row in rows["buckets"]),
        sessions=sessions,
        ended=tuple(row["mark"] for row in rows["ended"]),
        ended_next=header["ended_next"],
    )


def _product(row: Row, named: Mapping[int, str]) -> ProductView:
    return ProductView(
        offer=row["offer"],
        release=row["release"],
        from_ns=row["from_ns"],
        to_ns=row["to_ns"],
        priority=row["priority"],
        period_from_ns=row["period_s"] * NS_PER_S or row["from_ns"],
        name=named.get(row["offer"], ""),
    )


def _bucket(row: Row, named: Mapping[int, str]) -> BucketView:
    unit, allowance = Unit(row["unit"]), row["allowance"]
    return BucketView(
        bucket_id=row["bucket_id"],
        unit=unit,
        allowance=allowance,
        priority=row["priority"],
        remaining=row["remaining"],
        reserved=row["reserved"],
        from_ns=row["from_ns"],
        to_ns=row["to_ns"],
        name=name_of_bucket(unit, allowance, named),
    )


def name_of_bucket(unit: Unit, allowance: int, names: Mapping[int, str]) -> str:
    """What a bucket is called: money, bill, or as its allowance; empty where the mapping lacks that."""
    return _MONEY_NAMES[unit] if unit in _MONEY_NAMES else names.get(allowance, "")


def _session(row: Row, rows: Mapping[str, list[Row]]) -> SessionView:
    return SessionView(
        key_high=row["key_high"],
        key_low=row["key_low"],
        tag=row["tag"],
        opened_ns=row["opened_ns"],
        expires_ns=row["expires_ns"],
        service_context=row["service_context"],
        service_information=row["service_information"],
        answers=row["answers"],
        initial_mix=row["initial_mix_low"] | row["initial_mix_high"] << 8,
        last=_asked(row, "last"),
        previous=_asked(row, "previous"),
        highest_number=row["highest_number"],
        unanswered=_unanswered(row["highest_number"], row["unanswered"]),
        third_hash=row["third_hash"],
        fourth_hash=row["fourth_hash"],
        services=tuple(_service(own, rows) for own in rows["services"] if own["session_tag"] == row["tag"]),
    )


def _unanswered(highest_number: int, bits: int) -> tuple[int, ...]:
    return tuple(highest_number - 1 - place for place in range(bits.bit_length()) if bits >> place & 1)


def _asked(row: Row, which: str) -> AskedView:
    answered = row[f"{which}_answered"]
    return AskedView(
        answered & ANSWERED_TYPE_MASK,
        row[f"{which}_number"],
        row[f"{which}_hash"],
        Outcome(answered >> ANSWERED_TYPE_BITS),
    )


def _service(row: Row, rows: Mapping[str, list[Row]]) -> ServiceView:
    own = tuple(
        ReservationView(held["bucket_id"], held["amount"])
        for held in rows["reservations"]
        if held["service_tag"] == row["tag"]
    )
    return ServiceView(
        tag=row["tag"],
        rating_group=row["rating_group"] if row["presence"] & PRESENT_RATING_GROUP else None,
        service_identifier=row["service_identifier"] if row["presence"] & PRESENT_SERVICE_IDENTIFIER else None,
        upf=row["service_identifier"] if row["presence"] & PRESENT_UPF else None,
        unit=Unit(row["unit"]),
        last_report_ns=row["last_report_ns"],
        carry=row["carry"],
        last=_given(row, "last", GSU_LAST, FINAL_LAST),
        previous=_given(row, "previous", GSU_PREVIOUS, FINAL_PREVIOUS),
        last_answer=row["last_answer"],
        reservations=own,
    )


def _given(row: Row, which: str, gsu_bit: int, final_bit: int) -> GivenView:
    granted = row[f"{which}_granted"] if row["finals"] & gsu_bit else None
    return GivenView(Outcome(row[f"{which}_outcome"]), granted, bool(row["finals"] & final_bit))
