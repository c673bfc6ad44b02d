"""A service of one release as one OpenAPI document, or a component of any file as one JSON schema: what the YAML
refers to in other files, brought in.

Callbacks stay out: they are what we send, not what we are asked.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

MAIN: Final = "TS32291_Nchf_ConvergedCharging.yaml"
OFFLINE_ONLY: Final = "TS32291_Nchf_OfflineOnlyCharging.yaml"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Place(NamedTuple):
    """Where a component is."""

    file: str
    section: str
    name: str

    def name_within(self, main: str) -> str:
        """What it is called in the bundle of a file: two files may have components of one name."""
        return self.name if self.file == main else f"{self.file.partition('_')[0]}_{self.name}"


_PROBLEM: Final = {"$ref": "TS29571_CommonData.yaml#/components/schemas/ProblemDetails"}
_JSON, _PROBLEM_JSON = "application/json", "application/problem+json"


def _rightly_typed(responses: dict[str, Any]) -> dict[str, Any]:
    """Responses of an operation with problems as TS 29.500 §5.2.7.1 has them: the offline-only YAML calls some of them JSON."""
    return {
        status: {**response, "content": {_PROBLEM_JSON: {"schema": _PROBLEM}}}
        if response.get("content") == {_JSON: {"schema": _PROBLEM}}
        else response
        for status, response in responses.items()
    }


@cache
def _loaded(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=_LOADER)


class _Bundle:
    def __init__(self, folder: Path, main: str) -> None:
        self._folder = folder
        self._main = main
        self._met: set[_Place] = set()
        self._todo: list[_Place] = []

    def read(self, file: str) -> Any:
        """A file of the release; FileNotFoundError names one that isn't there."""
        return _loaded(self._folder / file)

    def bring(self, part: Any, file: str) -> Any:
        """A part of a file with references into the bundle."""
        if isinstance(part, list):
            return [self.bring(item, file) for item in part]
        if not isinstance(part, dict):
            return part
        if not isinstance(part.get("$ref"), str):
            return {key: self.bring(value, file) for key, value in part.items()}
        target, _, pointer = part["$ref"].partition("#/components/")
        section, _, name = pointer.partition("/")
        place = _Place(target or file, section, name)
        if place not in self._met:
            self._met.add(place)
            self._todo.append(place)
        return {"$ref": f"#/components/{section}/{place.name_within(self._main)}"}

    def components(self) -> dict[str, dict[str, Any]]:
        """All that was referred to, and what that refers to."""
        found: dict[str, dict[str, Any]] = {}
        while self._todo:
            place = self._todo.pop()
            part = self.read(place.file)["components"][place.section][place.name]
            found.setdefault(place.section, {})[place.name_within(self._main)] = self.bring(part, place.file)
        return found


def bundled(folder: Path, file: str = MAIN) -> dict[str, Any]:
    """The document of a service in a release's folder of YAML files."""
    bundle = _Bundle(folder, file)
    main = bundle.read(file)
    posts = {path: methods["post"] for path, methods in main["paths"].items()}
    paths = {}
    for path, post in posts.items():
        asked = {key: part for key, part in post.items() if key != "callbacks"}
        asked["responses"] = _rightly_typed(asked["responses"])
        paths[path] = {"post": bundle.bring(asked, file)}
    return {"openapi": main["openapi"], "info": main["info"], "paths": paths, "components": bundle.components()}


def component_schema(folder: Path, file: str, name: str) -> dict[str, Any]:
    """A JSON schema of one component of any file of a release, whole in itself."""
    bundle = _Bundle(folder, MAIN)
    top = bundle.bring({"$ref": f"{file}#/components/schemas/{name}"}, file)
    return {**top, "components": bundle.components()}
