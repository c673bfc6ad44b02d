"""What pages are made of: the database, the engine, the clock, who has logged in. One object a process, given to each page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, TypeVar

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from bss.access import Caller, Unauthenticated
from bss.edge.database import Database
from bss.live_figures import CounterSource
from bss.work import Work

T = TypeVar("T")

ROOT: Final = "/console"
COOKIE: Final = "farebox_session"


@dataclass(frozen=True, slots=True)
class Site:
    """See the module."""

    database: Database
    counters: CounterSource
    who: Callable[[str], Caller]
    """the caller whose session token it is; Unauthenticated"""


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page. Each read and each action asks anew whether their session still holds."""

    site: Site
    token: str
    caller: Caller
    """as it was when the page was opened: for what is shown, never for what is done"""

    async def read(self, query: Callable[[Work], T]) -> T:
        """What the query returns, in a thread. Unauthenticated, Forbidden, BusinessError."""
        return await run_in_threadpool(lambda: self.site.database.read(self.site.who(self.token), query))

    async def write(self, operation: Callable[[Work], T]) -> T:
        """The same of an operation, committed."""
        return await run_in_threadpool(lambda: self.site.database.write(self.site.who(self.token), operation))


def viewer_of(site: Site) -> Viewer:
    """Who asks for the page that is being built. Unauthenticated where nobody has logged in."""
    request = ui.context.client.request
    token = request.cookies.get(COOKIE, "") if request is not None else ""
    if not token:
        raise Unauthenticated("nobody has logged in here")
    return Viewer(site, token, site.who(token))
