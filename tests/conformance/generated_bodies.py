"""ChargingDataRequests that schemathesis makes of the specification: member by member, put together to bodies here.

A whole one takes it 100 to 500 ms to make: the schema has 350 types. Members of a ChargingDataRequest don't depend on each
other, so a body of valid members is valid; with an invalid one it is (most often) not. So thousands of bodies are made of
some hundred values, and each of those was made by the schema.
"""

from random import Random
from typing import Any, Final, NamedTuple

import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from schemathesis import Case, GenerationMode

REQUIRED: Final = ("nfConsumerIdentification", "invocationTimeStamp", "invocationSequenceNumber")
USED_UNITS: Final = "UsedUnitContainer"
MEMBERS_MAX: Final = 8
"""Optional members of a body: many are in all, few are in a body that a consumer sends."""
WHOLE: Final = "/whole"
REF: Final = "/ref"


class Counts(NamedTuple):
    """How many values are made of a member; large ones hold the information of a service."""

    small: int
    large: int


class Parts(NamedTuple):
    """Values by the name of their member; `whole` are invalid bodies as a whole, which may be no objects, or no JSON."""

    valid: dict[str, list[Any]]
    invalid: dict[str, list[Any]]
    containers: dict[str, list[Any]]
    """valid members of a UsedUnitContainer that are large"""
    whole: list[Any]
    refs: list[str]
    """texts that a path may have for a ChargingDataRef"""


def is_large(name: str) -> bool:
    """Is it the information of a service?"""
    return "Information" in name


def _made(operation: Any, mode: GenerationMode, count: int, number: int) -> list[Any]:
    """Bodies of an operation. `number` is the seed: the same one gives the same."""
    found: list[Any] = []

    # Nothing is searched for here, so nothing is shrunk; that drawing is slow and values are large, we know.
    @seed(number)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
    )
    @given(operation.as_strategy(generation_mode=mode))
    def collect(case: Case) -> None:
        found.append(case.body)

    collect()
    return found


def _document_of(document: dict[str, Any], members: dict[str, Any]) -> Any:
    """A document that has each member as the body of a path of its own."""
    paths = {
        path: {
            "post": {
                "requestBody": {"required": True, "content": {"application/json": {"schema": member}}},
                "responses": {"204": {"description": "none"}},
            }
        }
        for path, member in members.items()
    }
    return schemathesis.openapi.from_dict(document | {"paths": paths})


def parts_of(document: dict[str, Any], counts: Counts, number: int) -> Parts:
    """Values of all members of a release's ChargingDataRequest."""
    schemas = dict(document["components"]["schemas"])
    request = schemas["ChargingDataRequest"]
    used = schemas[USED_UNITS]["properties"]
    schemas[USED_UNITS] = schemas[USED_UNITS] | {
        "properties": {name: used[name] for name in used if not is_large(name)}
    }
    members = {f"/{name}": member for name, member in request["properties"].items()}
    containers = {f"/used/{name}": member for name, member in used.items() if is_large(name)}
    bare = request | {"properties": {name: request["properties"][name] for name in REQUIRED}}
    made_of = _document_of(
        document | {"components": document["components"] | {"schemas": schemas}},
        members | containers | {WHOLE: bare, REF: {"type": "string"}},
    )

    def values(path: str, mode: GenerationMode) -> list[Any]:
        return _made(made_of[path]["POST"], mode, counts.large if is_large(path) else counts.small, number)

    small = [path for path in members if not is_large(path)]
    return Parts(
        {path[1:]: values(path, GenerationMode.POSITIVE) for path in members},
        {path[1:]: values(path, GenerationMode.NEGATIVE) for path in small},
        {path.rpartition("/")[2]: values(path, GenerationMode.POSITIVE) for path in containers},
        values(WHOLE, GenerationMode.NEGATIVE),
        values(REF, GenerationMode.POSITIVE),
    )


def valid_body(parts: Parts, random: Random) -> dict[str, Any]:
    """A body that the specification allows."""
    optional = sorted(set(parts.valid) - set(REQUIRED))
    chosen = random.sample(optional, random.randint(0, min(MEMBERS_MAX, len(optional))))
    body = {name: random.choice(parts.valid[name]) for name in (*REQUIRED, *chosen)}
    usages = body.get("multipleUnitUsage")
    if usages:
        body["multipleUnitUsage"] = [with_information(usage, parts, random) for usage in usages]
    return body


def with_information(usage: dict[str, Any], parts: Parts, random: Random) -> dict[str, Any]:
    """A usage one of whose containers has the information of a service."""
    containers = list(usage.get("usedUnitContainer") or ())
    if containers:
        at, name = random.randrange(len(containers)), random.choice(sorted(parts.containers))
        containers[at] = containers[at] | {name: random.choice(parts.containers[name])}
        return usage | {"usedUnitContainer": containers}
    return usage


def invalid_body(parts: Parts, random: Random) -> Any:
    """A body that the specification forbids: as a whole, or a valid one with a member that is none."""
    if random.random() < 0.3:
        return random.choice(parts.whole)
    name = random.choice(sorted(parts.invalid))
    value = random.choice(parts.invalid[name])
    if isinstance(value, bytes):
        return value  # no JSON
    return valid_body(parts, random) | {name: value}
