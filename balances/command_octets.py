"""Account commands and their answers as octets: what lies in a partition's stream, in the journal, under `command:<id>`."""

import functools
from typing import Any, Final

import msgpack

from balances.command_checks import CommandError
from balances.commands import (
    AccountCommand,
    Amount,
    Applied,
    Change,
    CommandAnswer,
    Credit,
    Debit,
    Open,
    ProductEnd,
    ProductPeriod,
    Refused,
    Terms,
)
from balances.journal import FIRST_DEBIT, MovementKind
from balances.record import AccountStatus
from balances.session_commands import SessionAction, SessionCommand
from vocabulary.limits import COMMAND_OCTETS_MAX
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

COMMAND_VERSION: Final = 2
_OPEN: Final = 1
_CHANGE: Final = 2
_OF_SESSIONS: Final = frozenset(SessionAction)
"""Kinds of session commands: the action's number."""
_TERMS_KEPT: Final = 256
"""Terms that are remembered decoded."""


def encode_command(command: AccountCommand) -> bytes:
    """Octets for the stream."""
    if isinstance(command, Change):
        kind, body = _CHANGE, _pack_change(command)
    elif isinstance(command, SessionCommand):
        kind, body = int(command.action), [command.session_high, command.session_low]
    else:
        kind, body = _OPEN, [command.identities, *_pack_terms(command.terms)]
    packed: bytes = msgpack.packb([COMMAND_VERSION, kind, command.command_id, command.tenant, command.account_id, body])
    return packed


def decode_command(octets: bytes) -> AccountCommand:
    """The command of these octets. CommandError says what is wrong with them."""
    try:
        if len(octets) > COMMAND_OCTETS_MAX:
            raise CommandError(f"an account command of {len(octets)} octets: at most {COMMAND_OCTETS_MAX}")
        version, kind, command_id, tenant, account_id, body = msgpack.unpackb(octets, use_list=False)
        if version != COMMAND_VERSION:
            raise CommandError(f"an account command of version {version}: this release knows {COMMAND_VERSION}")
        if kind == _CHANGE:
            return _unpack_change(command_id, tenant, account_id, body)
        if kind == _OPEN:
            identities, *terms = body
            return Open(command_id, tenant, account_id, identities, _terms_of(msgpack.packb(terms)))
        if kind in _OF_SESSIONS:
            return SessionCommand(command_id, tenant, account_id, SessionAction(kind), *body)
        raise CommandError(f"an account command of kind {kind}: this release knows {_OPEN} to {max(_OF_SESSIONS)}")
    except CommandError:
        raise
    except Exception as error:  # msgpack raises a dozen kinds, and wrong shapes fail in unpacking
        raise CommandError(f"these {len(octets)} octets are no account command: {error}") from error


# --- openings --------------------------------------------------------------------------------------------------------


def _pack_terms(terms: Terms) -> list[Any]:
    return [
        [
            terms.currency,
            terms.offer,
            terms.release,
            terms.product_from_ns,
            terms.product_to_ns,
            int(terms.status),
            terms.credit_limit_micros,
            terms.expires_ns,
        ],
        [_pack_amount(credit) for credit in terms.credits],
    ]


@functools.lru_cache(maxsize=_TERMS_KEPT)
def _terms_of(octets: bytes) -> Terms:
    """The terms of an opening. Those of an import are the same few a hundred thousand times, so they are made once each.

    octets   of [fixed, credits]: equal octets are equal values of equal types, which equal tuples aren't (1 is True)
    """
    fixed, credits = msgpack.unpackb(octets, use_list=False)
    currency, offer, release, from_ns, to_ns, status, limit, expires_ns = fixed
    return Terms(
        currency=currency,
        offer=offer,
        release=release,
        product_from_ns=from_ns,
        product_to_ns=to_ns,
        status=AccountStatus(status),
        credit_limit_micros=limit,
        expires_ns=expires_ns,
        credits=tuple(_unpack_credit(row) for row in credits),
    )


# --- changes ---------------------------------------------------------------------------------------------------------


def _pack_change(change: Change) -> list[Any]:
    """A credit limit is said last, and only where there is one: commands without are as releases before it wrote them."""
    applies, ends, limit_micros = change.applies, change.ends, change.credit_limit_micros
    return [
        int(change.status),
        applies and [applies.offer, applies.from_ns, applies.to_ns, applies.release, applies.priority],
        ends and [ends.offer, ends.at_ns, [[int(unit), number] for unit, number in ends.allowances]],
        [_pack_amount(amount) for amount in change.amounts],
        change.reason,
        *([] if limit_micros is None else [limit_micros]),
    ]


def _unpack_change(command_id: str, tenant: int, account_id: int, body: tuple[Any, ...]) -> Change:
    status, applies, ends, amounts, reason, *limit = body
    end = None
    if ends is not None:
        offer, at_ns, allowances = ends
        end = ProductEnd(offer, at_ns, tuple((Unit(unit), number) for unit, number in allowances))
    return Change(
        command_id,
        tenant,
        account_id,
        AccountStatus(status),
        None if applies is None else ProductPeriod(*applies),
        end,
        tuple(_unpack_amount(row) for row in amounts),
        reason,
        *limit,
    )


def _pack_amount(amount: Amount) -> list[Any]:
    fixed = [int(amount.kind), int(amount.unit), amount.amount, amount.allowance, amount.bucket_id]
    if isinstance(amount, Credit):
        return [*fixed, amount.from_ns, amount.to_ns, amount.priority]
    return [*fixed, amount.may_go_below_zero]


def _unpack_amount(row: tuple[Any, ...]) -> Amount:
    if row[0] < FIRST_DEBIT:
        return _unpack_credit(row)
    kind, unit, amount, allowance, bucket_id, below = row
    if not isinstance(below, bool):
        raise CommandError(f"may_go_below_zero is {below!r}: true or false fits")
    return Debit(Unit(unit), amount, allowance, MovementKind(kind), bucket_id, below)


def _unpack_credit(row: tuple[Any, ...]) -> Credit:
    kind, unit, amount, allowance, bucket_id, from_ns, to_ns, priority = row
    return Credit(Unit(unit), amount, allowance, from_ns, to_ns, priority, MovementKind(kind), bucket_id)


# --- answers ---------------------------------------------------------------------------------------------------------


def encode_answer(answer: CommandAnswer) -> bytes:
    """Octets for `command:<id>`."""
    outcome, remaining, was_so = Outcome.GRANTED, 0, False
    if isinstance(answer, Applied):
        remaining, was_so = answer.remaining, answer.was_so
    else:
        outcome = answer.outcome
    packed: bytes = msgpack.packb(
        {"outcome": int(outcome), "account_id": answer.account_id, "remaining": remaining, "was_so": was_so}
    )
    return packed


def decode_answer(octets: bytes) -> CommandAnswer:
    """The answer of these octets; ValueError where they are none."""
    try:
        answer = msgpack.unpackb(octets)
        outcome, account_id, remaining = Outcome(answer["outcome"]), int(answer["account_id"]), int(answer["remaining"])
        was_so = bool(answer.get("was_so", False))
    except Exception as error:  # msgpack raises a dozen kinds
        raise ValueError(f"these {len(octets)} octets are no answer of an account command: {error!r}") from error
    return Applied(account_id, remaining, was_so) if outcome == Outcome.GRANTED else Refused(account_id, outcome)
