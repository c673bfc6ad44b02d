"""Identities that change hands reach whoever remembers accounts: engines and front ends (docs/decisions/0027)."""

import asyncio
from typing import Final, Protocol

import numpy as np
import structlog
from numpy.typing import NDArray

from balances.identity_moves import IdentityLog
from balances.store import StoreError, StoreMeta
from runtime.account_look_up import AccountLookUp

_PAGE_ROWS: Final = 1000
_WAIT_MS: Final = 5000
RETRY_S: Final = 1.0


class _Store(IdentityLog, Protocol):
    @property
    def meta(self) -> StoreMeta: ...


async def follow_identity_moves(
    store: _Store, look_up: AccountLookUp, *, process: str, wait_ms: int = _WAIT_MS, retry_s: float = RETRY_S
) -> None:
    """Forget identities as they change hands, for ever; everything once where the stream could not be read."""
    log = structlog.get_logger(process=process)
    position = ""
    while True:
        try:
            if not position:
                position = await store.last_identity_move()
                look_up.forget_all()  # what was remembered before may have moved before
            rows = await store.identity_moves(position, _PAGE_ROWS, wait_ms=wait_ms)
        except (StoreError, OSError) as error:
            log.info("moves of identities can't be read", reason=str(error))
            position = ""
            await asyncio.sleep(retry_s)
            continue
        for row in rows:
            _forget(look_up, row.key, store.meta.secret, log)
            position = row.position


def _forget(look_up: AccountLookUp, key: str, secret: NDArray[np.uint64], log: structlog.stdlib.BoundLogger) -> None:
    try:
        look_up.forget(key, secret)
    except ValueError:
        log.error("a move names no identity", key=key)
        look_up.forget_all()
