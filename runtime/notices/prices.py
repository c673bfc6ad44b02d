"""Sessions that go on while prices change: who holds a grant at the old ones, or was refused by them, is owed a
re-authorisation, a few a second.

A change is an instant: that of a release which has other prices than the one in force before. It is kept, by tenant, up to
which instant a partition's sessions were gone through; one who is killed goes through them again, and passes by those that
have reported since.
"""

import asyncio
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, Final

import msgspec
import structlog

from balances.edge.redis_store import RedisStore
from balances.queries import AccountView, SessionView, decode_record
from balances.record import HEADER_DIRECTORY, Section
from balances.store import StoreError
from catalog_loader.edge.publish import ReleasesUnreachable, read_all_releases
from catalog_loader.faults import CatalogError
from catalog_loader.published import PublishedRelease
from catalog_loader.release import Release
from runtime.notices.journal import Changed, Effect
from runtime.notices.notice import NoticeKind
from runtime.notices.partition import PartitionNotices
from runtime.notices.sessions import name_of
from runtime.releases import wait_taken_up
from vocabulary.outcomes import WANT_OF_RIGHTS

LOOK_S: Final = 2.0
TAKE_UP_S: Final = 10.0
"""So long running engines may take to decide by a release before sessions are told of it."""
_NS_PER_MS: Final = 1_000_000
_SESSIONS_AT: Final = HEADER_DIRECTORY + 2 * Section.SESSIONS


def _what_is_paid(release: Release) -> Any:
    """All of a release that a price is made of; names and descriptions are not."""
    prices = {price.id: msgspec.structs.replace(price, name="", description="") for price in release.prices}
    zone = release.time_zone if any(price.bands for price in release.prices) else ""
    return prices, {offer.id: set(offer.prices) for offer in release.offers}, zone


def change_instants(published: Sequence[PublishedRelease]) -> dict[int, list[int]]:
    """By tenant: the instants at which its prices change, ascending. A release counts from when it was published on."""
    by_tenant: dict[int, list[tuple[int, Release]]] = {}
    for each in published:
        published_ns = int(each.entry.stream_id.partition("-")[0]) * _NS_PER_MS
        instant = max(each.release.effective_ns, published_ns)
        by_tenant.setdefault(each.entry.tenant, []).append((instant, each.release))
    changes: dict[int, list[int]] = {}
    for tenant, releases in by_tenant.items():
        ordered = sorted(releases, key=lambda pair: (pair[0], pair[1].number))
        changes[tenant] = [
            instant
            for (_, before), (instant, after) in pairwise(ordered)
            if _what_is_paid(before) != _what_is_paid(after)
        ]
    return changes


def is_behind(account: AccountView, session: SessionView, instant_ns: int) -> bool:
    """Was the session answered before the instant at prices that may have changed then, and by none since?

    What one service reports since doesn't tell another's client that it isn't refused any more.
    """
    if not session.services or all(product.release for product in account.products):
        return False
    last_ns = max(service.last_report_ns for service in session.services)
    refused = [service.last_report_ns for service in session.services if service.last.outcome in WANT_OF_RIGHTS]
    return min([last_ns, *refused]) < instant_ns


class PriceWatch:
    """Watches releases for all partitions."""

    def __init__(
        self,
        store: RedisStore,
        partitions: Sequence[PartitionNotices],
        *,
        per_s: int,
        now_ns: Callable[[], int],
        reached: Callable[[str], None] = lambda name: None,
    ) -> None:
        self._store = store
        self._partitions = partitions
        self._per_s = per_s
        self._now_ns = now_ns
        self._reached = reached
        self._log = structlog.get_logger(process="notifier")

    async def run(self) -> None:
        """Look for changes, for ever. NotifierLostError where another notifier does."""
        seen, changes = "", dict[int, list[int]]()
        while True:
            try:
                published = await read_all_releases(self._store.client, seen)
                if published:
                    seen, changes = published[-1].entry.stream_id, change_instants(published)
                for partition in self._partitions:
                    await self._look(partition, changes, seen)
            except (ReleasesUnreachable, StoreError, OSError, CatalogError) as error:
                self._log.warning("price changes wait", reason=str(error))
            await asyncio.sleep(LOOK_S)

    async def _look(self, partition: PartitionNotices, changes: dict[int, list[int]], seen: str) -> None:
        """Go through a partition's sessions where a change has come that they weren't told of."""
        told = await self._store.read_told_prices(partition.partition)
        now_ns = self._now_ns()
        for tenant, instants in changes.items():
            if tenant not in told:  # what was in force before there was a notifier is nobody's news
                await self._store.write_told_prices(partition.partition, partition.epoch, {tenant: now_ns})
                continue
            due = [instant for instant in instants if told[tenant] < instant <= now_ns]
            if due:
                await wait_taken_up(self._store, seen, TAKE_UP_S)
                count = await self._go_through(partition, tenant, due[-1])
                await self._store.write_told_prices(partition.partition, partition.epoch, {tenant: due[-1]})
                self._log.info("prices changed", partition=partition.partition, tenant=tenant, sessions=count)

    async def _go_through(self, partition: PartitionNotices, tenant: int, instant_ns: int) -> int:
        """Owe a re-authorisation to each session of the tenant that is behind; how many."""
        count = 0
        async for rows in self._store.scan_accounts(partition.partition):
            for number, account_id, octets in rows:
                if number != tenant or not octets[_SESSIONS_AT]:
                    continue
                account = decode_record(octets)
                for session in account.sessions:
                    if not is_behind(account, session, instant_ns):
                        continue
                    partition.owe(
                        Changed(tenant, account_id, Effect.LOSS), name_of(session), NoticeKind.REAUTHORIZE, ()
                    )
                    count += 1
                    if count % self._per_s == 0:
                        await partition.flush()
                        self._reached("notifier.prices_told")
                        await asyncio.sleep(1.0)
        await partition.flush()
        return count
