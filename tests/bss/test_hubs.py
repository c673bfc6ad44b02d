"""Hubs: what may be registered, and what the trail holds of their secrets."""

import json

import pytest

from bss.access import Caller, Forbidden
from bss.audit import AUDIT
from bss.edge.database import Database
from bss.errors import Invalid, NotFound
from bss.hubs import (
    HUBS_PER_API_MAX,
    check_callback,
    kinds_of,
    list_hubs,
    register_hub,
    replay_hub,
    rotate_secret,
    unregister_hub,
)
from bss.outbox import HUB
from bss.webhook_signature import secret_octets
from vocabulary.networks import DEFAULT, PRIVATE, read_networks

API = "productOrderingManagement"


def registered(database: Database, caller: Caller, callback: str = "https://example.org/hook", query: str = "") -> str:
    return str(database.write(caller, lambda work: register_hub(work, api=API, callback=callback, query=query))["id"])


def test_a_secret_is_told_once_and_is_in_no_list_and_no_trail(database: Database, anyone: Caller) -> None:
    row = database.write(anyone, lambda work: register_hub(work, api=API, callback="https://example.org/hook"))
    (first,) = row["secrets"]
    assert len(secret_octets(first)) == 32
    second = database.write(anyone, lambda work: rotate_secret(work, hub_id=row["id"]))
    third = database.write(anyone, lambda work: rotate_secret(work, hub_id=row["id"]))
    kept = database.read(anyone, lambda work: work.get(HUB, row["id"]))["secrets"]
    assert kept == [third, second]
    assert len({first, second, third}) == 3
    trail = json.dumps(database.read(anyone, lambda work: work.rows(AUDIT.select())), default=str)
    listed = json.dumps(database.read(anyone, lambda work: list_hubs(work, api=API)))
    assert "(secret)" in trail
    for secret in (first, second, third):
        assert secret not in trail + listed


WRONG = (
    "",
    "example.org",
    "ftp://example.org",
    "http://",
    "http://u:p@example.org/",
    "http://example.org/#x",
    "http://ex ample.org",
    "http://example.org:99999/",
    "http://example.org:0/",
    "http://[::1",
    "https://example.org/" + "x" * 2000,
    "http://münchen.example/",
    "http://xn--/",
    "http://127.0.0.1１/",
    "http://%31%32%37.0.0.1/",
    "http://%EF%BC%91%EF%BC%92%EF%BC%97.0.0.1/",
    "http://example.org%2f/",
    "http://0177.0.0.1/",
    "http://256.1.1.1/",
    "http://1.2.3.4.5/",
    "http://example.0x7f/",
)


@pytest.mark.parametrize("callback", WRONG)
def test_what_is_no_callback_is_refused(callback: str) -> None:
    with pytest.raises(Invalid, match="callback"):
        check_callback(callback)


INWARD = (
    "127.0.0.1",
    "localhost",
    "LocalHost.",
    "any.localhost",
    "[::1]",
    "10.1.2.3",
    "169.254.169.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7F.0.0.1",
    "127.1",
    "127.0.0.1.",
    "0",
    "012.1",
    "0xa9fea9fe",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
)


@pytest.mark.parametrize("host", INWARD)
def test_an_address_that_messages_may_not_go_to_is_refused(host: str) -> None:
    callback = f"http://{host}:8000/events"
    check_callback(callback)
    with pytest.raises(Invalid, match=r"webhooks\.allowed_networks"):
        check_callback(callback, read_networks([DEFAULT], excluded=PRIVATE))
    check_callback(callback, read_networks(["0.0.0.0/0", "::/0"]))
    check_callback("http://example.org/events", read_networks([DEFAULT], excluded=PRIVATE))


def test_a_wrong_callback_registers_nothing(database: Database, anyone: Caller) -> None:
    with pytest.raises(Invalid, match="callback"):
        registered(database, anyone, "ftp://example.org")
    assert database.read(anyone, lambda work: list_hubs(work)) == []


def test_queries_select_kinds() -> None:
    assert kinds_of("") is None
    assert kinds_of("eventType=A,B&eventType=C") == {"A", "B", "C"}
    for query in ("eventType=", "state=done", "eventType=A;drop", "x"):
        with pytest.raises(Invalid, match="query"):
            kinds_of(query)


def test_a_hub_is_its_tenants_and_goes(database: Database, anyone: Caller) -> None:
    hub_id = registered(database, anyone)
    stranger = Caller("other", "user:eve", anyone.permissions)
    for act in (unregister_hub, replay_hub, rotate_secret):
        with pytest.raises(NotFound):
            database.write(stranger, lambda work, act=act: act(work, hub_id=hub_id))  # type: ignore[misc]
    with pytest.raises(Forbidden):
        registered(database, Caller("default", "user:ann", frozenset({"hub:read"})))
    with pytest.raises(Invalid, match="there is no event"):
        database.write(anyone, lambda work: replay_hub(work, hub_id=hub_id, after="nothing"))
    database.write(anyone, lambda work: unregister_hub(work, hub_id=hub_id))
    assert database.read(anyone, lambda work: list_hubs(work)) == []


def test_hubs_of_an_api_have_a_limit(database: Database, anyone: Caller) -> None:
    def many(work: object) -> None:
        for number in range(HUBS_PER_API_MAX):
            register_hub(work, api=API, callback=f"https://example.org/{number}")  # type: ignore[arg-type]

    database.write(anyone, many)
    with pytest.raises(Invalid, match="Unregister"):
        registered(database, anyone)
