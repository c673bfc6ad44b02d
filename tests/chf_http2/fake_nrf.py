"""An NRF for tests, over real HTTP/2: registers, loses and refuses, takes subscriptions, issues tokens.

What it is asked and what it answers is checked against the schemas of TS 29.510, where these are at hand.
"""

import json
import os
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs

import jsonschema_rs

from chf_http2.edge.http2_server import Request, Response
from tests.chf_http2.token_signing import NRF, ec_key, token
from tests.conformance.openapi_bundle import component_schema

MANAGEMENT: Final = "TS29510_Nnrf_NFManagement.yaml"
TOKENS: Final = "TS29510_Nnrf_AccessToken.yaml"
BASE: Final = "/nnrf-nfm/v1"
_JSON: Final = "application/json"


@cache
def _validator(file: str, name: str) -> Any:
    folder = Path(os.environ["FAREBOX_SPECS"]) / "3gpp" / "openapi" / "rel18"
    return jsonschema_rs.Draft4Validator(component_schema(folder, file, name))


class FakeNrf:
    """What answers as an NRF; `faults` are violations of the specification, on either side.

    failing   called with method and path: a status to answer instead, 0: none
    """

    def __init__(self) -> None:
        self.profiles: dict[str, dict[str, Any]] = {}
        self.subscriptions: dict[str, dict[str, Any]] = {}
        self.asked: list[tuple[str, str]] = []
        self.patches: list[list[dict[str, Any]]] = []
        self.faults: list[str] = []
        self.headers: dict[str, str] = {}
        """of the last request"""
        self.heartbeat_s = 1
        self.failing: Callable[[str, str], int] = lambda method, path: 0
        self.moved_to = ""
        """where 308 sends to, for requests that don't come there already"""
        self.validity = "2999-01-01T00:00:00Z"
        self.token_life: Callable[[], int] = lambda: 0
        """when tokens expire, s since the epoch"""
        self._is_checking = bool(os.environ.get("FAREBOX_SPECS"))

    def answer(self, request: Request) -> Response:
        """Of one request."""
        self.asked.append((request.method, request.path))
        self.headers = request.headers
        if self.moved_to and not request.path.startswith(self.moved_to):
            return Response(308, (("location", self.moved_to + request.path),))
        path = request.path.removeprefix(self.moved_to)
        status = self.failing(request.method, path)
        if status:
            headers = (("content-type", "application/problem+json"), ("retry-after", "0"))
            return Response(status, headers, json.dumps({"status": status}).encode())
        try:
            status, said, more = self._answer(request.method, path, request.body)
        except Exception as error:
            self.faults.append(f"{request.method} {path}: {error!r}")
            status, said, more = 500, None, []
        if said is None:
            return Response(status, tuple(more))
        return Response(status, (("content-type", _JSON), *more), json.dumps(said).encode())

    def _answer(self, method: str, path: str, body: bytes) -> tuple[int, Any, list[tuple[str, str]]]:
        if (method, path) == ("POST", "/oauth2/token"):
            return (*self._issue(body), [("cache-control", "no-store"), ("pragma", "no-cache")])
        collection, _, name = path.removeprefix(f"{BASE}/").partition("/")
        if collection == "nf-instances":
            return (*self._instance(method, name, body), self._location(method, path))
        if collection == "subscriptions":
            status, said = self._subscription(method, name, body)
            where = f"{path}/{said['subscriptionId']}" if method == "POST" else path
            return status, said, self._location(method, where)
        raise AssertionError("no such resource")

    def _location(self, method: str, path: str) -> list[tuple[str, str]]:
        return [("location", path)] if method in ("PUT", "POST") else []

    def _instance(self, method: str, name: str, body: bytes) -> tuple[int, Any]:
        if method == "PUT":
            profile = self._checked(MANAGEMENT, "NFProfile", json.loads(body))
            assert profile["nfInstanceId"] == name
            status = 200 if name in self.profiles else 201
            self.profiles[name] = profile
            return status, self._checked(MANAGEMENT, "NFProfile", profile | {"heartBeatTimer": self.heartbeat_s})
        if name not in self.profiles:
            return 404, None
        if method == "PATCH":
            self._patch(self.profiles[name], body)
            return 204, None
        assert method == "DELETE"
        del self.profiles[name]
        return 204, None

    def _patch(self, resource: dict[str, Any], body: bytes) -> None:
        assert self.headers["content-type"] == "application/json-patch+json"
        patch = json.loads(body)
        assert patch, "a patch has one item at least"
        for item in patch:
            self._checked("TS29571_CommonData.yaml", "PatchItem", item)
            assert item["op"] == "replace"
            member = item["path"].removeprefix("/")
            assert member in resource, f"nothing to replace at {member}"
            resource[member] = item["value"]
        self.patches.append(patch)

    def _subscription(self, method: str, name: str, body: bytes) -> tuple[int, Any]:
        if method == "POST":
            said = json.loads(body)
            assert "subscriptionId" not in said
            name = f"s{len(self.subscriptions) + 1}"
            self.subscriptions[name] = said | {"subscriptionId": name, "validityTime": self.validity}
            return 201, self._checked(MANAGEMENT, "SubscriptionData", self.subscriptions[name])
        if name not in self.subscriptions:
            return 404, {}
        if method == "PATCH":
            self._patch(self.subscriptions[name], body)
            return 200, self._checked(MANAGEMENT, "SubscriptionData", self.subscriptions[name])
        del self.subscriptions[name]
        return 204, None

    def _issue(self, body: bytes) -> tuple[int, Any]:
        """A token of the client credentials grant (TS 29.510 §5.4.2.2)."""
        assert self.headers["content-type"] == "application/x-www-form-urlencoded"
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        self._checked(TOKENS, "AccessTokenReq", form)
        if form.get("targetNfType") != "CHF":
            return 400, self._checked(TOKENS, "AccessTokenErr", {"error": "invalid_scope"})
        claims = {
            "iss": NRF,
            "sub": form["nfInstanceId"],
            "aud": "CHF",
            "scope": form["scope"],
            "exp": self.token_life(),
        }
        self._checked(TOKENS, "AccessTokenClaims", claims)
        said = {
            "access_token": token(ec_key(), **claims),
            "token_type": "Bearer",
            "expires_in": 60,
            "scope": form["scope"],
        }
        return 200, self._checked(TOKENS, "AccessTokenRsp", said)

    def _checked(self, file: str, name: str, said: Any) -> Any:
        """What was said, once it is noted where it isn't of its schema."""
        if self._is_checking:
            found = [
                f"{name}: {error.message} at {error.instance_path}"
                for error in _validator(file, name).iter_errors(said)
            ]
            self.faults += found
        return said
