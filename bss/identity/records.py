"""What the queries and operations of users give."""

from dataclasses import dataclass
from typing import NamedTuple

from bss.record import Record


class Tenant(Record, frozen=True):
    """An operator or brand with customers, numbers and users of its own."""

    id: str
    revision: int
    created_ns: int
    name: str
    is_active: bool


class User(Record, frozen=True):
    """Somebody who logs in to the console."""

    id: str
    revision: int
    created_ns: int
    login: str
    roles: list[str]
    is_active: bool
    must_change_password: bool
    failed_logins: int
    locked_until_ns: int | None
    last_login_ns: int | None


class Session(Record, frozen=True):
    """A login of a user; `ended_ns` is null while it isn't ended."""

    id: str
    user_id: str
    created_ns: int
    seen_ns: int
    expires_ns: int
    ended_ns: int | None


class NewUser(NamedTuple):
    """A user and the one-time password, which is shown once and kept nowhere."""

    user: User
    one_time_password: str


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A session began. `token` is for the browser's cookie; `must_change_password`: it may do nothing else before."""

    token: str
    login: str
    must_change_password: bool
    expires_ns: int


@dataclass(frozen=True, slots=True)
class LoginRefused:
    """No session. `reason` may be shown; it doesn't say whether the user exists."""

    reason: str
    locked_until_ns: int | None = None


class Credentials(NamedTuple):
    """What a password is checked against; a stand-in where there is no such user."""

    user_id: str | None
    password_hash: str
