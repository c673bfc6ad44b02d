"""Rows of a large operator, written by SQLite itself out of a sequence of numbers: a million customers, each with a person, a
product and a number, take a minute. Their names are syllables, so that a search by letters finds as many as it would of people.
"""

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from bss.crm.tables import CUSTOMER, PARTY
from bss.inventory.tables import MSISDN, PRODUCT, SIM

TENANT: Final = "default"
OFFERING: Final = "prepaid-start"
_SINCE_NS: Final = 1_750_000_000_000_000_000
_STEP_NS: Final = 1_000_000_000
_STATUSES: Final = "CASE n % 20 WHEN 0 THEN 'suspended' WHEN 1 THEN 'terminated' ELSE 'active' END"
_HASH: Final = "(n * 2654435761 % 4294967296)"


def customer_id(n: int) -> str:
    """Of the customer of this place."""
    return f"c{n:09d}"


def product_id(n: int) -> str:
    """Of their product."""
    return f"p{n:09d}"


def number_of(n: int) -> str:
    """Its number."""
    return f"4915{n:09d}"


def free_number(n: int) -> str:
    """The n-th number of the pools, from 1."""
    return f"4917{n:09d}"


def free_sim(n: int) -> tuple[str, str]:
    """ICCID and IMSI of the n-th SIM of the pools."""
    return f"8988{n:015d}", f"26207{n:010d}"


def seed_customers(database: Path, count: int) -> None:
    """`count` customers into a migrated SQLite database that nobody else has open."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        for pragma in ("journal_mode=OFF", "synchronous=OFF", "cache_size=-1000000", "temp_store=MEMORY"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN")
        for table, columns in _ROWS.items():
            _fill_without_indexes(connection, table, _filling(table, columns, count))
        connection.execute("COMMIT")
        connection.execute("PRAGMA journal_mode=WAL")


def seed_pools(engine: sa.Engine, count: int) -> None:
    """`count` free numbers and SIMs in the pool that orders take from."""
    with engine.begin() as connection:
        for table, columns in _POOLS.items():
            connection.exec_driver_sql(_filling(table, columns, count))


def _fill_without_indexes(connection: sqlite3.Connection, table: sa.Table, filling: str) -> None:
    """Indexes are made of all rows at last: sorted once, they take a fraction of what a million places in each would."""
    named = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = ? AND sql IS NOT NULL"
    indexes = connection.execute(named, (table.name,)).fetchall()
    for name, _ in indexes:
        connection.execute(f'DROP INDEX "{name}"')
    connection.execute(filling)
    for _, statement in indexes:
        connection.execute(statement)


def _filling(table: sa.Table, columns: Mapping[str, str], count: int) -> str:
    """Rows of a table, whose columns are expressions of n, 1..count, and of the names that n has."""
    numbers = f"s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count})"
    people = f"t(n, family, given) AS MATERIALIZED (SELECT n, {_FAMILY}, {_GIVEN} FROM s)"
    names, values = ", ".join(columns), ", ".join(columns.values())
    source = "t" if table in (PARTY, CUSTOMER) else "s"
    return f"INSERT INTO {table.name} ({names}) WITH RECURSIVE {numbers}, {people} SELECT {values} FROM {source}"


def _syllables(*shifts: int) -> str:
    """Text of so many syllables, of the number's bits."""
    return " || ".join(
        f"substr('bdfghklmnprstvwz', ({_HASH} >> {shift}) % 16 + 1, 1) || substr('aeiou', ({_HASH} >> {shift + 4}) % 5 + 1, 1)"
        for shift in shifts
    )


_FAMILY: Final = _syllables(2, 9, 16)
_GIVEN: Final = _syllables(5, 20)


def _capital(text: str) -> str:
    return f"upper(substr({text}, 1, 1)) || substr({text}, 2)"


_AT: Final = f"{_SINCE_NS} + n * {_STEP_NS}"
_HEAD: Final = {"tenant": f"'{TENANT}'", "revision": "1", "created_ns": _AT, "updated_ns": _AT}
_PERSON: Final = "printf('y%09d', n)"
_CUSTOMER: Final = "printf('c%09d', n)"
_NUMBER: Final = "printf('4915%09d', n)"
_ICCID: Final = "printf('8949%015d', n)"
_IMSI: Final = "printf('26202%010d', n)"
_ROWS: Final = {
    PARTY: {
        **_HEAD,
        "id": _PERSON,
        "kind": "'individual'",
        "status": "'validated'",
        "given_name": _capital("given"),
        "family_name": _capital("family"),
        "name_key": "family || ' ' || given",
        "given_key": "given || ' ' || family",
    },
    CUSTOMER: {
        **_HEAD,
        "id": _CUSTOMER,
        "name": f"{_capital('given')} || ' ' || {_capital('family')}",
        "party_id": _PERSON,
        "status": "'active'",
        "from_ns": _AT,
        "characteristics": "'[]'",
    },
    PRODUCT: {
        **_HEAD,
        "id": "printf('p%09d', n)",
        "name": "'Prepaid Start'",
        "offering_id": f"CASE n % 3 WHEN 0 THEN 'postpaid' ELSE '{OFFERING}' END",
        "offering_name": "'Prepaid Start'",
        "specification_id": "'mobile-line'",
        "status": _STATUSES,
        "status_since_ns": _AT,
        "customer_id": _CUSTOMER,
        "engine_account_id": "n",
        "is_bundle": "0",
        "is_customer_visible": "1",
        "number": _NUMBER,
        "iccid": _ICCID,
        "imsi": _IMSI,
        "ordered_ns": _AT,
        "start_ns": _AT,
        "prices": "'[]'",
    },
}
_FREE: Final = {**_HEAD, "pool": "'default'", "state": "'free'", "state_since_ns": _AT}
_POOLS: Final = {
    MSISDN: {**_FREE, "id": "printf('n%09d', n)", "number": "printf('4917%09d', n)", "category": "'standard'"},
    SIM: {
        **_FREE,
        "id": "printf('s%09d', n)",
        "iccid": "printf('8988%015d', n)",
        "imsi": "printf('26207%010d', n)",
        "kind": "'usim'",
    },
}
