"""The audit's books: what a partition's journal says of every account and bucket, in numpy sums that only grow.

Sums are kept modulo 2**64. What a bucket holds always fits, so each comparison is exact; a total of one kind in one
bucket that passes 9.2e18 would be shown wrapped round.
"""

from collections.abc import Mapping
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from balances.invariants import IS_ANSWERED, KIND_COUNT, KINDS, UNITS, Movements, describe_bucket
from balances.journal import FIRST_DEBIT

AccountKey = tuple[int, int]
"""(tenant, account id)"""

_TENANT_SHIFT: Final = 48
_ID_MASK: Final = (1 << _TENANT_SHIFT) - 1
_UNIT_BITS: Final = 3
_BUCKET_SHIFT: Final = 35
"""A bucket is found by account, id and unit: an id that held nothing may be given again to a bucket of another unit."""
_FIRST_CAPACITY: Final = 1024
_GROWING: Final = ("by_kind", "remaining", "reserved", "allowance")
_IS_DEBIT: Final = np.array([kind >= FIRST_DEBIT for kind in KINDS])

assert len(UNITS) <= 1 << _UNIT_BITS


class Books:
    """Accounts have a place 0.. in the order of the journal, buckets a row."""

    def __init__(self) -> None:
        self.by_kind = np.zeros((_FIRST_CAPACITY, KIND_COUNT), np.int64)
        """(buckets, kinds) sums of amounts, in the order of KINDS"""
        self.remaining = np.zeros(_FIRST_CAPACITY, np.int64)
        self.reserved = np.zeros(_FIRST_CAPACITY, np.int64)
        self.allowance = np.zeros(_FIRST_CAPACITY, np.int64)
        self.bucket_ids: list[int] = []
        self.units: list[int] = []
        self.keys: list[AccountKey] = []
        self.rows_of: list[list[int]] = []
        """rows of the buckets of an account"""
        self.openings: list[int] = []
        """how often the account was opened"""
        self.currencies = np.zeros(_FIRST_CAPACITY, np.uint16)
        """(accounts and more,) ISO 4217 number that the account's rows name; 0 where none does"""
        self._places: dict[int, int] = {}
        self._rows: dict[int, int] = {}

    # --- the journal
    def find_accounts(self, requests: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
        """(rows,) place of each row's account; -1 where the row was refused, which moves nothing and may name none."""
        keys = requests["tenant"].astype(np.int64) << _TENANT_SHIFT | requests["account_id"]
        places = np.full(keys.size, -1, np.int64)
        answered = np.flatnonzero(IS_ANSWERED[requests["outcome"]])
        known = self._places
        places[answered] = [known[key] if key in known else self._add_account(key) for key in keys[answered].tolist()]
        return places

    def _add_account(self, key: int) -> int:
        self._places[key] = place = len(self.keys)
        self.keys.append((key >> _TENANT_SHIFT, key & _ID_MASK))
        self.rows_of.append([])
        self.openings.append(0)
        if place == self.currencies.size:
            self.currencies = np.concatenate((self.currencies, np.zeros_like(self.currencies)))
        return place

    def note_currencies(
        self, requests: Mapping[str, NDArray[Any]], accounts: NDArray[np.int64]
    ) -> list[tuple[int, int, int]]:
        """Note what the rows of accounts at these places name; (row, noted, named) where that differs."""
        rows = np.flatnonzero(accounts >= 0)
        places, named = accounts[rows], requests["currency"][rows]
        is_first = self.currencies[places] == 0
        self.currencies[places[is_first]] = named[is_first]
        noted = self.currencies[places]
        return [(int(rows[at]), int(noted[at]), int(named[at])) for at in np.flatnonzero(noted != named).tolist()]

    def fold(self, movements: Movements, accounts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Add an entry's movements, of accounts at these places; returns the row of each one's bucket."""
        keys = (accounts << _BUCKET_SHIFT | movements.bucket_id << _UNIT_BITS | movements.unit).tolist()
        known = self._rows
        rows = np.array([known[key] if key in known else self._add_bucket(key) for key in keys], np.int64)
        np.add.at(self.by_kind.reshape(-1), rows * KIND_COUNT + movements.column, movements.amount)
        signed = np.where(_IS_DEBIT[movements.column], -movements.amount, movements.amount)
        np.add.at(self.remaining, rows, signed - movements.held)
        np.add.at(self.reserved, rows, movements.held)
        self.allowance[rows] = movements.allowance
        return rows

    def _add_bucket(self, key: int) -> int:
        self._rows[key] = row = len(self.units)
        if row == self.remaining.size:
            for name in _GROWING:
                sums = getattr(self, name)
                setattr(self, name, np.concatenate((sums, np.zeros_like(sums))))
        within = key & ((1 << _BUCKET_SHIFT) - 1)
        self.bucket_ids.append(within >> _UNIT_BITS)
        self.units.append(within & ((1 << _UNIT_BITS) - 1))
        self.rows_of[key >> _BUCKET_SHIFT].append(row)
        return row

    # --- questions
    def find_account(self, tenant: int, account_id: int) -> int | None:
        """Place of an account; None where the journal doesn't know it."""
        return self._places.get(tenant << _TENANT_SHIFT | account_id)

    def find_bucket(self, place: int, bucket_id: int, unit: int) -> int | None:
        """Row of an account's bucket; None where nothing moved in it."""
        return self._rows.get(place << _BUCKET_SHIFT | bucket_id << _UNIT_BITS | unit)

    def holds(self, row: int) -> tuple[int, int]:
        """(remaining, reserved) of a bucket."""
        return int(self.remaining[row]), int(self.reserved[row])

    def name(self, row: int) -> str:
        """How reports name a bucket."""
        return describe_bucket(self.bucket_ids[row], self.units[row])
