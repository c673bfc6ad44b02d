"""The account record: one vector of int64 words a subscription, little-endian, as it lies in the store. This table is
the layout; nothing else knows an offset.

A record is a header and then its sections, one kind after the other in the order of `Section`. The directory in the
header holds two octets a kind, count and stride in words, so that a reader finds every section, and keeps those it does
not know, without any other information. A field is 8 octets (a word), 4 (a half) or 1 (an octet); kernels read each
through a view of its width on the same memory:

    words[at + BUCKET_REMAINING]      halves[2 * at + SERVICE_RATING_GROUP]      octets[8 * at + SERVICE_UNIT]

where `at` is the row's first word. So small numbers share a word and no kernel shifts bits: what a typical update
writes (money, one bucket, one session, the ended ones) is at most 416 octets, and packed 240, because octets a commit are
what the store costs (docs/decisions/0003). Fields are listed in FIELDS, which readable decoding, the audit and docs use.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

LAYOUT_VERSION: Final = 3


class Section(IntEnum):
    """The kinds of sections, in the order in which they lie; numbers 6 and 7 are free."""

    PRODUCTS = 0
    BUCKETS = 1
    SESSIONS = 2
    SERVICES = 3
    RESERVATIONS = 4
    ENDED = 5


SECTION_COUNT: Final = 8


class AccountStatus(IntEnum):
    """Life of an account; only ACTIVE is given credit."""

    NONE = 0
    ACTIVE = 1
    BARRED = 2
    CLOSED = 3


@dataclass(frozen=True, slots=True)
class Field:
    """Where a field lies: in words, halves or octets from the start of its row, by `width` 8, 4 or 1."""

    section: str
    name: str
    width: int
    index: int
    meaning: str


# Header -----------------------------------------------------------------------------------------------------------------
HEADER_LAYOUT: Final = 0
HEADER_STATUS: Final = 1
HEADER_ZONE: Final = 2
HEADER_ENDED_NEXT: Final = 3
HEADER_CURRENCY: Final = 1
HEADER_ACCOUNT: Final = 1
HEADER_TENANT: Final = 4
HEADER_IDENTITY_EPOCH: Final = 5
HEADER_REVISION: Final = 3
HEADER_CREDIT_LIMIT: Final = 4
HEADER_UPDATED_NS: Final = 5
HEADER_CHARGED: Final = 6
HEADER_EXPIRES_NS: Final = 7
HEADER_DIRECTORY: Final = 64
HEADER_WORDS: Final = 10

# Products: what the account may use, highest priority first ---------------------------------------------------------------
PRODUCT_OFFER: Final = 0
PRODUCT_RELEASE: Final = 1
PRODUCT_FROM_NS: Final = 1
PRODUCT_TO_NS: Final = 2
PRODUCT_PRIORITY: Final = 6
PRODUCT_PERIOD_S: Final = 7
PRODUCT_WORDS: Final = 4

# Buckets ------------------------------------------------------------------------------------------------------------------
BUCKET_ALLOWANCE: Final = 0
BUCKET_UNIT: Final = 4
BUCKET_PRIORITY: Final = 5
BUCKET_ID: Final = 4
BUCKET_REMAINING: Final = 1
BUCKET_RESERVED: Final = 3
BUCKET_FROM_NS: Final = 4
BUCKET_TO_NS: Final = 5
BUCKET_WORDS: Final = 6

# Sessions -----------------------------------------------------------------------------------------------------------------
SESSION_KEY_HIGH: Final = 0
SESSION_KEY_LOW: Final = 1
SESSION_TAG: Final = 16
SESSION_INITIAL_MIX_LOW: Final = 17
SESSION_INITIAL_MIX_HIGH: Final = 18
SESSION_ANSWERS: Final = 19
SESSION_SERVICE_INFORMATION: Final = 5
SESSION_OPENED_NS: Final = 3
SESSION_EXPIRES_NS: Final = 4
SESSION_LAST_NUMBER: Final = 10
SESSION_LAST_HASH: Final = 11
SESSION_PREVIOUS_NUMBER: Final = 12
SESSION_PREVIOUS_HASH: Final = 13
SESSION_SERVICE_CONTEXT: Final = 14
SESSION_LAST_ANSWERED: Final = 60
SESSION_PREVIOUS_ANSWERED: Final = 61
SESSION_ROUTE_LIFE: Final = 62
SESSION_ROUTE_SET: Final = 63
SESSION_HIGHEST_NUMBER: Final = 16
SESSION_UNANSWERED: Final = 17
SESSION_THIRD_HASH: Final = 18
SESSION_FOURTH_HASH: Final = 19
SESSION_WORDS: Final = 10

# Services: a rating group (and service identifier) within a session ----------------------------------------------------------
SERVICE_RATING_GROUP: Final = 0
SERVICE_IDENTIFIER: Final = 1
SERVICE_SESSION_TAG: Final = 8
SERVICE_TAG: Final = 9
SERVICE_PRESENCE: Final = 10
SERVICE_UNIT: Final = 11
SERVICE_LAST_OUTCOME: Final = 12
SERVICE_PREVIOUS_OUTCOME: Final = 13
SERVICE_LAST_ANSWER: Final = 14
SERVICE_FINALS: Final = 15
SERVICE_LAST_REPORT_NS: Final = 2
SERVICE_CARRY: Final = 3
SERVICE_LAST_GRANTED: Final = 4
SERVICE_PREVIOUS_GRANTED: Final = 5
SERVICE_WORDS: Final = 6

# Reservations: what a service holds of a bucket --------------------------------------------------------------------------
RESERVATION_SERVICE_TAG: Final = 0
RESERVATION_BUCKET_ID: Final = 1
RESERVATION_AMOUNT: Final = 1
RESERVATION_WORDS: Final = 2

# Ended sessions: the high 32 bits of the session's key, 16 bits of its initial and 16 of its last request; a ring -----
ENDED_MARK: Final = 0
ENDED_WORDS: Final = 1

STRIDES: Final = (PRODUCT_WORDS, BUCKET_WORDS, SESSION_WORDS, SERVICE_WORDS, RESERVATION_WORDS, ENDED_WORDS, 0, 0)
"""Stride in words by Section that this layout writes."""

PRESENT_RATING_GROUP: Final = 1
PRESENT_SERVICE_IDENTIFIER: Final = 2
PRESENT_UPF: Final = 4
"""`service_identifier` is the digest of a UPF's name (docs/decisions/0040): Nchf has UPFs, Gy service identifiers."""

FIELDS: Final = (
    Field("header", "layout_version", 1, HEADER_LAYOUT, "version of this table"),
    Field("header", "status", 1, HEADER_STATUS, "AccountStatus"),
    Field("header", "zone", 1, HEADER_ZONE, "index of the account's time zone; 0 is the tenant's"),
    Field("header", "account_id", 8, HEADER_ACCOUNT, "the number in the record's key, checked after each load"),
    Field("header", "currency", 4, HEADER_CURRENCY, "ISO 4217 number"),
    Field("header", "tenant", 4, HEADER_TENANT, "number of the tenant"),
    Field(
        "header",
        "identity_epoch",
        4,
        HEADER_IDENTITY_EPOCH,
        "not used: identities that change hands are said in a stream",
    ),
    Field("header", "revision", 8, HEADER_REVISION, "counts the commits that wrote the record"),
    Field(
        "header",
        "credit_limit_micros",
        8,
        HEADER_CREDIT_LIMIT,
        "how much may be owed on the bill; 0: nothing",
    ),
    Field("header", "updated_ns", 8, HEADER_UPDATED_NS, "instant of the last decision; never goes back"),
    Field(
        "header", "charged_micros", 8, HEADER_CHARGED, "charged since the account was opened, to money and to the bill"
    ),
    Field("header", "expires_ns", 8, HEADER_EXPIRES_NS, "the account gives no credit from here on"),
    Field("header", "ended_next", 1, HEADER_ENDED_NEXT, "row of ENDED that is overwritten next"),
    Field("products", "offer", 4, PRODUCT_OFFER, "number of the offer's name"),
    Field("products", "release", 4, PRODUCT_RELEASE, "pinned catalogue release; 0 follows the one in force"),
    Field("products", "from_ns", 8, PRODUCT_FROM_NS, "start of its period"),
    Field("products", "to_ns", 8, PRODUCT_TO_NS, "end of its period"),
    Field("products", "priority", 4, PRODUCT_PRIORITY, "lower is asked first"),
    Field(
        "products", "period_s", 4, PRODUCT_PERIOD_S, "start of the period that was applied last, Unix time; 0: from_ns"
    ),
    Field("buckets", "allowance", 4, BUCKET_ALLOWANCE, "number of the allowance's name; 0 for money and the bill"),
    Field("buckets", "unit", 1, BUCKET_UNIT, "Unit"),
    Field("buckets", "priority", 1, BUCKET_PRIORITY, "lower is used first"),
    Field(
        "buckets",
        "remaining",
        8,
        BUCKET_REMAINING,
        "free: neither used nor reserved; money and the bill may be below zero",
    ),
    Field("buckets", "bucket_id", 4, BUCKET_ID, "id within the account; given again only when it holds nothing"),
    Field("buckets", "reserved", 8, BUCKET_RESERVED, "held for grants"),
    Field("buckets", "from_ns", 8, BUCKET_FROM_NS, "start of its period"),
    Field("buckets", "to_ns", 8, BUCKET_TO_NS, "end of its period"),
    Field("sessions", "key_high", 8, SESSION_KEY_HIGH, "first half of the digest of the Session-Id"),
    Field("sessions", "key_low", 8, SESSION_KEY_LOW, "second half"),
    Field("sessions", "tag", 1, SESSION_TAG, "number within the account that services refer to"),
    Field(
        "sessions",
        "initial_mix_low",
        1,
        SESSION_INITIAL_MIX_LOW,
        "16 bits of the initial request, by which its late repeat is known",
    ),
    Field("sessions", "initial_mix_high", 1, SESSION_INITIAL_MIX_HIGH, "their upper half"),
    Field("sessions", "answers", 1, SESSION_ANSWERS, "how many it has, modulo 256"),
    Field("sessions", "service_information", 4, SESSION_SERVICE_INFORMATION, "hash of the last Service-Information"),
    Field("sessions", "opened_ns", 8, SESSION_OPENED_NS, "receipt of the initial request"),
    Field("sessions", "expires_ns", 8, SESSION_EXPIRES_NS, "supervision: released from here on (Tcc)"),
    Field("sessions", "last_number", 4, SESSION_LAST_NUMBER, "CC-Request-Number of the last answer"),
    Field("sessions", "last_hash", 4, SESSION_LAST_HASH, "hash of its body"),
    Field("sessions", "previous_number", 4, SESSION_PREVIOUS_NUMBER, "and of the one before"),
    Field("sessions", "previous_hash", 4, SESSION_PREVIOUS_HASH, "hash of its body"),
    Field("sessions", "service_context", 4, SESSION_SERVICE_CONTEXT, "such as 32251"),
    Field(
        "sessions",
        "last_answered",
        1,
        SESSION_LAST_ANSWERED,
        "of the last answer: CC-Request-Type in bits 0-2, Outcome above",
    ),
    Field("sessions", "previous_answered", 1, SESSION_PREVIOUS_ANSWERED, "and of the one before"),
    Field("sessions", "route_life", 1, SESSION_ROUTE_LIFE, "life of its route and index keys, in ROUTE_LIFE_UNIT_S"),
    Field(
        "sessions",
        "route_set",
        1,
        SESSION_ROUTE_SET,
        "when they were last written: such units since opening, modulo 256",
    ),
    Field("sessions", "highest_number", 4, SESSION_HIGHEST_NUMBER, "the highest CC-Request-Number answered"),
    Field(
        "sessions", "unanswered", 4, SESSION_UNANSWERED, "of the 32 below it those without answer; bit 0 is the next"
    ),
    Field(
        "sessions",
        "third_hash",
        4,
        SESSION_THIRD_HASH,
        "of a peer that never counts: hash of the body before the previous one",
    ),
    Field("sessions", "fourth_hash", 4, SESSION_FOURTH_HASH, "and of the one before"),
    Field("services", "rating_group", 4, SERVICE_RATING_GROUP, "unsigned; valid where present"),
    Field("services", "service_identifier", 4, SERVICE_IDENTIFIER, "unsigned; valid where present; or a UPF's digest"),
    Field("services", "session_tag", 1, SERVICE_SESSION_TAG, "the session's tag"),
    Field("services", "tag", 1, SERVICE_TAG, "number within the account that reservations refer to"),
    Field("services", "presence", 1, SERVICE_PRESENCE, "bits PRESENT_*"),
    Field("services", "unit", 1, SERVICE_UNIT, "Unit of its grants"),
    Field("services", "last_outcome", 1, SERVICE_LAST_OUTCOME, "Outcome of its last answer"),
    Field("services", "previous_outcome", 1, SERVICE_PREVIOUS_OUTCOME, "and of the one before"),
    Field("services", "last_answer", 1, SERVICE_LAST_ANSWER, "the session's `answers` when it was last answered"),
    Field(
        "services",
        "finals",
        1,
        SERVICE_FINALS,
        "bit 0: last grant was final; bit 1: the one before; 2, 3: had a GSU; 4, 5: ended at a tariff change",
    ),
    Field("services", "last_report_ns", 8, SERVICE_LAST_REPORT_NS, "usage up to here was reported"),
    Field("services", "carry", 8, SERVICE_CARRY, "units reported and not charged yet; below zero: paid ahead"),
    Field("services", "last_granted", 8, SERVICE_LAST_GRANTED, "units of its last grant"),
    Field("services", "previous_granted", 8, SERVICE_PREVIOUS_GRANTED, "and of the one before"),
    Field("reservations", "service_tag", 1, RESERVATION_SERVICE_TAG, "the service's tag"),
    Field("reservations", "bucket_id", 4, RESERVATION_BUCKET_ID, "the bucket's id"),
    Field("reservations", "amount", 8, RESERVATION_AMOUNT, "units (micros of a money bucket) held"),
    Field(
        "ended",
        "mark",
        8,
        ENDED_MARK,
        "32 bits of the session key, 16 bits of its initial and 16 bits of its last request",
    ),
)

ANSWERED_TYPE_BITS: Final = 3
"""A session's answer in one octet: the request's type in so many bits, its outcome in the five above."""
ANSWERED_TYPE_MASK: Final = (1 << ANSWERED_TYPE_BITS) - 1

FINAL_LAST: Final = 1
FINAL_PREVIOUS: Final = 2
GSU_LAST: Final = 4
GSU_PREVIOUS: Final = 8
CUT_LAST: Final = 16
"""The grant ends at the tariff change, because its money doesn't pay for the dearer time behind it."""
CUT_PREVIOUS: Final = 32
