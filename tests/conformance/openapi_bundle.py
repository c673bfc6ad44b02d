"""Nchf_ConvergedCharging of one release as one OpenAPI document, or a component of any file as one JSON schema: what the YAML
refers to in other files, brought in.

Callbacks stay out: they are what we send, not what we are asked.
"""

from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

import yaml

MAIN: Final = "TS32291_Nchf_ConvergedCharging.yaml"
_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Place(NamedTuple):
    """Where a component is."""

    file: str
    section: str
    name: str

    @property
    def bundled_name(self) -> str:
        """What it is called in the bundle: two files may have components of one name."""
        return self.name if self.file == MAIN else f"{self.file.partition('_')[0]}_{self.name}"


@cache
def _loaded(path: Path) -> Any:
    return yaml.load(path.read_text(), Loader=_LOADER)


class _Bundle:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
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
        return {"$ref": f"#/components/{section}/{place.bundled_name}"}

    def components(self) -> dict[str, dict[str, Any]]:
        """All that was referred to, and what that refers to."""
        found: dict[str, dict[str, Any]] = {}
        while self._todo:
            place = self._todo.pop()
            part = self.read(place.file)["components"][place.section][place.name]
            found.setdefault(place.section, {})[place.bundled_name] = self.bring(part, place.file)
        return found


def bundled(folder: Path) -> dict[str, Any]:
    """The document of a release's folder of YAML files."""
    bundle = _Bundle(folder)
    main = bundle.read(MAIN)
    posts = {path: methods["post"] for path, methods in main["paths"].items()}
    paths = {
        path: {"post": bundle.bring({key: part for key, part in post.items() if key != "callbacks"}, MAIN)}
        for path, post in posts.items()
    }
    return {"openapi": main["openapi"], "info": main["info"], "paths": paths, "components": bundle.components()}


def component_schema(folder: Path, file: str, name: str) -> dict[str, Any]:
    """A JSON schema of one component of any file of a release, whole in itself."""
    bundle = _Bundle(folder)
    top = bundle.bring({"$ref": f"{file}#/components/schemas/{name}"}, file)
    return {**top, "components": bundle.components()}
