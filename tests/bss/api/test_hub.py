"""/hub: registrations are rows of the outbox's table, of one API and one tenant."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.edge.database import Database
from bss.outbox import HUB
from tests.bss.api.sample_api import SAMPLE

HUB_AT = f"{SAMPLE.path}/hub"
CALLBACK = "https://shop.example/events"


def test_a_callback_is_registered_and_removed(client: httpx.Client, database: Database, caller: Caller) -> None:
    answer = client.post(HUB_AT, json={"callback": CALLBACK, "query": "eventType=GadgetCreateEvent"})
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert found == {"id": found["id"], "callback": CALLBACK, "query": "eventType=GadgetCreateEvent"}
    assert answer.headers["location"] == f"{HUB_AT}/{found['id']}"
    (row,) = database.read(caller, lambda work: work.rows(HUB.select()))
    assert (row["id"], row["api"], row["callback"]) == (found["id"], "sample", CALLBACK)
    assert row["secrets"] == [answer.headers["webhook-secret"]]
    assert answer.headers["webhook-secret"].startswith("whsec_")
    assert client.delete(f"{HUB_AT}/{found['id']}").status_code == 204
    assert client.delete(f"{HUB_AT}/{found['id']}").status_code == 404
    assert database.read(caller, lambda work: work.count(HUB.select())) == 0


def test_all_events_are_sent_where_no_query_is(client: httpx.Client) -> None:
    answer = client.post(HUB_AT, json={"callback": CALLBACK})
    assert answer.json() == {"id": answer.json()["id"], "callback": CALLBACK}


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "callback is missing"),
        ({"callback": 1}, "callback has to be text"),
        ({"callback": "shop.example"}, "URI"),
        ({"callback": "ftp://shop.example/"}, "http or https"),
        ({"callback": "https:///events"}, "http or https"),
        ({"callback": "https://[::1/"}, "http or https"),
        ({"callback": "https://shop.example:99999/"}, "http or https"),
        ({"callback": "https://ann:pass@shop.example/"}, "user or password"),
        ({"callback": "https://shop.example/" + "x" * 2000}, "characters"),
        ({"callback": CALLBACK, "query": "eventType=OtherEvent"}, "there are GadgetCreateEvent"),
        ({"callback": CALLBACK, "query": "status=active"}, "eventType=…"),
        ({"callback": CALLBACK, "query": "eventType=%ff"}, "UTF-8"),
        ({"callback": CALLBACK, "id": "1"}, "the server says it"),
    ],
)
def test_registrations_that_cant_be(client: httpx.Client, body: dict[str, Any], says: str) -> None:
    answer = client.post(HUB_AT, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidBody")
    assert says in answer.json()["message"]


def test_others_registrations_are_not_there(client: httpx.Client, authorization: Callable[..., dict[str, str]]) -> None:
    at = f"{HUB_AT}/{client.post(HUB_AT, json={'callback': CALLBACK}).json()['id']}"
    assert client.delete(at, headers=authorization(of="somebody else")).status_code == 404
    assert client.delete(at, headers=authorization("gadget:write")).status_code == 403
    assert client.post(HUB_AT, json={"callback": CALLBACK}, headers=authorization("gadget:read")).status_code == 403
    assert client.delete(f"{HUB_AT}/%00").status_code == 404
    assert client.delete(at).status_code == 204
