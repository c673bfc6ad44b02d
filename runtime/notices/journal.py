"""What a journal entry says to the notifier: which accounts changed, which sessions were asked for, reported, or ended.

No row of the journal is written for the notifier alone: a change, a report and an ending are rows that there are anyway,
and so is an account command that asks something of sessions (docs/decisions/0018).
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from enum import IntFlag
from typing import Final

import numpy as np
from numpy.typing import NDArray

from balances.command_octets import decode_command
from balances.commands import AccountCommand, Change, CommandError
from balances.journal import JOURNAL_REQUEST_DTYPE, MOVEMENT_DTYPE
from balances.journal_reader import EntryReader, EntryRows
from balances.journal_writer import encode_entry
from balances.record import AccountStatus
from charging.batch import (
    COMMAND_ABORT,
    COMMAND_CHANGE,
    COMMAND_REAUTHORIZE,
    KIND_COMMAND,
    KIND_USAGE,
    UPDATE,
)
from charging.usage_record import USAGE_DTYPE
from runtime.notices.notice import NoticeKind, ServiceName, SessionName
from vocabulary.outcomes import Outcome

_KINDS: Final = {COMMAND_REAUTHORIZE: NoticeKind.REAUTHORIZE, COMMAND_ABORT: NoticeKind.ABORT}
_COMMANDS: Final = np.array([COMMAND_CHANGE, *_KINDS])
_TEXTS: Final = tuple(name for name in JOURNAL_REQUEST_DTYPE.names or () if name.endswith("_length"))


class Effect(IntFlag):
    """What a change of an account makes of the answers that its open sessions would get now."""

    CREDIT = 1
    """there is more to grant"""
    RIGHTS = 2
    """it is active again, or has a further product"""
    LOSS = 4
    """it is barred, or a product is over: what was granted would not be granted any more"""
    CLOSED = 8


@dataclass(frozen=True, slots=True)
class Changed:
    """An account changed so that its open sessions would be answered otherwise now."""

    tenant: int
    account_id: int
    effect: Effect


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asked something of an account's sessions; session None: of all that are open."""

    tenant: int
    account_id: int
    kind: NoticeKind
    session: SessionName | None


@dataclass(frozen=True, slots=True)
class Reported:
    """A session's client has reported and asked again."""

    session: SessionName
    services: tuple[ServiceName, ...]


@dataclass(frozen=True, slots=True)
class Ended:
    """A session is over."""

    session: SessionName


_DECIDED: Final = (int(Outcome.GRANTED), int(Outcome.CREDIT_LIMIT_REACHED))
"""Outcomes of updates whose rating groups were looked at."""
Event = Changed | Asked | Reported | Ended
_EFFECT_OF_STATUS: Final = {
    AccountStatus.NONE: Effect(0),
    AccountStatus.ACTIVE: Effect.RIGHTS,
    AccountStatus.BARRED: Effect.LOSS,
    AccountStatus.CLOSED: Effect.CLOSED,
}


def events_of(entry: EntryRows, owed: Container[SessionName], owed_highs: NDArray[np.uint64]) -> Iterator[Event]:
    """Events of an entry, in its order.

    owed         sessions that have a row, as they are while the events are taken: of others nothing else matters
    owed_highs   first halves of these as they are now, sorted: so an entry costs Python for rows of such sessions alone
    """
    requests = entry.requests
    kinds = requests["kind"]
    commands = kinds == KIND_COMMAND
    if not len(owed_highs) and not commands.any():  # nearly every entry while nothing is owed
        return
    commands &= requests["outcome"] == Outcome.GRANTED
    commands &= np.isin(requests["command"], _COMMANDS)
    is_decided = np.isin(requests["outcome"], _DECIDED)  # a refused report brought its client nothing
    wanted = (requests["ended_session"] > 0) | (
        (kinds == KIND_USAGE) & (requests["request_type"] == UPDATE) & is_decided
    )
    if not commands.any():  # else the entry itself may owe what its later rows settle
        wanted &= _is_among(requests["session_high"], owed_highs)
    wanted |= commands
    for row in np.flatnonzero(wanted).tolist():
        request = requests[row]
        session = SessionName(int(request["session_high"]), int(request["session_low"]))
        if commands[row]:
            yield from _command_of(entry, row, session)
        elif request["ended_session"] > 0:
            yield Ended(session)
        elif session in owed:
            yield Reported(session, _services_of(entry.usages, row))


def warm_reader() -> EntryReader:
    """A reader of entries whose kernels are compiled or loaded, by an empty entry of the journal's own columns."""
    reader = EntryReader(USAGE_DTYPE)
    dtypes = {"requests": JOURNAL_REQUEST_DTYPE, "usages": USAGE_DTYPE, "movements": MOVEMENT_DTYPE}
    tables = {name: np.zeros(0, dtype) for name, dtype in dtypes.items()}
    reader.read(encode_entry(partition=0, follows="0-0", now_ns=0, tables=tables, octets=np.zeros(0, np.uint8)))
    return reader


def _is_among(values: NDArray[np.uint64], known: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Which of the values are in the sorted `known`?"""
    if not len(known):
        return np.zeros(len(values), np.bool_)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    found: NDArray[np.bool_] = known[places] == values
    return found


def _command_of(entry: EntryRows, row: int, session: SessionName) -> Iterator[Event]:
    request = entry.requests[row]
    tenant, account_id, command = int(request["tenant"]), int(request["account_id"]), int(request["command"])
    if command == COMMAND_CHANGE:
        effect = effect_of(command_in(entry, row), entry.now_ns)
        if effect:
            yield Changed(tenant, account_id, effect)
        return
    yield Asked(tenant, account_id, _KINDS[command], session if any(session) else None)


def effect_of(command: AccountCommand | None, now_ns: int) -> Effect:
    """What a change that was decided at `now_ns` means for open sessions; none: it takes nothing but money that is free.

    command   None where the journal doesn't say: then it may have brought credit
    """
    if not isinstance(command, Change):
        return Effect.CREDIT
    effect = _EFFECT_OF_STATUS[command.status]
    if command.credits or command.credit_limit_micros is not None:
        effect |= Effect.CREDIT
    if command.applies is not None:
        effect |= Effect.RIGHTS
    if command.ends is not None and command.ends.at_ns <= now_ns:
        effect |= Effect.LOSS
    return effect


def command_in(entry: EntryRows, row: int) -> AccountCommand | None:
    """What a row of an account command asked, as its sender wrote it; None where the journal doesn't say."""
    lengths = sum(entry.requests[name][: row + 1].astype(np.int64) for name in _TEXTS)
    behind, length = int(np.sum(lengths)), int(entry.requests["service_information_length"][row])
    if length == 0:
        return None
    try:
        return decode_command(entry.octets[behind - length : behind].tobytes())
    except CommandError:  # of another release
        return None


def _services_of(usages: NDArray[np.void], row: int) -> tuple[ServiceName, ...]:
    own = usages[usages["request"] == row]
    pairs = zip(own["rating_group"].tolist(), own["service_identifier"].tolist(), strict=True)
    return tuple(ServiceName(*pair) for pair in pairs)
