"""A session with the story of its decisions: open ones with what the store has of them, closed ones with their records."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from balances.edge.redis_store import RedisStore
from catalog_loader.edge.publish import read_all_releases
from catalog_loader.names import names_of
from catalog_loader.price_words import Catalogue, catalogue_of
from runtime.data_folder import DataFolder
from runtime.explain.closed_sessions import ClosedSession
from runtime.explain.journal_search import OCTETS_MAX, history_of
from runtime.explain.steps import Wanted
from runtime.explain.words import StepWords, explain
from runtime.live_sessions import LiveSession, as_json, session_key
from vocabulary.instants import FOREVER_NS


@dataclass(frozen=True, slots=True)
class Story:
    """A session, what was decided for it, and why."""

    session: LiveSession | ClosedSession
    steps: tuple[StepWords, ...]
    """oldest first"""
    missing: str
    """why there may have been more steps; empty where all are here"""

    def to_json(self) -> dict[str, Any]:
        """For programs: texts of steps as people read them, the rest as it is."""
        own = as_json(self.session) if isinstance(self.session, LiveSession) else _closed_json(self.session)
        told = {"steps": [asdict(step) for step in self.steps], "steps_missing": self.missing or None}
        return {"is_open": isinstance(self.session, LiveSession), **own, **told}


def _closed_json(closed: ClosedSession) -> dict[str, Any]:
    last = closed.last
    names = ("account_id", "origin_host", "service_context", "closed_by", "result_code", "closed_ns")
    return {
        "session_id": closed.session_id,
        "tenant": last["tenant_name"],
        "opened_ns": last["session_opened_ns"],
        **{name: last[name] for name in names},
        "records": list(closed.rows),
        "refused_later": list(closed.refused_later),
    }


async def published_catalogue(store: RedisStore) -> Catalogue:
    """Names and prices of all releases. CatalogError where one is damaged."""
    published = await read_all_releases(store.client)
    names = names_of([(each.entry.tenant, each.release, each.entry.hash) for each in published])
    return catalogue_of([(each.entry.tenant, each.release) for each in published], names)


async def tell(
    store: RedisStore,
    folder: DataFolder,
    sessions: Sequence[LiveSession | ClosedSession],
    count: int,
    *,
    octets_max: int = OCTETS_MAX,
) -> list[Story]:
    """The stories of sessions, each with its last `count` steps; so much of the journal is read for each. StoreError."""
    catalogue = await published_catalogue(store)
    tenants = await store.tenants()
    found = []
    for session in sessions:
        if isinstance(session, LiveSession):
            account, own = session.account, session.session
            wanted = Wanted(account.tenant, account.account_id, own.key_high, own.key_low)
            history = await history_of(store, folder.segments, wanted, since_ns=own.opened_ns, octets_max=octets_max)
        else:
            last = session.last
            tenant = tenants.get(last["tenant_name"], 0)
            if last["account_id"] is None:
                found.append(Story(session, (), "the request was for no account, so the journal has nothing of it"))
                continue
            wanted = Wanted(tenant, last["account_id"], *session_key(store, tenant, session.session_id))
            history = await history_of(
                store,
                folder.segments,
                wanted,
                since_ns=last["session_opened_ns"],
                until_ns=_until_ns(session),
                octets_max=octets_max,
            )
        steps = history.steps[-count:]
        missing = history.missing
        if len(steps) < len(history.steps):
            missing = f"{len(history.steps) - len(steps)} earlier ones are not shown (--steps)"
        found.append(Story(session, tuple(explain(step, catalogue) for step in steps), missing))
    return found


def _until_ns(session: ClosedSession) -> int:
    """Behind it nothing is of the session; a partial record's session goes on."""
    is_partial = session.last["closed_by"] in (
        "time_limit",
        "line_limit",
        "amount_limit",
        "usage_details",
        "table_limit",
    )
    return FOREVER_NS if is_partial else int(session.last["closed_ns"])
