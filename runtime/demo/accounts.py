"""The demo's catalogue and accounts in the store, and their balances read back."""

import asyncio
import time
from collections.abc import Collection
from pathlib import Path
from typing import Final

import catalog_loader
from balances.commands import Applied, Credit, Opening, Terms
from balances.edge.command_sender import CommandSender
from balances.edge.redis_store import RedisStore
from balances.journal import MovementKind
from balances.keys import identity_key, partition_of
from balances.queries import AccountView, decode_record
from catalog_loader.edge.publish import NotPublished, publish, read_acknowledged
from catalog_loader.edge.read_files import check
from catalog_loader.opening import allowance_grant
from catalog_loader.release import Release
from runtime.demo.process import DemoFailed
from runtime.demo.script import ALLOWANCE, OFFER, DemoAccount
from vocabulary.currencies import CURRENCY_NUMBERS
from vocabulary.ids import IDENTITY_WORDS, IdentityKind, number_of_name
from vocabulary.units import Unit

SAMPLE: Final = Path(catalog_loader.__file__).parent / "samples" / "prepaid.yaml"
TAKE_UP_S: Final = 10.0
_LOOK_S: Final = 0.02


class DemoAccounts:
    """What the demo does with the store beside Diameter."""

    def __init__(self, store: RedisStore, names: Collection[str] = (ALLOWANCE, OFFER)) -> None:
        """names   of offers and allowances that balances are shown with"""
        self._store = store
        self._names = {number_of_name(name): name for name in names}
        self._tenant = 0

    async def use_tenant(self, name: str) -> None:
        """Whose accounts they are."""
        self._tenant = await self._store.add_tenant(name)

    async def publish(self) -> Release:
        """Publish the sample catalogue and wait until the engine decides with it."""
        checked = check([SAMPLE]).checked
        if checked is None:
            raise DemoFailed(f"{SAMPLE} has faults")
        await self.use_tenant(checked.release.tenant)
        result = await publish(self._store.client, checked, self._tenant)
        if isinstance(result, NotPublished):
            raise DemoFailed(f"the sample catalogue can't be published: {result.faults[0]}")
        try:
            async with asyncio.timeout(TAKE_UP_S):
                while result.stream_id not in (await read_acknowledged(self._store.client)).values():
                    await asyncio.sleep(_LOOK_S)
        except TimeoutError as error:
            raise DemoFailed(f"the engine didn't take up the catalogue within {TAKE_UP_S:g} s") from error
        return checked.release

    async def open(self, release: Release, accounts: tuple[DemoAccount, ...]) -> None:
        """Open the accounts with the offer's prices and their own balances."""
        sender = CommandSender(self._store, self._store.meta.partition_count)
        openings = [self._opening(release, account) for account in accounts]
        for result in await sender.open_accounts("demo", openings):
            if not isinstance(result, Applied):
                raise DemoFailed(f"an account can't be opened: {result}")

    def _opening(self, release: Release, account: DemoAccount) -> Opening:
        credits = [Credit(Unit.MONEY, account.money_micros, kind=MovementKind.OPENED)]
        if account.allowance_octets:
            grant = allowance_grant(release, ALLOWANCE, time.time_ns())
            credits.append(
                Credit(
                    grant.unit,
                    account.allowance_octets,
                    grant.allowance,
                    grant.from_ns,
                    grant.to_ns,
                    grant.priority,
                    MovementKind.OPENED,
                )
            )
        terms = Terms(currency=CURRENCY_NUMBERS[release.currency], offer=number_of_name(OFFER), credits=tuple(credits))
        keys = (self._key(IdentityKind.E164, account.msisdn), self._key(IdentityKind.IMSI, account.imsi))
        return Opening(self._tenant, keys, terms)

    def _key(self, kind: IdentityKind, value: str) -> str:
        return identity_key(self._tenant, IDENTITY_WORDS[kind], value)

    async def balance(self, account: DemoAccount) -> AccountView:
        """The account as the store has it now."""
        (found,) = await self._store.find_accounts([self._key(IdentityKind.IMSI, account.imsi)])
        if found is None:
            raise DemoFailed(f"the store has no account of {account.name}")
        partition = partition_of(found[0], self._store.meta.partition_count)
        (octets,) = await self._store.read_accounts(partition, [(self._tenant, found[0])])
        if octets is None:
            raise DemoFailed(f"the store has no record of {account.name}'s account")
        return decode_record(octets, self._names)
