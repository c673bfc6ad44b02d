"""What was decided for one session, a step a journal row: numbers as the journal has them, for runtime/explain/words.py.

The account's commands between them are steps, too: a top-up explains why the next grant is larger.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from balances.commands import Change
from balances.journal import MovementKind
from balances.journal_reader import EntryRows
from balances.store import EntryId
from charging.batch import KIND_COMMAND
from charging.usage_record import GrantBasis
from runtime.notices.journal import command_in
from vocabulary.outcomes import Outcome
from vocabulary.units import Unit

_TEXTS = ("session_id", "origin_host", "origin_realm", "identity", "service_information")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Whose steps: one session of one account."""

    tenant: int
    account_id: int
    key_high: int
    key_low: int


@dataclass(frozen=True, slots=True)
class Moved:
    """An amount that entered or left a bucket."""

    kind: int
    """MovementKind, or one of a later release"""
    amount: int
    unit: Unit
    allowance: int
    bucket_id: int


@dataclass(frozen=True, slots=True)
class ServiceStep:
    """One MSCC: what was used, what paid, what was granted and why."""

    rating_group: int | None
    service_identifier: int | None
    unit: Unit
    from_ns: int
    to_ns: int
    used_units: int
    uncharged_units: int
    requested_units: int
    granted_units: int
    release: int
    offer: int
    price: int
    settled_by: Unit
    """MONEY or BILL"""
    outcome: Outcome
    final_action: int
    basis: GrantBasis
    paid: tuple[Moved, ...]


@dataclass(frozen=True, slots=True)
class Step:
    """One decided row: a request of the session, an account command, or what ended by itself."""

    entry_id: EntryId
    row: int
    at_ns: int
    tenant: int
    currency: int
    kind: int
    request_type: int
    number: int
    command: int
    command_id: str
    change: Change | None
    """what a command asked of the account; None of other rows, and where the entry doesn't say"""
    outcome: Outcome
    ended_session: int
    denied_status: int
    """AccountStatus of an account that gave no credit, ACTIVE: past its end; 0 where it gave, or the entry doesn't say"""
    services: tuple[ServiceStep, ...]
    moved: tuple[Moved, ...]
    """beside what services paid: credits of a command, what expired"""


def steps_of(entry_id: EntryId, entry: EntryRows, wanted: Wanted) -> list[Step]:
    """The steps that an entry has of a session, in its order."""
    requests = entry.requests
    is_own = (requests["account_id"] == wanted.account_id) & (requests["tenant"] == wanted.tenant)
    if not is_own.any():
        return []
    in_session = (requests["session_high"] == np.uint64(wanted.key_high)) & (
        requests["session_low"] == np.uint64(wanted.key_low)
    )
    of_account = (requests["kind"] == KIND_COMMAND) & (requests["session_high"] == 0) & (requests["session_low"] == 0)
    rows = np.flatnonzero(is_own & (in_session | of_account)).tolist()
    return [_step(entry_id, entry, row) for row in rows]


def _step(entry_id: EntryId, entry: EntryRows, row: int) -> Step:
    request = entry.requests[row]
    movements = entry.movements[(entry.movements["request"] == row) & (entry.movements["kind"] != MovementKind.HELD)]
    services = [_service(entry, int(at), movements) for at in np.flatnonzero(entry.usages["request"] == row)]
    is_command = request["kind"] == KIND_COMMAND
    asked = command_in(entry, row) if is_command else None
    return Step(
        entry_id,
        row,
        at_ns=int(request["received_ns"]),
        tenant=int(request["tenant"]),
        currency=int(request["currency"]),
        kind=int(request["kind"]),
        request_type=int(request["request_type"]),
        number=int(request["request_number"]),
        command=int(request["command"]),
        command_id=_command_id(entry, row) if is_command else "",
        change=asked if isinstance(asked, Change) else None,
        outcome=Outcome(int(request["outcome"])),
        ended_session=int(request["ended_session"]),
        denied_status=int(request["denied_status"]),
        services=tuple(services),
        moved=tuple(_moved(movement) for movement in movements[movements["usage"] < 0]),
    )


def _command_id(entry: EntryRows, row: int) -> str:
    """The text where a request has its Session-Id (balances/journal.py)."""
    before = sum(int(entry.requests[f"{name}_length"][:row].astype(np.int64).sum()) for name in _TEXTS)
    length = int(entry.requests["session_id_length"][row])
    return entry.octets[before : before + length].tobytes().decode(errors="replace")


def _service(entry: EntryRows, at: int, movements: NDArray[np.void]) -> ServiceStep:
    usage = entry.usages[at]
    return ServiceStep(
        rating_group=_present(usage["rating_group"]),
        service_identifier=_present(usage["service_identifier"]),
        unit=Unit(int(usage["unit"])),
        from_ns=int(usage["from_ns"]),
        to_ns=int(usage["to_ns"]),
        used_units=int(usage["used_units"]),
        uncharged_units=int(usage["uncharged_units"]),
        requested_units=int(usage["requested_units"]),
        granted_units=int(usage["granted_units"]),
        release=int(usage["release"]),
        offer=int(usage["offer"]),
        price=int(usage["price"]),
        settled_by=Unit(int(usage["settled_by"])),
        outcome=Outcome(int(usage["outcome"])),
        final_action=int(usage["final_action"]),
        basis=GrantBasis(int(usage["grant_basis"])),
        paid=tuple(_moved(movement) for movement in movements[movements["usage"] == at]),
    )


def _moved(movement: Any) -> Moved:
    return Moved(
        int(movement["kind"]),
        int(movement["amount"]),
        Unit(int(movement["unit"])),
        int(movement["allowance"]),
        int(movement["bucket_id"]),
    )


def _present(value: Any) -> int | None:
    return None if value < 0 else int(value)
