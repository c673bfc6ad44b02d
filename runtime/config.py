"""Settings from a TOML file, the environment and flags, in that order; all mistakes are found before any is reported."""

import dataclasses
import difflib
import os
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from runtime.settings import Settings

ENVIRONMENT_PREFIX: Final = "FAREBOX_"
OTHER_VARIABLES: Final = frozenset(
    {"FAREBOX_SPECS", "FAREBOX_SPECS_REQUIRED", "FAREBOX_KILL_AT", "FAREBOX_CACHE", "FAREBOX_CONFIG"}
)
DEFAULT_FILE: Final = Path("farebox.toml")


class ConfigError(Exception):
    """The settings have mistakes; `problems` lists all of them, each with its place and remedy."""

    def __init__(self, problems: list[str]) -> None:
        self.problems = problems
        super().__init__("\n".join(problems))


def read_settings(
    file: Path | None = None,
    environment: Mapping[str, str] | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Settings:
    """The settings that hold. `flags` are values by 'section.field'. ConfigError with every mistake at once."""
    environment = os.environ if environment is None else environment
    problems: list[str] = []
    values = _read_file(file, problems)
    _add_environment(values, environment, problems)
    for name, value in (flags or {}).items():
        if value is not None:
            section, _, field_name = name.partition(".")
            values.setdefault(section, {})[field_name] = value
    settings = _build(Settings, values, "", problems)
    if problems or settings is None:
        raise ConfigError(problems)
    return typing.cast(Settings, settings)


def _read_file(file: Path | None, problems: list[str]) -> dict[str, Any]:
    path = file or (DEFAULT_FILE if DEFAULT_FILE.exists() else None)
    if path is None:
        return {}
    try:
        return tomllib.loads(path.read_text())
    except OSError as error:
        problems.append(f"{path}: can't be read ({error.strerror}): name another file with --config")
    except tomllib.TOMLDecodeError as error:
        problems.append(f"{path}: is not TOML: {error}")
    return {}


def _add_environment(values: dict[str, Any], environment: Mapping[str, str], problems: list[str]) -> None:
    sections = {item.name for item in dataclasses.fields(Settings)}
    for name, text in environment.items():
        if not name.startswith(ENVIRONMENT_PREFIX) or name in OTHER_VARIABLES:
            continue
        section, _, field_name = name.removeprefix(ENVIRONMENT_PREFIX).lower().partition("_")
        if section not in sections:
            known = ", ".join(sorted(sections))
            problems.append(f"environment {name}: no such section: FAREBOX_<SECTION>_<FIELD> with one of {known}")
            continue
        values.setdefault(section, {})[field_name] = text


def _build(kind: Any, values: Any, where: str, problems: list[str]) -> Any:
    """A dataclass of `kind` from a mapping; None where there are mistakes, which are appended to `problems`."""
    if not isinstance(values, Mapping):
        problems.append(f"{where}: is {values!r}: write a table [{where}]")
        return None
    hints = typing.get_type_hints(kind)
    known = {item.name: item for item in dataclasses.fields(kind)}
    for name in values:
        if name not in known:
            near = difflib.get_close_matches(name, known, 1)
            remedy = f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
            problems.append(f"{_join(where, name)}: no such setting: {remedy}")
    count = len(problems)
    found = {
        name: _convert(hints[name], values[name], _join(where, name), problems) for name in known if name in values
    }
    if len(problems) > count or any(name not in known for name in values):
        return None
    try:
        return kind(**found)
    except (TypeError, ValueError) as error:
        for line in str(error).splitlines():
            problems.append(f"{where}: {line}")
        return None


def _join(where: str, name: str) -> str:
    return f"{where}.{name}" if where else name


def _convert(hint: Any, value: Any, where: str, problems: list[str]) -> Any:
    """`value` as the type that the field has; text from the environment is read as that type."""
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint):
        return _build(hint, value, where, problems)
    if origin in (dict, Mapping) or (isinstance(origin, type) and issubclass(origin, Mapping)):
        return _convert_table(hint, value, where, problems)
    if origin in (list, tuple):
        return _convert_list(hint, value, where, problems)
    if origin in (typing.Union, types.UnionType):
        hint = next(option for option in typing.get_args(hint) if option is not type(None))
    if origin is typing.Literal:
        if value not in typing.get_args(hint):
            problems.append(f"{where}: is {value!r}: choose one of {', '.join(map(repr, typing.get_args(hint)))}")
        return value
    return _convert_plain(hint, value, where, problems)


def _convert_table(hint: Any, value: Any, where: str, problems: list[str]) -> Any:
    if not isinstance(value, Mapping):
        problems.append(f"{where}: is {value!r}: write a table a name, such as [{where}.<name>]")
        return {}
    item_hint = typing.get_args(hint)[1]
    return {name: _convert(item_hint, item, _join(where, name), problems) for name, item in value.items()}


def _convert_list(hint: Any, value: Any, where: str, problems: list[str]) -> Any:
    if isinstance(value, str):
        value = [part.strip() for part in value.split(",") if part.strip()]
    if not isinstance(value, list | tuple):
        problems.append(f"{where}: is {value!r}: write a list")
        return ()
    item_hint = typing.get_args(hint)[0]
    items = [_convert(item_hint, item, f"{where}[{index}]", problems) for index, item in enumerate(value)]
    return tuple(items) if typing.get_origin(hint) is tuple else items


_WORDS: Final = {
    "true": True,
    "yes": True,
    "1": True,
    "on": True,
    "false": False,
    "no": False,
    "0": False,
    "off": False,
}


def _convert_plain(hint: Any, value: Any, where: str, problems: list[str]) -> Any:
    if hint is bool:
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in _WORDS:
            return _WORDS[value.lower()]
        problems.append(f"{where}: is {value!r}: write true or false")
    elif hint is int:
        try:
            if not isinstance(value, bool | float):
                return int(value)
        except (TypeError, ValueError):
            pass
        problems.append(f"{where}: is {value!r}: write a whole number")
    elif hint is float:
        try:
            return float(value)
        except (TypeError, ValueError):
            problems.append(f"{where}: is {value!r}: write a number")
    elif hint is Path:
        return Path(value).expanduser()
    elif isinstance(value, str):
        return value
    else:
        problems.append(f"{where}: is {value!r}: write text in quotes")
    return value


def describe(settings: Any, where: str = "") -> list[tuple[str, str, str]]:
    """(name, value, meaning) of every setting, for `farebox config show`."""
    rows = []
    for item in dataclasses.fields(settings):
        value = getattr(settings, item.name)
        name = _join(where, item.name)
        if dataclasses.is_dataclass(value):
            rows.extend(describe(value, name))
        elif isinstance(value, Mapping) and value and dataclasses.is_dataclass(next(iter(value.values()))):
            for key, part in value.items():
                rows.extend(describe(part, _join(name, key)))
        else:
            rows.append((name, str(value), item.metadata.get("meaning", "")))
    return rows
