"""A resource's methods over HTTP, on both databases: create, show, change, remove, ETags, idempotency keys, tenants."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.audit import AUDIT
from bss.edge.database import Database
from bss.idempotency import IDEMPOTENCY
from bss.outbox import OUTBOX
from tests.bss.api.conftest import GADGETS_AT, PUBLIC_URL

Make = Callable[..., dict[str, Any]]
Headers = Callable[..., dict[str, str]]
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}


def patch(client: httpx.Client, gadget_id: str, body: str, if_match: str = "*", **headers: str) -> httpx.Response:
    return client.patch(
        f"{GADGETS_AT}/{gadget_id}", content=body, headers=PATCH_TYPE | {"If-Match": if_match} | headers
    )


def test_what_is_created_is_shown_as_it_was_said(client: httpx.Client, database: Database, caller: Caller) -> None:
    said = {
        "name": "lämp",
        "colour": "red",
        "made": "2026-11-29T08:00:00+01:00",
        "weight": 5,
        "isNew": True,
        "serial": "S-1",
        "price": {"unit": "EUR", "value": 0.1},
        "part": [{"label": "bulb", "value": True}, {"label": "socket", "value": "E27"}],
    }
    created = client.post(GADGETS_AT, json=said | {"@type": "Gadget"})
    assert created.status_code == 201, created.text
    gadget = created.json()
    assert created.headers["location"] == gadget["href"] == f"{PUBLIC_URL}{GADGETS_AT}/{gadget['id']}"
    assert created.headers["etag"] == '"1"'
    assert {name: gadget[name] for name in said} == said | {"made": "2026-11-29T07:00:00Z"}
    assert '"value":0.10' in created.text
    shown = client.get(f"{GADGETS_AT}/{gadget['id']}")
    assert (shown.status_code, shown.json(), shown.headers["etag"]) == (200, gadget, '"1"')
    head = client.head(f"{GADGETS_AT}/{gadget['id']}")
    assert (head.status_code, head.content, head.headers["etag"]) == (200, b"", '"1"')
    events = database.read(caller, lambda work: work.rows(OUTBOX.select()))
    assert [(row["kind"], row["resource_id"]) for row in events] == [("GadgetCreateEvent", gadget["id"])]
    audited = database.read(caller, lambda work: work.rows(AUDIT.select()))
    assert {row["subject"] for row in audited} == {"client:shop"}


def test_a_merge_patch_changes_what_it_names(client: httpx.Client, made: Make) -> None:
    gadget = made(colour="red", weight=1, part=[{"label": "a"}, {"label": "b"}], price={"unit": "EUR", "value": 1})
    answer = patch(client, gadget["id"], '{"colour": null, "part": [{"label": "c"}], "price": {"value": 2.5}}', '"1"')
    assert answer.status_code == 200, answer.text
    assert answer.headers["etag"] == '"2"'
    gadget.pop("colour")
    assert answer.json() == gadget | {"part": [{"label": "c"}], "price": {"unit": "EUR", "value": 2.5}}
    assert client.get(f"{GADGETS_AT}/{gadget['id']}").json() == answer.json()


def test_a_patch_that_changes_nothing_leaves_the_revision(client: httpx.Client, made: Make) -> None:
    gadget = made(colour="red", serial="1")
    answer = patch(client, gadget["id"], f'{{"colour": "red", "serial": "1", "id": "{gadget["id"]}"}}', '"1"')
    assert (answer.status_code, answer.headers["etag"], answer.json()) == (200, '"1"', gadget)


def test_a_change_needs_the_etag_in_force(client: httpx.Client, made: Make) -> None:
    gadget = made()
    at = f"{GADGETS_AT}/{gadget['id']}"
    assert client.patch(at, content="{}", headers=PATCH_TYPE).status_code == 428
    assert client.delete(at).status_code == 428
    assert patch(client, gadget["id"], '{"weight": 1}', '"1"').status_code == 200
    for stale in ('"1"', 'W/"2"', '"x"', '"1", "3"'):
        assert patch(client, gadget["id"], '{"weight": 2}', stale).status_code == 412
        assert client.delete(at, headers={"If-Match": stale}).status_code == 412
    assert patch(client, gadget["id"], '{"weight": 2}', "2").json()["code"] == "invalidHeader"
    assert patch(client, gadget["id"], '{"weight": 2}', '"1", "2"').headers["etag"] == '"3"'
    assert patch(client, gadget["id"], '{"weight": 3}', "*").headers["etag"] == '"4"'
    assert client.delete(at, headers={"If-Match": '"4"'}).status_code == 204
    assert client.get(at).status_code == 404
    assert client.delete(at, headers={"If-Match": "*"}).status_code == 404


def test_a_request_that_is_sent_again_is_done_once(
    client: httpx.Client, database: Database, caller: Caller, authorization: Headers
) -> None:
    key = {"Idempotency-Key": "k-1"}
    first = client.post(GADGETS_AT, json={"name": "secret name"}, headers=key)
    again = client.post(GADGETS_AT, json={"name": "secret name"}, headers=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert first.headers["location"] == again.headers["location"]
    other = client.post(GADGETS_AT, json={"name": "another"}, headers=key)
    assert (other.status_code, other.json()["code"]) == (422, "idempotencyKeyReused")
    somebody = client.post(GADGETS_AT, json={"name": "another"}, headers=key | authorization(subject="client:other"))
    assert somebody.status_code == 201
    assert client.get(GADGETS_AT).headers["x-total-count"] == "2"
    kept = database.read(caller, lambda work: work.rows(IDEMPOTENCY.select()))
    assert len(kept) == 2
    assert all("secret" not in str(row) for row in kept), "personal data has no place there"
    gadget_id = first.json()["id"]
    assert patch(client, gadget_id, '{"weight": 1}', '"1"', **key).headers["etag"] == '"2"'
    assert patch(client, gadget_id, '{"weight": 1}', '"1"', **key).headers["etag"] == '"2"'
    at = f"{GADGETS_AT}/{gadget_id}"
    assert client.delete(at, headers=key | {"If-Match": '"2"'}).status_code == 204
    assert client.delete(at, headers=key | {"If-Match": '"2"'}).status_code == 204


@pytest.mark.parametrize("key", ["", "with space", "x" * 201, "ä"])
def test_an_idempotency_key_is_ascii(client: httpx.Client, key: str) -> None:
    answer = client.post(GADGETS_AT, json={"name": "x"}, headers={"Idempotency-Key": key.encode("latin-1")})  # type: ignore[dict-item]
    assert (answer.status_code, answer.json()["code"]) == (400, "invalidHeader")


def test_another_tenants_rows_are_not_there(client: httpx.Client, made: Make, authorization: Headers) -> None:
    gadget = made(part=[{"label": "shared label"}])
    others = authorization(of="somebody else")
    at = f"{GADGETS_AT}/{gadget['id']}"
    assert client.get(at, headers=others).status_code == 404
    assert patch(client, gadget["id"], '{"weight": 1}', "*", **others).status_code == 404
    assert client.delete(at, headers=others | {"If-Match": "*"}).status_code == 404
    for query in ("", f"?id={gadget['id']}", "?part.label=shared+label", "?name=lamp"):
        assert client.get(GADGETS_AT + query, headers=others).json() == []
    refers = client.post(GADGETS_AT, json={"name": "x", "parent": {"id": gadget["id"]}}, headers=others)
    assert (refers.status_code, refers.json()["code"]) == (400, "invalidBody")
    assert client.get(at).json() == gadget


def test_permissions(client: httpx.Client, made: Make, authorization: Headers) -> None:
    gadget = made()
    at = f"{GADGETS_AT}/{gadget['id']}"
    reader, stranger = authorization("gadget:read"), authorization("customer:read")
    assert client.get(at, headers=reader).status_code == 200
    refused = client.post(GADGETS_AT, json={"name": "x"}, headers=reader)
    assert (refused.status_code, refused.json()["code"]) == (403, "notPermitted")
    assert 'error="insufficient_scope", scope="gadget:write"' in refused.headers["www-authenticate"]
    assert patch(client, gadget["id"], '{"weight": 1}', "*", **reader).status_code == 403
    assert client.delete(at, headers=reader | {"If-Match": "*"}).status_code == 403
    for query in (GADGETS_AT, at):
        assert client.get(query, headers=stranger).status_code == 403
    assert client.post(GADGETS_AT, json={"name": "x"}, headers=authorization("gadget:write")).status_code == 403


def test_what_still_refers_to_it_keeps_it(client: httpx.Client, made: Make) -> None:
    parent = made()
    made(parent={"id": parent["id"]})
    answer = client.delete(f"{GADGETS_AT}/{parent['id']}", headers={"If-Match": "*"})
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    assert patch(client, parent["id"], '{"name": "unchangeable"}').status_code == 409
