"""Paths to operations."""

import pytest

from chf_http2.routes import NoRoute, Operation, Router

BASE = "/nchf-convergedcharging/v3/chargingdata"


@pytest.mark.parametrize(
    ("path", "operation", "ref"),
    [
        (BASE, Operation.CREATE, ""),
        (f"{BASE}/a/update", Operation.UPDATE, "a"),
        (f"{BASE}/a/release", Operation.RELEASE, "a"),
        ("/nchf-convergedcharging/v2/chargingdata/b/update", Operation.UPDATE, "b"),
        ("/nchf-offlineonlycharging/v1/offlinechargingdata", Operation.CREATE, ""),
        ("/nchf-offlineonlycharging/v1/offlinechargingdata/c/release", Operation.RELEASE, "c"),
    ],
)
def test_paths_that_are_served(path: str, operation: Operation, ref: str) -> None:
    route = Router().find("POST", path)
    assert (route.operation, route.ref) == (operation, ref)
    assert path.startswith(route.base)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", BASE, 405),
        ("DELETE", f"{BASE}/a/update", 405),
        ("POST", f"{BASE}/", 404),
        ("POST", f"{BASE}/a", 404),
        ("POST", f"{BASE}/a/", 404),
        ("POST", f"{BASE}//update", 404),
        ("POST", f"{BASE}/a/b/update", 404),
        ("POST", f"{BASE}/a/pay", 404),
        ("GET", f"{BASE}/a/pay", 404),
        ("POST", "/nchf-convergedcharging/v1/chargingdata", 404),
        ("POST", "/site-1/nchf-convergedcharging/v3/chargingdata", 404),
        ("POST", "", 404),
    ],
)
def test_paths_that_are_not(method: str, path: str, status: int) -> None:
    with pytest.raises(NoRoute) as refused:
        Router().find(method, path)
    assert refused.value.status == status
    assert refused.value.allowed == (("POST",) if status == 405 else ())


def test_prefix_stands_before_every_path_and_in_locations() -> None:
    router = Router("/site-1")
    assert router.find("POST", f"/site-1{BASE}").base == f"/site-1{BASE}"
    with pytest.raises(NoRoute):
        router.find("POST", BASE)
