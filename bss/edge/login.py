"""Logging in to the console. Passwords are hashed between two transactions, not within one: that takes a tenth of a second, and
SQLite has one writer.
"""

from typing import Final

from bss.access import Caller
from bss.edge.database import Database
from bss.identity.operations import caller_of_session, credentials, log_out, record_login, touch_session
from bss.identity.passwords import is_password
from bss.identity.records import LoggedIn, LoginRefused

_PERMISSIONS: Final = frozenset({"user:authenticate"})


class Logins:
    """Sessions of the users of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def log_in(self, tenant: str, login: str, password: str) -> LoggedIn | LoginRefused:
        """A session for who knows the password. Refusals don't say whether the user exists, and take as long."""
        caller = _nobody(tenant)
        asked = self._database.read(caller, lambda work: credentials(work, login=login))
        is_right = is_password(password, asked.password_hash)
        return self._database.write(caller, lambda work: record_login(work, asked=asked, is_right=is_right))

    def caller(self, tenant: str, token: str) -> Caller | None:
        """Who calls by this token; none where the session is over. To be asked at each action."""
        return self._database.read(_nobody(tenant), lambda work: caller_of_session(work, token=token))

    def seen(self, tenant: str, token: str) -> None:
        """The user did something."""
        self._database.write(_nobody(tenant), lambda work: touch_session(work, token=token))

    def log_out(self, tenant: str, token: str) -> None:
        """The session ends."""
        self._database.write(_nobody(tenant), lambda work: log_out(work, token=token))


def _nobody(tenant: str) -> Caller:
    return Caller(tenant, "login", _PERMISSIONS)
