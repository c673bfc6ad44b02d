"""/oauth2/token (RFC 6749 §4.4), from a client's secret to a request with its token."""

from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api_clients import add_client, clients, lock_client, renew_secret
from bss.audit import AUDIT
from bss.edge.database import Database
from bss.errors import Conflict, Invalid, NotFound
from tests.bss.api.conftest import GADGETS_AT

SECRET = "0123456789abcdef0123456789abcdef"
GRANT = {"grant_type": "client_credentials"}


@pytest.fixture
def shop(database: Database, caller: Caller) -> str:
    """Id of a client that may read and write gadgets."""
    held = ["gadget:read", "gadget:write"]
    database.write(caller, lambda work: add_client(work, name="shop", secret=SECRET, permissions=held)["id"])
    return f"shop@{caller.tenant}"


def ask(client: httpx.Client, client_id: str, secret: str = SECRET, **form: str) -> httpx.Response:
    return client.post("/oauth2/token", data=GRANT | form, auth=(client_id, secret))


def test_a_client_gets_a_token_that_does_what_the_client_may(nobody: httpx.Client, shop: str) -> None:
    answer = ask(nobody, shop)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = answer.json()
    assert (found["token_type"], found["scope"], found["expires_in"]) == ("Bearer", "gadget:read gadget:write", 900)
    token = {"Authorization": f"Bearer {found['access_token']}"}
    assert nobody.post(GADGETS_AT, json={"name": "x"}, headers=token).status_code == 201
    assert nobody.get(GADGETS_AT, headers=token).headers["x-total-count"] == "1"


def test_a_client_may_ask_for_less(nobody: httpx.Client, shop: str) -> None:
    token = ask(nobody, shop, scope="gadget:read").json()["access_token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert nobody.get(GADGETS_AT, headers=headers).status_code == 200
    assert nobody.post(GADGETS_AT, json={"name": "x"}, headers=headers).status_code == 403


def test_id_and_secret_may_be_in_the_form(nobody: httpx.Client, shop: str) -> None:
    form = GRANT | {"client_id": shop, "client_secret": SECRET}
    assert nobody.post("/oauth2/token", data=form).status_code == 200


@pytest.mark.parametrize(
    ("change", "status", "error"),
    [
        ({"auth": ("shop@nowhere", SECRET)}, 401, "invalid_client"),
        ({"auth": ("shop", SECRET)}, 401, "invalid_client"),
        ({"auth": ("", "")}, 401, "invalid_client"),
        ({"auth": ("\0@\0", "\0")}, 401, "invalid_client"),
        ({"auth": ("shöp@{tenant}", SECRET)}, 401, "invalid_client"),
        ({"auth": ("shop@{tenant}", SECRET[:-1])}, 401, "invalid_client"),
        ({"auth": ("shop@{tenant}", "")}, 401, "invalid_client"),
        ({"auth": ("nobody@{tenant}", SECRET)}, 401, "invalid_client"),
        ({"auth": None}, 401, "invalid_client"),
        ({"auth": None, "headers": {"Authorization": "Basic !"}}, 401, "invalid_client"),
        ({"auth": None, "headers": {"Authorization": "Bearer abc"}}, 401, "invalid_client"),
        ({"data": {"scope": "gadget:read"}}, 400, "unsupported_grant_type"),
        ({"data": {"grant_type": "password"}}, 400, "unsupported_grant_type"),
        ({"data": GRANT | {"scope": "gadget:read balance:write"}}, 400, "invalid_scope"),
        ({"data": GRANT | {"client_secret": SECRET}}, 400, "invalid_request"),
        ({"data": GRANT | {"scope": ["a:read", "b:read"]}}, 400, "invalid_request"),
        ({"data": None, "json": GRANT}, 400, "invalid_request"),
        ({"data": None, "content": b"\xff=1"}, 400, "invalid_request"),
        ({"data": GRANT | {"scope": "x" * 5000}}, 413, "invalid_request"),
    ],
)
def test_requests_for_tokens_that_are_refused(
    nobody: httpx.Client, shop: str, change: dict[str, Any], status: int, error: str
) -> None:
    asked: dict[str, Any] = {"data": GRANT, "auth": ("shop@{tenant}", SECRET)} | change
    if asked["auth"]:
        tenant = shop.partition("@")[2]
        asked["auth"] = (asked["auth"][0].replace("{tenant}", tenant).encode(), asked["auth"][1])
    if "content" in asked:
        asked["headers"] = {"Content-Type": "application/x-www-form-urlencoded"}
    answer = nobody.post("/oauth2/token", **asked)
    assert (answer.status_code, answer.json()["error"]) == (status, error), answer.text
    assert answer.json()["error_description"]
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_a_locked_client_and_a_former_secret_get_nothing(
    nobody: httpx.Client, shop: str, database: Database, caller: Caller
) -> None:
    database.write(caller, lambda work: renew_secret(work, name="shop", secret=SECRET[::-1]))
    assert ask(nobody, shop).status_code == 401
    assert ask(nobody, shop, SECRET[::-1]).status_code == 200
    database.write(caller, lambda work: lock_client(work, name="shop"))
    assert ask(nobody, shop, SECRET[::-1]).status_code == 401


def test_secrets_are_kept_and_shown_nowhere(shop: str, database: Database, caller: Caller) -> None:
    (row,) = database.read(caller, clients)
    assert (row["id"], row["permissions"], row["is_active"]) == ("shop", ["gadget:read", "gadget:write"], True)
    assert "secret_hash" not in row
    assert SECRET not in str(database.read(caller, lambda work: work.rows(AUDIT.select())))


def test_clients_that_cant_be(shop: str, database: Database, caller: Caller) -> None:
    for name, secret, permissions, error in (
        ("shop", SECRET, ["a:read"], Conflict),
        ("Shop", SECRET, ["a:read"], Invalid),
        ("a@b", SECRET, ["a:read"], Invalid),
        ("web", "short", ["a:read"], Invalid),
        ("web", SECRET, ["everything"], Invalid),
    ):
        with pytest.raises(error):
            database.write(caller, lambda work: add_client(work, name=name, secret=secret, permissions=permissions))  # noqa: B023
    with pytest.raises(NotFound):
        database.write(caller, lambda work: lock_client(work, name="nobody"))
    with pytest.raises(Invalid):
        database.write(caller, lambda work: renew_secret(work, name="shop", secret="short"))
