"""What TM Forum's conformance kits check of a resource, in our words: mandatory attributes, `fields`, filters, hub."""

from collections.abc import Mapping
from typing import Any, Final

import httpx

from bss.api.resource import Api, Resource, Writable

ALWAYS: Final = {"id", "href", "@type"}
UNKNOWN_ID: Final = "00000000-0000-7000-8000-000000000000"
CALLBACK: Final = "https://listener.example/notifications"


def mandatory_of(resource: Resource) -> set[str]:
    """Attributes that a body has to have."""
    return {one.name for one in resource.fields if one.required and one.writable is not Writable.NEVER}


def check_creation(client: httpx.Client, api: Api, resource: Resource, body: Mapping[str, Any]) -> dict[str, Any]:
    """With the mandatory attributes alone it is created; without any one of them it isn't."""
    path, mandatory = f"{api.path}/{resource.name}", mandatory_of(resource)
    assert set(body) == mandatory, "the body for this check has the mandatory attributes"
    for name in mandatory:
        answer = client.post(path, json={other: value for other, value in body.items() if other != name})
        assert (answer.status_code, answer.json()["code"]) == (400, "invalidBody"), answer.text
        assert f"{name} is missing" in answer.json()["message"]
    answer = client.post(path, json=body)
    assert answer.status_code == 201, answer.text
    found: dict[str, Any] = answer.json()
    assert found.keys() >= ALWAYS | mandatory
    assert answer.headers["location"] == found["href"]
    return found


def filters_of(resource: Resource, name: str) -> list[str]:
    """Filters that look at an attribute: by itself, or at members of its objects."""
    return [path for path in resource.all_filters() if path == name or path.startswith(f"{name}.")]


def values_at(value: Any, path: str) -> list[Any]:
    """What a document has at a path; of lists, what each of their members has."""
    if isinstance(value, list):
        return [found for one in value for found in values_at(one, path)]
    if not path:
        return [value]
    name, _, below = path.partition(".")
    return values_at(value[name], below) if name in value else []


def check_reading(client: httpx.Client, api: Api, resource: Resource, found: Mapping[str, Any]) -> None:
    """It is in the list and at its id, whole and with `fields`, and each mandatory attribute finds it."""
    path, mandatory = f"{api.path}/{resource.name}", {one.name for one in resource.fields if one.required} - ALWAYS
    shown = client.get(f"{path}/{found['id']}")
    assert (shown.status_code, shown.json()) == (200, found)
    listed = client.get(path)
    assert found in listed.json()
    assert all(one.keys() >= ALWAYS | mandatory for one in listed.json())
    for name in mandatory:
        some = client.get(f"{path}/{found['id']}", params={"fields": name}).json()
        assert some == {key: value for key, value in found.items() if key in ALWAYS | {name}}
    for name in {"id"} | mandatory:
        asked = {one: values_at(found, one)[:1] for one in filters_of(resource, name)}
        assert any(asked.values()), f"{name} has to be a filter"
        for one, (value,) in ((one, values) for one, values in asked.items() if values):
            said = str(value).replace("\\", "\\\\").replace(",", "\\,")
            answer = client.get(path, params={one: said})
            assert answer.status_code == 200, answer.text
            assert found in answer.json(), (one, said)
            assert all(value in values_at(other, one) for other in answer.json())


def check_what_isnt_there(client: httpx.Client, api: Api, resource: Resource) -> None:
    """404 for an id that isn't there; 405 for methods that aren't served."""
    at = f"{api.path}/{resource.name}/{UNKNOWN_ID}"
    patch = {"Content-Type": "application/merge-patch+json", "If-Match": "*"}
    answers = {
        "GET": client.get(at),
        "PATCH": client.patch(at, content="{}", headers=patch),
        "DELETE": client.delete(at, headers={"If-Match": "*"}),
    }
    for method, answer in answers.items():
        expected = 404 if method in resource.methods else 405
        assert answer.status_code == expected, (method, answer.text)
        assert answer.json()["status"] == str(expected)


def check_hub(client: httpx.Client, api: Api) -> None:
    """A listener is registered, for one event and for all, and removed."""
    events = [row.name for resource in api.resources for row in resource.events]
    for query in ("", f"eventType={','.join(events[:2])}"):
        body = {"callback": CALLBACK} | ({"query": query} if query else {})
        answer = client.post(f"{api.path}/hub", json=body)
        assert answer.status_code == 201, answer.text
        assert answer.json() == body | {"id": answer.json()["id"]}
        at = f"{api.path}/hub/{answer.json()['id']}"
        assert client.delete(at).status_code == 204
        assert client.delete(at).status_code == 404
