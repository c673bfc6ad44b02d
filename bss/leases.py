"""Leases: who of several processes does what only one may do. A row a task; whoever holds it says again and again that they
live, and when they don't the next one takes it. Instants are the machine's, not the clock that demos move.
"""

from typing import Any, Final

import sqlalchemy as sa

from bss.tables import instant, plain_table

LEASE: Final = plain_table(
    "lease",
    sa.Column("name", sa.String(64), nullable=False),
    sa.Column("holder", sa.String(64), nullable=False),
    instant("until_ns", nullable=False),
    sa.PrimaryKeyConstraint("tenant", "name"),
)
"""Of the whole installation: `tenant` is empty. `holder` is empty where nobody has it."""
_NOBODY: Final = ""


def take(connection: sa.Connection, name: str, *, holder: str, now_ns: int, lease_ns: int) -> bool:
    """Have the lease, or have it on; False where another holds it."""
    known = _row(connection, name)
    if known is None:
        connection.execute(sa.insert(LEASE).values(tenant="", name=name, holder=holder, until_ns=now_ns + lease_ns))
        return True
    if known.holder not in (holder, _NOBODY) and known.until_ns > now_ns:
        return False
    _write(connection, name, holder, now_ns + lease_ns)
    return True


def renew(connection: sa.Connection, name: str, *, holder: str, now_ns: int, lease_ns: int) -> bool:
    """Have the lease on; False where it isn't the holder's any more. A late renewal counts while nobody took it."""
    known = _row(connection, name)
    if known is None or known.holder != holder:
        return False
    _write(connection, name, holder, now_ns + lease_ns)
    return True


def give_back(connection: sa.Connection, name: str, *, holder: str) -> None:
    """Whoever wants it may have it at once; nothing where it is another's."""
    connection.execute(
        sa.update(LEASE)
        .where(LEASE.c.tenant == "", LEASE.c.name == name, LEASE.c.holder == holder)
        .values(holder=_NOBODY, until_ns=0)
    )


def held(connection: sa.Connection, prefix: str, *, holder: str) -> list[str]:
    """Names with this prefix that the holder has, also where it says nothing any more."""
    mine = sa.and_(LEASE.c.tenant == "", LEASE.c.holder == holder)
    names = connection.execute(sa.select(LEASE.c.name).where(mine).order_by(LEASE.c.name)).scalars()
    return [name for name in names if name.startswith(prefix)]


def lapsed(connection: sa.Connection, prefix: str, *, but_not: str, now_ns: int) -> list[str]:
    """Names with this prefix, other than one, whose holder says nothing any more."""
    names = connection.execute(
        sa.select(LEASE.c.name)
        .where(LEASE.c.tenant == "", LEASE.c.holder != _NOBODY, LEASE.c.until_ns <= now_ns, LEASE.c.name != but_not)
        .order_by(LEASE.c.name)
    ).scalars()
    return [name for name in names if name.startswith(prefix)]


def _row(connection: sa.Connection, name: str) -> Any:
    return connection.execute(
        sa.select(LEASE.c.holder, LEASE.c.until_ns).where(LEASE.c.tenant == "", LEASE.c.name == name)
    ).one_or_none()


def _write(connection: sa.Connection, name: str, holder: str, until_ns: int) -> None:
    connection.execute(
        sa.update(LEASE).where(LEASE.c.tenant == "", LEASE.c.name == name).values(holder=holder, until_ns=until_ns)
    )
