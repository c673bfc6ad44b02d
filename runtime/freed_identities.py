"""Identities that accounts gave back are forgotten where they are remembered, before anybody else can be known by them.

A look-up is remembered for good (balances/account_finder.py). When an identity is taken from an account, the store says so
in a stream; each process that remembers reads it once a second. An identity that is used again within that second may still
be answered for its former account: denied, since that one is closed, or unknown.
"""

import asyncio
from typing import Final

import numpy as np
import structlog
from numpy.typing import NDArray

from balances.account_finder import AccountFinder
from balances.store import BalanceStore, StoreError
from charging.routing import forget_identity
from vocabulary.ids import IDENTITY_WORDS, IdentityKind

LOOK_S: Final = 1.0
_KINDS: Final = {IDENTITY_WORDS[kind]: kind for kind in IdentityKind}


async def forget_freed(
    store: BalanceStore, finder: AccountFinder, secret: NDArray[np.uint64], *, look_s: float = LOOK_S
) -> None:
    """For ever. What was remembered before the stream's end was known is looked up once more."""
    log = structlog.get_logger()
    position: str | None = None
    while True:
        try:
            is_begin = position is None
            position, keys = await store.freed_identities(position)
            if is_begin and finder.entries[0]:
                finder.places["account_id"] = -1
            for key in keys:
                forget_key(finder, key, secret)
            if keys:
                log.info("identities given back", count=len(keys))
                continue
        except (StoreError, OSError):
            pass  # the process says elsewhere that the store is away; the stream keeps what comes meanwhile
        await asyncio.sleep(look_s)


def forget_key(finder: AccountFinder, key: str, secret: NDArray[np.uint64]) -> None:
    """Forget whose an identity was, by its store key, in each way in which requests write it."""
    tenant, word, value = key.split(":", 2)
    kind = _KINDS[word]
    written = (value, f"+{value}") if kind == IdentityKind.E164 else (value,)
    for text in written:
        octets = np.frombuffer(text.encode(), np.uint8).copy()
        forget_identity(finder, octets, secret.copy(), int(tenant) * 16 + int(kind))
