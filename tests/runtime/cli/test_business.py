"""`farebox customer`, `inventory` and `user` as somebody types them, on the database file of a data directory."""

import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from bss.access import EVERYTHING, Caller
from bss.edge.database import Database, database_url
from bss.orders.execution import begin
from bss.orders.operations import place
from bss.orders.records import Action, NewItem, PlannedStep
from tests.runtime.running_up import Invoked, invoke


class Farebox:
    """The command, on one data directory."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def __call__(self, *words: str, expect: int = 0, **environment: str) -> Invoked:
        ended = invoke(*words, "--data-dir", str(self.data_dir), **environment)
        assert ended.returncode == expect, ended.stderr or ended.stdout
        return ended

    def json(self, *words: str) -> Any:
        return json.loads(self(*words, "--json").stdout)

    def pairs(self, *words: str) -> dict[str, str]:
        lines = self(*words).stdout.splitlines()
        return {name.strip(): value.strip() for name, _, value in (line.partition("  ") for line in lines)}


@pytest.fixture
def farebox(tmp_path: Path) -> Farebox:
    return Farebox(tmp_path / "data")


CALLER = Caller("default", "user:ann", frozenset({EVERYTHING}))


@contextmanager
def database_of(farebox: Farebox) -> Iterator[Database]:
    database = Database(database_url("", farebox.data_dir), now_ns=time.time_ns)
    yield database
    database.close()


def order_that_waits(farebox: Farebox, customer_id: str, **item: Any) -> str:
    """Id of an order of the customer that begins in a day."""
    new = NewItem(action=Action.ADD, offering_id="mobile", steps=(PlannedStep(kind="activate"),), **item)
    asked = {"customer_id": customer_id, "items": [new], "requested_start_ns": time.time_ns() + 86_400 * 10**9}
    with database_of(farebox) as database:
        return database.write(CALLER, lambda work: place(work, **asked)).id


def order_for_people(farebox: Farebox) -> str:
    """Id of an order that a person has to do a step of."""
    step = PlannedStep(kind="check papers", is_for_people=True)
    item = NewItem(action=Action.ADD, offering_id="mobile", steps=(step,))
    with database_of(farebox) as database:
        order = database.write(CALLER, lambda work: place(work, customer_id="c1", items=[item]))
        database.write(CALLER, lambda work: begin(work, order.id))
        return order.id


def test_a_customer_is_added_found_closed_and_erased(farebox: Farebox) -> None:
    made = farebox.pairs(
        "customer", "add", "--given-name", "Zoë", "--family-name", "Strauß", "--email", "z@example.net"
    )
    farebox("customer", "add", "--organization", "Strausberg Radio", "--phone", "+49 30 1", "--currency", "USD")
    (hit,) = farebox.json("customer", "search", "STRAUSS")
    assert (hit["customer_id"], hit["name"]) == (made["customer"], "Zoë Strauß")
    assert "means 2 customers" in farebox("customer", "show", "straus", expect=1).stderr
    shown = farebox.json("customer", "show", "strauss")
    assert [account["currency"] for account in shown["billing_accounts"]] == ["EUR"]
    table = farebox("customer", "show", made["customer"]).stdout
    for part in ("Zoë Strauß", "z@example.net", "products: none"):
        assert part in table
    assert "the person is a customer" in farebox("customer", "erase", "strauss", "--yes", expect=1).stderr
    order_id = order_that_waits(farebox, made["customer"])
    refused = farebox("customer", "close", "strauss", expect=1).stderr
    assert order_id in refused
    assert "Cancel it, or wait" in refused
    farebox("order", "cancel", order_id)
    farebox("customer", "close", "strauss", "--reason", "moved")
    assert "customer.status" in farebox("customer", "audit", "strauss").stdout
    farebox("customer", "erase", "strauss", "--yes")
    assert "there is no customer" in farebox("customer", "show", "strauss", expect=1).stderr
    changes = farebox("customer", "audit", made["customer"]).stdout
    assert "(erased)" in changes
    assert "Strauß" not in changes


def test_numbers_come_from_a_file_and_are_reserved(farebox: Farebox, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("number,pool\n491700000001,shop\n+491700000002,shop\n491700000001,shop\n")
    refused = farebox("inventory", "import", "msisdn", str(file), expect=1)
    assert [line.split(": ")[2] for line in refused.stderr.splitlines()[:2]] == ["line 3", "line 4"]
    assert "nothing was added" in refused.stderr
    file.write_text("number,pool\n491700000001,shop\n491700000002,shop\n")
    assert "2 rows are right" in farebox("inventory", "import", "msisdn", str(file), "--dry-run").stdout
    assert "2 added, 0 were there" in farebox("inventory", "import", "msisdn", str(file)).stdout
    assert "0 added, 2 were there" in farebox("inventory", "import", "msisdn", str(file)).stdout
    reserved = farebox.pairs("inventory", "reserve", "msisdn", "--for", "counter 3", "--pool", "shop")
    assert (reserved["name"], reserved["state"], reserved["reserved for"]) == ("491700000001", "reserved", "counter 3")
    farebox("inventory", "block", "msisdn", "491700000002")
    assert farebox.json("inventory", "counts") == [
        {"kind": "msisdn", "pool": "shop", "state": "blocked", "row_count": 1},
        {"kind": "msisdn", "pool": "shop", "state": "reserved", "row_count": 1},
    ]
    none_free = farebox("inventory", "reserve", "msisdn", "--for", "counter 4", "--pool", "shop", expect=1)
    assert "has no free number" in none_free.stderr
    farebox("inventory", "release", "msisdn", "491700000001")
    assert "quarantine of number 491700000001 can't be done while it is free" in (
        farebox("inventory", "quarantine", "msisdn", "491700000001", expect=1).stderr
    )
    farebox("inventory", "retire", "msisdn", "491700000001")
    assert farebox.json("inventory", "show", "msisdn", "491700000001")["resource"]["state"] == "retired"
    assert [row["number"] for row in farebox.json("inventory", "list", "msisdn", "--state", "blocked")] == [
        "491700000002"
    ]


def test_what_an_order_is_for_is_not_released(farebox: Farebox, tmp_path: Path) -> None:
    file = tmp_path / "numbers.csv"
    file.write_text("number\n491700000001\n")
    farebox("inventory", "import", "msisdn", str(file))
    farebox("inventory", "reserve", "msisdn", "--for", "shop 12", "--minutes", "5000")
    order_id = order_that_waits(farebox, "c1", resources={"msisdn": "491700000001"}, reservation="shop 12")
    refused = farebox("inventory", "release", "msisdn", "491700000001", expect=1).stderr
    assert f"number 491700000001 is what order {order_id} is for" in refused
    farebox("order", "cancel", order_id)
    assert farebox.pairs("inventory", "release", "msisdn", "491700000001")["state"] == "free"


def test_a_manual_task_is_told_of(farebox: Farebox) -> None:
    farebox("user", "list")
    order_id = order_for_people(farebox)
    said = ("order", "done", order_id, "--note", "seen")
    assert "made.account_id: check papers makes no such thing" in (
        farebox(*said, "--made", "account_id=7", expect=1).stderr
    )
    assert f"order {order_id}: inProgress" in farebox(*said).stdout


@pytest.mark.parametrize(
    ("item", "says"),
    [
        ("add:mobile,msisdn=491,msisdn=492", "msisdn is said twice, 491 and 492"),
        ("migrate:p1", "write add:OFFERING, or suspend"),
        ("fly:p1", "write add:OFFERING, or suspend"),
    ],
)
def test_items_that_say_too_much(farebox: Farebox, item: str, says: str) -> None:
    assert says in farebox("order", "place", "--customer", "c1", "--item", item, expect=2).stderr


def test_a_user_has_a_password_that_is_shown_once(farebox: Farebox) -> None:
    made = farebox.pairs("user", "add", "boss", "--role", "administrator")
    assert len(made["one-time password"]) > 20
    kept = sqlite3.connect(farebox.data_dir / "bss.sqlite")
    assert made["one-time password"] not in "\n".join(kept.iterdump())
    kept.close()
    assert farebox.pairs("user", "password", "boss")["one-time password"] != made["one-time password"]
    farebox("user", "add", "ann", "--role", "care_agent", "--role", "finance")
    farebox("user", "roles", "ann", "--role", "auditor")
    farebox("user", "disable", "ann")
    assert [(row["login"], row["roles"], row["is_active"]) for row in farebox.json("user", "list")] == [
        ("ann", ["auditor"], False),
        ("boss", ["administrator"], True),
    ]
    farebox("user", "enable", "ann")
    farebox("user", "unlock", "ann")
    assert "0 sessions" in farebox("user", "end-sessions", "ann").stdout
    assert "last administrator" in farebox("user", "disable", "boss", expect=1).stderr
    assert "there is no role 'king'" in farebox("user", "add", "eve", "--role", "king", expect=1).stderr


def test_a_mistyped_tenant_is_not_opened(farebox: Farebox) -> None:
    add = ("user", "add", "ann", "--role", "care_agent", "--tenant", "brand-2")
    client = ("user", "client", "shop", "--permission", "order:write", "--tenant", "brand-2")
    for command in (add, client):
        assert "there is no tenant 'brand-2'" in farebox(*command, expect=1).stderr
    farebox(*add, "--new-tenant")
    assert farebox.pairs(*client)["client id"] == "shop@brand-2"


def test_a_program_gets_a_secret_that_is_shown_once(farebox: Farebox) -> None:
    made = farebox.pairs("user", "client", "shop", "--permission", "order:write")
    assert made["client id"] == "shop@default"
    assert len(made["client secret"]) > 40
    assert "there is a client 'shop' already" in (
        farebox("user", "client", "shop", "--permission", "order:write", expect=1).stderr
    )
    mistyped = farebox("user", "client", "web", "--permission", "orders:write", expect=1).stderr
    assert "there is none 'orders:write'. Known are" in mistyped
    assert "order:write" in mistyped
    assert farebox.pairs("user", "client-secret", "shop")["client secret"] != made["client secret"]
    farebox("user", "client-lock", "shop")
    (kept,) = farebox.json("user", "clients")
    assert (kept["id"], kept["is_active"], kept["permissions"]) == ("shop", False, ["order:write"])
    assert "there is no" in farebox("user", "client-lock", "nobody", expect=1).stderr


def test_tenants_have_customers_of_their_own(farebox: Farebox) -> None:
    farebox("customer", "add", "--given-name", "Ann", "--family-name", "Li", "--tenant", "brand-2")
    assert farebox.json("customer", "search", "ann") == []
    assert len(json.loads(farebox("customer", "search", "ann", "--tenant", "brand-2", "--json").stdout)) == 1


def test_the_database_is_named_by_either_variable(farebox: Farebox, tmp_path: Path) -> None:
    file = tmp_path / "other.sqlite"
    farebox("user", "list", FAREBOX_SQL=f"sqlite:///{file}")
    assert file.exists()
    assert not farebox.data_dir.exists()
    unsafe = farebox("user", "list", FAREBOX_SQL="mysql://x", expect=2)
    assert "bss.url (environment FAREBOX_SQL)" in unsafe.stderr
    farebox("user", "list", FAREBOX_SQL="mysql://x", FAREBOX_BSS_URL=f"sqlite:///{file}")


def test_what_is_away_is_named_with_a_remedy(farebox: Farebox, tmp_path: Path) -> None:
    ended = farebox("user", "list", FAREBOX_BSS_URL="postgresql://postgres@127.0.0.1:1/none", expect=2)
    assert "can't be opened" in ended.stderr
    assert "bss.url" in ended.stderr
    missing = farebox("inventory", "import", "sim", str(tmp_path / "none.csv"), expect=2)
    assert "can't be read" in missing.stderr


@pytest.mark.parametrize("words", [("customer", "show", "x"), ("inventory", "counts"), ("user", "list")])
def test_without_the_extra_it_is_said_how_to_install_it(
    farebox: Farebox, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setitem(sys.modules, "sqlalchemy", None)
    ended = farebox(*words, expect=2)
    assert "pip install 'farebox[bss]'" in ended.stderr
    assert "Usage" in farebox(*words[:2], "--help").stdout
