"""What is asked of users."""

import sqlalchemy as sa

from bss.access import requires
from bss.errors import NotFound
from bss.identity.records import Session, Tenant, User
from bss.identity.tables import SESSION, TENANT, USER
from bss.work import Work


@requires("user:read")
def users(work: Work) -> list[User]:
    """All users, by login."""
    return [User.from_row(row) for row in work.rows(sa.select(USER).order_by(USER.c.login))]


@requires("user:read")
def user(work: Work, login: str) -> User:
    """The user. NotFound."""
    row = work.row(sa.select(USER).where(USER.c.login == login))
    if row is None:
        raise NotFound("login", f"there is no user {login[:40]!r}", "Add one first")
    return User.from_row(row)


@requires("user:read")
def sessions_of(work: Work, login: str) -> list[Session]:
    """Sessions of a user that aren't ended or over, the latest first. NotFound."""
    statement = sa.select(SESSION).where(
        SESSION.c.user_id == user(work, login).id, SESSION.c.ended_ns.is_(None), SESSION.c.expires_ns > work.now_ns
    )
    return [Session.from_row(row) for row in work.rows(statement.order_by(SESSION.c.id.desc()))]


@requires("user:read")
def tenant(work: Work) -> Tenant:
    """The caller's tenant. NotFound where it was never opened."""
    return Tenant.from_row(work.get(TENANT, work.caller.tenant, field="tenant"))
