"""Permissions: every public operation refuses a caller that is missing, over, or lacks its permission."""

import pytest

from bss.access import (
    EVERYTHING,
    OPERATIONS,
    ROLES,
    Caller,
    Forbidden,
    Unauthenticated,
    check_caller,
    permissions_of,
    requires,
)
from bss.audit import AUDIT
from bss.edge.database import Database
from bss.work import Work
from tests.bss.conftest import NOW_NS
from tests.bss.sample_tables import PERSON


@requires("sample:write")
def add_sample(work: Work, *, name: str) -> str:
    return str(work.insert(PERSON, name=name, city="Bonn")["id"])


OPERATIONS.pop(f"{__name__}.add_sample")


def test_who_lacks_the_permission_is_refused(database: Database) -> None:
    for caller, refusal in (
        (Caller("default", "user:ann", frozenset({"sample:read"})), Forbidden),
        (Caller("default", "user:ann", frozenset()), Forbidden),
        (Caller("default", "user:ann", frozenset({EVERYTHING}), expires_ns=NOW_NS), Unauthenticated),
    ):
        with pytest.raises(refusal):
            database.write(caller, lambda work: add_sample(work, name="Ann"))
    may = Caller("default", "user:ann", frozenset({"sample:write"}), expires_ns=NOW_NS + 1)
    assert database.write(may, lambda work: add_sample(work, name="Ann"))


def test_an_operation_is_named_in_the_audit(database: Database, anyone: Caller) -> None:
    database.write(anyone, lambda work: add_sample(work, name="Ann"))
    (row,) = database.read(anyone, lambda work: work.rows(AUDIT.select()))
    assert row["operation"] == f"{__name__}.add_sample"


def test_nobody_is_no_caller() -> None:
    with pytest.raises(Unauthenticated, match="log in"):
        check_caller(None, "sample:read", now_ns=0)


def test_roles_hold_known_permissions_alone() -> None:
    """A permission that no operation asks for is a slip of the pen in ROLES; one that no role grants is nobody's."""
    for role in ROLES:
        assert permissions_of((role,)) == ROLES[role]
    with pytest.raises(KeyError):
        permissions_of(("no_such_role",))
