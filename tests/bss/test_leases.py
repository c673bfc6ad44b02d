"""Leases on both databases: one holder at a time, taken when it lapses, kept by who renews late, given back."""

from bss import leases
from bss.edge.database import Database

LEASE_NS = 10


def take(database: Database, holder: str, now_ns: int) -> bool:
    return database.across_tenants(
        lambda connection: leases.take(connection, "relay", holder=holder, now_ns=now_ns, lease_ns=LEASE_NS)
    )


def renew(database: Database, holder: str, now_ns: int) -> bool:
    return database.across_tenants(
        lambda connection: leases.renew(connection, "relay", holder=holder, now_ns=now_ns, lease_ns=LEASE_NS)
    )


def lapsed(database: Database, now_ns: int, *, but_not: str = "") -> list[str]:
    return database.across_tenants(lambda connection: leases.lapsed(connection, "re", but_not=but_not, now_ns=now_ns))


def held(database: Database, holder: str) -> list[str]:
    return database.across_tenants(lambda connection: leases.held(connection, "re", holder=holder))


def test_one_has_it_until_it_lapses(database: Database) -> None:
    assert take(database, "a", 100)
    assert not take(database, "b", 109)
    assert take(database, "a", 105)
    assert lapsed(database, 114) == []
    assert lapsed(database, 115) == ["relay"]
    assert lapsed(database, 115, but_not="relay") == []
    assert (held(database, "a"), held(database, "b")) == (["relay"], [])
    assert take(database, "b", 115)
    assert not renew(database, "a", 116)


def test_a_late_renewal_counts_while_nobody_took_it(database: Database) -> None:
    assert not renew(database, "a", 100)
    take(database, "a", 100)
    assert renew(database, "a", 1000)
    assert not take(database, "b", 1009)


def test_who_ends_gives_it_back(database: Database) -> None:
    take(database, "a", 100)
    for holder in ("b", "a"):
        database.across_tenants(lambda connection, holder=holder: leases.give_back(connection, "relay", holder=holder))  # type: ignore[misc]
        assert take(database, "b", 101) == (holder == "a")
