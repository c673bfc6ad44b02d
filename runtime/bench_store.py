"""What a run of `farebox bench` needs of a running Farebox: tariff published, accounts opened, balances read back.

The harness itself (bench/) knows no store; this joins the two. Calls here are outside of the measured time, but for
`store_info` and the sampling of what is written, once a second.
"""

import asyncio
from collections.abc import Callable, Coroutine, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from balances.commands import Applied, CommandIdUsed, Credit, Opening, Terms
from balances.edge.command_sender import CommandSender
from balances.edge.redis_store import RedisStore
from balances.journal import MovementKind, decode_entry
from balances.keys import identity_key, partition_of
from balances.record import (
    BUCKET_REMAINING,
    BUCKET_RESERVED,
    BUCKET_UNIT,
    BUCKET_WORDS,
    HEADER_CHARGED,
    HEADER_DIRECTORY,
    HEADER_WORDS,
    PRODUCT_WORDS,
    Section,
)
from balances.stored_record import to_stored
from bench.books import AccountsView
from bench.run_load import Target, WrittenOctets
from bench.workload import ALLOWANCE_NAME, OFFER_NAME, LoadPlan, imsi, msisdn, provision, release
from catalog_loader.check import check_release
from catalog_loader.edge.publish import NotPublished, publish
from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.ids import number_of_name
from vocabulary.units import Unit

TENANT: Final = "default"
_READ_ROWS: Final = 2048
_SAMPLED_RECORDS: Final = 64
_FLOOR_SETTINGS: Final = ("no-appendfsync-on-rewrite", "auto-aof-rewrite-percentage", "aof-use-rdb-preamble")
_MONEY: Final = int(Unit.MONEY)

_Result = TypeVar("_Result")


class BenchTargetError(Exception):
    """The store can't be prepared for a run; the message says why and what to do."""


class BenchStore:
    """The store of the measured Farebox, seen from beside; synchronous, for the harness."""

    def __init__(self, url: str, plan: LoadPlan) -> None:
        self._plan = plan
        self._loop = asyncio.new_event_loop()
        self._store = RedisStore(url)
        self.first_account = 0
        """number of the first subscriber's account; the others follow"""
        self._tenant = 0
        self._record_octets: list[float] = []
        self._row_octets: list[float] = []
        self._meta = self._run(self._store.open())

    def _run(self, work: Coroutine[Any, Any, _Result]) -> _Result:
        return self._loop.run_until_complete(work)

    def close(self) -> None:
        """End the connections."""
        self._run(self._store.close())
        self._loop.close()

    @property
    def partition_count(self) -> int:
        """Partitions of the store."""
        return self._meta.partition_count

    # --- before
    def prepare(self, progress: Callable[[int], None] | None = None, *, is_published: bool = False) -> None:
        """Publish the tariff and open the subscribers' accounts; an engine must run. The store must be a fresh one.

        progress       called with the count of accounts that are open
        is_published   another load's preparation published the tariff
        """
        self._run(self._prepare_tenant(is_published))
        self._run(self._open_accounts(progress))
        self._run(self._sample_written())  # the first sample loads kernels: not while the run measures
        self._record_octets.clear()
        self._row_octets.clear()

    async def _prepare_tenant(self, is_published: bool) -> None:
        self._tenant = await self._store.add_tenant(TENANT)
        if is_published:
            return
        checked = check_release(release(TENANT)).checked
        assert checked is not None, "the harness's tariff has faults"
        result = await publish(self._store.client, checked, self._tenant)
        if isinstance(result, NotPublished):
            raise BenchTargetError(f"the tariff can't be published: {result.faults[0]}. Give a fresh store")

    async def _open_accounts(self, progress: Callable[[int], None] | None) -> None:
        plan = self._plan
        owned = provision(plan.subscribers, plan.seed, has_money_only=plan.has_money_only)
        offer, allowance = number_of_name(OFFER_NAME), number_of_name(ALLOWANCE_NAME)
        openings = []
        amounts = zip(owned.money_micros.tolist(), owned.allowance_octets.tolist(), strict=True)
        for subscriber, (micros, octets) in enumerate(amounts):
            credits = [Credit(Unit.MONEY, micros, kind=MovementKind.OPENED)]
            if octets:
                credits.append(Credit(Unit.OCTETS, octets, allowance, kind=MovementKind.OPENED))
            terms = Terms(currency=CURRENCY_NUMBERS["EUR"], offer=offer, credits=tuple(credits))
            identities = (
                identity_key(self._tenant, "imsi", imsi(plan.first_subscriber + subscriber)),
                identity_key(self._tenant, "e164", msisdn(plan.first_subscriber + subscriber)),
            )
            openings.append(Opening(self._tenant, identities, terms))
        sender = CommandSender(self._store, self._meta.partition_count)
        batch_id = f"bench-{plan.seed}-{plan.first_subscriber}-{plan.subscribers}"
        try:
            results = await sender.open_accounts(batch_id, openings, progress=progress)
        except CommandIdUsed as error:
            raise BenchTargetError(f"an earlier run opened other accounts as {batch_id}: give a fresh store") from error
        for subscriber, result in enumerate(results):
            if not isinstance(result, Applied):
                raise BenchTargetError(f"the account of subscriber {subscriber} was not opened: {result}")
        first = results[0]
        assert isinstance(first, Applied)
        self.first_account = first.account_id

    # --- meanwhile
    def store_info(self) -> Mapping[str, Any]:
        """The store's INFO; takes a sample of what is written as well."""
        self._run(self._sample_written())
        info: dict[str, Any] = self._run(self._store.command("INFO", "persistence"))
        return info

    async def _sample_written(self) -> None:
        """Octets of the records and of the journal rows of the newest entry of each partition."""
        for partition in range(self._meta.partition_count):
            await self._sample_partition(partition)

    async def _sample_partition(self, partition: int) -> None:
        newest = await self._store.command("XREVRANGE", self._store.key(partition, "journal"), "+", "-", "COUNT", 1)
        if not newest:
            return
        octets = newest[0][1][b"b"]
        entry = decode_entry(octets)
        ids = np.unique(entry.requests["account_id"])[:_SAMPLED_RECORDS].tolist()
        if not ids:
            return
        self._row_octets.append(len(octets) / len(entry.requests["account_id"]))
        records = await self._store.read_accounts(partition, [(self._tenant, account_id) for account_id in ids])
        self._record_octets.append(float(np.mean([len(to_stored(record)) for record in records if record is not None])))

    # --- afterwards
    def written_octets(self) -> WrittenOctets:
        """Means over the samples."""
        return WrittenOctets(round(np.mean(self._record_octets)), round(np.mean(self._row_octets)))

    def read_accounts(self) -> AccountsView:
        """Balances by subscriber."""
        return self._run(self._read_accounts())

    async def _read_accounts(self) -> AccountsView:
        count = self._plan.subscribers
        columns = np.zeros((count, 5), np.int64)
        partitions = self._meta.partition_count
        for partition in range(partitions):
            own = [row for row in range(count) if partition_of(self.first_account + row, partitions) == partition]
            for start in range(0, len(own), _READ_ROWS):
                rows = own[start : start + _READ_ROWS]
                keys = [(self._tenant, self.first_account + row) for row in rows]
                records = await self._store.read_accounts(partition, keys)
                for row, record in zip(rows, records, strict=True):
                    if record is not None:
                        columns[row] = _balances_of(record)
        return AccountsView(*(np.ascontiguousarray(columns[:, column]) for column in range(5)))

    def target(self, *, host: str, port: int, pids: Callable[[], Mapping[str, Sequence[int]]], folder: Path) -> Target:
        """What the harness takes."""
        settings: dict[str, str] = self._run(self._store.command("CONFIG GET", *_FLOOR_SETTINGS))
        return Target(
            host=host,
            port=port,
            pids=pids,
            fsync=self._meta.fsync,
            read_accounts=self.read_accounts,
            written_octets=self.written_octets,
            store_info=self.store_info,
            store_settings=settings,
            store_folder=folder,
        )


def _balances_of(record: bytes) -> NDArray[np.int64]:
    """Money remaining and reserved, allowance remaining and reserved, charged micros: 1,000,000 records in seconds."""
    words = np.frombuffer(record, np.int64)
    products = record[HEADER_DIRECTORY + 2 * Section.PRODUCTS]
    buckets = record[HEADER_DIRECTORY + 2 * Section.BUCKETS]
    found = np.zeros(5, np.int64)
    found[4] = words[HEADER_CHARGED]
    at = HEADER_WORDS + products * PRODUCT_WORDS
    for _ in range(buckets):
        column = 0 if record[8 * at + BUCKET_UNIT] == _MONEY else 2
        found[column] += words[at + BUCKET_REMAINING]
        found[column + 1] += words[at + BUCKET_RESERVED]
        at += BUCKET_WORDS
    return found
