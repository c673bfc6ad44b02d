"""What tells a repeated command from another one under the same id: a digest of what was asked.

Instants of openings, credits and ends are left out but for whether there is an end: who repeats a command computes them anew
from the clock, and the repeat is the same wish. All else counts whole; so does a period for which a product is applied,
which is what the wish is about, and the end of an account, which is given.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import msgpack

from balances.commands import AccountCommand, Amount, Change, Credit, Open, Opening, Terms
from balances.session_commands import SessionCommand
from vocabulary.instants import FOREVER_NS

_DIGITS: Final = 32


def digest_of_command(command: AccountCommand) -> str:
    """32 hex digits of a command's account and body, not of its id."""
    body: Any
    if isinstance(command, Open):
        body = ["open", command.tenant, command.account_id, sorted(command.identities), _terms(command.terms)]
    elif isinstance(command, SessionCommand):
        session = [command.session_high, command.session_low]
        body = ["session", command.tenant, command.account_id, int(command.action), session]
    else:
        body = ["change", command.tenant, command.account_id, *_change(command)]
    return sha256(msgpack.packb(body)).hexdigest()[:_DIGITS]


def digest_of_openings(openings: Sequence[Opening]) -> str:
    """32 hex digits of a batch of openings, in order."""
    digest = sha256()
    for opening in openings:
        digest.update(msgpack.packb([opening.tenant, sorted(opening.identities), _terms(opening.terms)]))
    return digest.hexdigest()[:_DIGITS]


def _terms(terms: Terms) -> list[Any]:
    return [
        terms.currency,
        terms.offer,
        terms.release,
        int(terms.status),
        terms.credit_limit_micros,
        terms.expires_ns,
        terms.product_to_ns == FOREVER_NS,
        [_amount(credit) for credit in terms.credits],
    ]


def _change(change: Change) -> list[Any]:
    applies, ends = change.applies, change.ends
    return [
        int(change.status),
        applies and [applies.offer, applies.release, applies.from_ns, applies.to_ns, applies.priority],
        ends and [ends.offer, sorted([int(unit), number] for unit, number in ends.allowances)],
        [_amount(amount) for amount in change.amounts],
        change.reason,
        *([] if change.credit_limit_micros is None else [change.credit_limit_micros]),
    ]


def _amount(amount: Amount) -> list[Any]:
    said = [int(amount.kind), int(amount.unit), amount.amount, amount.allowance, amount.bucket_id]
    if isinstance(amount, Credit):
        return [*said, amount.to_ns == FOREVER_NS, amount.priority]
    return [*said, amount.may_go_below_zero]
