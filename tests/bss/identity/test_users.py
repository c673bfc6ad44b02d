"""Users on both databases: one-time passwords, logins, lockout, sessions that end, roles that hold at once."""

from collections.abc import Callable

import pytest
import sqlalchemy as sa

from bss.access import EVERYTHING, ROLES, Caller, Forbidden
from bss.audit import AUDIT, SECRET
from bss.audit_trail import audit_trail
from bss.edge.database import Database
from bss.edge.due_rows import DueRows
from bss.edge.login import Logins
from bss.errors import BusinessError, Conflict, Invalid, NotFound
from bss.identity.operations import (
    FAILED_LOGINS_MAX,
    IDLE_S,
    LOCK_S,
    ONE_TIME_PASSWORD_S,
    SESSION_S,
    add_first_administrator,
    add_user,
    change_own_password,
    end_sessions,
    open_tenant,
    reset_password,
    set_roles,
    set_tenant_active,
    set_user_active,
    unlock_user,
)
from bss.identity.passwords import is_password
from bss.identity.queries import sessions_of, tenant, user, users
from bss.identity.records import LoggedIn, LoginRefused
from bss.identity.tables import SESSION, USER
from bss.orchestration.worker_tables import due_handlers
from bss.work import Work
from tests.bss.conftest import TestClock

Callers = Callable[..., Caller]
PASSWORD = "four plain words here"


def a_user(database: Database, anyone: Caller, login: str = "ann", role: str = "care_agent") -> str:
    """A user whose password is PASSWORD; its session's token."""

    def add(work: Work) -> str:
        open_tenant(work, name="Default")
        return add_user(work, login=login, roles=[role]).one_time_password

    one_time = database.write(anyone, add)
    logins = Logins(database)
    caller = logins.caller("default", log_in(database, login, one_time).token)
    assert caller is not None
    database.write(caller, lambda work: change_own_password(work, old=one_time, new=PASSWORD))
    return log_in(database, login, PASSWORD).token


def log_in(database: Database, login: str, password: str) -> LoggedIn:
    found = Logins(database).log_in("default", login, password)
    assert isinstance(found, LoggedIn)
    return found


def refused(database: Database, login: str, password: str, tenant: str = "default") -> LoginRefused:
    found = Logins(database).log_in(tenant, login, password)
    assert isinstance(found, LoginRefused)
    return found


def test_the_first_administrator_is_made_once_and_may_only_change_the_password(
    database: Database, anyone: Caller
) -> None:
    def begin(work: Work) -> str | None:
        open_tenant(work, name="Default")
        made = add_first_administrator(work)
        return None if made is None else made.one_time_password

    one_time = database.write(anyone, begin)
    assert one_time is not None
    assert database.write(anyone, begin) is None
    found = log_in(database, "admin", one_time)
    assert found.must_change_password
    caller = Logins(database).caller("default", found.token)
    assert caller is not None
    with pytest.raises(Forbidden):
        database.read(caller, users)
    database.write(caller, lambda work: change_own_password(work, old=one_time, new=PASSWORD))
    assert Logins(database).caller("default", found.token) is None
    refused(database, "admin", one_time)
    again = Logins(database).caller("default", log_in(database, "admin", PASSWORD).token)
    assert again is not None
    assert EVERYTHING in again.permissions
    assert [shown.login for shown in database.read(again, users)] == ["admin"]


def test_a_user_may_what_the_roles_say(database: Database, anyone: Caller) -> None:
    token = a_user(database, anyone)
    caller = Logins(database).caller("default", token)
    assert caller is not None
    assert caller.permissions >= ROLES["care_agent"]
    assert (caller.tenant, caller.subject) == ("default", "user:ann")
    database.write(anyone, lambda work: set_roles(work, login="ann", roles=["finance"]))
    changed = Logins(database).caller("default", token)
    assert changed is not None
    assert "customer:write" not in changed.permissions


def test_failed_logins_lock_for_a_while(database: Database, anyone: Caller, clock: TestClock) -> None:
    a_user(database, anyone)
    for _ in range(FAILED_LOGINS_MAX - 1):
        assert refused(database, "ann", "wrong").locked_until_ns is None
    assert refused(database, "ann", "wrong").locked_until_ns == clock.at_ns + LOCK_S * 10**9
    refused(database, "ann", PASSWORD)
    clock.advance(s=LOCK_S)
    log_in(database, "ann", PASSWORD)
    for _ in range(FAILED_LOGINS_MAX):
        refused(database, "ann", "wrong")
    database.write(anyone, lambda work: unlock_user(work, login="ann"))
    log_in(database, "ann", PASSWORD)


def test_a_good_login_forgets_failures(database: Database, anyone: Caller) -> None:
    a_user(database, anyone)
    for _ in range(2):
        for _ in range(FAILED_LOGINS_MAX - 1):
            refused(database, "ann", "wrong")
        log_in(database, "ann", PASSWORD)
    assert database.read(anyone, lambda work: user(work, "ann")).failed_logins == 0


def test_refusals_do_not_say_whether_there_is_a_user(database: Database, anyone: Caller) -> None:
    a_user(database, anyone)
    assert refused(database, "ann", "wrong") == refused(database, "nobody", PASSWORD)
    assert refused(database, "ann", "wrong") == refused(database, "ann", PASSWORD, tenant="brand-2")
    refused(database, "ann", "x" * 100_000)
    refused(database, "ann\0", "\ud800")


def test_sessions_end(database: Database, anyone: Caller, clock: TestClock) -> None:
    logins = Logins(database)
    first = a_user(database, anyone)
    second, third = log_in(database, "ann", PASSWORD).token, log_in(database, "ann", PASSWORD).token
    assert len(database.read(anyone, lambda work: sessions_of(work, "ann"))) == 3
    logins.log_out("default", first)
    assert [logins.caller("default", token) is None for token in (first, second, third)] == [True, False, False]
    clock.advance(s=IDLE_S - 1)
    logins.seen("default", second)
    clock.advance(s=1)
    assert [logins.caller("default", token) is None for token in (second, third)] == [False, True]
    assert database.write(anyone, lambda work: end_sessions(work, login="ann")) == 2
    assert logins.caller("default", second) is None
    assert logins.caller("brand-2", second) is None
    logins.log_out("default", "no token")


def test_a_session_is_over_in_time_however_busy(database: Database, anyone: Caller, clock: TestClock) -> None:
    token = a_user(database, anyone)
    logins = Logins(database)
    for _ in range(SESSION_S // (IDLE_S - 10)):
        clock.advance(s=IDLE_S - 10)
        logins.seen("default", token)
    assert logins.caller("default", token) is not None
    clock.advance(s=IDLE_S - 10)
    assert logins.caller("default", token) is None


def test_who_is_not_active_does_nothing(database: Database, anyone: Caller) -> None:
    token = a_user(database, anyone)
    database.write(anyone, lambda work: set_user_active(work, login="ann", is_active=False))
    assert Logins(database).caller("default", token) is None
    refused(database, "ann", PASSWORD)
    database.write(anyone, lambda work: set_user_active(work, login="ann", is_active=True))
    token = log_in(database, "ann", PASSWORD).token
    database.write(anyone, lambda work: set_tenant_active(work, is_active=False))
    assert not database.read(anyone, tenant).is_active
    assert Logins(database).caller("default", token) is None
    refused(database, "ann", PASSWORD)


def test_a_one_time_password_is_over_after_a_week(database: Database, anyone: Caller, clock: TestClock) -> None:
    a_user(database, anyone)
    renewed = database.write(anyone, lambda work: reset_password(work, login="ann"))
    refused(database, "ann", PASSWORD)
    clock.advance(s=ONE_TIME_PASSWORD_S)
    assert "one-time password is over" in refused(database, "ann", renewed.one_time_password).reason


def test_somebody_always_administers(database: Database, anyone: Caller) -> None:
    a_user(database, anyone, "boss", "administrator")
    for ask in (
        lambda work: set_roles(work, login="boss", roles=["finance"]),
        lambda work: set_user_active(work, login="boss", is_active=False),
    ):
        with pytest.raises(Conflict, match="boss is the last administrator"):
            database.write(anyone, ask)
    database.write(anyone, lambda work: add_user(work, login="next", roles=["administrator"]))
    database.write(anyone, lambda work: set_roles(work, login="boss", roles=["finance"]))


def test_passwords_are_kept_as_hashes_and_not_in_the_audit_trail(database: Database, anyone: Caller) -> None:
    token = a_user(database, anyone)
    with database.engine.connect() as connection:
        (row,) = connection.execute(sa.select(USER)).all()
        audited = "\n".join(str(entry) for entry in connection.execute(sa.select(AUDIT)).all())
    assert row.password_hash.startswith("$argon2id$")
    assert is_password(PASSWORD, row.password_hash)
    for text in (row.password_hash, PASSWORD, token):
        assert text not in audited
    trail = database.read(anyone, lambda work: audit_trail(work, resource="console_user", resource_id=row.id))
    assert trail[-1].after is not None
    assert trail[-1].after["password_hash"] == SECRET


def test_bad_input_names_field_and_remedy(database: Database, anyone: Caller) -> None:
    a_user(database, anyone)
    own = Caller("default", "user:ann", frozenset({"password:own"}))
    client = Caller("default", "client:shop", frozenset({"password:own"}))
    asked: tuple[tuple[Caller, Callable[[Work], object], type[BusinessError], str], ...] = (
        (anyone, lambda work: add_user(work, login="Ann!", roles=["finance"]), Invalid, "login"),
        (anyone, lambda work: add_user(work, login="ann", roles=["finance"]), Conflict, "login"),
        (anyone, lambda work: add_user(work, login="bob", roles=["king"]), Invalid, "roles"),
        (anyone, lambda work: add_user(work, login="bob", roles=[]), Invalid, "roles"),
        (anyone, lambda work: reset_password(work, login="nobody"), NotFound, "login"),
        (own, lambda work: change_own_password(work, old=PASSWORD, new="short"), Invalid, "password"),
        (own, lambda work: change_own_password(work, old=PASSWORD, new="xx Ann is my name"), Invalid, "password"),
        (own, lambda work: change_own_password(work, old="wrong", new="other plain words"), Invalid, "old"),
        (own, lambda work: change_own_password(work, old=PASSWORD, new=PASSWORD), Invalid, "new"),
        (client, lambda work: change_own_password(work, old="a", new="other plain words"), Conflict, "subject"),
    )
    for caller, ask, error, field in asked:
        with pytest.raises(error) as raised:
            database.write(caller, ask)
        assert raised.value.field == field
        assert raised.value.remedy


def test_a_tenant_has_a_name_that_keys_can_hold(database: Database, caller_of: Callers) -> None:
    for name in ("brand-2", "b"):
        opened = database.write(caller_of(tenant=name), lambda work: open_tenant(work, name="Brand"))
        assert opened.id == name
    for name in ("Brand", "a:b", "", "x" * 32):
        with pytest.raises(Invalid, match="can't be a tenant"):
            database.write(caller_of(tenant=name), lambda work: open_tenant(work, name="Brand"))


def test_sessions_that_are_over_are_forgotten(database: Database, anyone: Caller, clock: TestClock) -> None:
    """Those that ended, those that ran out, and such as an earlier release left without a due row; no other."""

    def run_due() -> int:
        return DueRows(database, due_handlers(), {}, holder="test").run_due()

    def tokens() -> int:
        return database.read(anyone, lambda work: len(work.rows(sa.select(SESSION.c.id))))

    def leave(work: Work) -> None:
        row = work.row(sa.select(SESSION).limit(1))
        assert row is not None
        work.insert(SESSION, user_id=row["user_id"], token_hash="of old", seen_ns=1, expires_ns=2)

    a_user(database, anyone)
    database.write(anyone, leave)
    assert (run_due(), tokens()) == (0, 3)
    clock.advance(s=SESSION_S - 1)
    kept = log_in(database, "ann", PASSWORD).token
    clock.advance(s=1)
    run_due()
    assert tokens() == 1
    assert Logins(database).caller("default", kept) is not None
    Logins(database).log_out("default", kept)
    clock.advance(s=SESSION_S)
    run_due()
    assert tokens() == 0
    assert run_due() == 0
