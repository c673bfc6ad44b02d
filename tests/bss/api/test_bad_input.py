"""What no client should send: each is refused in TM Forum's form, with the member and the remedy, and nothing is done."""

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy.exc import OperationalError
from starlette.types import ASGIApp

from bss.access import Caller
from bss.api.limits import BODY_OCTETS_MAX, REQUESTS_AT_ONCE_MAX
from bss.api.serving import Apis, application
from bss.api.tokens import Tokens
from tests.bss.api.conftest import GADGETS_AT, PUBLIC_URL, EngineAway, Server
from tests.bss.api.sample_api import SAMPLE
from tests.bss.conftest import NOW_NS

PATCH_TYPE = {"Content-Type": "application/merge-patch+json", "If-Match": "*"}


def refused(answer: httpx.Response, status: int, code: str, says: str = "") -> None:
    assert answer.status_code == status, answer.text
    body = answer.json()
    assert (body["code"], body["status"]) == (code, str(status))
    assert body["referenceError"] == f"{PUBLIC_URL}/docs/errors#{code}"
    assert body["reason"]
    assert says in body["message"], body["message"]
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "no JSON"),
        ("{", "no JSON"),
        ("[]", "JSON object"),
        ('"text"', "JSON object"),
        ("nul", "no JSON"),
        ('{"name": NaN}', "no JSON"),
        ('{"name": "\\ud800"}', "no JSON"),
        ("[" * 100_000, "deep"),
        ('{"a":' * 40 + "1" + "}" * 40, "deep"),
    ],
)
def test_bodies_that_are_no_object(client: httpx.Client, body: str, says: str) -> None:
    json_type = {"Content-Type": "application/json"}
    refused(client.post(GADGETS_AT, content=body, headers=json_type), 400, "malformedBody", says)


def test_bodies_that_are_not_utf_8(client: httpx.Client) -> None:
    json_type = {"Content-Type": "application/json"}
    refused(client.post(GADGETS_AT, content=b'{"name": "\xff"}', headers=json_type), 400, "malformedBody")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({}, "name is missing"),
        ({"name": 1}, "name has to be text"),
        ({"name": ""}, "0 characters"),
        ({"name": "a\0b"}, "U+0000"),
        ({"name": "x" * 81}, "81 characters"),
        ({"name": "x", "shape": "round"}, "shape is not served: all of them are round"),
        ({"name": "x", "shap": "round"}, "shap is no member here; there are name, colour"),
        ({"name": "x", "id": "1"}, "id is said by the server"),
        ({"name": "x", "@type": "Widget"}, "@type has to be one of Gadget"),
        ({"name": "x", "colour": "pink"}, "red, green, blue"),
        ({"name": "x", "weight": 1.5}, "weight has to be a whole number"),
        ({"name": "x", "weight": 10**30}, "weight has to be a whole number"),
        ({"name": "x", "made": "today"}, "made has to be a date and time"),
        ({"name": "x", "isNew": "true"}, "isNew has to be true or false"),
        ({"name": "x", "price": 9.99}, "price has to be an amount"),
        ({"name": "x", "price": {"unit": "EUR", "value": 0.1 + 0.2}}, "price.value has to be a number of at most six"),
        ({"name": "x", "part": [{"label": "a"}, {}]}, "part[1].label is missing"),
        ({"name": "x", "part": [{"label": "a", "@type": "Part"}]}, "part[0].@type is not served: there is one type"),
        ({"name": "x", "part": [{"label": "a"}] * 6}, "part has to be a list of at most 5"),
        ({"name": "x", "part": {"label": "a"}}, "part has to be a list"),
        ({"name": "x", "parent": {"id": "nobody"}}, "parent.id: there is no test_gadget 'nobody'"),
        ({"name": "x", "parent": "nobody"}, "parent has to be an object"),
    ],
)
def test_bodies_with_faults(client: httpx.Client, body: dict[str, Any], says: str) -> None:
    refused(client.post(GADGETS_AT, json=body), 400, "invalidBody", says)
    assert client.get(GADGETS_AT).headers["x-total-count"] == "0"


def test_all_faults_are_named_at_once(client: httpx.Client) -> None:
    answer = client.post(GADGETS_AT, json={"colour": "pink", "weight": "1", "more": 1})
    for path in ("name", "colour", "weight", "more"):
        refused(answer, 400, "invalidBody", f"{path} ")
    refused(client.post(GADGETS_AT, json={f"m{n}": 1 for n in range(100)}), 400, "invalidBody", "and 81 more")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ('{"name": null}', "name is missing"),
        ('{"id": "2"}', "id is said by the server"),
        ('{"href": null}', "href is said by the server"),
        ('{"serial": "2"}', "serial is said as the resource is created"),
        ('{"part": [{}]}', "part[0].label is missing"),
        ('{"colour": "pink"}', "red, green, blue"),
        ('{"price": {"value": 1}}', "price has to be an amount"),
        ('{"price": {"unit": "EUR", "value": 1e2}}', "price.value has to be a number of at most six decimals, written"),
        ('{"unknown": 1}', "unknown is no member here"),
        ('{"parent": {"id": "nobody"}}', "parent.id"),
    ],
)
def test_patches_with_faults(client: httpx.Client, made: Callable[..., dict[str, Any]], body: str, says: str) -> None:
    gadget = made(serial="1")
    at = f"{GADGETS_AT}/{gadget['id']}"
    refused(client.patch(at, content=body, headers=PATCH_TYPE), 400, "invalidBody", says)
    assert client.get(at).json() == gadget


@pytest.mark.parametrize(
    "header", [None, "text/plain", "application/merge-patch+json", "application/json; charset=utf-16"]
)
def test_content_types_of_a_new_one(client: httpx.Client, header: str | None) -> None:
    headers = {"Content-Type": header} if header else {}
    refused(client.post(GADGETS_AT, content="{}", headers=headers), 415, "wrongContentType", "application/json")


def test_content_types(client: httpx.Client, made: Callable[..., dict[str, Any]]) -> None:
    headers = {"Content-Type": "application/json", "If-Match": "*"}
    answer = client.patch(f"{GADGETS_AT}/{made()['id']}", content="{}", headers=headers)
    refused(answer, 415, "wrongContentType", "application/merge-patch+json")
    utf_8 = {"Content-Type": 'Application/JSON; Charset="UTF-8"'}
    assert client.post(GADGETS_AT, content='{"name": "x"}', headers=utf_8).status_code == 201


def test_bodies_that_are_too_long(client: httpx.Client) -> None:
    def endless() -> Iterator[bytes]:
        for _ in range(BODY_OCTETS_MAX // 65536 + 1):
            yield b" " * 65536

    json_type = {"Content-Type": "application/json"}
    long = b" " * (BODY_OCTETS_MAX + 1)
    refused(client.post(GADGETS_AT, content=long, headers=json_type), 413, "bodyTooLong", str(BODY_OCTETS_MAX))
    refused(client.post(GADGETS_AT, content=endless(), headers=json_type), 413, "bodyTooLong")


@pytest.mark.parametrize("gadget_id", ["1", "%00", "x" * 500, "a%20b", "%ff", "..%2f", "'%20OR%201=1"])
def test_ids_that_arent_there(client: httpx.Client, gadget_id: str) -> None:
    for answer in (
        client.get(f"{GADGETS_AT}/{gadget_id}"),
        client.patch(f"{GADGETS_AT}/{gadget_id}", content="{}", headers=PATCH_TYPE),
        client.delete(f"{GADGETS_AT}/{gadget_id}", headers={"If-Match": "*"}),
    ):
        refused(answer, 404, "notFound")


def test_paths_and_methods_that_arent_there(client: httpx.Client) -> None:
    refused(client.get("/tmf-api/nothing/v4/gadget"), 404, "notFound")
    refused(client.get(f"{SAMPLE.path}/nothing"), 404, "notFound")
    refused(client.get(f"{GADGETS_AT}/1/2"), 404, "notFound")
    for method, path, allow in (
        ("PUT", GADGETS_AT, "GET, POST"),
        ("DELETE", GADGETS_AT, "GET, POST"),
        ("POST", f"{GADGETS_AT}/1", "GET, PATCH, DELETE"),
        ("PUT", f"{GADGETS_AT}/1", "GET, PATCH, DELETE"),
        ("POST", f"{SAMPLE.path}/gadgetView", "GET"),
        ("PATCH", f"{SAMPLE.path}/gadgetView/1", "GET"),
        ("GET", f"{SAMPLE.path}/hub", "POST"),
        ("GET", f"{SAMPLE.path}/hub/1", "DELETE"),
    ):
        answer = client.request(method, path)
        refused(answer, 405, "methodNotServed")
        assert answer.headers["allow"] == allow
    refused(client.post(f"{SAMPLE.path}/gadgetView"), 405, "methodNotServed", "gadgets are made at gadget")


def test_parameters_where_none_are_taken(client: httpx.Client) -> None:
    refused(client.post(f"{GADGETS_AT}?fields=id", json={"name": "x"}), 400, "invalidQuery", "takes none")
    refused(client.get(f"{GADGETS_AT}/1?limit=1"), 400, "invalidQuery", "there is fields")


class Failing:
    """A store where everything fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def read(self, caller: Caller, function: object) -> Any:
        raise self.error

    def write(self, caller: Caller, function: object, *, idempotency: object = None) -> Any:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (EngineAway(), 503, "unavailable"),
        (OperationalError("SELECT 1", {}, Exception("the server closed the connection")), 503, "unavailable"),
        (RuntimeError("a secret of ours"), 500, "internal"),
    ],
)
def test_what_fails_here(
    server: Server,
    tokens: Tokens,
    authorization: Callable[..., dict[str, str]],
    error: Exception,
    status: int,
    code: str,
) -> None:
    shared = Apis(Failing(error), tokens, now_ns=lambda: NOW_NS, public_url=PUBLIC_URL, away=(EngineAway,))
    server.application = application([SAMPLE], shared)
    answer = httpx.get(server.url + GADGETS_AT, headers=authorization())
    refused(answer, status, code)
    assert "secret" not in answer.text
    assert answer.headers.get("retry-after") == ("1" if status == 503 else None)


def test_no_token_without_a_database(server: Server, tokens: Tokens) -> None:
    error = OperationalError("SELECT 1", {}, Exception("the server closed the connection"))
    shared = Apis(Failing(error), tokens, now_ns=lambda: NOW_NS, public_url=PUBLIC_URL)
    server.application = application([SAMPLE], shared, tokens)
    answer = httpx.post(f"{server.url}/oauth2/token", data={"grant_type": "client_credentials"}, auth=("a@b", "c"))
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["error"] == "temporarily_unavailable"


def test_too_many_requests_at_once(client: httpx.Client, shared: Apis, sample: ASGIApp) -> None:
    shared.under_way += REQUESTS_AT_ONCE_MAX
    answer = client.get(GADGETS_AT)
    shared.under_way -= REQUESTS_AT_ONCE_MAX
    refused(answer, 429, "tooManyRequests")
    assert answer.headers["retry-after"] == "1"
    assert client.get(GADGETS_AT).status_code == 200
