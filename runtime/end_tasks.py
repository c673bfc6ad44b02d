"""Tasks that are cancelled until they have ended."""

import asyncio
from collections.abc import Collection
from typing import Any, Final

CANCEL_AGAIN_S: Final = 0.1


async def end_tasks(tasks: Collection["asyncio.Task[Any]"]) -> None:
    """Cancel tasks, and those that join them meanwhile, until none is left. What they raised is theirs.

    Once isn't enough: asyncio.wait_for of 3.11 swallows a cancellation that meets a finished write, and redis-py's connections
    one that meets their time-out. Who is cancelled while waiting here is so at the end.
    """
    cancelled: asyncio.CancelledError | None = None
    while pending := [task for task in tasks if not task.done()]:
        for task in pending:
            task.cancel()
        try:
            await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled is not None:
        raise cancelled
