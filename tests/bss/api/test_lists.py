"""Lists: fields, filters and their operators, order, pages and their counts."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from bss.access import Caller
from bss.api.kinds import Instant
from bss.api.limits import PAGE_MAX
from bss.edge.database import Database
from bss.work import Work
from tests.bss.api.conftest import GADGETS_AT, PUBLIC_URL
from tests.bss.api.sample_api import add_gadget

Make = Callable[..., dict[str, Any]]


def names(client: httpx.Client, query: str) -> list[str]:
    answer = client.get(f"{GADGETS_AT}?{query}")
    assert answer.status_code in (200, 206), answer.text
    return [one["name"] for one in answer.json()]


@pytest.fixture(scope="module")
def stocked(database: Database) -> str:
    """A tenant with five gadgets."""

    def stock(work: Work) -> None:
        january, february, march = (Instant().read_text(f"2026-0{month}-01T00:00:00Z") for month in (1, 2, 3))
        ear, eye = {"label": "ear"}, {"label": "eye"}
        anvil = add_gadget(work, {"name": "anvil", "colour": "red", "made": january, "weight": 90, "isNew": False})
        bell = {
            "name": "bell",
            "colour": "green",
            "made": february,
            "weight": 3,
            "isNew": True,
            "parent": {"id": anvil},
        }
        add_gadget(work, bell)
        add_gadget(work, {"name": "cup", "colour": "blue", "made": march, "weight": 1, "part": [ear]})
        add_gadget(work, {"name": "dice, a pair", "colour": "red", "weight": 0, "part": [ear, eye]})
        add_gadget(work, {"name": "100%_of\\it", "isNew": True})

    database.write(Caller("shelf", "user:ann", frozenset({"*"})), stock)
    return "shelf"


@pytest.fixture
def shelf(nobody: httpx.Client, stocked: str, authorization: Callable[..., dict[str, str]]) -> httpx.Client:
    """A client of the tenant with five gadgets."""
    nobody.headers.update(authorization(of=stocked))
    return nobody


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("colour=red", ["anvil", "dice, a pair"]),
        ("colour=red,blue", ["anvil", "cup", "dice, a pair"]),
        ("colour=red&colour=blue", ["anvil", "cup", "dice, a pair"]),
        ("colour.eq=green", ["bell"]),
        ("colour=red&weight=0", ["dice, a pair"]),
        ("name=dice%5C,%20a+pair", ["dice, a pair"]),
        ("name=100%25_of%5C%5Cit", ["100%_of\\it"]),
        ("name=%25", []),
        ("weight.gt=1", ["bell", "anvil"]),
        ("weight.gte=1", ["cup", "bell", "anvil"]),
        ("weight.lt=1", ["dice, a pair"]),
        ("weight.lte=1&weight.gt=0", ["cup"]),
        ("made.gt=2026-01-01T00:00:00Z", ["bell", "cup"]),
        ("made=2026-02-01T01:00:00%2B01:00", ["bell"]),
        ("isNew=true", ["bell", "100%_of\\it"]),
        ("part.label=ear", ["cup", "dice, a pair"]),
        ("part.label=ear,eye&colour=red", ["dice, a pair"]),
        ("sort=weight&weight.gte=0", ["dice, a pair", "cup", "bell", "anvil"]),
        ("sort=-name&weight.lt=10", ["dice, a pair", "cup", "bell"]),
        ("sort=%2Bname&limit=2", ["100%_of\\it", "anvil"]),
        ("offset=1&limit=2", ["bell", "cup"]),
        ("offset=9", []),
    ],
)
def test_a_list_is_of_what_matches(shelf: httpx.Client, query: str, expected: list[str]) -> None:
    assert names(shelf, query) == expected


def test_a_list_is_filtered_by_a_reference(shelf: httpx.Client) -> None:
    (anvil,) = shelf.get(f"{GADGETS_AT}?name=anvil").json()
    assert names(shelf, f"parent.id={anvil['id']}") == ["bell"]
    assert names(shelf, f"id.gt={anvil['id']}&limit=1") == ["bell"]


@pytest.mark.parametrize(
    ("query", "status", "total", "shown"),
    [
        ("", 200, 5, 5),
        ("limit=5", 200, 5, 5),
        ("limit=2", 206, 5, 2),
        ("limit=2&offset=4", 206, 5, 1),
        ("offset=5", 206, 5, 0),
        ("colour=red&limit=1", 206, 2, 1),
        ("part.label=ear&limit=1", 206, 2, 1),
        ("name=nothing", 200, 0, 0),
    ],
)
def test_counts(shelf: httpx.Client, query: str, status: int, total: int, shown: int) -> None:
    answer = shelf.get(f"{GADGETS_AT}?{query}")
    assert (answer.status_code, len(answer.json())) == (status, shown)
    assert answer.headers["x-total-count"] == str(total)
    assert answer.headers["x-result-count"] == str(shown)


@pytest.mark.parametrize(
    ("fields", "members"),
    [
        ("name", {"name"}),
        ("name,part", {"name", "part"}),
        ("part&fields=price", {"part", "price"}),
        ("none", set()),
        ("", set()),
    ],
)
def test_fields(client: httpx.Client, made: Make, fields: str, members: set[str]) -> None:
    one = made(name="cup", price={"unit": "EUR", "value": 1.5}, part=[{"label": "ear"}])
    always = {"id", "href", "@type"}
    (listed,) = client.get(f"{GADGETS_AT}?fields={fields}").json()
    shown = client.get(f"{GADGETS_AT}/{one['id']}?fields={fields}").json()
    assert set(listed) == set(shown) == always | members
    assert listed["href"] == f"{PUBLIC_URL}{GADGETS_AT}/{one['id']}"


@pytest.mark.parametrize(
    ("query", "says"),
    [
        ("shape=round", "'shape' is no filter here; there are id, name, colour"),
        ("price=1", "no filter"),
        ("colour=pink", "red, green, blue"),
        ("colour.gt=red", "there is .eq"),
        ("weight.like=1", ".gte"),
        ("weight=1.0", "whole number"),
        ("weight=99999999999999999999", "whole number"),
        ("weight.gt=1,2", "one value"),
        ("made=yesterday", "2026-11-29T08:00:00Z"),
        ("made=2026-01-01T00:00:00", "zone"),
        ("made=2026-02-30T00:00:00Z", "exists"),
        ("made=9999-01-01T00:00:00Z", "years"),
        ("isNew=1", "true or false"),
        ("name=%00", "U+0000"),
        ("name=%ff", "UTF-8"),
        ("name=" + "x" * 81, "81 characters"),
        ("name=" + ",".join("x" * 60), "50 values"),
        ("x=" + "x" * 9000, "octets"),
        ("fields=shape", "no member"),
        ("sort=price", "sort has to be one of"),
        ("sort=part.label", "sort has to be one of"),
        ("sort=--name", "sort has to be one of"),
        ("sort=name&sort=id", "twice"),
        ("limit=0", "whole number from 1"),
        (f"limit={PAGE_MAX + 1}", f"to {PAGE_MAX}"),
        ("limit=1e3", "whole number"),
        ("limit=-1", "whole number"),
        ("offset=-1", "whole number"),
        ("offset=99999999999999999999999999", "whole number"),
        ("name=x'%20OR%20'1'='1&'%3B%20DROP%20TABLE%20test_gadget--=1", "no filter"),
    ],
)
def test_a_query_that_cant_be_is_refused(client: httpx.Client, query: str, says: str) -> None:
    answer = client.get(f"{GADGETS_AT}?{query}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["code"] == "invalidQuery"
    assert says in answer.json()["message"]


@pytest.mark.parametrize("text", ["x' OR '1'='1", "'; DROP TABLE test_gadget; --", '" OR 1=1', "%' OR name LIKE '%"])
def test_sql_in_a_filter_is_text(shelf: httpx.Client, text: str) -> None:
    answer = shelf.get(GADGETS_AT, params={"name": text, "part.label": text})
    assert (answer.status_code, answer.json()) == (200, [])
    assert len(names(shelf, "")) == 5
