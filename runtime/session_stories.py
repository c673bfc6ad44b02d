"""Stories of sessions for the console (bss/session_stories.py), out of the store's journal, segment files and records.

A look through the journal is work for a processor, some seconds of it at most: it is done in the thread that asks, by one
at a time, with a connection of its own, so that what others ask of the engine meanwhile isn't held up.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Final, TypeVar

from balances.edge.redis_store import RedisStore
from balances.store import StoreError
from bss.engine_port import NoEngine
from bss.session_stories import SessionStories, ToldSession, ToldStep
from catalog_loader.edge.publish import load_published
from catalog_loader.faults import CatalogError
from cdr.manifest import ManifestError
from runtime.data_folder import DataFolder
from runtime.explain.closed_sessions import ClosedSession, closed_sessions_of
from runtime.explain.step_lines import closing_text, lines_of, outcome_text, result_text
from runtime.explain.stories import Story, tell
from runtime.explain.words import StepWords
from runtime.live_sessions import LiveSession, sessions_of_account

STEPS_MAX: Final = 20
FILES_MAX: Final = 200
"""Files of records, newest first, that are looked through for an account."""
JOURNAL_OCTETS_MAX: Final = 64 * 1024 * 1024
WAIT_S: Final = 10.0

_Result = TypeVar("_Result")
_BUSY: Final = NoEngine("other sessions are being looked up: ask again")


class JournalStories:
    """SessionStories on a store and a data directory.

    store_url   where the store is; asked each time, as `farebox up` may have moved it
    """

    def __init__(self, store_url: Callable[[], str], folder: DataFolder) -> None:
        self._store_url = store_url
        self._folder = folder
        self._turn = threading.Lock()

    # --- SessionStories
    def of_open(self, tenant: str, account_id: int, key: str) -> ToldSession | NoEngine | None:
        """See SessionStories."""

        async def work(store: RedisStore) -> ToldSession | None:
            number = (await store.tenants()).get(tenant, 0)
            _, names = await load_published(store.client)
            live = [each for each in await sessions_of_account(store, number, account_id, names) if each.key == key]
            told = await self._told(store, live)
            return told[0] if told else None

        return self._in_turn(work)

    def last_ended(self, tenant: str, account_id: int, count: int) -> tuple[ToldSession, ...] | NoEngine:
        """See SessionStories."""

        async def work(store: RedisStore) -> tuple[ToldSession, ...]:
            ended = closed_sessions_of(self._folder.records, [account_id], count, files_max=FILES_MAX)
            return tuple(await self._told(store, [each for each in ended if each.last["tenant_name"] == tenant]))

        return self._in_turn(work)

    # --- how
    async def _told(self, store: RedisStore, sessions: Sequence[LiveSession | ClosedSession]) -> list[ToldSession]:
        stories = await tell(store, self._folder, sessions, STEPS_MAX, octets_max=JOURNAL_OCTETS_MAX)
        return [_session(story) for story in stories]

    def _in_turn(self, work: Callable[[RedisStore], Awaitable[_Result]]) -> _Result | NoEngine:
        if not self._turn.acquire(timeout=WAIT_S):
            return _BUSY
        try:
            return asyncio.run(asyncio.wait_for(self._on_store(work), WAIT_S))
        except TimeoutError:
            return NoEngine(f"the store didn't answer within {WAIT_S:g} s")
        except (StoreError, CatalogError, ManifestError) as error:
            return NoEngine(str(error))
        finally:
            self._turn.release()

    async def _on_store(self, work: Callable[[RedisStore], Awaitable[_Result]]) -> _Result:
        store = RedisStore(self._store_url())
        try:
            await store.open()
            return await work(store)
        finally:
            await store.close()


def _session(story: Story) -> ToldSession:
    steps = tuple(map(_step, story.steps))
    live = story.session
    if isinstance(live, LiveSession):
        client = "" if live.route is None else live.route.origin_host
        return ToldSession(live.session_id, client, live.session.opened_ns, None, "", steps, story.missing)
    last = live.last
    result = result_text(last["result_code"], story.steps)
    return ToldSession(
        session_id=live.session_id,
        client=str(last["origin_host"] or ""),
        opened_ns=int(last["session_opened_ns"]),
        closed_ns=int(last["closed_ns"]),
        how=f"{closing_text(live)}, {result}",
        steps=steps,
        missing=story.missing,
    )


def _step(step: StepWords) -> ToldStep:
    return ToldStep(step.at, step.what, outcome_text(step), tuple(text for _, text in lines_of(step)))


if TYPE_CHECKING:
    _KEPT_CONTRACT: type[SessionStories] = JournalStories
