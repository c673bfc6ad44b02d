"""Movements of money and allowances out of journal entries: columns that one kernel fills, for the table `movements`.

What is held and given back (MovementKind.HELD) moves nothing in or out of an account and is left out: it would be half of
the rows, and nobody books it.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from balances.journal import MovementKind
from balances.journal_reader import EntryRows
from balances.store import EntryId
from charging.batch import KIND_COMMAND
from vocabulary.kernel import inlined_kernel, kernel
from vocabulary.octets import copy_octets

_HELD = int(MovementKind.HELD)

COUNT_ROWS: Final = 0
COUNT_COMMAND_IDS: Final = 1
"""Octets of the ids of commands."""
_ROOM_ROWS: Final = 1 << 15
_ROOM_OCTETS: Final = 1 << 15
ROW_FILE_OCTETS_MAX: Final = 128
"""Of a row in Parquet without the command's id."""

GATHERED: Final = 0
NO_ROOM: Final = 1
DOES_NOT_FIT: Final = 2


class MovementsDamaged(Exception):
    """The movements of a journal entry name rows or texts that it hasn't."""


class MovementColumns(NamedTuple):
    """Movements side by side, a row an index; counts[COUNT_ROWS] are valid."""

    epoch: NDArray[np.int64]  # of the journal entry's id
    number: NDArray[np.int64]
    movement: NDArray[np.int32]  # row of the entry's movements
    partition: NDArray[np.int32]
    tenant: NDArray[np.int32]
    account_id: NDArray[np.int64]
    moved_ns: NDArray[np.int64]
    amount: NDArray[np.int64]
    bucket_id: NDArray[np.int32]
    allowance: NDArray[np.int32]  # 0 for money
    rating_group: NDArray[np.int64]  # -1 absent, or no usage row paid
    service_identifier: NDArray[np.int64]
    release: NDArray[np.int32]  # 0 where no usage row with a price paid
    offer: NDArray[np.int32]
    price: NDArray[np.int32]
    command_id_length: NDArray[np.int32]
    currency: NDArray[np.uint16]
    kind: NDArray[np.uint8]  # MovementKind
    unit: NDArray[np.uint8]
    settled_by: NDArray[np.uint8]  # Unit of the buckets that pay at the price
    cause: NDArray[np.uint8]  # KIND_USAGE, KIND_COMMAND or KIND_EXPIRE
    command_ids: NDArray[np.uint8]  # one behind the other, cut by the lengths
    counts: NDArray[np.int64]  # (2,)


_DTYPES: Final = (
    *(np.int64, np.int64, np.int32, np.int32, np.int32, np.int64, np.int64, np.int64, np.int32, np.int32),
    *(np.int64, np.int64, np.int32, np.int32, np.int32, np.int32, np.uint16, *(4 * (np.uint8,))),
)


def new_movement_columns(row_count: int, octet_count: int) -> MovementColumns:
    """No movements, with room for so many, and octets of ids."""
    columns = [np.zeros(row_count, dtype) for dtype in _DTYPES]
    return MovementColumns._make([*columns, np.zeros(octet_count, np.uint8), np.zeros(2, np.int64)])


@inlined_kernel
def _texts_length(request):
    """Octets of a request row's texts."""
    return (
        np.int64(request.session_id_length)
        + np.int64(request.origin_host_length)
        + np.int64(request.origin_realm_length)
        + np.int64(request.identity_length)
        + np.int64(request.service_information_length)
    )


@inlined_kernel
def _name_usage(out, row, usages, at):
    """What paid: the usage row at `at`; -1: none."""
    out.rating_group[row] = -1
    out.service_identifier[row] = -1
    out.release[row] = 0
    out.offer[row] = 0
    out.price[row] = 0
    out.settled_by[row] = 0
    if at >= 0:
        usage = usages[at]
        out.rating_group[row] = usage.rating_group
        out.service_identifier[row] = usage.service_identifier
        out.release[row] = usage.release
        out.offer[row] = usage.offer
        out.price[row] = usage.price
        out.settled_by[row] = usage.settled_by


@inlined_kernel
def _write_row(out, row, movement, request, usages):
    """All columns of a movement but its position and command."""
    out.tenant[row] = request.tenant
    out.account_id[row] = request.account_id
    out.moved_ns[row] = request.received_ns
    out.currency[row] = request.currency
    out.cause[row] = request.kind
    out.amount[row] = movement.amount
    out.bucket_id[row] = movement.bucket_id
    out.allowance[row] = movement.allowance
    out.kind[row] = movement.kind
    out.unit[row] = movement.unit
    _name_usage(out, row, usages, movement.usage)


@kernel
def gather_movements(requests, usages, movements, octets, epoch, number, partition, out):
    """Append the movements of one journal entry; GATHERED, or NO_ROOM or DOES_NOT_FIT, and nothing is appended.

    requests, usages, movements, octets   of the entry (balances.journal_reader.EntryRows)
    epoch, number                         int64: the entry's id
    out                                   MovementColumns
    """
    row, to = out.counts[COUNT_ROWS], out.counts[COUNT_COMMAND_IDS]
    if row + movements.shape[0] > out.amount.shape[0]:
        return NO_ROOM
    walked, at = np.int64(0), np.int64(0)
    for place in range(movements.shape[0]):
        movement = movements[place]
        if movement.kind == _HELD:
            continue
        asked = np.int64(movement.request)
        if asked < 0 or asked >= requests.shape[0] or movement.usage < -1 or movement.usage >= usages.shape[0]:
            return DOES_NOT_FIT
        request = requests[asked]
        _write_row(out, row, movement, request, usages)
        out.epoch[row] = epoch
        out.number[row] = number
        out.movement[row] = place
        out.partition[row] = partition
        out.command_id_length[row] = 0
        if request.kind == KIND_COMMAND:
            if asked < walked:
                walked, at = np.int64(0), np.int64(0)
            while walked < asked:
                at += _texts_length(requests[walked])
                walked += 1
            length = np.int64(request.session_id_length)
            if at + length > octets.shape[0]:
                return DOES_NOT_FIT
            if to + length > out.command_ids.shape[0]:
                return NO_ROOM
            to = copy_octets(octets, at, out.command_ids, to, length)
            out.command_id_length[row] = length
        row += 1
    out.counts[COUNT_ROWS] = row
    out.counts[COUNT_COMMAND_IDS] = to
    return GATHERED


class FinishedMovements:
    """Movements of all partitions, gathered for the next files; the arrays grow to the largest set and stay."""

    def __init__(self) -> None:
        self.columns = new_movement_columns(_ROOM_ROWS, _ROOM_OCTETS)

    @property
    def row_count(self) -> int:
        """Movements gathered."""
        return int(self.columns.counts[COUNT_ROWS])

    @property
    def file_octets(self) -> int:
        """Octets that they become in a file, at most."""
        return ROW_FILE_OCTETS_MAX * self.row_count + int(self.columns.counts[COUNT_COMMAND_IDS])

    def take(self, entry: EntryRows, entry_id: EntryId) -> None:
        """Append an entry's movements. MovementsDamaged where they name what it hasn't."""
        while True:
            tables = (entry.requests, entry.usages, entry.movements, entry.octets)
            said = gather_movements(*tables, entry_id.epoch, entry_id.number, entry.partition, self.columns)
            if said == GATHERED:
                return
            if said == DOES_NOT_FIT:
                raise MovementsDamaged(
                    f"journal entry {entry_id} of partition {entry.partition} is damaged: its movements and rows don't fit"
                    f" each other; restore the segment file from a copy"
                )
            self._grow()

    def _grow(self) -> None:
        self.columns = MovementColumns._make([*(_larger(array) for array in self.columns[:-1]), self.columns.counts])

    def tenants(self) -> frozenset[int]:
        """Numbers of the tenants whose movements are gathered."""
        return frozenset(np.unique(self.columns.tenant[: self.row_count]).tolist())

    def clear(self) -> None:
        """Forget them: they are in files."""
        self.columns.counts[:] = 0


def _larger(array: NDArray[Any]) -> NDArray[Any]:
    found = np.zeros(2 * array.shape[0], array.dtype)
    found[: array.shape[0]] = array
    return found
