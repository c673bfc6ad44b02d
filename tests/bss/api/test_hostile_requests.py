"""Every resource of every API against what no client should send: each request that can be drawn from its table is refused in
TM Forum's form or harmless, never a 5xx, and another tenant's rows are never there.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.apis import APIS
from bss.api.kinds import Amount
from bss.api.limits import BODY_OCTETS_MAX, OFFSET_MAX, PAGE_MAX
from bss.api.resource import Api, Field, Many, Resource, Structure, Writable
from bss.edge.database import Database
from tests.bss.conftest import NOW_NS
from tests.bss.everything import rows_of_other_tenant

RESOURCES = [(api, resource) for api in APIS for resource in api.resources]
each_resource = pytest.mark.parametrize(
    ("api", "resource"), RESOURCES, ids=[f"{api.number}-{resource.name}" for api, resource in RESOURCES]
)
ROW_OF = {
    "billingAccount": "billing_account_id",
    "customer": "customer_id",
    "individual": "party_id",
    "partyInteraction": "interaction_id",
    "product": "product_id",
    "troubleTicket": "ticket_id",
}
"""Ids of `rows_of_other_tenant` by resource."""
PART_OF = {
    "catalog": "shop",
    "category": "prepaid",
    "productOffering": "prepaid-start",
    "productOfferingPrice": "prepaid-start-fee",
    "productSpecification": "mobile-line",
}
"""Ids of the sample catalogue, which each tenant has."""
WRONG: tuple[Any, ...] = (
    None,
    [],
    {},
    [[]],
    [{"id": "nobody", "@referredType": "Customer", "role": "customer", "name": "x", "text": "x"}],
    {"id": "nobody", "name": "x", "startDateTime": "2026-01-01T00:00:00Z"},
    -1,
    1.5,
    10**30,
    True,
    "",
    "a\0b",
    "x" * 5000,
    "'; DROP TABLE party; --",
    "9999-12-31T23:59:59Z",
)
SHARE = 5
"""Each member gets one in so many of them; the next gets others."""
INJECTIONS = ("' OR '1'='1", "'; DROP TABLE party; --", '" OR 1=1 --', "%", "\\", "x" * 300, "\0", "1e9", "-1", "ü,,")
PATCH_TYPE = {"Content-Type": "application/merge-patch+json"}


@pytest.fixture(scope="module")
def tenants(database: Database) -> dict[str, dict[str, str]]:
    """Two tenants that have one of each, and the ids of these."""

    def made(tenant: str) -> dict[str, str]:
        return database.write(Caller(tenant, "user:ann", frozenset({"*"})), rows_of_other_tenant)

    return {tenant: made(tenant) for tenant in ("hostile-mine", "hostile-theirs")}


@pytest.fixture
def asks(
    nobody: httpx.Client, tenants: dict[str, dict[str, str]], authorization: Callable[..., dict[str, str]]
) -> httpx.Client:
    """A client that may do everything in one of them."""
    nobody.headers.update(authorization(of="hostile-mine"))
    return nobody


def harmless(answer: httpx.Response) -> httpx.Response:
    """No error of ours; a refusal is TM Forum's Error."""
    said = f"{answer.request.method} {answer.request.url} {answer.request.content[:200]!r}: {answer.text[:400]}"
    assert answer.status_code < 500, said
    if answer.status_code >= 400:
        body = answer.json()
        assert body.keys() >= {"code", "reason", "message", "status", "referenceError"}, said
        assert body["status"] == str(answer.status_code), said
        assert body["message"], said
    return answer


def at(api: Api, resource: Resource) -> str:
    return f"{api.path}/{resource.name}"


def own_id(tenants: dict[str, dict[str, str]], resource: Resource) -> str | None:
    if resource.name in ROW_OF:
        return tenants["hostile-mine"][ROW_OF[resource.name]]
    return PART_OF.get(resource.name)


@each_resource
def test_queries(asks: httpx.Client, api: Api, resource: Resource) -> None:
    path = at(api, resource)
    for query in (
        f"limit={PAGE_MAX + 1}",
        "limit=0",
        f"offset={OFFSET_MAX + 1}",
        "offset=1e3",
        "x=1",
        "fields=x",
        "sort=x",
    ):
        answer = harmless(asks.get(f"{path}?{query}"))
        assert (answer.status_code, answer.json()["code"]) == (400, "invalidQuery"), query
    for name, one in resource.all_filters().items():
        for text in INJECTIONS:
            harmless(asks.get(path, params={name: text}))
        harmless(asks.get(path, params={f"{name}.gt": INJECTIONS[0]}))
        assert harmless(asks.get(path, params={f"{name}.like": "x"})).status_code == 400
        assert one.path == name
    assert harmless(asks.get(path)).status_code == 200, "and all of it is still there"


@each_resource
def test_bodies_of_new_ones(asks: httpx.Client, api: Api, resource: Resource) -> None:
    path = at(api, resource)
    if "POST" not in resource.methods:
        assert harmless(asks.post(path, json={})).status_code == 405
        return
    before = asks.get(path).headers["x-total-count"]
    writable = [one.name for one in resource.fields if one.writable is not Writable.NEVER]
    for wrong in WRONG[1:]:
        answer = harmless(asks.post(path, json=dict.fromkeys(writable, wrong)))
        assert answer.status_code == 400, (wrong, answer.text)
    for name in ("nobody_knows", "id", "href"):
        assert name in harmless(asks.post(path, json={name: "1"})).json()["message"]
    long = harmless(asks.post(path, content=b" " * (BODY_OCTETS_MAX + 1), headers={"Content-Type": "application/json"}))
    assert long.status_code == 413
    assert asks.get(path).headers["x-total-count"] == before, "nothing came of it"


def paths_of_money(fields: Sequence[Field]) -> Iterator[tuple[Amount, Callable[[Any], dict[str, Any]]]]:
    """Amounts of a resource, at the top and in objects, each with what makes a body that has a value there."""
    for one in fields:
        kind = one.kind.kind if isinstance(one.kind, Many) else one.kind
        is_many = isinstance(one.kind, Many)

        def body(value: Any, name: str = one.name, is_many: bool = is_many) -> dict[str, Any]:
            return {name: [value] if is_many else value}

        if one.writable is Writable.NEVER:
            continue
        if isinstance(kind, Amount):
            yield kind, body
        elif isinstance(kind, Structure):
            for amount, inner in paths_of_money(kind.fields):
                yield amount, lambda value, inner=inner, body=body: body(inner(value))


@each_resource
def test_money_is_never_a_float(asks: httpx.Client, api: Api, resource: Resource) -> None:
    if "POST" not in resource.methods:
        return
    for amount, body in paths_of_money(resource.fields):
        for wrong in (0.1 + 0.2, 1e-7, 1e25, "9.99", True, None, [1]):
            said = body({amount.unit: "EUR", amount.value: wrong})
            answer = harmless(asks.post(at(api, resource), json=said))
            assert answer.status_code == 400
            assert f"{amount.value} has to be" in answer.json()["message"], (said, answer.text)


@each_resource
def test_changes(asks: httpx.Client, tenants: dict[str, dict[str, str]], api: Api, resource: Resource) -> None:
    resource_id = own_id(tenants, resource)
    if "PATCH" not in resource.methods or resource_id is None:
        return
    one_at = f"{at(api, resource)}/{resource_id}"
    found = asks.get(one_at)
    assert found.status_code == 200, found.text
    assert harmless(asks.patch(one_at, json={}, headers=PATCH_TYPE)).status_code == 428
    stale = asks.patch(one_at, json={}, headers=PATCH_TYPE | {"If-Match": '"999999999"'})
    assert harmless(stale).status_code == 412
    headers = PATCH_TYPE | {"If-Match": "*"}
    assert harmless(asks.patch(one_at, json=[1], headers=headers)).status_code == 400
    for index, one in enumerate(resource.fields):
        for wrong in WRONG[index % SHARE :: SHARE]:
            answer = harmless(asks.patch(one_at, json={one.name: wrong}, headers=headers))
            if one.writable is not Writable.ALWAYS and answer.status_code == 200:
                assert answer.json().get(one.name) == found.json().get(one.name), (one.name, wrong)
    assert harmless(asks.get(one_at)).json()["id"] == resource_id


@each_resource
def test_another_tenants_rows_are_not_there(
    asks: httpx.Client,
    tenants: dict[str, dict[str, str]],
    authorization: Callable[..., dict[str, str]],
    api: Api,
    resource: Resource,
) -> None:
    theirs = {tenants["hostile-theirs"][name] for name in (ROW_OF.get(resource.name, "party_id"), "customer_id")}
    page = asks.get(at(api, resource), params={"limit": PAGE_MAX})
    assert not any(one in page.text for one in theirs)
    owner = authorization(of="hostile-theirs")
    for name in resource.all_filters():
        for value in theirs if name == "id" or name.endswith(".id") else ():
            harmless(asks.get(at(api, resource), params={name: value}, headers=owner))
            found = asks.get(at(api, resource), params={name: value})
            assert harmless(found).json() == [], f"{name}={value}, which its owner has just asked for, too"
    for resource_id in theirs:
        one_at = f"{at(api, resource)}/{resource_id}"
        patch = asks.patch(one_at, json={"name": "mine"}, headers=PATCH_TYPE | {"If-Match": "*"})
        for method, answer in {
            "GET": asks.get(one_at),
            "PATCH": patch,
            "DELETE": asks.delete(one_at, headers={"If-Match": "*"}),
        }.items():
            expected = 404 if method in resource.methods else 405
            assert harmless(answer).status_code == expected, (method, answer.text)


@each_resource
def test_tokens(
    asks: httpx.Client, tokens: Any, authorization: Callable[..., dict[str, str]], api: Api, resource: Resource
) -> None:
    path, valid = at(api, resource), asks.headers.pop("authorization")
    head, _, signature = valid.rpartition(".")
    old = tokens.issue(tenant="hostile-mine", subject="client:x", permissions=frozenset({"*"}), now_ns=NOW_NS - 10**12)
    other = authorization("nothing:read", of="hostile-mine")["Authorization"]
    for token, status in (
        (None, 401),
        ("Basic YTpi", 401),
        (f"{head}.{signature[:-4]}AAAA", 401),
        (f"Bearer {old}", 401),
        (other, 403),
    ):
        headers = {"Authorization": token} if token else {}
        for method in resource.methods if token in (None, other) else ("GET",):
            target = path if method in ("GET", "POST") else f"{path}/1"
            answer = harmless(asks.request(method, target, headers=headers))
            assert (answer.status_code, "www-authenticate" in answer.headers) == (status, True), (method, token)
    hub = asks.post(f"{api.path}/hub", json={"callback": "https://x.example/"}, headers={"Authorization": other})
    assert harmless(hub).status_code == 403
