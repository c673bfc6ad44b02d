"""What is done with tenants, users and their sessions.

Logging in is two steps, so that no transaction is open while a password is hashed: the edge reads `credentials`, compares, and
writes the result with `record_login` (bss/edge/login.py). It calls as nobody but with the permission `user:authenticate`.
"""

import hashlib
import re
from collections.abc import Collection
from typing import Any, Final

import sqlalchemy as sa

from bss.access import ROLES, Caller, permissions_of, requires
from bss.due import Due, finish, schedule
from bss.errors import Conflict, Invalid, NotFound
from bss.identity.passwords import (
    NOBODYS_HASH,
    ONE_TIME_OCTETS,
    SALT_OCTETS,
    TOKEN_OCTETS,
    check_password,
    hash_password,
    is_password,
    one_time_password,
    token_of,
)
from bss.identity.records import Credentials, LoggedIn, LoginRefused, NewUser, Tenant, User
from bss.identity.tables import SESSION, TENANT, USER
from bss.work import Row, Work
from vocabulary.instants import NS_PER_S

ADMINISTRATOR: Final = "administrator"
FAILED_LOGINS_MAX: Final = 5
LOCK_S: Final = 900
SESSION_S: Final = 12 * 3600
IDLE_S: Final = 3600
SEEN_EVERY_S: Final = 60
ONE_TIME_PASSWORD_S: Final = 7 * 86_400
SESSION_OVER: Final = "console_session.over"
"""The kind of due row by which a session is forgotten."""
SESSIONS_FORGOTTEN_MAX: Final = 500
OWN_PASSWORD: Final = "password:own"
"""All that a user may who has to change a one-time password."""
REFUSED: Final = "user or password is wrong, or the user is locked for a while after too many attempts"
_LOGIN: Final = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}", re.ASCII)
_TENANT: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,30}", re.ASCII)


@requires("tenant:write")
def open_tenant(work: Work, *, name: str) -> Tenant:
    """The caller's tenant is there from now on; asked again, nothing happens. Only who may make callers can open one."""
    tenant = work.caller.tenant
    if not _TENANT.fullmatch(tenant):
        raise Invalid(
            "tenant", f"{tenant[:40]!r} can't be a tenant", "Write a-z, 0-9 and dashes, at most 31 characters"
        )
    found = work.find(TENANT, tenant)
    return Tenant.from_row(found if found is not None else work.insert(TENANT, id=tenant, name=name, is_active=True))


@requires("tenant:write")
def set_tenant_active(work: Work, *, is_active: bool) -> Tenant:
    """Nobody of an inactive tenant logs in; sessions of it end. NotFound."""
    return Tenant.from_row(work.change(TENANT, work.caller.tenant, is_active=is_active))


@requires("user:write")
def add_user(work: Work, *, login: str, roles: Collection[str]) -> NewUser:
    """A user of the console with a one-time password, which is to be changed at the first login. Invalid; Conflict: taken."""
    if not _LOGIN.fullmatch(login):
        raise Invalid("login", f"{login[:40]!r} can't be a login", "Write 2..64 of a-z, 0-9, dots, dashes and @")
    _check_roles(roles)
    if work.rows(sa.select(USER.c.id).where(USER.c.login == login)):
        raise Conflict("login", f"there is a user {login}", "Choose another login")
    password, values = _one_time(work)
    row = work.insert(
        USER,
        login=login,
        roles=sorted(set(roles)),
        is_active=True,
        **values,
    )
    return NewUser(User.from_row(row), password)


@requires("user:write")
def add_first_administrator(work: Work, *, login: str = "admin") -> NewUser | None:
    """A user who may do everything, where the tenant has no user yet; None where it has."""
    if work.count(sa.select(USER.c.id)):
        return None
    return add_user(work, login=login, roles=(ADMINISTRATOR,))


@requires("user:write")
def set_roles(work: Work, *, login: str, roles: Collection[str]) -> User:
    """What a user is from now on; sessions go on with it. NotFound, Invalid; Conflict: nobody would administer."""
    _check_roles(roles)
    row = _user(work, login)
    if ADMINISTRATOR not in roles:
        _check_another_administrator(work, row)
    return User.from_row(work.change(USER, row["id"], roles=sorted(set(roles))))


@requires("user:write")
def set_user_active(work: Work, *, login: str, is_active: bool) -> User:
    """Who isn't active doesn't log in, and sessions end. NotFound; Conflict: nobody would administer."""
    row = _user(work, login)
    if not is_active:
        _check_another_administrator(work, row)
        _end_sessions(work, row["id"])
    return User.from_row(work.change(USER, row["id"], is_active=is_active))


@requires("user:write")
def unlock_user(work: Work, *, login: str) -> User:
    """Failed logins are forgotten. NotFound."""
    return User.from_row(work.change(USER, _user(work, login)["id"], failed_logins=0, locked_until_ns=None))


@requires("user:write")
def reset_password(work: Work, *, login: str) -> NewUser:
    """Another one-time password for a user; sessions end. NotFound."""
    row = _user(work, login)
    password, values = _one_time(work)
    _end_sessions(work, row["id"])
    return NewUser(User.from_row(work.change(USER, row["id"], **values)), password)


@requires("user:write")
def end_sessions(work: Work, *, login: str) -> int:
    """A user has to log in again, everywhere; how many sessions that were. NotFound."""
    return _end_sessions(work, _user(work, login)["id"])


@requires("user:authenticate")
def credentials(work: Work, *, login: str) -> Credentials:
    """What a password is to be compared with; a stand-in where nobody may log in by this name."""
    if not _LOGIN.fullmatch(login):
        return Credentials(None, NOBODYS_HASH)
    row = work.row(sa.select(USER).where(USER.c.login == login, USER.c.is_active.is_(True)))
    tenant = work.find(TENANT, work.caller.tenant)
    if row is None or tenant is None or not tenant["is_active"]:
        return Credentials(None, NOBODYS_HASH)
    return Credentials(row["id"], row["password_hash"])


@requires("user:authenticate")
def record_login(work: Work, *, asked: Credentials, is_right: bool) -> LoggedIn | LoginRefused:
    """What comes of a login whose password was compared: a session, or one more failure. FAILED_LOGINS_MAX of them lock the
    user for LOCK_S; meanwhile the right password is refused as well.
    """
    row = work.find(USER, asked.user_id) if asked.user_id is not None else None
    if row is None or not row["is_active"] or row["password_hash"] != asked.password_hash:
        return LoginRefused(REFUSED)
    if row["locked_until_ns"] is not None and row["locked_until_ns"] > work.now_ns:
        return LoginRefused(REFUSED, row["locked_until_ns"])
    if not is_right:
        return _count_failure(work, row)
    if row["password_until_ns"] is not None and row["password_until_ns"] <= work.now_ns:
        return LoginRefused("the one-time password is over: have an administrator reset it")
    work.change(USER, row["id"], failed_logins=0, locked_until_ns=None, last_login_ns=work.now_ns)
    token = token_of(work.random_octets(TOKEN_OCTETS))
    expires_ns = work.now_ns + SESSION_S * NS_PER_S
    session = work.insert(
        SESSION, user_id=row["id"], token_hash=hash_of_token(token), seen_ns=work.now_ns, expires_ns=expires_ns
    )
    schedule(work, SESSION_OVER, resource_id=session["id"], at_ns=expires_ns)
    return LoggedIn(token, row["login"], row["must_change_password"], expires_ns)


@requires("user:authenticate")
def caller_of_session(work: Work, *, token: str) -> Caller | None:
    """Who calls in a session, with what their roles permit at this instant; None where there is no such session any more.

    Every action asks anew, so that a role that was taken, a lock or an end holds at once.
    """
    row = _session(work, token)
    if row is None:
        return None
    user = work.get(USER, row["user_id"])
    tenant = work.find(TENANT, work.caller.tenant)
    if not user["is_active"] or tenant is None or not tenant["is_active"]:
        return None
    permissions = frozenset({OWN_PASSWORD})
    if not user["must_change_password"]:
        permissions |= permissions_of(tuple(role for role in user["roles"] if role in ROLES))
    expires_ns = min(row["expires_ns"], row["seen_ns"] + IDLE_S * NS_PER_S)
    return Caller(work.caller.tenant, f"user:{user['login']}", permissions, expires_ns)


@requires("user:authenticate")
def touch_session(work: Work, *, token: str) -> None:
    """The session's user did something: it isn't idle. Written once in SEEN_EVERY_S at most."""
    row = _session(work, token)
    if row is not None and work.now_ns - row["seen_ns"] >= SEEN_EVERY_S * NS_PER_S:
        work.change(SESSION, row["id"], seen_ns=work.now_ns)


@requires("user:authenticate")
def forget_sessions(work: Work, due: Due) -> None:
    """What the due row of a session asks for once nobody can use it: it goes, and with it others that are over."""
    finish(work, due)
    over = sa.select(SESSION.c.id).where(SESSION.c.expires_ns <= work.now_ns).limit(SESSIONS_FORGOTTEN_MAX)
    for row in work.rows(over):
        work.remove(SESSION, row["id"])


@requires("user:authenticate")
def log_out(work: Work, *, token: str) -> None:
    """The session ends; nothing where there is none."""
    row = _session(work, token)
    if row is not None:
        work.change(SESSION, row["id"], ended_ns=work.now_ns)


@requires(OWN_PASSWORD)
def change_own_password(work: Work, *, old: str, new: str) -> None:
    """The caller's own password; all sessions of theirs end. Invalid."""
    kind, _, login = work.caller.subject.partition(":")
    if kind != "user":
        raise Conflict("subject", f"{work.caller.subject} is no user with a password", "Log in to the console")
    row = _user(work, login)
    check_password(new, login)
    if not is_password(old, row["password_hash"]):
        raise Invalid("old", "it isn't your password", "Write the one that you logged in with")
    if is_password(new, row["password_hash"]):
        raise Invalid("new", "it is the old one", "Choose another one")
    _end_sessions(work, row["id"])
    work.change(
        USER,
        row["id"],
        password_hash=hash_password(new, work.random_octets(SALT_OCTETS)),
        must_change_password=False,
        password_until_ns=None,
    )


def hash_of_token(token: str) -> str:
    """What is kept of a session's token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


def _one_time(work: Work) -> tuple[str, dict[str, Any]]:
    password = one_time_password(work.random_octets(ONE_TIME_OCTETS))
    return password, {
        "password_hash": hash_password(password, work.random_octets(SALT_OCTETS)),
        "must_change_password": True,
        "password_until_ns": work.now_ns + ONE_TIME_PASSWORD_S * NS_PER_S,
        "failed_logins": 0,
        "locked_until_ns": None,
    }


def _count_failure(work: Work, row: Row) -> LoginRefused:
    failed = row["failed_logins"] + 1
    if failed < FAILED_LOGINS_MAX:
        work.change(USER, row["id"], failed_logins=failed, locked_until_ns=None)
        return LoginRefused(REFUSED)
    until_ns = work.now_ns + LOCK_S * NS_PER_S
    work.change(USER, row["id"], failed_logins=0, locked_until_ns=until_ns)
    return LoginRefused(REFUSED, until_ns)


def _session(work: Work, token: str) -> Row | None:
    """The session of a token while it is neither ended, over nor idle."""
    row = work.row(sa.select(SESSION).where(SESSION.c.token_hash == hash_of_token(token)))
    if row is None or row["ended_ns"] is not None or row["expires_ns"] <= work.now_ns:
        return None
    return None if row["seen_ns"] + IDLE_S * NS_PER_S <= work.now_ns else row


def _end_sessions(work: Work, user_id: str) -> int:
    rows = work.rows(sa.select(SESSION.c.id).where(SESSION.c.user_id == user_id, SESSION.c.ended_ns.is_(None)))
    for row in rows:
        work.change(SESSION, row["id"], ended_ns=work.now_ns)
    return len(rows)


def _user(work: Work, login: str) -> Row:
    row = work.row(sa.select(USER).where(USER.c.login == login))
    if row is None:
        raise NotFound("login", f"there is no user {login[:40]!r}", "Add one first")
    return row


def _check_roles(roles: Collection[str]) -> None:
    unknown = sorted(set(roles) - set(ROLES))
    if unknown or not roles:
        reason = f"there is no role {unknown[0][:40]!r}" if unknown else "there is no role"
        raise Invalid("roles", reason, f"Write some of {', '.join(sorted(ROLES))}")


def _check_another_administrator(work: Work, row: Row) -> None:
    if ADMINISTRATOR not in row["roles"]:
        return
    active = work.rows(sa.select(USER.c.id, USER.c.roles).where(USER.c.is_active.is_(True)))
    if not any(ADMINISTRATOR in other["roles"] for other in active if other["id"] != row["id"]):
        raise Conflict("login", f"{row['login']} is the last administrator", "Make somebody else one first")
