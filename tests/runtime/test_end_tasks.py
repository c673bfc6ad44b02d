"""Tasks are cancelled until they have ended, also those that swallow it, and by one who is cancelled meanwhile."""

import asyncio

import pytest

from runtime.end_tasks import end_tasks


async def stubborn(times: int) -> int:
    """Swallows so many cancellations; how many there were."""
    for _ in range(times):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            continue
    await asyncio.Event().wait()
    return times


def test_a_swallowed_cancellation_is_repeated() -> None:
    async def play() -> None:
        tasks = [asyncio.ensure_future(stubborn(times)) for times in (0, 1, 3)]
        await asyncio.sleep(0)
        await end_tasks(tasks)
        assert all(task.cancelled() for task in tasks)
        await end_tasks(tasks)

    asyncio.run(asyncio.wait_for(play(), 10))


def test_who_is_cancelled_meanwhile_ends_them_all_the_same() -> None:
    async def play() -> None:
        task = asyncio.ensure_future(stubborn(2))
        await asyncio.sleep(0)
        ending = asyncio.ensure_future(end_tasks([task]))
        await asyncio.sleep(0)
        ending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await ending
        assert task.cancelled()

    asyncio.run(asyncio.wait_for(play(), 10))
