"""Account records written from plain rows, and both sides' accounts in one canonical form for comparison.

`encode_rows` is the opposite of balances.queries.decode_rows, written from the FIELDS table apart from it.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from balances.queries import AccountView, decode_record
from balances.record import (
    CUT_LAST,
    CUT_PREVIOUS,
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
    STRIDES,
    Section,
)
from tests.reference.account import Account, Asked, Bucket, Given, Product, Reservation, Service, Session
from vocabulary.instants import NS_PER_S
from vocabulary.outcomes import Outcome

Row = Mapping[str, int]


def encode_rows(rows: Mapping[str, Sequence[Row]], strides: Sequence[int] = STRIDES) -> bytes:
    """The record of these rows; fields that a row lacks are 0."""
    sections = [rows.get(section.name.lower(), ()) for section in Section]
    words = HEADER_WORDS + sum(len(own) * strides[kind] for kind, own in enumerate(sections))
    octets = bytearray(words * 8)
    _put(octets, 0, "header", rows["header"][0])
    at = HEADER_WORDS
    for section, own in zip(Section, sections, strict=True):
        if own:
            octets[HEADER_DIRECTORY + 2 * section] = len(own)
            octets[HEADER_DIRECTORY + 2 * section + 1] = strides[section]
        for row in own:
            _put(octets, at, section.name.lower(), row)
            at += strides[section]
    return bytes(octets)


def _put(octets: bytearray, first_word: int, section: str, row: Row) -> None:
    for field in FIELDS:
        if field.section == section and field.name in row:
            start = first_word * 8 + field.index * field.width
            value = row[field.name] % 2 ** (8 * field.width)
            octets[start : start + field.width] = value.to_bytes(field.width, "little")


def encode_account(account: Account) -> bytes:
    """The record of a plain account; tags are given in order, from 1."""
    services: list[Row] = []
    reservations: list[Row] = []
    sessions: list[Row] = []
    for session_tag, session in enumerate(account.sessions, 1):
        sessions.append(_session_row(session, session_tag))
        for service in session.services:
            tag = len(services) + 1
            services.append(_service_row(service, session_tag, tag))
            reservations += [
                {"service_tag": tag, "bucket_id": held.bucket_id, "amount": held.amount}
                for held in service.reservations
            ]
    return encode_rows(
        {
            "header": [_header_row(account)],
            "products": [_row_of(product) for product in account.products],
            "buckets": [_row_of(bucket) for bucket in account.buckets],
            "sessions": sessions,
            "services": services,
            "reservations": reservations,
            "ended": [{"mark": mark} for mark in account.ended],
        }
    )


def _row_of(thing: Product | Bucket) -> Row:
    return {name: int(getattr(thing, name)) for name in thing.__slots__}


def _header_row(account: Account) -> Row:
    names = [field.name for field in FIELDS if field.section == "header" and hasattr(account, field.name)]
    return {"layout_version": LAYOUT_VERSION} | {name: int(getattr(account, name)) for name in names}


def _session_row(session: Session, tag: int) -> Row:
    row: dict[str, int] = {
        "key_high": session.key[0],
        "key_low": session.key[1],
        "tag": tag,
        "answers": session.answers,
        "initial_mix_low": session.initial_mix % 256,
        "initial_mix_high": session.initial_mix // 256,
        "opened_ns": session.opened_ns,
        "expires_ns": session.expires_ns,
        "service_context": session.service_context,
        "highest_number": session.highest_number,
        "unanswered": sum(1 << (session.highest_number - number - 1) for number in session.unanswered),
        "third_hash": session.older_hashes[0],
        "fourth_hash": session.older_hashes[1],
    }
    for which, asked in (("last", session.last), ("previous", session.previous)):
        if asked is not None:
            row |= {
                f"{which}_number": asked.number,
                f"{which}_hash": asked.body_hash,
                f"{which}_answered": asked.type + 8 * int(asked.outcome),
            }
    return row


def _service_row(service: Service, session_tag: int, tag: int) -> Row:
    presence = PRESENT_RATING_GROUP * (service.rating_group is not None)
    presence += PRESENT_SERVICE_IDENTIFIER * (service.service_identifier is not None) + PRESENT_UPF * (
        service.upf is not None
    )
    finals = FINAL_LAST * service.last.is_final + FINAL_PREVIOUS * service.previous.is_final
    finals += GSU_LAST * service.last.has_grant + GSU_PREVIOUS * service.previous.has_grant
    finals += CUT_LAST * service.last.is_cut + CUT_PREVIOUS * service.previous.is_cut
    return {
        "rating_group": service.rating_group or 0,
        "service_identifier": service.service_identifier or service.upf or 0,
        "session_tag": session_tag,
        "tag": tag,
        "presence": presence,
        "unit": int(service.unit),
        "last_outcome": int(service.last.outcome),
        "previous_outcome": int(service.previous.outcome),
        "last_answer": service.answered_at,
        "finals": finals,
        "last_report_ns": service.last_report_ns,
        "carry": service.carry,
        "last_granted": service.last.granted,
        "previous_granted": service.previous.granted,
    }


Canonical = dict[str, Any]


def canonical_account(account: Account) -> Canonical:
    """A plain account without what no rule speaks of (tags)."""
    return {
        "account_id": account.account_id,
        "tenant": account.tenant,
        "currency": account.currency,
        "status": int(account.status),
        "credit_limit_micros": account.credit_limit_micros,
        "charged_micros": account.charged_micros,
        "revision": account.revision,
        "updated_ns": account.updated_ns,
        "expires_ns": account.expires_ns,
        "products": [_row_of(product) for product in account.products],
        "buckets": [_row_of(bucket) for bucket in account.buckets],
        "sessions": [_canonical_session(session) for session in account.sessions],
        "ended": list(account.ended),
        "ended_next": account.ended_next,
    }


def _canonical_session(session: Session) -> Canonical:
    return {
        "key": session.key,
        "opened_ns": session.opened_ns,
        "expires_ns": session.expires_ns,
        "service_context": session.service_context,
        "initial_mix": session.initial_mix,
        "highest_number": session.highest_number,
        "unanswered": sorted(session.unanswered),
        "older_hashes": session.older_hashes,
        "last": _canonical_asked(session.last),
        "previous": _canonical_asked(session.previous),
        "services": [_canonical_service(service, session.answers) for service in session.services],
    }


def _canonical_asked(asked: Asked | None) -> tuple[int, ...]:
    if asked is None:
        return (0, 0, 0, 0)
    return (asked.type, asked.number, asked.body_hash, int(asked.outcome))


def _canonical_service(service: Service, answers: int) -> Canonical:
    return {
        "rating_group": service.rating_group,
        "service_identifier": service.service_identifier,
        "upf": service.upf,
        "unit": int(service.unit),
        "last_report_ns": service.last_report_ns,
        "carry": service.carry,
        "last": _canonical_given(service.last),
        "previous": _canonical_given(service.previous),
        "is_answered_last": service.answered_at == answers,
        "reservations": [(held.bucket_id, held.amount) for held in service.reservations],
    }


def _canonical_given(given: Given) -> tuple[int, int | None, bool]:
    return (int(given.outcome), given.granted if given.has_grant else None, given.is_final)


def canonical_record(octets: bytes) -> Canonical:
    """The record of a kernel in the same form."""
    return canonical_account(account_of(decode_record(octets)))


def account_of(view: AccountView) -> Account:
    """A view as a plain account."""
    account = Account(view.account_id)
    for name in ("tenant", "currency", "status", "credit_limit_micros", "charged_micros", "revision"):
        setattr(account, name, getattr(view, name))
    account.updated_ns, account.expires_ns = view.updated_ns, view.expires_ns
    account.products = [
        Product(p.offer, p.release, p.from_ns, p.to_ns, p.priority, p.period_from_ns // NS_PER_S) for p in view.products
    ]
    account.buckets = [
        Bucket(b.bucket_id, b.unit, b.allowance, b.priority, b.remaining, b.reserved, b.from_ns, b.to_ns)
        for b in view.buckets
    ]
    account.ended, account.ended_next = list(view.ended), view.ended_next
    for own in view.sessions:
        session = Session((own.key_high, own.key_low), own.opened_ns, own.service_context, own.expires_ns, own.answers)
        session.initial_mix = own.initial_mix
        session.highest_number, session.unanswered = own.highest_number, set(own.unanswered)
        session.older_hashes = own.third_hash, own.fourth_hash
        session.last = Asked(own.last.type, own.last.number, own.last.body_hash, own.last.outcome)
        if own.previous.outcome != Outcome.UNDECIDED:
            previous = own.previous
            session.previous = Asked(previous.type, previous.number, previous.body_hash, previous.outcome)
        session.services = [
            Service(
                s.rating_group,
                s.service_identifier,
                s.unit,
                s.last_report_ns,
                s.carry,
                Given(s.last.outcome, s.last.granted or 0, s.last.granted is not None, s.last.is_final),
                Given(s.previous.outcome, s.previous.granted or 0, s.previous.granted is not None, s.previous.is_final),
                s.last_answer,
                [Reservation(held.bucket_id, held.amount) for held in s.reservations],
                s.upf,
            )
            for s in own.services
        ]
        account.sessions.append(session)
    return account
