"""What pages are made of: the database, the engine, the clock, who has logged in. One object a process, given to each page."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from nicegui import ui
from starlette.concurrency import run_in_threadpool

from bss.access import Caller, Unauthenticated
from bss.engine_port import EnginePort
from bss.identity.records import LoggedIn, LoginRefused
from bss.live_figures import CounterSource
from bss.session_stories import SessionStories
from bss.work import Transactions, Work

T = TypeVar("T")

ROOT: Final = "/console"
COOKIE: Final = "farebox_session"


class Logins(Protocol):
    """Sessions of users; bss/edge/login.py has them."""

    def log_in(self, tenant: str, login: str, password: str) -> LoggedIn | LoginRefused:
        """A session for who knows the password."""

    def caller(self, tenant: str, token: str) -> Caller | None:
        """Who calls by this token; none where the session is over."""

    def seen(self, tenant: str, token: str) -> None:
        """The user did something."""

    def log_out(self, tenant: str, token: str) -> None:
        """The session ends."""


@dataclass(frozen=True, slots=True)
class Site:
    """See the module."""

    database: Transactions
    engine: EnginePort
    counters: CounterSource
    logins: Logins
    stories: SessionStories

    def who(self, cookie: str) -> Caller:
        """The caller whose session the cookie names. Unauthenticated where it is over, or none."""
        tenant, _, token = cookie.partition(".")
        caller = self.logins.caller(tenant, token) if token else None
        if caller is None:
            raise Unauthenticated("nobody is logged in here, or the session is over: log in")
        return caller


def cookie_of(tenant: str, token: str) -> str:
    """What `Site.who` reads: tenants' names have no point."""
    return f"{tenant}.{token}"


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks at a page. Each read and each action asks anew whether their session still holds."""

    site: Site
    cookie: str
    caller: Caller
    """as it was when the page was opened: for what is shown, never for what is done"""

    async def read(self, query: Callable[[Work], T]) -> T:
        """What the query returns, in a thread. Unauthenticated, Forbidden, BusinessError."""
        return await run_in_threadpool(lambda: self.site.database.read(self.site.who(self.cookie), query))

    async def write(self, operation: Callable[[Work], T]) -> T:
        """The same of an operation, committed."""
        return await run_in_threadpool(lambda: self.site.database.write(self.site.who(self.cookie), operation))


def viewer_of(site: Site) -> Viewer:
    """Who asks for the page that is being built. Unauthenticated where nobody has logged in."""
    request = ui.context.client.request
    cookie = request.cookies.get(COOKIE, "") if request is not None else ""
    viewer = Viewer(site, cookie, site.who(cookie))
    tenant, _, token = cookie.partition(".")
    site.logins.seen(tenant, token)
    return viewer
