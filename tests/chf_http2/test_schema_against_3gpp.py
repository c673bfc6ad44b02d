"""The schema against the YAML of TS 32.291 and what it refers to: members, which are required, kinds, ranges and values."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import yaml

from chf_http2.openapi import openapi_document
from chf_http2.routes import SERVICES, Service
from chf_http2.schema import UNTYPED
from tests.reference.specifications import specifications

MAIN = "TS32291_Nchf_ConvergedCharging.yaml"
OFFLINE_ONLY = "TS32291_Nchf_OfflineOnlyCharging.yaml"
TOPS = ("ChargingDataRequest", "ChargingDataResponse", "ChargingNotifyRequest", "ChargingNotifyResponse")
DOCUMENT = openapi_document("https://chf.example")
OURS = DOCUMENT["components"]["schemas"]

RENAMED = {"5GLANTypeService": "LANTypeService5G", "5GMulticastService": "MulticastService5G"}
"""Types whose names are none in Python."""
SLIPS = {
    "edgeInfrastructureUsageChargingInformation'": "edgeInfrastructureUsageChargingInformation",
    "optionalCapability\xa0": "optionalCapability",
    "timeOfFirst Transmission": "timeOfFirstTransmission",
    "timeOfFirst Reception": "timeOfFirstReception",
}
"""Slips of the YAML's pen in names of members; TS 32.291 §6.1.6 has them as we do."""
ONLY_RELEASE_17 = {
    ("NSPAContainerInformation", "latency"),
    ("NSPAContainerInformation", "throughput"),
    ("NSPAContainerInformation", "maximumPacketLossRate"),
}
"""Members that Release 18 parted by direction. They are passed over, as unknown ones are."""
UNTYPED_MEMBERS = {(row.schema, row.member) for row in UNTYPED}


class Member(NamedTuple):
    """What is compared of a member."""

    kind: str
    target: str = ""
    minimum: float | None = None
    maximum: float | None = None
    values: frozenset[str] = frozenset()


class Release:
    """The files of one release, read as they are needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.files: dict[str, Any] = {}

    def read(self, file: str) -> Any:
        if file not in self.files:
            text = (self.folder / file).read_text()
            self.files[file] = yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return self.files[file]

    def resolve(self, schema: Any, file: str) -> tuple[Any, str, str]:
        """The schema that references lead to, its file, and its name when it is an object."""
        name = ""
        while "$ref" in schema:
            target, _, path = schema["$ref"].partition("#")
            file, name = target or file, path.rpartition("/")[2]
            schema = self.read(file)["components"]["schemas"][name]
        return schema, file, name

    def member(self, schema: Any, file: str) -> Member:
        """What a member is. YAML 1.1, which is read here, takes YES for true."""
        schema, file, name = self.resolve(schema, file)
        if "anyOf" in schema and "enum" in schema["anyOf"][0]:
            values = ({True: "YES", False: "NO"}.get(value, value) for value in schema["anyOf"][0]["enum"])
            words = (word for value in values for word in value.split() if word != "-")
            return Member("string", values=frozenset(words))  # TriggerType has two values in one
        if "anyOf" in schema and "properties" not in schema:
            return self.member(schema["anyOf"][0], file)  # or null
        if schema["type"] == "array":
            inner = self.member(schema["items"], file)
            return inner._replace(kind=f"array of {inner.kind}")
        if "additionalProperties" in schema:
            inner = self.member(schema["additionalProperties"], file)
            return inner._replace(kind=f"map of {inner.kind}")
        if schema["type"] == "object":
            return Member("object", RENAMED.get(name, name))
        values = frozenset(schema.get("enum", ()))
        return Member(schema["type"], "", schema.get("minimum"), schema.get("maximum"), values)

    def objects(self) -> Iterator[tuple[str, str, Any]]:
        """Name, file and schema of each object that a body may hold; below untyped members nothing is looked at."""
        problem = ("TS29571_CommonData.yaml", "ProblemDetails")
        todo, seen = [(MAIN, name) for name in TOPS] + [problem], set()
        while todo:
            at = todo.pop()
            if at in seen:
                continue
            seen.add(at)
            file, name = at
            schema = self.read(file)["components"]["schemas"][name]
            yield name, file, schema
            for member, inner in schema.get("properties", {}).items():
                if (name, member) not in UNTYPED_MEMBERS:
                    todo += self.objects_below(inner, file)

    def objects_below(self, schema: Any, file: str) -> list[tuple[str, str]]:
        if "$ref" in schema:
            _, _, name = self.resolve({"$ref": schema["$ref"]}, file)
            resolved, file, name = self.resolve(schema, file)
            if "properties" in resolved:
                return [(file, name)]
            return self.objects_below(resolved, file)
        inner = schema.get("items") or schema.get("additionalProperties") or next(iter(schema.get("anyOf", ())), None)
        return self.objects_below(inner, file) if isinstance(inner, dict) else []


def our_member(schema: Any) -> Member:
    """The same of our document."""
    if "$ref" in schema:
        return Member("object", schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return Member("string", values=frozenset(schema["anyOf"][0]["enum"]))
    if schema["type"] == "array":
        inner = our_member(schema["items"])
        return inner._replace(kind=f"array of {inner.kind}")
    if isinstance(schema.get("additionalProperties"), dict) and schema["additionalProperties"]:
        inner = our_member(schema["additionalProperties"])
        return inner._replace(kind=f"map of {inner.kind}")
    return Member(schema["type"], "", schema.get("minimum"), schema.get("maximum"), frozenset(schema.get("enum", ())))


@pytest.fixture(scope="module", params=["rel17", "rel18"])
def release(request: pytest.FixtureRequest) -> Release:
    return Release(specifications() / "3gpp" / "openapi" / request.param)


def test_every_object_has_the_members_of_the_specification(release: Release) -> None:
    is_newest = release.folder.name == "rel18"
    faults, count = [], 0
    for name, _, schema in release.objects():
        ours = OURS[RENAMED.get(name, name)]
        names = {SLIPS.get(member, member) for member in schema.get("properties", {})}
        names -= {member for owner, member in ONLY_RELEASE_17 if owner == name and not is_newest}
        missing, invented = names - set(ours["properties"]), set(ours["properties"]) - names
        if missing or (invented and is_newest):
            faults.append(f"{name}: lacks {sorted(missing)}, has also {sorted(invented)}")
        required = set(schema.get("required", ())) & set(schema.get("properties", {}))  # ProSe's wants one it hasn't
        if required != set(ours.get("required", ())):
            faults.append(f"{name}: required {ours.get('required')}, not {schema.get('required')}")
        count += 1
    assert not faults
    assert count >= 110


def test_every_member_has_the_type_of_the_specification(release: Release) -> None:
    is_newest = release.folder.name == "rel18"
    faults, count = [], 0
    for name, file, schema in release.objects():
        ours = OURS[RENAMED.get(name, name)]["properties"]
        for member, inner in schema.get("properties", {}).items():
            if (name, member) in UNTYPED_MEMBERS | ONLY_RELEASE_17:
                continue
            wanted, have = release.member(inner, file), our_member(ours[SLIPS.get(member, member)])
            if not is_newest and wanted.values:  # values may be added
                assert wanted.values <= have.values, (name, member)
                wanted = wanted._replace(values=have.values)
            if wanted != have:
                faults.append(f"{name}.{member}: {have}, not {wanted}")
            count += 1
    assert not faults
    assert count >= 700


def test_every_type_of_ours_is_one_of_the_specification() -> None:
    newest = Release(specifications() / "3gpp" / "openapi" / "rel18")
    assert set(OURS) == {RENAMED.get(name, name) for name, _, _ in newest.objects()}


def test_untyped_members_are_objects_and_no_others_are(release: Release) -> None:
    """What UNTYPED lists is there, and nothing else of ours is an object without members."""
    untyped = {
        (name, member)
        for name, schema in OURS.items()
        for member, inner in schema["properties"].items()
        if re.search(r"'additionalProperties': \{\}|'type': 'object'\}", str(inner))
    }
    assert untyped == UNTYPED_MEMBERS
    assert len(UNTYPED_MEMBERS) == len(UNTYPED) == 5


@pytest.mark.parametrize("service", SERVICES, ids=lambda service: f"{service.name} {service.version}")
def test_paths_and_methods_are_those_of_the_specification(release: Release, service: Service) -> None:
    """Those of version 2, too: its paths are the same ones."""
    theirs = release.read(OFFLINE_ONLY if service.is_offline_only else MAIN)["paths"]
    base = f"/{service.name}/{service.version}"
    ours = {path.removeprefix(base): ways for path, ways in DOCUMENT["paths"].items() if path.startswith(base + "/")}
    assert {path: set(ways) for path, ways in theirs.items()} == {path: set(ways) for path, ways in ours.items()}
    for path in theirs:
        asked, described = theirs[path]["post"], ours[path]["post"]
        assert asked.get("callbacks", {}).keys() == described.get("callbacks", {}).keys()
        done = {status for status in asked["responses"] if status.startswith("2")}
        assert done == {status for status in described["responses"] if status.startswith("2")}
