"""What tells a repeated command from another one under the same id: a digest of what was asked.

Instants of products and credits are left out but for whether there is an end: who repeats a command computes them anew
from the clock, and the repeat is the same wish. All else counts whole; so does the end of the account, which is given.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import Any, Final

import msgpack

from balances.commands import AccountCommand, Credit, Open, Opening, Terms
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
        body = ["top up", command.tenant, command.account_id, [_credit(credit) for credit in command.credits]]
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
        [_credit(credit) for credit in terms.credits],
    ]


def _credit(credit: Credit) -> list[Any]:
    return [
        int(credit.unit),
        credit.amount,
        credit.allowance,
        credit.to_ns == FOREVER_NS,
        credit.priority,
        int(credit.kind),
    ]
